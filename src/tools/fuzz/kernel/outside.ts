/**
 * Another TCP, of which nothing is known but an address and a port: what must hold of any, seen from outside, and how its answers differ
 * from ours. Its program is its own business, so sequences have no calls.
 */
import { setImmediate as turn, setTimeout as sleep } from "node:timers/promises";
import { namedRng } from "../../../base/rng.ts";
import {
  get16,
  get32,
  pseudoSum,
  put16,
  put32,
  sealIp,
  sealTcp,
  sum,
} from "../../../fuzz/bytes.ts";
import { createHead, encode, type Input, type Opening } from "../../../fuzz/input.ts";
import {
  ACK,
  LISTEN_PORT,
  PEER_ADDRESS,
  PEER_PORT,
  RST,
  STACK_ADDRESS,
} from "../../../fuzz/peer.ts";
import { createStep, OP_ANSWER, OP_CALL } from "../../../fuzz/step.ts";
import { inputToWords } from "../../../fuzz/words.ts";
import type { Ipv4Address } from "../../../wire/address.ts";
import { compare, type Difference } from "./compare.ts";
import { generate } from "./generate.ts";
import { OurStack } from "./ours.ts";
import { play, type Played } from "./play.ts";
import { type Heard, nothingHeard, type Subject } from "./subject.ts";
import { type Conversation, Wire } from "./wire.ts";

export interface OutsideOptions {
  readonly send: (packet: Uint8Array) => void;
  readonly address: Ipv4Address;
  readonly port: number;
  /** Ours. */
  readonly peer: Ipv4Address;
  readonly seed: number;
  readonly first: number;
  readonly sequences: number;
  readonly onProgress: (done: number) => void;
  readonly signal: AbortSignal;
}

export interface OutsideFinding {
  readonly sequence: number;
  /** A step of the sequence, counted from 0; -1: while opening. */
  readonly step: number;
  /** A rule of docs/fuzz.md. */
  readonly rule: "I2" | "I4" | "I8";
  readonly message: string;
  readonly input: unknown;
}

export interface OutsideReport {
  readonly seed: number;
  readonly sequences: number;
  readonly findings: readonly OutsideFinding[];
  /** Names of differences from our stack, and in how many sequences they were met. */
  readonly classes: Readonly<Record<string, number>>;
  /** Those without a name. */
  readonly differences: readonly { readonly sequence: number; readonly difference: Difference }[];
  readonly seconds: number;
}

const LANES = 50;
/** ms that a step is given, and the most that a peer's answer may take in the honest connection. */
const PACE = 4;
const LONG = 60;
const HONEST = 2000;
/** Sequences after which an honest peer comes by. */
const HONEST_EVERY = 100;
const FIRST_PORT = 1024;
const PORTS = 64_000;
/** Openings that need no program. */
const OPENINGS: readonly Opening[] = ["listen", "established", "syn-received", "close-wait"];

export class Outside {
  private readonly options: OutsideOptions;
  private readonly wire: Wire;
  private readonly findings: OutsideFinding[] = [];
  private readonly differences: { sequence: number; difference: Difference }[] = [];
  private readonly classes: Map<string, number> = new Map();
  private nextPort = 0;

  constructor(options: OutsideOptions) {
    this.options = options;
    const { send, address, port } = options;
    this.wire = new Wire({ send, address, servicePort: port });
  }

  receive(packet: Uint8Array): void {
    this.wire.receive(packet);
  }

  async run(): Promise<OutsideReport> {
    const { seed, first, sequences, onProgress, signal } = this.options;
    const started = Date.now();
    let next = first;
    let done = 0;
    await this.honest(first);
    const lane = async (): Promise<void> => {
      while (next < first + sequences && !signal.aborted) {
        const sequence = next++;
        await this.one(sequence);
        if (++done % HONEST_EVERY === 0) await this.honest(sequence);
        onProgress(done);
      }
    };
    await Promise.all(Array.from({ length: Math.min(LANES, sequences) }, lane));
    return {
      seed,
      sequences: done,
      findings: this.findings,
      classes: Object.fromEntries([...this.classes].toSorted(([, a], [, b]) => b - a)),
      differences: this.differences,
      seconds: (Date.now() - started) / 1000,
    };
  }

  private async one(sequence: number): Promise<void> {
    const input = sequenceOf(this.options.seed, sequence);
    const subject = new OutsideSubject(this.open(), (step, rule, message) => {
      this.findings.push({ sequence, step, rule, message, input: inputToWords(encode(input)) });
    });
    const theirs = await play(input, subject);
    const ours = await play(input, new OurStack(sequence));
    const { classes, unknown } = compare(withoutProgram(ours), withoutProgram(theirs));
    for (const name of classes) this.classes.set(name, (this.classes.get(name) ?? 0) + 1);
    if (unknown !== null) this.differences.push({ sequence, difference: unknown });
  }

  /** A handshake without a mistake, which must succeed whatever went before. */
  private async honest(sequence: number): Promise<void> {
    const input: Input = { head: { ...createHead(), opening: "syn-received" }, steps: [] };
    for (let waited = 0; waited < HONEST; waited += LONG) {
      const { answers } = await play(input, new OutsideSubject(this.open(), () => {}));
      if (answers.some(({ syns }) => syns.some((s) => s.includes("ack IRS+1")))) return;
    }
    const message = "a SYN of an honest peer is not answered";
    this.findings.push({ sequence, step: -1, rule: "I2", message, input: null });
  }

  private open(): Conversation {
    return this.wire.open(this.options.peer, FIRST_PORT + (this.nextPort++ % PORTS));
  }
}

function sequenceOf(seed: number, sequence: number): Input {
  const rng = namedRng(seed, `outside/${sequence}`);
  const { head, steps } = generate(rng);
  const opening = OPENINGS[(rng.i32() >>> 0) % OPENINGS.length]!;
  return {
    head: { ...head, opening },
    steps: steps.map((step) =>
      step.op === OP_CALL ? { ...createStep(), op: OP_ANSWER, window: 65535 } : step,
    ),
  };
}

/** What a program hears over there is not known. */
function withoutProgram(played: Played): Played {
  return { ...played, heard: nothingHeard() };
}

type Found = (step: number, rule: OutsideFinding["rule"], message: string) => void;

class OutsideSubject implements Subject {
  readonly packets: Uint8Array[];
  readonly heard: Heard = nothingHeard();
  readonly state = "";
  private readonly conversation: Conversation;
  private readonly found: Found;
  /** Packets that were delivered, and judged. */
  private delivered = 0;
  private wasReset = false;
  /** Where the other waits for us. */
  private heardAck: number | null = null;

  constructor(conversation: Conversation, found: Found) {
    this.conversation = conversation;
    this.packets = conversation.packets;
    this.found = found;
  }

  deliver(bytes: Uint8Array, length: number): void {
    this.delivered++;
    this.wasReset = length >= 40 && (bytes[33]! & RST) !== 0;
    this.conversation.deliver(bytes, length);
  }

  async settle(long: boolean): Promise<void> {
    await sleep(long ? LONG : PACE);
    for (let i = 0; i < 3; i++) await turn();
    this.judge();
  }

  connect(): void {}
  send(): void {}
  shutdown(): void {}
  close(): void {}
  abort(): void {}
  noDelay(): void {}

  opened(): Promise<void> {
    return Promise.resolve();
  }

  /** Nothing is left over there, as far as a RST can see to it. */
  dispose(): void {
    const { heardAck } = this;
    if (heardAck !== null) {
      const reset = resetAt(heardAck);
      this.conversation.deliver(reset, reset.length);
    }
    this.conversation.close();
  }

  private judge(): void {
    const step = this.delivered - 1;
    let resets = 0;
    for (const packet of this.packets) {
      const wrong = wrongSums(packet);
      if (wrong !== null) this.found(step, "I8", wrong);
      if ((packet[33]! & RST) !== 0) resets++;
      else if ((packet[33]! & ACK) !== 0) this.heardAck = get32(packet, 28);
    }
    if (resets > 0 && this.wasReset) this.found(step, "I4", "RST answered with RST");
    if (resets > 1) this.found(step, "I4", `several RSTs: ${resets} to one packet`);
    // what was judged once is not judged again
    if (this.packets.length > 0) this.wasReset = false;
  }
}

function resetAt(seq: number): Uint8Array {
  const b = new Uint8Array(40);
  b.set([0x45, 0, 0, 40, 0, 1, 0x40, 0, 64, 6]);
  put32(b, 12, PEER_ADDRESS);
  put32(b, 16, STACK_ADDRESS);
  put16(b, 20, PEER_PORT);
  put16(b, 22, LISTEN_PORT);
  put32(b, 24, seq);
  b[32] = 0x50;
  b[33] = RST;
  sealTcp(b, 20, 40);
  sealIp(b, 40);
  return b;
}

/** Null where lengths and checksums are right. */
function wrongSums(b: Uint8Array): string | null {
  if (get16(b, 2) !== b.length) return `wrong length: ${get16(b, 2)} in a packet of ${b.length}`;
  if (sum(b, 0, 20) !== 0xffff) return "wrong checksum: IPv4";
  if (sum(b, 20, b.length, pseudoSum(b, b.length - 20)) !== 0xffff) return "wrong checksum: TCP";
  return null;
}
