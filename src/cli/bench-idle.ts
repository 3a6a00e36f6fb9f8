/**
 * A child process that serves connections which say nothing, on the stack's sockets or the kernel's, and says what
 * they hold and cost; a fresh one for each sample, as no process gives its memory back as it was.
 */
import net from "node:net";
import { setTimeout } from "node:timers/promises";
import { answer } from "../tools/bench/child.ts";
import type { NetLike } from "../tools/bench/plan.ts";
import { formatIpv4 } from "../wire/address.ts";
import { PORTS, startService } from "./bench-services.ts";
import { checkDeviceOptions, type RawDeviceOptions } from "./device-options.ts";
import { openStack, type OpenedStack } from "./open-stack.ts";
import { limitYoungGeneration } from "./young-generation.ts";

export type IdleQuestion =
  | { readonly serve: RawDeviceOptions | "kernel" }
  | { readonly connections: number; readonly seconds: number };

export interface IdleServer {
  readonly host: string;
  readonly port: number;
}

export interface IdleFigures {
  /** Bytes for one connection: growth of the resident set as it is, after a forced collection, and of V8's heap. */
  readonly resident: number;
  readonly collected: number;
  readonly heap: number;
  /** Percent of a core. */
  readonly cpu: number;
}

/** What was begun when the last connection came is over: delayed ACKs, the last pages touched. */
const SETTLE_MS = 1000;

let stack: OpenedStack | null = null;
let before = { rss: 0, heapUsed: 0 };

async function serve(on: RawDeviceOptions | "kernel"): Promise<IdleServer> {
  let server: IdleServer;
  if (on === "kernel") {
    server = { host: "127.0.0.1", port: await startService("echo", net, 0, "127.0.0.1") };
  } else {
    const options = checkDeviceOptions(on);
    stack = await openStack(options);
    const port = await startService("echo", stack.net as unknown as NetLike, PORTS.echo);
    server = { host: formatIpv4(options.address.address), port };
  }
  await collect();
  before = process.memoryUsage();
  return server;
}

async function figures(connections: number, seconds: number): Promise<IdleFigures> {
  await setTimeout(SETTLE_MS);
  const { rss } = process.memoryUsage();
  await collect();
  const after = process.memoryUsage();
  const used = process.cpuUsage();
  const began = performance.now();
  await setTimeout(seconds * 1000);
  const { user, system } = process.cpuUsage(used);
  const cpu = (100 * (user + system)) / 1000 / (performance.now() - began);
  return {
    resident: (rss - before.rss) / connections,
    collected: (after.rss - before.rss) / connections,
    heap: (after.heapUsed - before.heapUsed) / connections,
    cpu,
  };
}

/** Twice, as what finalizers let go is found by the next one only; then V8's other threads come to rest. */
async function collect(): Promise<void> {
  for (let i = 0; i < 2; i++) {
    globalThis.gc!();
    await setTimeout(200);
  }
}

limitYoungGeneration(); // as serve does, and the same on both sides
answer((question: IdleQuestion) =>
  "serve" in question ? serve(question.serve) : figures(question.connections, question.seconds),
);
process.on("disconnect", () => {
  const end = (): void => process.exit(0);
  if (stack === null) end();
  else stack.close().then(end, end);
});
