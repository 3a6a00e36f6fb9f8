/** What a congestion controller is to the machine: it owns cwnd and ssthresh and hears five things. */
import type { Instant } from "../../base/time.ts";

export interface CongestionController {
  readonly name: string;
  /** Bytes. */
  readonly cwnd: number;
  readonly ssthresh: number;
  /**
   * `acked` new bytes were acknowledged outside of recovery, with `flight` bytes outstanding before;
   * `limited` says that the window, not the application, held the sender back.
   */
  onAck(acked: number, flight: number, limited: boolean, now: Instant): void;
  /** A loss was found by other means than a timeout; once an episode. */
  onLoss(flight: number, now: Instant): void;
  /** The retransmission timer ran out; `first` time for this data. */
  onTimeout(flight: number, first: boolean, now: Instant): void;
  /** Sending resumes after more than one RTO of silence (RFC 5681 §4.1). */
  onIdle(now: Instant): void;
  /** The segment size changed: path MTU. */
  onMss(mss: number): void;
}

/** RFC 6928 §2: min(segments * MSS, max(2 * MSS, 14600)), with Linux's tcp_initial_cwnd in segments. */
export function initialWindow(mss: number, segments: number): number {
  return Math.min(segments * mss, Math.max(2 * mss, segments * 1460));
}
