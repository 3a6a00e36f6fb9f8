/** A congestion control of one's own, beside CUBIC: the window grows by `gain` segments a round trip and is cut by a third. */
import type { AckSample, CongestionController, ControllerOptions } from "tuntcp";
import { scenario } from "tuntcp/sim";

class Bold implements CongestionController {
  readonly name = "bold";
  cwnd: number;
  ssthresh: number;
  private readonly mss: number;
  private readonly gain: number;

  constructor({ mss, cwnd, ssthresh }: ControllerOptions, gain: number) {
    this.mss = mss;
    this.cwnd = cwnd;
    this.ssthresh = ssthresh;
    this.gain = gain;
  }

  onAck({ acked, limited, inRecovery }: AckSample): void {
    if (!limited || inRecovery) return;
    const slowStart = this.cwnd < this.ssthresh;
    this.cwnd += slowStart ? acked : (this.gain * this.mss * acked) / this.cwnd;
  }

  onLoss(flight: number): void {
    this.ssthresh = Math.max((flight * 2) / 3, 2 * this.mss);
    this.cwnd = this.ssthresh;
  }

  onTimeout(flight: number, first: boolean): void {
    if (first) this.ssthresh = Math.max(flight / 2, 2 * this.mss);
    this.cwnd = this.mss;
  }
}

export default scenario({
  name: "own-control",
  duration: "30s",
  parameters: { gain: 4 },
  dumbbell: {
    left: ["bold", "cubic"],
    right: 2,
    bottleneck: { rate: "20mbit", delay: "20ms", queue: 80 },
  },
  settings: { tcp_rmem: [4096, 2_097_152, 6_291_456] },
  build: ({ gain }) => ({
    congestionControls: { bold: (options) => new Bold(options, Number(gain)) },
  }),
  flows: [
    { name: "bold", from: "bold", to: "right1", congestionControl: "bold", spread: "200ms" },
    { name: "cubic", from: "cubic", to: "right2", congestionControl: "cubic", spread: "200ms" },
  ],
});
