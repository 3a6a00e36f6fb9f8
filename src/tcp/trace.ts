/** What a watcher of connections hears. Unset costs one compare; structured, never text logs. */
import type { Instant } from "../base/time.ts";
import type { TcpSegment } from "../wire/tcp-segment.ts";
import type { Endpoint } from "./endpoint.ts";
import type { TcpState } from "./state.ts";

export interface TcpTrace {
  stateChange(endpoint: Endpoint, from: TcpState, to: TcpState, why: string, now: Instant): void;
  /** The segment is a record that is reused: copy what is kept. Called before it is processed. */
  segmentReceived(endpoint: Endpoint, segment: TcpSegment, now: Instant): void;
  /** `remark`: null, or a word such as "retransmission: RTO". */
  segmentSent(endpoint: Endpoint, segment: TcpSegment, remark: string | null, now: Instant): void;
}
