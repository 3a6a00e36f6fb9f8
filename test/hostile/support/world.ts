/** What a row is driven through: packets in and out, time, and the program on the stack. */
import type { App } from "./application.ts";
import type { Seen } from "./packet.ts";

export interface World {
  /** Time is moved by hand, so that days cost nothing. */
  readonly virtual: boolean;
  readonly app: App;
  /** Since the start, ms. */
  readonly now: number;
  /** What the stack sent and nobody took. */
  inbox: Seen[];
  put(...packets: Uint8Array[]): void;
  /** Everything put in was judged, and the answers are in the inbox. */
  settle(): Promise<void>;
  waits(ms: number): Promise<void>;
  /** Time that the stack itself took for packets, ms; 0 where it cannot be known. */
  readonly spent: number;
  /** Violations that were seen while packets went in (I4, I5, I7). */
  readonly violations: string[];
  /** After everything was ended: lets all time limits run out. */
  windDown(): Promise<void>;
}

/** The sizes of the long gate instead of those of every day. */
export const FULL: boolean = process.env["TUNTCP_FULL"] === "1";

/** Limits of time are for a quiet machine; beside other tests they are eight times as wide. */
export const SLACK: number = FULL ? 1 : 8;

export type Scenario = (w: World) => Promise<void>;

/** A port that no other peer of this process has. */
let nextPort = 20000;
export function freshPort(): number {
  nextPort = nextPort >= 60000 ? 20000 : nextPort + 1;
  return nextPort;
}
