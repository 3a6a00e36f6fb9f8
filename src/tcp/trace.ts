/** What a watcher of connections hears. Unset costs one compare; structured, never text logs. */
import type { Instant } from "../base/time.ts";
import type { TcpSegment } from "../wire/tcp-segment.ts";
import type { Endpoint } from "./endpoint.ts";
import type { TcpState } from "./state.ts";

/** Hears what connections do. */
export interface TcpTrace {
  /** A connection went from one state to another; `why` in words. */
  stateChange(endpoint: Endpoint, from: TcpState, to: TcpState, why: string, now: Instant): void;
  /** The segment is a record that is reused: copy what is kept. Called before it is processed. */
  segmentReceived(endpoint: Endpoint, segment: TcpSegment, now: Instant): void;
  /** `remark`: null, or a word such as "retransmission: RTO". */
  segmentSent(endpoint: Endpoint, segment: TcpSegment, remark: string | null, now: Instant): void;
  /** A timer ran out, by its name as in {@link TcpInfo.timer}; called before it acts. */
  timerExpired?(endpoint: Endpoint, timer: string, now: Instant): void;
  /** A segment was processed or timers have acted: windows, estimates and losses may be others now. */
  updated?(endpoint: Endpoint, now: Instant): void;
}

/** Watchers that come and go; each change gives all of them as one, null for none. */
export class TraceList {
  private all: readonly TcpTrace[];

  constructor(first: TcpTrace | null) {
    this.all = first === null ? [] : [first];
  }

  with(trace: TcpTrace): TcpTrace | null {
    this.all = [...this.all, trace];
    return joinTraces(this.all);
  }

  without(trace: TcpTrace): TcpTrace | null {
    this.all = this.all.filter((other) => other !== trace);
    return joinTraces(this.all);
  }
}

/** Several watchers as one; null for none. */
export function joinTraces(traces: readonly TcpTrace[]): TcpTrace | null {
  const [first = null] = traces;
  if (traces.length < 2) return first;
  return {
    stateChange: (endpoint, from, to, why, now) => {
      for (const trace of traces) trace.stateChange(endpoint, from, to, why, now);
    },
    segmentReceived: (endpoint, segment, now) => {
      for (const trace of traces) trace.segmentReceived(endpoint, segment, now);
    },
    segmentSent: (endpoint, segment, remark, now) => {
      for (const trace of traces) trace.segmentSent(endpoint, segment, remark, now);
    },
    timerExpired: (endpoint, timer, now) => {
      for (const trace of traces) trace.timerExpired?.(endpoint, timer, now);
    },
    updated: (endpoint, now) => {
      for (const trace of traces) trace.updated?.(endpoint, now);
    },
  };
}
