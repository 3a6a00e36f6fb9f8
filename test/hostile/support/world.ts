/**
 * What a row is driven through: packets in and out, time, and the program on the stack. Time is the stack's own clock in both
 * worlds and moves only where a row says so, so that a busy machine changes nothing and days cost nothing.
 */
import type { Settings } from "../../../src/tcp/config.ts";
import type { App, Residue } from "./application.ts";
import type { Tally } from "./judge.ts";
import type { Seen } from "./packet.ts";

export interface WorldOptions {
  readonly settings?: Partial<Settings>;
  readonly backlog?: number;
  /** What the stack's clock shows at the start, ms. */
  readonly startsAt?: number;
  /** Flags of the process, where there is one. */
  readonly flags?: readonly string[];
}

/** All that the invariants are judged by. */
export interface Report extends Tally {
  readonly residue: Residue;
}

/** What writes to the device come to. */
export type Takes = "all" | "nothing" | "every second";

export interface World {
  /** The stack is in this process, and packets reach it by a call. */
  readonly inMemory: boolean;
  readonly app: App;
  /** The stack's clock since the start, ms. */
  readonly now: number;
  /** Time as a peer feels it, ms: the stack's clock, and what the machine needed where there is one between. */
  readonly elapsed: number;
  /** What the stack sent and nobody took. */
  inbox: Seen[];
  put(...packets: Uint8Array[]): void;
  /** Everything put in was judged, and the answers are in the inbox. */
  settle(): Promise<void>;
  waits(ms: number): Promise<void>;
  /** The clock goes on without a look at any timer, as for a process that was stopped; what is put in meanwhile waits. */
  sleeps(ms: number, ...meanwhile: Uint8Array[]): Promise<void>;
  report(): Promise<Report>;
  /** Bytes of heap and buffers of the stack's process, after the collector. */
  memory(): Promise<number>;
  /** ms that the stack's process had of the processor. */
  cpu(): Promise<number>;
  /** What was seen of the packets from outside (I8). */
  readonly violations: string[];
  /** A stack of its own, with other settings. */
  another(options: WorldOptions): Promise<World>;
  end(): Promise<void>;
  /** The interface goes down and comes up. */
  link(up: boolean): Promise<void>;
  /** The kernel's idea of the largest packet. */
  mtu(bytes: number): Promise<void>;
  takes(what: Takes): Promise<void>;
  /** The stack is killed and begins anew on the same addresses. */
  restarts(): Promise<void>;
  /** The device is gone for good; how often the program heard of it. */
  losesDevice(): Promise<number>;
  /** Called at each `settle` of a row, for what is to hold all the time. */
  onSettle: (() => Promise<void>) | null;
}

/** The sizes of the long gate instead of those of every day. */
export const FULL: boolean = process.env["TUNTCP_FULL"] === "1";

/** Limits of time are for a quiet machine; beside other tests they are eight times as wide. */
export const SLACK: number = FULL ? 1 : 8;

export type Scenario = (w: World) => Promise<void>;

/**
 * ms of the stack for what `run` puts in. On a busy machine the clock counts what others had of the processor meanwhile; what the
 * whole process had of it is an upper bound too.
 */
export async function spentFor(w: World, run: () => Promise<void>): Promise<number> {
  await w.settle();
  const before = (await w.report()).spent;
  const cpu = await w.cpu();
  await run();
  await w.settle();
  const used = (await w.cpu()) - cpu;
  return Math.min((await w.report()).spent - before, used);
}

/** A port that no other peer of this process has. */
let nextPort = 20000;
export function freshPort(): number {
  nextPort = nextPort >= 60000 ? 20000 : nextPort + 1;
  return nextPort;
}

/** How much of a row's stimulus: what the table says with TUNTCP_FULL, less each day and through a TUN. */
export function sized(w: World, full: number, memory: number, tun: number = memory): number {
  return FULL ? full : w.inMemory ? memory : tun;
}
