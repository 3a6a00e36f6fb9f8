/** `tuntcp bench`: what this stack does on this machine, beside Node on the kernel's sockets in the same run. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { cpus, release } from "node:os";
import type { Command } from "commander";
import { createPair } from "../devices/pair.ts";
import { createStack } from "../sockets/create-stack.ts";
import { inMemoryBulk } from "../tools/bench/in-memory.ts";
import type { LoadResult } from "../tools/bench/loads.ts";
import { measurePieces, type Piece, timers } from "../tools/bench/pieces.ts";
import {
  median,
  type Metric,
  metricNamed,
  METRICS,
  type NetLike,
  type Sample,
} from "../tools/bench/plan.ts";
import { type NetLike as ServiceNet, parseService } from "../tools/services/index.ts";
import { formatIpv4 } from "../wire/address.ts";
import { addDeviceOptions, checkDeviceOptions, type RawDeviceOptions } from "./device-options.ts";
import { CommandFailure, EXIT_FAILED, usage } from "./failure.ts";
import { endOnSignals } from "./lifecycle.ts";
import { openStack, type OpenedStack } from "./open-stack.ts";
import { runRootless } from "./rootless.ts";

interface BenchOptions extends RawDeviceOptions {
  readonly json?: boolean;
  readonly seconds: string;
  readonly runs: string;
  readonly metrics?: string;
  readonly kernel: boolean;
  readonly pieces?: boolean;
}

interface Row {
  readonly metric: string;
  readonly what: string;
  readonly unit: string;
  readonly ours: Sample;
  readonly kernel: Sample | null;
}

const PORTS = { discard: 5001, source: 5002, echo: 7, http: 8080 } as const;

export function registerBench(program: Command): void {
  const command = program
    .command("bench")
    .summary("measure this machine, beside the kernel")
    .description(
      "Measures bulk both ways, round trips, connections a second and HTTP through a TUN, and two stacks in memory; beside it Node on the kernel's loopback in the same run. Medians.\n\nExample: tuntcp bench --metrics up1,down1",
    )
    .option("--metrics <list>", `some of ${METRICS.map((m) => m.name).join(",")}`)
    .option("--seconds <n>", "measured time of one run", "3")
    .option("--runs <n>", "runs of each; their median counts", "3")
    .option("--pieces", "instead: nanoseconds of codec, checksum, table, timers and machine")
    .option("--no-kernel", "leave out the kernel's figures")
    .option("--json", "as JSON");
  addDeviceOptions(command).action(bench);
}

async function bench(raw: BenchOptions): Promise<void> {
  if (raw.pieces === true) {
    printPieces([...measurePieces(), ...timers([1e4, 1e5, 1e6])], raw.json === true);
    return;
  }
  const options = checkDeviceOptions(raw);
  const plan = choose(raw.metrics);
  const seconds = positive("--seconds", raw.seconds, 60);
  const runs = positive("--runs", raw.runs, 20);
  if (options.rootless) {
    process.exitCode = await runRootless();
    return;
  }
  const throughTun = plan.some((m) => m.load !== undefined);
  const stack = throughTun ? openStack(options) : null;
  const children = new Children();
  const finish = async (): Promise<void> => {
    children.end();
    await stack?.close();
  };
  endOnSignals(finish);
  try {
    if (stack !== null) await serveAll(stack);
    const host = formatIpv4(options.address.address);
    const rows: Row[] = [];
    for (const metric of plan) {
      rows.push(await measure(metric, { host, seconds, runs, children, kernel: raw.kernel }));
      if (raw.json !== true) process.stdout.write(line(rows.at(-1)!));
    }
    if (raw.json === true)
      process.stdout.write(`${JSON.stringify(report(rows, stack), null, 2)}\n`);
    else process.stdout.write(footer(stack));
  } finally {
    await finish();
  }
}

function printPieces(pieces: readonly Piece[], json: boolean): void {
  if (json) process.stdout.write(`${JSON.stringify({ machine: machine(), pieces }, null, 2)}\n`);
  else {
    for (const { name, ns } of pieces)
      process.stdout.write(`${ns.toFixed(1).padStart(10)} ns  ${name}\n`);
  }
}

function choose(text: string | undefined): Metric[] {
  if (text === undefined) return [...METRICS];
  return text.split(",").map((name) => {
    const metric = metricNamed(name.trim());
    if (metric !== null) return metric;
    throw usage(
      `--metrics ${name}: there are ${METRICS.map((m) => m.name).join(", ")}, up, down, cps and http with another number, and rr@N beside N idle connections`,
    );
  });
}

function positive(option: string, text: string, most: number): number {
  const n = Number(text);
  if (/^\d+(\.\d+)?$/.test(text) && n > 0 && n <= most) return n;
  throw usage(`${option} ${text}: a number above 0, at most ${most}`);
}

async function serveAll(stack: OpenedStack): Promise<void> {
  for (const [name, port] of Object.entries(PORTS)) {
    const request = parseService(`${name}:${port}`);
    if (typeof request === "string") throw new Error(request);
    const { server } = request.start(stack.net as unknown as ServiceNet);
    server.listen(port);
    await once(server, "listening");
  }
}

interface Setting {
  readonly host: string;
  readonly seconds: number;
  readonly runs: number;
  readonly children: Children;
  readonly kernel: boolean;
}

/** Ours and the kernel's in turn, run for run: both see the same machine. */
async function measure(metric: Metric, setting: Setting): Promise<Row> {
  const ours: Sample[] = [];
  const kernel: Sample[] = [];
  const { children } = setting;
  for (let run = 0; run < setting.runs; run++) {
    if (metric.load === undefined) {
      ours.push(await inMemory(metric, setting.seconds));
      continue;
    }
    const service = metric.service!;
    const load = { ...metric.load, seconds: setting.seconds };
    const own = { ...load, host: setting.host, port: PORTS[service] };
    ours.push(await sample(children, own, () => Promise.resolve(process.cpuUsage())));
    if (!setting.kernel) continue;
    const port = await children.kernelPort(service);
    const beside = { ...load, host: "127.0.0.1", port };
    kernel.push(await sample(children, beside, () => children.kernelCpu()));
  }
  const { name, what, unit } = metric;
  const middle = kernel.length === 0 ? null : median(kernel);
  return { metric: name, what, unit, ours: median(ours), kernel: middle };
}

async function sample(
  children: Children,
  load: object & { readonly seconds: number },
  cpu: () => Promise<NodeJS.CpuUsage>,
): Promise<Sample> {
  const before = await cpu();
  const began = performance.now();
  const result = await children.load(load);
  const seconds = (performance.now() - began) / 1000;
  const after = await cpu();
  const used = after.user + after.system - before.user - before.system;
  return { ...result, cpu: used / 1e6 / seconds };
}

async function inMemory(metric: Metric, seconds: number): Promise<Sample> {
  const [a, b] = createPair({ mtu: metric.mtu! });
  const left = createStack({ device: a, address: "192.0.2.1/24" });
  const right = createStack({ device: b, address: "192.0.2.2/24" });
  const before = process.cpuUsage();
  const began = performance.now();
  const server = right.net as unknown as NetLike;
  const rate = await inMemoryBulk(left.net, server, "192.0.2.2", seconds);
  const used = process.cpuUsage(before);
  const cpu = (used.user + used.system) / 1000 / (performance.now() - began);
  await Promise.all([left.close(), right.close()]);
  return { rate, failures: 0, cpu };
}

/** The processes beside this one; each is started when it is needed. */
class Children {
  private loader: ChildProcess | null = null;
  private server: ChildProcess | null = null;
  private ports: Record<string, number> = {};

  async load(load: object): Promise<LoadResult> {
    this.loader ??= start("../tools/bench/load-main");
    return (await ask(this.loader, load)) as LoadResult;
  }

  async kernelPort(service: string): Promise<number> {
    if (this.server === null) {
      this.server = start("./bench-kernel");
      [this.ports] = (await once(this.server, "message")) as [Record<string, number>];
    }
    return this.ports[service]!;
  }

  async kernelCpu(): Promise<NodeJS.CpuUsage> {
    return (await ask(this.server!, {})) as NodeJS.CpuUsage;
  }

  end(): void {
    for (const child of [this.loader, this.server])
      if (child?.connected === true) child.disconnect();
  }
}

function start(module: string): ChildProcess {
  const extension = import.meta.url.endsWith(".ts") ? ".ts" : ".js";
  return fork(new URL(`${module}${extension}`, import.meta.url), { stdio: "inherit" });
}

async function ask(child: ChildProcess, question: object): Promise<unknown> {
  const done = new AbortController();
  const { signal } = done;
  const gone = once(child, "exit", { signal }).then(() => {
    throw new CommandFailure(EXIT_FAILED, "a helper process of bench ended: run it again");
  });
  child.send(question);
  try {
    const [message] = (await Promise.race([once(child, "message", { signal }), gone])) as [unknown];
    return message;
  } finally {
    gone.catch(() => {}); // it is aborted with the answer
    done.abort();
  }
}

function line({ metric, what, unit, ours, kernel }: Row): string {
  const number = (s: Sample): string => s.rate.toFixed(unit === "Gbit/s" ? 2 : 0).padStart(9);
  const tail =
    ours.p50 === undefined ? "" : `  p50 ${ours.p50.toFixed(1)} us, p99 ${ours.p99!.toFixed(1)} us`;
  const failures = ours.failures === 0 ? "" : `  ${ours.failures} FAILED`;
  const beside =
    kernel === null ? "" : `  kernel ${number(kernel)} (x ${(ours.rate / kernel.rate).toFixed(2)})`;
  return `${metric.padEnd(9)}${number(ours)} ${unit.padEnd(6)} cpu ${ours.cpu.toFixed(2)}${beside}${tail}${failures}  ${what}\n`;
}

function machine(): { cpu: string; cores: number; kernel: string; node: string } {
  const all = cpus();
  return {
    cpu: all[0]?.model ?? "unknown",
    cores: all.length,
    kernel: release(),
    node: process.version,
  };
}

function report(rows: readonly Row[], stack: OpenedStack | null): object {
  const tun =
    stack === null
      ? null
      : { mtu: stack.tun.mtu, ...stack.tun.offload, largestRead: stack.tun.stats.rxLargest };
  return { date: new Date().toISOString(), machine: machine(), tun, rows };
}

function footer(stack: OpenedStack | null): string {
  const { cpu, cores, kernel, node } = machine();
  const where = `${cores} x ${cpu}, Linux ${kernel}, Node ${node}\n`;
  if (stack === null) return where;
  const { mtu, offload, stats } = stack.tun;
  const how = offload.tso ? "checksum and segmentation offload" : "no segmentation offload";
  return `MTU ${mtu}, ${how}; the largest read of the TUN had ${stats.rxLargest} bytes\n${where}`;
}
