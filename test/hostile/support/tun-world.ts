/**
 * The stack in another process on a TUN, in a namespace of its own, with a raw socket at the kernel's end. That process's
 * clock is moved from here, step by step from one timer to the next.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Namespace } from "../../support/tun.ts";
import type { App } from "./application.ts";
import { readSent, type Seen } from "./packet.ts";
import { RawEnd } from "./raw-end.ts";
import { StackProcess } from "./stack-process.ts";
import { type Report, SLACK, type Takes, type World, type WorldOptions } from "./world.ts";

/** ms of real time without any progress after which a packet is lost in the kernel for good. */
const PATIENCE = 30_000;

let serial = 0;

export class TunWorld implements World {
  readonly inMemory = false;
  readonly app: App;
  readonly violations: string[] = [];
  inbox: Seen[] = [];
  onSettle: (() => Promise<void>) | null = null;
  readonly device = `hostile${serial++}`;
  private readonly namespace: Namespace;
  private readonly script: string;
  private readonly options: WorldOptions;
  private readonly began = performance.now();
  private readonly raw: RawEnd;
  private stack: StackProcess;
  private time = 0;
  /** Packets put in, and seen, that the process of now has nothing to do with. */
  private put_ = 0;
  private seenBefore = 0;
  private isUp = true;

  private constructor(namespace: Namespace, script: string, options: WorldOptions) {
    this.namespace = namespace;
    this.script = script;
    this.options = options;
    namespace.ip("tuntap", "add", "dev", this.device, "mode", "tun");
    namespace.ip("link", "set", "dev", this.device, "txqueuelen", "200000", "up");
    this.stack = this.begin();
    this.raw = new RawEnd(namespace.name, this.device, (packet) => this.onPacket(packet));
    this.app = new Proxy({} as App, {
      get:
        (_target, name: string) =>
        async (...args: unknown[]) =>
          await this.called(name, args),
    });
  }

  /** What was put in before comes before. */
  private async called(name: string, args: readonly unknown[]): Promise<unknown> {
    await this.calm();
    return await this.stack.ask(name, ...args);
  }

  private begin(): StackProcess {
    const startsAt = (this.options.startsAt ?? 0) + this.time;
    return new StackProcess(this.namespace.name, this.device, this.script, {
      ...this.options,
      startsAt,
    });
  }

  static async start(
    namespace: Namespace,
    script: string,
    options: WorldOptions,
  ): Promise<TunWorld> {
    const w = new TunWorld(namespace, script, options);
    await w.stack.says("ready");
    w.awaitCarrier();
    await w.raw.allWritten();
    return w;
  }

  async end(): Promise<void> {
    await this.stack.end();
    await this.raw.end();
    this.namespace.try("ip", "link", "del", this.device);
  }

  get now(): number {
    return this.time;
  }

  get elapsed(): number {
    return this.time + (performance.now() - this.began) / SLACK;
  }

  put(...packets: Uint8Array[]): void {
    if (this.isUp) this.put_ += packets.length;
    this.raw.put(packets);
  }

  /** The process has taken what was put, and all that it sent is here. */
  private async calm(): Promise<void> {
    if (!this.isUp) return void (await this.stack.ask("due"));
    if (this.isCalm) return;
    let until = performance.now() + PATIENCE;
    let before = -1;
    for (;;) {
      await this.stack.ask("due");
      const { received, sent } = this.stack;
      if (this.isCalm) return;
      const progress = received + sent + this.raw.seen;
      if (progress !== before) until = performance.now() + PATIENCE;
      before = progress;
      if (performance.now() > until) {
        const lost = `${this.put_ - received} of ${this.put_} in, ${sent - this.raw.seen} of ${sent} out`;
        throw new Error(`packets are lost in the kernel: ${lost}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }

  private get isCalm(): boolean {
    const { received, sent } = this.stack;
    return received >= this.put_ && this.raw.seen - this.seenBefore >= sent;
  }

  async settle(): Promise<void> {
    await this.calm();
    await this.onSettle?.();
  }

  async waits(ms: number): Promise<void> {
    await this.calm();
    const end = this.time + ms;
    const origin = this.options.startsAt ?? 0;
    let due = await this.stack.ask<number | null>("due");
    while (this.time < end || (due !== null && due - origin <= end)) {
      this.time = due === null ? end : Math.min(end, Math.max(this.time, due - origin));
      due = await this.stack.ask<number | null>("moves", origin + this.time);
      await this.calm();
      if (due !== null && due - origin <= this.time)
        throw new Error("a timer that is due stays due");
    }
  }

  async sleeps(ms: number, ...meanwhile: Uint8Array[]): Promise<void> {
    await this.calm();
    const folder = mkdtempSync(join(tmpdir(), "tuntcp-hostile-"));
    try {
      const file = join(folder, "go");
      this.time += ms;
      const blocked = this.stack.says("blocked");
      const over = this.stack.ask("blocks", (this.options.startsAt ?? 0) + this.time, file);
      await blocked;
      this.put(...meanwhile);
      await this.raw.allWritten();
      writeFileSync(file, "");
      await over;
      await this.stack.ask("moves", (this.options.startsAt ?? 0) + this.time);
      await this.calm();
    } finally {
      rmSync(folder, { recursive: true });
    }
  }

  async report(): Promise<Report> {
    await this.calm();
    return await this.stack.ask<Report>("report");
  }

  async memory(): Promise<number> {
    return await this.stack.ask<number>("memory");
  }

  async cpu(): Promise<number> {
    return (await this.stack.ask<number>("cpu")) / 1000;
  }

  /** Asks the process for what no stack in memory can tell. */
  async ask<T>(method: string, ...args: unknown[]): Promise<T> {
    return await this.stack.ask<T>(method, ...args);
  }

  async another(options: WorldOptions): Promise<World> {
    return await TunWorld.start(this.namespace, this.script, options);
  }

  async link(up: boolean): Promise<void> {
    await this.calm();
    await this.raw.allWritten();
    this.namespace.ip("link", "set", this.device, up ? "up" : "down");
    this.isUp = up;
    if (!up) return;
    this.awaitCarrier();
    await this.recount();
  }

  /** Before the kernel has seen that the device is attached and up it drops what is sent through it. */
  private awaitCarrier(): void {
    const look = (): string => this.namespace.ip("-j", "link", "show", "dev", this.device);
    for (let n = 0; n < 500 && look().includes('"operstate":"DOWN"'); n++);
  }

  /** What was lost at an interface that was down is nobody's from now on. */
  private async recount(): Promise<void> {
    await this.raw.allWritten();
    await this.stack.ask("due");
    this.put_ = this.stack.received;
    this.seenBefore = this.raw.seen - this.stack.sent;
  }

  async mtu(bytes: number): Promise<void> {
    await this.calm();
    this.namespace.ip("link", "set", this.device, "mtu", String(bytes));
  }

  async takes(what: Takes): Promise<void> {
    await this.stack.ask("takes", what);
  }

  async restarts(): Promise<void> {
    this.violations.push(...(await this.report()).violations);
    await this.stack.end("SIGKILL");
    this.stack = this.begin();
    await this.stack.says("ready");
    this.put_ = 0;
    this.seenBefore = this.raw.seen;
  }

  async losesDevice(): Promise<number> {
    await this.calm();
    this.isUp = false;
    this.namespace.ip("link", "del", this.device);
    const until = performance.now() + PATIENCE;
    while ((await this.stack.ask<number>("losses")) === 0 && performance.now() < until)
      await new Promise((resolve) => setTimeout(resolve, 10));
    return await this.stack.ask<number>("losses");
  }

  private onPacket(bytes: Uint8Array): void {
    try {
      this.inbox.push(readSent(bytes, this.now));
    } catch (error) {
      this.violations.push((error as Error).message);
    }
  }
}
