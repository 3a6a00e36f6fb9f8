/** The targets codec and options: the parsers of wire, one input after the other in place, about a million a second. */
import type { Rng } from "../base/rng.ts";
import { Broken, broken } from "./broken.ts";
import { put16, put32, sealIp, sealTcp, sum } from "./bytes.ts";
import type { Outcome, RunOptions } from "./outcome.ts";
import { probeFormat, probeOptions, probePacket, roundTrip } from "./parse-probe.ts";
import type { Target, TargetName } from "./target.ts";
import { TraceHash } from "./trace.ts";

/** Where the input lies in the two memories: an odd place, so that no view of words begins there. */
const AT = 65;
const ROOM = 2048;
const MAX_PACKET = 1600;
const MAX_OPTIONS = 40;
/** Bytes within which checksums lie: a header of 60 and 18 of the next. */
const HEADERS = 80;
/** Changes on top of each other before the burst begins with a fresh packet. */
const WALK = 32;

const FINE: Outcome = { violation: null, hash: "", trace: [] };

abstract class Parsers implements Target {
  abstract readonly name: TargetName;
  abstract readonly about: string;
  readonly maxLength: number;
  /** The same input among zeros and among ones. */
  protected readonly low: Uint8Array = new Uint8Array(ROOM);
  protected readonly high: Uint8Array = new Uint8Array(ROOM).fill(255);
  protected length = 0;
  private count = 0;

  constructor(maxLength: number) {
    this.maxLength = maxLength;
  }

  /** Both memories; throws a {@link Broken}. */
  protected abstract probe(thorough: boolean): void;
  /** Sums anew, so that a change is what is wrong and not they. */
  protected abstract repair(b: Uint8Array, length: number): void;
  protected abstract readonly samples: readonly Uint8Array[];

  protected compare(one: number | string, other: number | string): void {
    if (one !== other) broken("I1", "read outside: what stands beside the input is read");
  }

  private load(data: Uint8Array): void {
    this.low.fill(0);
    this.high.fill(255);
    this.length = Math.min(data.length, this.maxLength);
    for (let i = 0; i < this.length; i++) this.low[AT + i] = this.high[AT + i] = data[i]!;
  }

  run(data: Uint8Array, options: RunOptions = {}): Outcome {
    this.load(data);
    try {
      this.probe(true);
      if (options.trace !== true) return FINE;
      return { violation: null, hash: hashOf(data, ""), trace: [] };
    } catch (error) {
      const rule = error instanceof Broken ? error.rule : "I1";
      const message = error instanceof Broken ? error.message : `thrown: ${String(error)}`;
      const hash = options.trace === true ? hashOf(data, message) : "";
      return { violation: { rule, step: 0, message }, hash, trace: [] };
    }
  }

  /** Runs `count` inputs, each the one before with some bytes changed; a failing one, or null. */
  burst(rng: Rng, count: number): Uint8Array | null {
    const { low, high } = this;
    try {
      for (let n = 0; n < count; n++) {
        if (n % WALK === 0) this.load(this.samples[(rng.i32() >>> 8) % this.samples.length]!);
        this.change(rng);
        this.count++;
        if ((this.count & 7) !== 0) {
          this.repair(low, this.length);
          for (let i = 0; i < this.length && i < HEADERS; i++) high[AT + i] = low[AT + i]!;
        }
        this.probe((this.count & 63) === 0);
      }
      return null;
    } catch {
      return low.slice(AT, AT + this.length);
    }
  }

  /** One to three bytes, or the length. */
  private change(rng: Rng): void {
    const bits = rng.i32();
    if ((bits & 31) === 0) {
      this.resize((bits >>> 5) % (this.maxLength + 1));
      return;
    }
    // what is said first says most
    const reach = (bits & 32) === 0 ? Math.min(this.length, 64) : this.length;
    if (reach === 0) return;
    this.set((bits >>> 6) % reach, bits >>> 20);
    if ((bits & 64) === 0) return;
    const more = rng.i32();
    this.set((more & 0xffff) % reach, more >>> 16);
    if ((more & 0x1000000) === 0) this.set(((more >>> 8) & 0xffff) % reach, more >>> 20);
  }

  private set(at: number, value: number): void {
    this.low[AT + at] = value;
    this.high[AT + at] = value;
  }

  private resize(length: number): void {
    for (let i = length; i < this.length; i++) {
      this.low[AT + i] = 0;
      this.high[AT + i] = 255;
    }
    for (let i = this.length; i < length; i++) this.set(i, i);
    this.length = length;
  }

  generate(rng: Rng, out: Uint8Array): number {
    this.load(this.samples[(rng.i32() >>> 8) % this.samples.length]!);
    for (let n = (rng.i32() >>> 8) % 8; n >= 0; n--) this.change(rng);
    this.repair(this.low, this.length);
    out.set(this.low.subarray(AT, AT + this.length));
    return this.length;
  }

  mutate(rng: Rng, out: Uint8Array, length: number, other: Uint8Array): number {
    const bits = rng.i32();
    this.load(out.subarray(0, length));
    if ((bits & 15) === 0 && other.length > 0 && length > 0) {
      const from = (bits >>> 4) % Math.min(other.length, length);
      for (let i = from; i < Math.min(other.length, length); i++) this.set(i, other[i]!);
    }
    for (let n = (bits >>> 8) & 7; n >= 0; n--) this.change(rng);
    if ((bits & 0x30000) !== 0) this.repair(this.low, this.length);
    out.set(this.low.subarray(AT, AT + this.length));
    return this.length;
  }

  abstract toJson(data: Uint8Array): unknown;
  fromJson(json: unknown): Uint8Array {
    const hex = (json as { readonly hex?: unknown }).hex;
    if (typeof hex !== "string" || !/^([0-9a-f]{2})*$/i.test(hex))
      throw new RangeError("hex: pairs of hexadecimal digits are wanted");
    return Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
  }
}

function hexOf(data: Uint8Array): string {
  return Array.from(data, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function hashOf(data: Uint8Array, message: string): string {
  const hash = new TraceHash();
  for (const byte of data) hash.byte(byte);
  hash.text(message);
  return hash.digits;
}

export class CodecTarget extends Parsers {
  readonly name = "codec";
  readonly about = "the parsers of IPv4, TCP and ICMP";
  protected readonly samples: readonly Uint8Array[] = packets();
  private vouched = false;

  constructor() {
    super(MAX_PACKET);
  }

  protected probe(thorough: boolean): void {
    const { length } = this;
    this.vouched = !this.vouched;
    const one = probePacket(this.low, AT, length, this.vouched);
    this.compare(one, probePacket(this.high, AT, length, this.vouched));
    if (!thorough) return;
    this.compare(
      probePacket(this.low, AT, length, !this.vouched),
      probePacket(this.high, AT, length, !this.vouched),
    );
    roundTrip();
    this.compare(probeFormat(this.low, AT, length), probeFormat(this.high, AT, length));
  }

  protected repair(b: Uint8Array, length: number): void {
    if (length < 40) return;
    const packet = b.subarray(AT, AT + length);
    sealIp(packet, length);
    if (this.vouched && packet[9] === 6) sealTcp(packet, (packet[0]! & 15) * 4, length);
  }

  toJson(data: Uint8Array): unknown {
    return { hex: hexOf(data), line: probeFormat(data, 0, data.length) };
  }
}

export class OptionsTarget extends Parsers {
  readonly name = "options";
  readonly about = "the parser and the writer of TCP options";
  protected readonly samples: readonly Uint8Array[] = optionBytes();

  constructor() {
    super(MAX_OPTIONS);
  }

  protected probe(thorough: boolean): void {
    const one = probeOptions(this.low, AT, this.length);
    this.compare(one, probeOptions(this.high, AT, this.length));
    if (thorough) roundTrip();
  }

  protected repair(): void {
    // nothing is summed
  }

  toJson(data: Uint8Array): unknown {
    return { hex: hexOf(data) };
  }
}

function optionBytes(): Uint8Array[] {
  return [
    [],
    [2, 4, 5, 180],
    [2, 4, 5, 180, 4, 2, 8, 10, 0, 1, 2, 3, 4, 5, 6, 7, 1, 3, 3, 7],
    [1, 1, 8, 10, 127, 255, 255, 255, 128, 0, 0, 0],
    [1, 1, 5, 10, 0, 0, 0, 1, 0, 0, 5, 180],
    [1, 1, 5, 34, ...Array.from({ length: 32 }, (_, i) => i)],
    [34, 10, 1, 2, 3, 4, 5, 6, 7, 8, 1, 1],
    [34, 2, 28, 4, 0x80, 5, 1, 0],
    [28, 4, 0, 60, 253, 4, 1, 2],
    [3, 3, 255, 1, 2, 4, 0, 0],
  ].map((bytes) => Uint8Array.from(bytes));
}

/** One of each kind that the parsers tell apart. */
function packets(): Uint8Array[] {
  const all = optionBytes().map((options, i) => tcp(options, [], i * 7));
  all.push(tcp(Uint8Array.of(), [131, 7, 4, 192, 0, 2, 99, 0], 3));
  all.push(tcp(Uint8Array.of(), [131, 11, 12, 192, 0, 2, 99, 192, 0, 2, 98, 0], 3));
  all.push(tcp(Uint8Array.of(), [68, 8, 5, 0, 0, 0, 0, 0], 100));
  all.push(tcp(Uint8Array.of(), [1, 1, 1, 0], 0));
  all.push(icmp(8, 0, 20), icmp(3, 4, 28), icmp(11, 0, 28), icmp(12, 0, 0));
  const fragment = tcp(Uint8Array.of(), [], 64);
  put16(fragment, 6, 0x2010);
  sealIp(fragment, fragment.length);
  all.push(fragment);
  return all;
}

function ip(b: Uint8Array, protocol: number, header: number): void {
  b[0] = 0x40 | (header / 4);
  put16(b, 2, b.length);
  put16(b, 6, 0x4000);
  b[8] = 64;
  b[9] = protocol;
  put32(b, 12, 0xc0000201);
  put32(b, 16, 0xc0000202);
  sealIp(b, b.length);
}

function tcp(options: Uint8Array, ipOptions: readonly number[], text: number): Uint8Array {
  const at = 20 + ipOptions.length;
  const b = new Uint8Array(at + 20 + options.length + text);
  b.set(ipOptions, 20);
  put16(b, at, 40_000);
  put16(b, at + 2, 80);
  put32(b, at + 4, 0x7ffffff0);
  put32(b, at + 8, 0x80000010);
  b[at + 12] = ((20 + options.length) / 4) << 4;
  b[at + 13] = text > 0 ? 24 : 2;
  put16(b, at + 14, 65_535);
  b.set(options, at + 20);
  ip(b, 6, at);
  sealTcp(b, at, b.length);
  return b;
}

function icmp(type: number, code: number, body: number): Uint8Array {
  const b = new Uint8Array(28 + body);
  b[20] = type;
  b[21] = code;
  put16(b, 26, 1400);
  const quoted = tcp(Uint8Array.of(), [], 0);
  for (let i = 0; i < body; i++) b[28 + i] = quoted[i]!;
  put16(b, 22, 0xffff - sum(b, 20, b.length));
  ip(b, 1, 20);
  return b;
}
