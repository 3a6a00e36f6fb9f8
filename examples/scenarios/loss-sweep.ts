/**
 * One transfer over a path that loses packets by chance. Try:
 * tuntcp sim loss-sweep.ts --sweep loss=0.01%,0.1%,1%,3% --sweep control=cubic,reno --replicates 10
 */
import { scenario } from "tuntcp/sim";

export default scenario({
  name: "loss-sweep",
  duration: "20s",
  parameters: { loss: "0.1%", control: "cubic", delay: "20ms" },
  links: [
    { from: "client", to: "server", rate: "100mbit", delay: "$delay", there: { loss: "$loss" } },
  ],
  hosts: { client: { congestionControl: "$control" } },
  flows: [{ name: "upload", from: "client", to: "server" }],
});
