/** The timers of one connection: one slot each, and which runs out first. What an expiry does is in timeouts.ts. */
import { type Instant, NEVER } from "../base/time.ts";

/** Retransmission of data, SYN, SYN-ACK or FIN (RFC 6298). */
export const TIMER_RETRANSMIT = 0;
/** Zero-window probe, and the override of silly-window avoidance (RFC 9293 §3.8.6.1, §3.8.6.2.1). */
export const TIMER_PERSIST = 1;
export const TIMER_DELAYED_ACK = 2;
export const TIMER_KEEPALIVE = 3;
/** 2 MSL in TIME-WAIT, and tcp_fin_timeout in FIN-WAIT-2 after a full close. */
export const TIMER_TIME_WAIT = 4;
export const TIMER_USER_TIMEOUT = 5;

/** Data that is paced may leave again. */
export const TIMER_PACE = 6;

export const TIMER_COUNT = 7;

export const TIMER_NAMES: readonly string[] = [
  "retransmit",
  "persist",
  "delayed-ack",
  "keepalive",
  "time-wait",
  "user-timeout",
  "pace",
];

export class TimerTable {
  private readonly deadlines: Instant[] = [NEVER, NEVER, NEVER, NEVER, NEVER, NEVER, NEVER];

  start(timer: number, deadline: Instant): void {
    this.deadlines[timer] = deadline;
  }

  stop(timer: number): void {
    this.deadlines[timer] = NEVER;
  }

  isArmed(timer: number): boolean {
    return this.deadlines[timer] !== NEVER;
  }

  deadline(timer: number): Instant {
    return this.deadlines[timer]!;
  }

  stopAll(): void {
    this.deadlines.fill(NEVER);
  }

  /** The earliest deadline, `NEVER` when none is armed. */
  earliest(): Instant {
    const d = this.deadlines;
    let min = d[0]!;
    for (let i = 1; i < TIMER_COUNT; i++) if (d[i]! < min) min = d[i]!;
    return min;
  }

  /** The timer that runs out first, -1 when none is armed. */
  first(): number {
    const min = this.earliest();
    return min === NEVER ? -1 : this.deadlines.indexOf(min);
  }
}
