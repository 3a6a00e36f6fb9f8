/**
 * SYNs that wait for their listener's owner to say whether they are to be answered: a SYN-ACK would promise what only the owner
 * knows, that there is somebody to talk to. What the client sends meanwhile is absorbed, and nothing leaves. The owner hears
 * of everything from `poll`, and what it says is done in `poll`, whose time is right.
 */
import type { Instant } from "../base/time.ts";
import type { PacketRemark } from "../base/device.ts";
import type { Ipv4Address } from "../wire/address.ts";
import { seqAdd } from "../wire/seq.ts";
import { ACK, createTcpSegment, RST, SYN, type TcpSegment } from "../wire/tcp-segment.ts";
import type { TcpConnection } from "../tcp/connection.ts";
import { type Endpoint, EVENT_ESTABLISHED } from "../tcp/endpoint.ts";
import type { Counters } from "./counters.ts";
import type { HalfOpen } from "./half-open.ts";
import type { PacketOutput } from "./packet-output.ts";

/** ms: as long as a client with Linux's six repetitions of its SYN asks. */
export const HOLD_LIMIT = 127_000;

/** What the client is told: a RST, nothing at all, or ICMP destination unreachable with the code for a host or a network. */
export type Refusal = "reset" | "silence" | "host-unreachable" | "net-unreachable";

/** A SYN that waits for its word; the rest of the handshake, and what is repeated meanwhile, is the stack's. */
export interface HeldSyn {
  readonly localAddress: Ipv4Address;
  readonly localPort: number;
  readonly remoteAddress: Ipv4Address;
  readonly remotePort: number;
  /** Why there will be no connection of it; null while there may be, and when there is one. */
  readonly ended: string | null;
  /** The SYN-ACK may leave. The first word counts, and none does once it is over. */
  accept(): void;
  /** There will be no connection. */
  refuse(how: Refusal): void;
}

/** Told from `poll`. */
export interface SynOwner {
  /** A SYN that nothing was answered to yet. */
  onSyn(syn: HeldSyn): void;
  /**
   * What came of a SYN that was not refused: its connection, to be given an owner within this call (else it is aborted), or null,
   * and `syn.ended` says why.
   */
  onSynOver(syn: HeldSyn, endpoint: Endpoint | null): void;
}

export interface HeldSynsParts {
  readonly counters: Counters;
  readonly output: PacketOutput;
  /** ICMP destination unreachable to the sender of the SYN. */
  unreachable(h: HalfOpen, toNet: boolean, now: Instant): void;
  /** A poll is wanted; and one in which `c` has its turn. */
  wake(): void;
  mark(c: TcpConnection): void;
}

/** What the SYN queue does for it: the SYN-ACK; and the end of the entry, which comes back here as {@link HeldSyns.end}. */
export interface HeldSynsQueue {
  answer(h: HalfOpen, now: Instant): void;
  forget(h: HalfOpen, why: string, now: Instant): void;
}

class Held implements HeldSyn {
  readonly localAddress: Ipv4Address;
  readonly localPort: number;
  readonly remoteAddress: Ipv4Address;
  readonly remotePort: number;
  ended: string | null = null;
  readonly half: HalfOpen;
  readonly owner: SynOwner;
  verdict: Refusal | "accept" | null = null;
  /** The owner knows of it; what it said was done. */
  told = false;
  done = false;
  connection: TcpConnection | null = null;
  /** Stands in the list of what is to be done. */
  queued = false;
  private readonly decided: (held: Held) => void;

  constructor(half: HalfOpen, owner: SynOwner, decided: (held: Held) => void) {
    this.half = half;
    this.localAddress = half.local;
    this.localPort = half.localPort;
    this.remoteAddress = half.remote;
    this.remotePort = half.remotePort;
    this.owner = owner;
    this.decided = decided;
  }

  accept(): void {
    this.decide("accept");
  }

  refuse(how: Refusal): void {
    this.decide(how);
  }

  private decide(verdict: Refusal | "accept"): void {
    if (this.verdict !== null || this.ended !== null) return;
    this.verdict = verdict;
    this.decided(this);
  }
}

export class HeldSyns {
  private readonly p: HeldSynsParts;
  private readonly queue: HeldSynsQueue;
  private readonly syn: TcpSegment = createTcpSegment();
  /** From the SYN to the connection, or to the end: so long the owner has something waiting for it. */
  private readonly held = new Map<HalfOpen, Held>();
  private readonly due: Held[] = [];
  private readonly decided = (held: Held): void => {
    this.enqueue(held);
    this.p.wake();
  };

  constructor(parts: HeldSynsParts, queue: HeldSynsQueue) {
    this.p = parts;
    this.queue = queue;
  }

  /** Nothing is to be told or done. */
  get isIdle(): boolean {
    return this.due.length === 0;
  }

  get size(): number {
    return this.held.size;
  }

  add(h: HalfOpen, owner: SynOwner): void {
    const held = new Held(h, owner, this.decided);
    this.held.set(h, held);
    this.enqueue(held);
  }

  /** True while nothing was sent in answer to it. */
  isUndecided(h: HalfOpen): boolean {
    const held = this.held.get(h);
    return held !== undefined && !held.done;
  }

  /** Its connection, which is told of in the next turn instead of by the accept queue. Whether it was one that is held. */
  becomes(h: HalfOpen, c: TcpConnection): boolean {
    const held = this.held.get(h);
    if (held === undefined) return false;
    this.held.delete(h);
    held.connection = c;
    this.enqueue(held);
    return true;
  }

  /** There will be no connection. */
  end(h: HalfOpen, why: string): void {
    const held = this.held.get(h);
    if (held === undefined) return;
    this.held.delete(h);
    held.ended = why;
    // one that was refused is no news to who refused it, nor is one of which it never heard
    if (held.told && (held.verdict === null || held.verdict === "accept")) this.enqueue(held);
  }

  private enqueue(held: Held): void {
    if (held.queued) return;
    held.queued = true;
    this.due.push(held);
  }

  /** Does and tells what is due. */
  turn(now: Instant): void {
    while (this.due.length > 0) {
      const held = this.due.shift()!;
      held.queued = false;
      if (held.ended === null && !held.told) {
        held.told = true;
        held.owner.onSyn(held);
      } else if (held.connection !== null || held.ended !== null) this.tellEnd(held);
      if (held.verdict !== null && !held.done && held.ended === null) this.carryOut(held, now);
    }
  }

  private carryOut(held: Held, now: Instant): void {
    held.done = true;
    if (held.verdict === "accept") this.queue.answer(held.half, now);
    else this.refuse(held.half, held.verdict!, now);
  }

  /** Refuses it where nothing was sent in answer to it yet; else false. */
  endsUndecided(h: HalfOpen, now: Instant): boolean {
    if (!this.isUndecided(h)) return false;
    this.refuse(h, "reset", now);
    return true;
  }

  private refuse(h: HalfOpen, how: Refusal, now: Instant): void {
    const { counters, output } = this.p;
    counters.add("TcpExtTCPHeldSynRefused");
    if (how === "reset") output.reset(this.synOf(h));
    else if (how !== "silence") this.p.unreachable(h, how === "net-unreachable", now);
    this.queue.forget(h, "refused by the user", now);
  }

  /** The SYN again, as far as a RST in answer to it looks. */
  private synOf(h: HalfOpen): TcpSegment {
    const { syn } = this;
    syn.flags = SYN;
    syn.seq = h.irs;
    syn.source = h.remote;
    syn.sourcePort = h.remotePort;
    syn.destination = h.local;
    syn.destinationPort = h.localPort;
    return syn;
  }

  /** Its owner has said nothing: the client has given up by now. */
  onTimeout(h: HalfOpen, now: Instant): void {
    this.p.counters.add("TcpExtTCPHeldSynTimeouts");
    this.queue.forget(h, "held too long", now);
  }

  /** While nothing was sent, nothing of what comes needs an answer but an ACK, as of what was never sent (RFC 9293 §3.10.7.2). */
  onSegment(h: HalfOpen, s: TcpSegment, now: Instant): PacketRemark {
    const { counters, output } = this.p;
    if ((s.flags & RST) !== 0) {
      if (s.seq !== seqAdd(h.irs, 1)) return counters.drop("TcpInRsts", "reset of another SYN");
      counters.add("TcpExtEmbryonicRsts");
      this.queue.forget(h, "RST received", now);
      return null;
    }
    if ((s.flags & ACK) !== 0) {
      output.reset(s);
      return "refused: RST sent";
    }
    // the SYN-ACK is to time the last of them (RFC 7323 §4.3)
    if ((s.flags & SYN) !== 0 && s.seq === h.irs && s.hasTimestamps) h.tsRecent = s.tsVal;
    return counters.drop("TcpExtTCPHeldSynAgain", "its SYN is held");
  }

  private tellEnd(held: Held): void {
    const c = held.connection;
    if (c === null || c.dead) {
      if (c !== null) held.ended = c.error?.message ?? "closed at once";
      if (held.told) held.owner.onSynOver(held, null);
      return;
    }
    c.events &= ~EVENT_ESTABLISHED;
    held.owner.onSynOver(held, c);
    if (c.owner === null) c.abort();
    this.p.mark(c);
  }
}
