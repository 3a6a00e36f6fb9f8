/** Takes the figures of `tuntcp bench`: ours and the kernel's in turn, run for run, so that both see the same machine. */
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { countAllocations } from "../tools/bench/allocations.ts";
import { ask, startChild } from "../tools/bench/child.ts";
import { pairInChild } from "../tools/bench/in-memory.ts";
import type { LoadQuestion } from "../tools/bench/load-main.ts";
import type { LoadResult } from "../tools/bench/loads.ts";
import {
  type HeapMetric,
  type IdleMetric,
  type LoadMetric,
  median,
  type Metric,
  type NetLike,
  type PairMetric,
  type Row,
  type Sample,
  type ServiceName,
} from "../tools/bench/plan.ts";
import { formatIpv4 } from "../wire/address.ts";
import type { IdleFigures, IdleQuestion, IdleServer } from "./bench-idle.ts";
import type { KernelQuestion } from "./bench-kernel.ts";
import { PORTS, startAll } from "./bench-services.ts";
import type { DeviceOptions, RawDeviceOptions } from "./device-options.ts";
import { openStack, type OpenedStack } from "./open-stack.ts";

export interface Setting {
  readonly device: DeviceOptions;
  /** The same, as a child process can be told them. */
  readonly raw: RawDeviceOptions;
  readonly seconds: number;
  readonly runs: number;
  readonly kernel: boolean;
}

/** What the TUN was like. */
export interface TunFacts {
  readonly mtu: number;
  readonly checksum: boolean;
  readonly tso: boolean;
  readonly largestRead: number;
}

/** Percentages of a core below a thousandth need some time. */
const IDLE_SECONDS = 5;

export class Bench {
  /** Null until a load has passed through it. */
  tun: TunFacts | null = null;
  private readonly setting: Setting;
  private readonly children = new Set<ChildProcess>();
  private stack: OpenedStack | null = null;
  private loader: ChildProcess | null = null;
  private server: ChildProcess | null = null;
  /** One look at idle connections gives two figures. */
  private readonly idleSeen = new Map<number, { ours: IdleFigures[]; kernel: IdleFigures[] }>();

  constructor(setting: Setting) {
    this.setting = setting;
  }

  async measure(metric: Metric): Promise<Row> {
    const { name, what, unit } = metric;
    const { ours, kernel } = await this.samples(metric);
    const middle = kernel.length === 0 ? null : median(kernel);
    return { metric: name, what, unit, ours: median(ours), kernel: middle };
  }

  async end(): Promise<void> {
    for (const child of this.children) if (child.connected) child.disconnect();
    await this.closeStack();
  }

  private samples(metric: Metric): Promise<{ ours: Sample[]; kernel: Sample[] }> {
    switch (metric.kind) {
      case "load":
        return this.loads(metric);
      case "memory":
      case "idle":
        return this.idle(metric);
      case "pair":
        return this.alone(() => this.pair(metric));
      case "heap":
        return this.alone(() => this.heap(metric));
    }
  }

  private async alone(run: () => Promise<Sample>): Promise<{ ours: Sample[]; kernel: Sample[] }> {
    const ours: Sample[] = [];
    for (let i = 0; i < this.setting.runs; i++) ours.push(await run());
    return { ours, kernel: [] };
  }

  // --- loads ------------------------------------------------------------------------------------------

  private async loads({
    load,
    service,
  }: LoadMetric): Promise<{ ours: Sample[]; kernel: Sample[] }> {
    await this.openStack();
    const { seconds, runs, device } = this.setting;
    const host = formatIpv4(device.address.address);
    const [ours, kernel]: Sample[][] = [[], []];
    for (let run = 0; run < runs; run++) {
      const own = { ...load, seconds, host, port: PORTS[service] };
      ours!.push(await this.sample(own, () => Promise.resolve(process.cpuUsage())));
      if (!this.setting.kernel) continue;
      const port = await this.kernelPort(service);
      const beside = { ...load, seconds, host: "127.0.0.1", port };
      kernel!.push(await this.sample(beside, () => this.kernelCpu()));
    }
    return { ours: ours!, kernel: kernel! };
  }

  private async sample(load: LoadQuestion, cpu: () => Promise<NodeJS.CpuUsage>): Promise<Sample> {
    const before = await cpu();
    const began = performance.now();
    const result = (await this.load(load)) as LoadResult;
    const seconds = (performance.now() - began) / 1000;
    const after = await cpu();
    const used = after.user + after.system - before.user - before.system;
    return { ...result, cpu: used / 1e6 / seconds };
  }

  private async openStack(): Promise<void> {
    if (this.stack !== null) return;
    this.stack = await openStack(this.setting.device);
    await startAll(this.stack.net as unknown as NetLike);
  }

  private async closeStack(): Promise<void> {
    const { stack } = this;
    if (stack === null) return;
    this.stack = null;
    const { mtu, offload, stats } = stack.tun;
    const largestRead = Math.max(stats.rxLargest, this.tun?.largestRead ?? 0);
    this.tun = { mtu, checksum: offload.checksum, tso: offload.tso, largestRead };
    await stack.close();
  }

  private load(question: LoadQuestion): Promise<unknown> {
    this.loader ??= this.start("../tools/bench/load-main");
    return ask(this.loader, question);
  }

  private kernelServer(question: KernelQuestion): Promise<unknown> {
    this.server ??= this.start("./bench-kernel");
    return ask(this.server, question);
  }

  private async kernelPort(service: ServiceName): Promise<number> {
    return ((await this.kernelServer({ service })) as { port: number }).port;
  }

  private async kernelCpu(): Promise<NodeJS.CpuUsage> {
    return (await this.kernelServer({ cpu: true })) as NodeJS.CpuUsage;
  }

  // --- idle connections -------------------------------------------------------------------------------

  private async idle({
    kind,
    connections,
  }: IdleMetric): Promise<{ ours: Sample[]; kernel: Sample[] }> {
    let seen = this.idleSeen.get(connections);
    if (seen === undefined) {
      await this.closeStack(); // the child opens the TUN in its turn
      seen = { ours: [], kernel: [] };
      for (let run = 0; run < this.setting.runs; run++) {
        seen.ours.push(await this.lookAtIdle(this.setting.raw, connections));
        if (this.setting.kernel) seen.kernel.push(await this.lookAtIdle("kernel", connections));
      }
      this.idleSeen.set(connections, seen);
    }
    const sampleOf = (f: IdleFigures): Sample =>
      kind === "memory"
        ? { rate: f.resident, collected: f.collected, heap: f.heap, failures: 0 }
        : { rate: f.cpu, failures: 0 };
    return { ours: seen.ours.map(sampleOf), kernel: seen.kernel.map(sampleOf) };
  }

  private async lookAtIdle(
    on: RawDeviceOptions | "kernel",
    connections: number,
  ): Promise<IdleFigures> {
    const child = this.start("./bench-idle", ["--expose-gc"]);
    try {
      const serve: IdleQuestion = { serve: on };
      const { host, port } = (await ask(child, serve)) as IdleServer;
      await this.load({ hold: { host, port, connections } });
      const seconds = Math.max(IDLE_SECONDS, this.setting.seconds);
      const look: IdleQuestion = { connections, seconds };
      return (await ask(child, look)) as IdleFigures;
    } finally {
      if (this.loader !== null) await this.load({ release: true });
      const gone = child.exitCode === null ? once(child, "exit") : null;
      if (child.connected) child.disconnect();
      await gone;
      this.children.delete(child);
    }
  }

  // --- without a TUN ----------------------------------------------------------------------------------

  private async pair({ mtu, checksums }: PairMetric): Promise<Sample> {
    const { seconds } = this.setting;
    const { rate, cpu } = await pairInChild({ mtu, checksums, seconds });
    return { rate, failures: 0, cpu };
  }

  private async heap({ op }: HeapMetric): Promise<Sample> {
    const { bytes, collections } = await countAllocations(op);
    return { rate: bytes, failures: collections };
  }

  private start(module: string, nodeOptions: string[] = []): ChildProcess {
    const child = startChild(module, import.meta.url, nodeOptions);
    this.children.add(child);
    return child;
  }
}
