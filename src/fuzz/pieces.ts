/**
 * The target reassembly: text out of order, and fragments of datagrams, held against a memory of bytes that is too simple to be
 * wrong. An input's first byte says which; then four bytes each are a piece: where, how long, and what else.
 */
import type { Rng } from "../base/rng.ts";
import { instantOf } from "../base/time.ts";
import { FragmentReassembler } from "../stack/reassembly.ts";
import { Reassembly } from "../tcp/reassembly.ts";
import { createIpv4Header } from "../wire/ipv4.ts";
import { ipv4 } from "../wire/address.ts";
import { seq, seqAdd } from "../wire/seq.ts";
import { Broken, broken } from "./broken.ts";
import type { Outcome, RunOptions } from "./outcome.ts";
import type { Target } from "./target.ts";
import { TraceHash } from "./trace.ts";

const PIECE = 4;
const MOST = 400;
/** Bytes of the stream that is put together. */
const SPACE = 4096;
/** The stream's first number: it wraps in the middle. */
const FIRST = -2048;

export class ReassemblyTarget implements Target {
  readonly name = "reassembly";
  readonly about = "text out of order and fragments, against a plain memory";
  readonly maxLength: number = 1 + MOST * PIECE;
  private readonly bytes = new Uint8Array(70_000);

  run(data: Uint8Array, options: RunOptions = {}): Outcome {
    let step = 0;
    const hash = new TraceHash();
    const note = (at: number, value: number): void => {
      step = at;
      hash.byte(value);
    };
    try {
      if (((data[0] ?? 0) & 1) === 0) this.text(data, note);
      else this.fragments(data, note);
      if (options.trace !== true) return { violation: null, hash: "", trace: [] };
      return { violation: null, hash: hash.digits, trace: [] };
    } catch (error) {
      const rule = error instanceof Broken ? error.rule : "I1";
      const message = error instanceof Broken ? error.message : `thrown: ${String(error)}`;
      hash.text(message);
      const digits = options.trace === true ? hash.digits : "";
      return { violation: { rule, step, message }, hash: digits, trace: [] };
    }
  }

  private text(data: Uint8Array, note: (at: number, value: number) => void): void {
    const held = new Reassembly();
    // 0: not held; else which piece the byte is of, 1 to 255
    const plain = new Uint8Array(SPACE + 512);
    let next = 0;
    const count = Math.min(MOST, Math.floor((data.length - 1) / PIECE));
    for (let n = 0; n < count && next < SPACE; n++) {
      const at = 1 + n * PIECE;
      note(n, held.bytes & 255);
      const start = Math.max(next, ((data[at]! << 8) | data[at + 1]!) % SPACE);
      const length = 1 + (data[at + 2]! % 200);
      const mark = 1 + (n % 255);
      const piece = this.bytes.subarray(0, length).fill(mark);
      const before = held.bytes;
      const taken = held.insert(seq(FIRST + start), piece, 1 << 20);
      if (!taken && before !== held.bytes) broken("I6", "a refused piece was counted");
      if (taken) for (let i = start; i < start + length; i++) plain[i] ||= mark;
      if ((data[at + 3]! & 3) === 0) next = this.take(held, plain, next);
      this.compare(held, plain, next);
    }
    held.clear();
    if (held.bytes !== 0 || held.cost !== 0 || !held.isEmpty) broken("I6", "text left over");
  }

  /** The user's side: what stands at `next` (moved to the first byte held, as if the hole were filled). */
  private take(held: Reassembly, plain: Uint8Array, before: number): number {
    let next = before;
    while (next < plain.length && plain[next] === 0) next++;
    if (next === plain.length) return before;
    const ready = held.takeReady(seq(FIRST + next));
    if (ready === null) broken("I3", "text that is held is not given");
    for (const piece of ready!) {
      for (const byte of piece) {
        if (byte !== plain[next]) broken("I3", "a byte of another piece than the first that came");
        plain[next++] = 0;
      }
    }
    if (plain[next] !== 0 && next < plain.length) broken("I3", "less text is given than is held");
    return next;
  }

  private compare(held: Reassembly, plain: Uint8Array, next: number): void {
    let bytes = 0;
    let islands = 0;
    for (let i = next; i < plain.length; i++) {
      if (plain[i] === 0) continue;
      bytes++;
      if (i === next || plain[i - 1] === 0) islands++;
    }
    if (held.bytes !== bytes) broken("I6", `${held.bytes} bytes are counted and ${bytes} held`);
    if (held.isEmpty !== (islands === 0)) broken("I6", "emptiness is not what it seems");
    const blocks = new Int32Array(8);
    const count = held.sackBlocks(blocks, 4, 0);
    if (count !== Math.min(4, islands)) broken("I3", "a wrong number of SACK blocks");
    for (let k = 0; k < count; k++) this.block(held, plain, blocks[2 * k]!, blocks[2 * k + 1]!);
  }

  private block(held: Reassembly, plain: Uint8Array, left: number, right: number): void {
    const from = (left - FIRST) | 0;
    const to = (right - FIRST) | 0;
    for (let i = from; i < to; i++) if (plain[i] === 0) broken("I3", "a SACK block over a hole");
    if (from > 0 && plain[from - 1] !== 0) broken("I3", "a SACK block that begins late");
    if (plain[to] !== 0 && to < plain.length) broken("I3", "a SACK block that ends early");
    if (held.heldTo(seq(left)) !== seq(right)) broken("I3", "heldTo is not the block's end");
    const outside = seqAdd(seq(left), -1);
    if (held.firstHeld(outside, seq(right)) !== seq(left))
      broken("I3", "firstHeld is not its start");
  }

  /** Fragments of one datagram: whole only if each byte came once, and then byte for byte. */
  private fragments(data: Uint8Array, note: (at: number, value: number) => void): void {
    const limits = { highThreshBytes: 1 << 20, timeoutMs: 30_000 };
    const reassembler = new FragmentReassembler(limits);
    const h = createIpv4Header();
    h.source = ipv4(1);
    h.destination = ipv4(2);
    h.protocol = 6;
    const buffer = this.bytes;
    for (let i = 0; i < 20; i++) buffer[i] = i;
    const came = new Uint8Array(8192);
    let now = 0;
    const count = Math.min(MOST, Math.floor((data.length - 1) / PIECE));
    for (let n = 0; n < count; n++) {
      const at = 1 + n * PIECE;
      const unit = data[at]! & 31;
      const units = 1 + (data[at + 1]! & 7);
      const more = (data[at + 3]! & 1) === 0;
      const odd = more ? 0 : data[at + 2]! & 7;
      const length = units * 8 - odd;
      h.identification = data[at + 3]! >> 6;
      h.fragmentOffset = unit * 8;
      h.moreFragments = more;
      for (let i = 0; i < length; i++) buffer[20 + i] = (unit * 8 + i + h.identification) & 255;
      const result = reassembler.add(h, buffer, 20, length, instantOf(now));
      if (result.datagram !== null) this.whole(result.datagram, h.identification);
      came[unit] = 1;
      now += (data[at + 3]! >> 1) & 7;
      note(n, result.datagram === null ? (result.dropped?.length ?? 0) : 255);
    }
    reassembler.advance(instantOf(now + 30_000));
    if (reassembler.bytesHeld !== 0)
      broken("I6", `${reassembler.bytesHeld} bytes of fragments left`);
    if (reassembler.nextDeadline() !== Infinity) broken("I6", "a deadline without fragments");
  }

  private whole(datagram: Uint8Array, identification: number): void {
    for (let i = 20; i < datagram.length; i++) {
      if (datagram[i] !== ((i - 20 + identification) & 255))
        broken("I3", "a datagram put together wrong");
    }
  }

  generate(rng: Rng, out: Uint8Array): number {
    const length = 1 + PIECE * (1 + ((rng.i32() >>> 8) % 40));
    for (let i = 0; i < length; i++) out[i] = rng.i32() >>> 16;
    // pieces that meet
    if ((rng.i32() & 1) === 0) for (let i = 1; i < length; i += PIECE) out[i] = out[i]! & 1;
    return length;
  }

  mutate(rng: Rng, out: Uint8Array, length: number, other: Uint8Array): number {
    const bits = rng.i32();
    if (length === 0) return this.generate(rng, out);
    for (let n = (bits >>> 4) & 3; n >= 0; n--) {
      const more = rng.i32();
      out[(more >>> 8) % length] = more;
    }
    if ((bits & 3) !== 0) return length;
    // the end of another
    const from = 1 + PIECE * ((bits >>> 8) % Math.ceil(length / PIECE));
    const size = Math.min(other.length - from, this.maxLength - from);
    if (size <= 0) return length;
    out.set(other.subarray(from, from + size), from);
    return Math.min(from, length) + size;
  }

  toJson(data: Uint8Array): unknown {
    const kind = ((data[0] ?? 0) & 1) === 0 ? "text" : "fragments";
    const pieces: number[][] = [];
    for (let at = 1; at + PIECE <= data.length; at += PIECE)
      pieces.push([...data.subarray(at, at + PIECE)]);
    return { kind, pieces };
  }

  fromJson(json: unknown): Uint8Array {
    const { kind, pieces } = json as { kind?: unknown; pieces?: unknown };
    if ((kind !== "text" && kind !== "fragments") || !Array.isArray(pieces))
      throw new RangeError('kind ("text" or "fragments") and pieces (lists of 4 bytes) are wanted');
    return Uint8Array.from([kind === "text" ? 0 : 1, ...(pieces as number[][]).flat()]);
  }
}
