/** The path is cut for `outage` in the middle of a transfer. How long after its end until data flows again? */
import { scenario } from "tuntcp/sim";

export default scenario({
  name: "link-cut",
  duration: "30s",
  parameters: { outage: 3 },
  marks: true,
  build: ({ outage }) => ({
    links: [
      {
        from: "a",
        to: "b",
        rate: "10mbit",
        delay: "15ms",
        queue: 40,
        cut: [[5000, 5000 + Number(outage) * 1000]],
      },
    ],
  }),
  flows: [{ name: "transfer", from: "a", to: "b", bytes: "20mb", verify: true }],
});
