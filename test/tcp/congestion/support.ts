/** ACKs as a controller hears them, one flight after another. */
import { type Instant, instantOf } from "../../../src/base/time.ts";
import type {
  AckSample,
  CongestionController,
  ControllerOptions,
} from "../../../src/tcp/congestion/controller.ts";
import { createAckSample, NO_SSTHRESH } from "../../../src/tcp/congestion/controller.ts";
import { seededRng, uniform } from "../../../src/base/rng.ts";

export const MSS = 1000;

export function options(more: Partial<ControllerOptions> = {}): ControllerOptions {
  const rng = seededRng(1);
  return {
    mss: MSS,
    cwnd: 10 * MSS,
    ssthresh: NO_SSTHRESH,
    random: () => uniform(rng),
    ...more,
  };
}

export function sample(more: Partial<AckSample> = {}): AckSample {
  return {
    ...createAckSample(),
    acked: MSS,
    delivered: MSS,
    flight: 10 * MSS,
    inFlight: 9 * MSS,
    limited: true,
    srtt: 100,
    minRtt: 100,
    ...more,
  };
}

/**
 * One round trip of `rtt` ms that begins at `now`: an ACK for each segment of the window, in even steps. Returns when it
 * is over.
 */
export function round(
  cc: CongestionController,
  now: number,
  rtt: number,
  more: Partial<AckSample> = {},
): Instant {
  const n = Math.max(1, Math.floor(cc.cwnd / MSS));
  for (let i = 0; i < n; i++) {
    const at = instantOf(now + (rtt * (i + 1)) / n);
    cc.onAck(sample({ now: at, rtt, srtt: rtt, minRtt: rtt, roundStart: i === 0, ...more }));
  }
  return instantOf(now + rtt);
}
