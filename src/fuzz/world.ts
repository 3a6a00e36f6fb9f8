/** One stack with its program, the peers, and a clock that is moved by hand; watched after each thing that happens. */
import { type PacketRemark, RX_KEEPABLE, RX_LENDABLE } from "../base/device.ts";
import { seededRng } from "../base/rng.ts";
import { type Instant, instantOf } from "../base/time.ts";
import { Stack } from "../stack/stack.ts";
import { ipv4 } from "../wire/address.ts";
import { broken } from "./broken.ts";
import { FuzzDevice } from "./device.ts";
import type { Head } from "./input.ts";
import { leftOver, waitsForNothing } from "./inside.ts";
import { Judgement } from "./judgement.ts";
import { Peer, STACK_ADDRESS } from "./peer.ts";
import { type Profile, PROFILES } from "./profiles.ts";
import { Program } from "./program.ts";
import {
  DELAY_AFTER_TIMER,
  DELAY_BEFORE_TIMER,
  DELAY_TIMER,
  DELAY_TIMERS,
  DELAYS,
  OP_CALL,
  OP_WAIT,
  type Step,
} from "./step.ts";
import { checkStream } from "./stream-rules.ts";
import { callWords, eventWords } from "./trace-words.ts";
import type { Trace } from "./trace.ts";

/** Expiries after which a delay ends early: a keep-alive of few ms would otherwise fill hours. */
const ENOUGH = 64;
/** Expiries without an end in sight once everything is closed. */
const TOO_MANY = 20_000;
/** ms within which everything ends once nobody speaks any more. */
const BOUND = 10 * 24 * 3_600_000;
/** How many packets of a batch may wait. */
const BATCH = 4;

export class World {
  readonly peer: Peer = new Peer();
  readonly program: Program = new Program(this.peer);
  readonly device: FuzzDevice = new FuzzDevice();
  /** Of states and answers: whom it watches packet by packet. */
  readonly judgement: Judgement = new Judgement(this.peer);
  stack!: Stack;
  now: Instant = instantOf(0);
  /** Which step is under way. */
  at = -1;
  trace: Trace | null = null;
  private profile: Profile = PROFILES[0]!;
  private waiting = 0;
  private readonly slots: Uint8Array[] = [];
  /** Counts of anything but traffic, for I7. */
  private counted = 0;
  private watchesCounters = false;

  private readonly deliver = (bytes: Uint8Array, length: number): void => {
    this.packet(bytes, length);
  };

  constructor() {
    this.device.onPacket = (bytes, length) => this.leaves(bytes, length);
  }

  begin(head: Head, trace: Trace | null): void {
    this.now = instantOf(0);
    this.at = -1;
    this.trace = trace;
    this.waiting = 0;
    this.counted = 0;
    const profile = PROFILES[head.profile]!;
    this.profile = profile;
    this.device.begin(profile);
    this.stack = new Stack({
      addresses: [{ address: ipv4(STACK_ADDRESS), prefix: 24 }],
      rng: seededRng(head.seed),
      now: this.now,
      sender: this.device,
      settings: profile.settings,
    });
    this.watchesCounters = (head.seed & 7) === 0;
    if (this.watchesCounters) this.watchCounters();
    this.peer.begin(head);
    this.program.begin(this.stack, profile.lends);
    this.judgement.begin(this.stack, profile);
    this.program.acts = () => this.judgement.programActs();
    this.program.hears =
      trace === null ? null : (flow, events) => this.note("event", eventWords(flow, events));
    this.program.takes =
      trace === null ? null : (flow, what) => this.note("call", `${flow} ${what}`);
  }

  /** A stack whose counters are looked into is slower: one input of eight has such. */
  private watchCounters(): void {
    const { counters } = this.stack;
    const add = counters.add.bind(counters);
    counters.add = (name: string, n?: number): void => {
      add(name, n);
      if (!isTraffic(name)) this.counted += n ?? 1;
    };
  }

  note(what: "call" | "event" | "state", text: string): void {
    this.trace?.add(this.now, this.at, what, text);
  }

  // --- steps ----------------------------------------------------------------------------------------

  step(step: Step): void {
    this.delay(step.delay);
    if (step.op === OP_CALL) {
      if (this.trace !== null) this.note("call", callWords(step));
      this.flush();
      this.program.call(step, this.now);
      this.poll();
    } else if (step.op !== OP_WAIT) {
      this.peer.send(step, this.now, this.deliver);
    }
  }

  private delay(code: number): void {
    if (code < DELAY_TIMER) {
      const ms = DELAYS[code]!;
      if (ms > 0) this.advance(this.now + ms);
      return;
    }
    const timers = code === DELAY_TIMERS ? 10 : 1;
    for (let n = 0; n < timers; n++) {
      this.flush();
      const due = this.stack.nextTimeout();
      if (due === Infinity) return;
      const early = code === DELAY_BEFORE_TIMER ? 1 : code === DELAY_AFTER_TIMER ? -1 : 0;
      this.advance(Math.max(this.now, due - early));
    }
  }

  /** Lets time go on, with every timer at its moment. */
  advance(to: number): void {
    this.flush();
    for (let n = 0; n < ENOUGH; n++) {
      const due = this.stack.nextTimeout();
      if (due > to) {
        this.now = instantOf(to);
        break;
      }
      this.now = instantOf(Math.max(due, this.now));
      this.poll();
      // the wheel may name a moment at which nothing is due yet
      if (this.stack.nextTimeout() <= this.now) broken("I5", "a timer that is due stays due");
    }
    this.poll();
  }

  poll(): void {
    this.stack.poll(this.now);
  }

  // --- packets --------------------------------------------------------------------------------------

  private packet(bytes: Uint8Array, length: number): void {
    const { profile } = this;
    if (this.trace !== null) this.trace.add(this.now, this.at, "in", "", bytes.slice(0, length));
    if (profile.batch === 1) {
      // what a call made due at this moment is no answer to the packet
      for (let n = 0; n < 3 && this.stack.nextTimeout() <= this.now; n++) this.poll();
      this.judgement.before(bytes, length);
      const counted = this.counted;
      const remark = this.stack.input(bytes, 0, length, 0, this.now);
      this.poll();
      this.counts(remark, counted);
      this.judgement.after();
      return;
    }
    let slot = this.slots[this.waiting];
    if (slot === undefined) this.slots[this.waiting] = slot = new Uint8Array(bytes.length);
    slot.set(bytes.subarray(0, length));
    const counted = this.counted;
    const flags = (profile.lends ? RX_LENDABLE : 0) | (profile.keeps ? RX_KEEPABLE : 0);
    this.device.kept = false;
    const remark = this.stack.input(slot, 0, length, flags, this.now);
    if (this.device.kept) this.slots[this.waiting] = new Uint8Array(bytes.length);
    this.counts(remark, counted);
    this.waiting++;
    if (this.waiting >= Math.min(profile.batch, BATCH)) this.flush();
  }

  private counts(remark: PacketRemark, before: number): void {
    if (!this.watchesCounters || this.counted !== before || remark === null) return;
    if (remark.startsWith("dropped")) broken("I7", `dropped without a counter: ${remark}`);
  }

  /** The end of a batch. */
  flush(): void {
    if (this.waiting === 0) return;
    this.waiting = 0;
    this.poll();
    // lent memory is written again with the next batch
    if (this.profile.lends) for (const slot of this.slots) slot.fill(0xee, 0, 2000);
  }

  private leaves(bytes: Uint8Array, length: number): void {
    if (this.trace !== null) this.trace.add(this.now, this.at, "out", "", bytes.slice(0, length));
    this.judgement.leaves(bytes, length);
    const flow = this.peer.flowOf(bytes, length);
    // where the device loses packets the peer knows too little
    if (flow !== null && this.profile.full === 0) {
      // nor does it know what a cookie is read as that it did not echo
      const cookies = this.profile.settings.tcp_syncookies === 2;
      const certain = !this.peer.spoiled && !flow.uncertain && !cookies;
      checkStream(flow, bytes, length, this.program.sentOn(flow.index), certain);
    }
    this.peer.sees(bytes, length);
  }

  // --- what must hold -------------------------------------------------------------------------------

  /** After each step. */
  check(): void {
    if (this.waiting > 0) return; // what is owed is owed at the end of the batch
    const idle = waitsForNothing(this.stack);
    if (idle !== null) broken("I10", `a connection waits for nothing: ${idle}`);
  }

  /** The end: everything is closed, the peers say nothing any more, and all of it must go. */
  end(abort: boolean): void {
    this.flush();
    this.device.hasRoom();
    this.program.end(abort);
    this.poll();
    this.check();
    this.runOut();
    const left = leftOver(this.stack);
    if (left !== "") broken("I6", `left over in the end: ${left}`);
  }

  /** Until nothing is due any more. */
  runOut(): void {
    const end = this.now + BOUND;
    for (let n = 0; ; n++) {
      const due = this.stack.nextTimeout();
      if (due === Infinity) return;
      if (n > TOO_MANY) broken("I6", "left over in the end: timers expire again and again");
      if (due > end) broken("I6", "left over in the end: something is due after ten days");
      this.advance(due);
    }
  }
}

/** Counters that say what came and went, not what became of it. */
function isTraffic(name: string): boolean {
  switch (name) {
    case "IpInReceives":
    case "TcpInSegs":
    case "TcpOutSegs":
    case "IcmpInMsgs":
    case "IcmpOutMsgs":
      return true;
    default:
      return name.startsWith("IpExtIn");
  }
}
