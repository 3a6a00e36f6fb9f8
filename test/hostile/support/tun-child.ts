/** The other process: a stack on a TUN with the program of the rows; asked by JSON lines on stdin. */
import { createInterface } from "node:readline";
import { openTun } from "../../../src/devices/tun.ts";
import { createStack } from "../../../src/sockets/create-stack.ts";
import type { Settings } from "../../../src/tcp/config.ts";
import { Application } from "./application.ts";

interface Question {
  readonly id: number;
  readonly method: string;
  readonly args: unknown[];
}

const { name, settings } = JSON.parse(process.argv[2]!) as {
  name: string;
  settings: Partial<Settings>;
};
const say = (what: object): void => void process.stdout.write(`${JSON.stringify(what)}\n`);

// offload off: what leaves has its checksum, so that it can be judged
const device = openTun({ name, offload: "off" });
const stack = createStack({ device, address: "192.0.2.2/24", settings });
const program = new Application(stack.core) as unknown as Record<
  string,
  (...a: unknown[]) => unknown
>;
device.ref();
stack.onDeviceLost((error) => say({ lost: error.message }));
process.on("uncaughtException", (error) => {
  say({ died: error.stack });
  process.exit(4);
});
createInterface({ input: process.stdin }).on("line", (line) => {
  const { id, method, args } = JSON.parse(line) as Question;
  try {
    say({ id, result: program[method]!(...args) ?? null });
  } catch (error) {
    say({ id, error: String(error) });
  }
});
process.stdin.on("end", () => process.exit(0));
say({ ready: true });
