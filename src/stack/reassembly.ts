/**
 * Fragments (RFC 791, RFC 815), within caps: an overlap that is not an exact repeat spoils the datagram and all its
 * fragments to come (RFC 5722's rule); time runs from the first fragment and is never extended.
 */
import { after, type Instant, NEVER } from "../base/time.ts";
import { type Ipv4Header, IPV4_HEADER, writeIpv4 } from "../wire/ipv4.ts";

/** Pieces a datagram may come in; 65,535 bytes at the least MTU of 576 are 119. */
const MAX_FRAGMENTS = 128;
const MAX_QUEUES = 1024;
/** True cost of a queue and of a piece beside the bytes. */
const QUEUE_COST = 512;
const PIECE_COST = 160;

/** ECN codepoint "congestion experienced", in the TOS byte. */
const CE = 3;
/** No sender marks half of a datagram as ECN-capable (RFC 3168 §5.3: to be dropped). */
const CE_AND_NOT_ECT = (1 << CE) | 1;

interface Piece {
  readonly from: number;
  readonly to: number;
  readonly bytes: Uint8Array;
}

interface Queue {
  readonly key: string;
  readonly expires: Instant;
  pieces: Piece[];
  /** Bytes of the whole, once the last fragment was seen; -1 before. */
  total: number;
  held: number;
  cost: number;
  /** An overlap: everything more is refused. */
  spoiled: boolean;
  /** Header and first 8 bytes of the first fragment as it came, for an ICMP error. */
  quote: Uint8Array | null;
  /** TOS and TTL of the fragment at offset 0, whose header the whole gets (RFC 791 §3.2). */
  tos: number;
  ttl: number;
  /** A bit for each ECN codepoint that came. */
  ecn: number;
}

export interface ReassemblyResult {
  /** The whole datagram with a header of 20 bytes, when this fragment completed it. */
  readonly datagram: Uint8Array | null;
  /** Why the fragment was refused. */
  readonly dropped: string | null;
}

const WAITING: ReassemblyResult = { datagram: null, dropped: null };

function dropped(why: string): ReassemblyResult {
  return { datagram: null, dropped: why };
}

export interface ReassemblyLimits {
  readonly highThreshBytes: number;
  readonly timeoutMs: number;
}

export class FragmentReassembler {
  private readonly limits: ReassemblyLimits;
  /** In order of arrival, which is the order of expiry. */
  private readonly queues = new Map<string, Queue>();
  private cost = 0;

  constructor(limits: ReassemblyLimits) {
    this.limits = limits;
  }

  get bytesHeld(): number {
    return this.cost;
  }

  /** A fragment whose payload is buffer[offset .. offset + length), its header before that. */
  add(
    h: Ipv4Header,
    buffer: Uint8Array,
    offset: number,
    length: number,
    now: Instant,
  ): ReassemblyResult {
    if (length === 0) return dropped("empty fragment");
    if (h.moreFragments && length % 8 !== 0) return dropped("fragment of a bad length");
    const from = h.fragmentOffset;
    const to = from + length;
    const key = keyOf(h);
    const known = this.queues.get(key);
    if (to + IPV4_HEADER > 65535) {
      if (known !== undefined) this.spoil(known);
      return dropped("fragment past 65535");
    }
    const queue = known ?? this.open(key, now);
    if (queue.spoiled) return dropped("overlapping fragments");
    return this.take(queue, h, buffer, offset, from, to);
  }

  private take(
    queue: Queue,
    h: Ipv4Header,
    buffer: Uint8Array,
    offset: number,
    from: number,
    to: number,
  ): ReassemblyResult {
    const at = place(queue.pieces, from);
    const same = queue.pieces[at];
    if (same !== undefined && same.from === from && same.to === to) {
      return equal(same.bytes, buffer, offset) ? WAITING : this.refuse(queue);
    }
    if (conflicts(queue, at, from, to, h.moreFragments)) return this.refuse(queue);
    if (queue.pieces.length >= MAX_FRAGMENTS) {
      this.spoil(queue);
      return dropped("too many fragments");
    }
    const bytes = buffer.slice(offset, offset + to - from);
    queue.pieces.splice(at, 0, { from, to, bytes });
    queue.held += bytes.length;
    this.charge(queue, bytes.length + PIECE_COST);
    if (!h.moreFragments) queue.total = to;
    queue.ecn |= 1 << (h.tos & 3);
    if (from === 0) {
      queue.quote = buffer.slice(offset - h.headerLength, offset + 8);
      queue.tos = h.tos;
      queue.ttl = h.ttl;
    }
    if (queue.held !== queue.total) {
      this.evict(queue);
      return WAITING;
    }
    this.remove(queue);
    if ((queue.ecn & CE_AND_NOT_ECT) === CE_AND_NOT_ECT) return dropped("fragments of mixed ECN");
    return { datagram: join(queue, h), dropped: null };
  }

  /** A whole datagram came under the key of one in pieces: its pieces are not waited for (RFC 791 §3.2). */
  release(h: Ipv4Header): void {
    if (this.queues.size === 0) return;
    const queue = this.queues.get(keyOf(h));
    if (queue !== undefined && !queue.spoiled) this.remove(queue);
  }

  /** Datagrams whose time is over; what is returned quotes those whose first fragment had come. */
  advance(now: Instant): Uint8Array[] {
    const quotes: Uint8Array[] = [];
    for (const queue of this.queues.values()) {
      if (queue.expires > now) break;
      if (queue.quote !== null && !queue.spoiled) quotes.push(queue.quote);
      this.remove(queue);
    }
    return quotes;
  }

  nextDeadline(): Instant {
    for (const queue of this.queues.values()) return queue.expires;
    return NEVER;
  }

  private open(key: string, now: Instant): Queue {
    if (this.queues.size >= MAX_QUEUES) this.removeOldest(null);
    const queue: Queue = {
      key,
      expires: after(now, this.limits.timeoutMs),
      pieces: [],
      total: -1,
      held: 0,
      cost: 0,
      spoiled: false,
      quote: null,
      tos: 0,
      ttl: 0,
      ecn: 0,
    };
    this.queues.set(key, queue);
    this.charge(queue, QUEUE_COST);
    return queue;
  }

  private refuse(queue: Queue): ReassemblyResult {
    this.spoil(queue);
    return dropped("overlapping fragments");
  }

  /** Frees what is held and remembers the key until its time is over. */
  private spoil(queue: Queue): void {
    queue.spoiled = true;
    queue.pieces = [];
    queue.quote = null;
    this.charge(queue, QUEUE_COST - queue.cost);
  }

  private charge(queue: Queue, bytes: number): void {
    queue.cost += bytes;
    this.cost += bytes;
  }

  private evict(keep: Queue): void {
    while (this.cost > this.limits.highThreshBytes && this.queues.size > 1) this.removeOldest(keep);
  }

  private removeOldest(keep: Queue | null): void {
    for (const queue of this.queues.values()) {
      if (queue === keep) continue;
      this.remove(queue);
      return;
    }
  }

  private remove(queue: Queue): void {
    this.queues.delete(queue.key);
    this.cost -= queue.cost;
  }
}

function keyOf(h: Ipv4Header): string {
  return `${h.source},${h.destination},${h.protocol},${h.identification}`;
}

/** Whether [from, to) overlaps a neighbour of place `at`, or contradicts where the datagram ends. */
function conflicts(queue: Queue, at: number, from: number, to: number, more: boolean): boolean {
  const { pieces, total } = queue;
  if (at > 0 && pieces[at - 1]!.to > from) return true;
  if (at < pieces.length && pieces[at]!.from < to) return true;
  if (total >= 0 && (to > total || (!more && to !== total))) return true;
  return !more && pieces.length > 0 && pieces[pieces.length - 1]!.to > to;
}

/** Index of the first piece that begins at or beyond `from`. */
function place(pieces: readonly Piece[], from: number): number {
  let low = 0;
  let high = pieces.length;
  while (low < high) {
    const mid = (low + high) >> 1;
    if (pieces[mid]!.from >= from) high = mid;
    else low = mid + 1;
  }
  return low;
}

function equal(a: Uint8Array, b: Uint8Array, offset: number): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[offset + i]) return false;
  return true;
}

function join(queue: Queue, h: Ipv4Header): Uint8Array {
  const whole = new Uint8Array(IPV4_HEADER + queue.total);
  // congestion that one fragment met is the whole's (RFC 3168 §5.3)
  const tos = (queue.ecn & (1 << CE)) === 0 ? queue.tos : queue.tos | CE;
  header(h, whole, whole.length, tos, queue.ttl);
  for (const piece of queue.pieces) whole.set(piece.bytes, IPV4_HEADER + piece.from);
  return whole;
}

function header(h: Ipv4Header, to: Uint8Array, length: number, tos: number, ttl: number): void {
  writeIpv4(to, 0, length, tos, h.identification, false, ttl, h.protocol, h.source, h.destination);
}
