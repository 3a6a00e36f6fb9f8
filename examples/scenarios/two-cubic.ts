/** Two CUBIC flows share a bottleneck; the second comes ten seconds later. How fair are they, and how soon? */
import { scenario } from "tuntcp/sim";

export default scenario({
  name: "two-cubic",
  duration: "40s",
  sample: "50ms",
  dumbbell: {
    left: 2,
    right: 2,
    bottleneck: { rate: "20mbit", delay: "10ms", queue: 60 },
    access: { rate: "1gbit", delay: "1ms" },
  },
  // receive buffers that are large from the start: congestion windows are what limits
  settings: { tcp_congestion_control: "cubic", tcp_rmem: [4096, 2_097_152, 6_291_456] },
  flows: [
    { name: "first", from: "left1", to: "right1" },
    { name: "second", from: "left2", to: "right2", start: "10s", spread: "100ms" },
  ],
});
