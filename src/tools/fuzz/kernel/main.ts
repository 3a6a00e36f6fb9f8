/** Runs in a network namespace of its own: compares, and says the report as JSON on stdout. Arguments: seed, first, how many. */
import { parseIpv4 } from "../../../wire/address.ts";
import { Kernel } from "./kernel.ts";
import { KERNEL_ADDRESS, prepare } from "./namespace.ts";
import { askMany } from "./run.ts";

const [seed, first, sequences] = process.argv.slice(2).map(Number) as [number, number, number];
const kernel = new Kernel({ device: prepare(), address: parseIpv4(KERNEL_ADDRESS)! });
await kernel.listen();
const report = await askMany(kernel, {
  seed,
  first,
  sequences,
  onProgress: (done) => {
    if (done % 50 === 0) process.send?.(done);
  },
});
process.stdout.write(`${JSON.stringify(report)}\n`, () => process.exit(0));
