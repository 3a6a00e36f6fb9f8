/** The stack in another process on a TUN, in a namespace of its own, with a raw socket at the kernel's end. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Settings } from "../../../src/tcp/config.ts";
import { Namespace } from "../../support/tun.ts";
import type { App } from "./application.ts";
import { addr, icmp, isControl, readSent, RST, type Seen, SYN, TCP } from "./packet.ts";
import type { World } from "./world.ts";

const HERE = dirname(fileURLToPath(import.meta.url));
const ROOT = join(HERE, "..", "..", "..");
/** Whoever asks whether everything was judged. */
const PINGER = addr("192.0.2.250");
const DEVICE = "hostile0";

/** The child and all it imports, compiled once a test file. */
export function compileChild(): { script: string; remove(): void } {
  const folder = mkdtempSync(join(ROOT, "build", "hostile-"));
  const config = join(folder, "tsconfig.json");
  const options = {
    rootDir: ROOT,
    outDir: folder,
    declaration: false,
    isolatedDeclarations: false,
    sourceMap: false,
    noCheck: true,
    typeRoots: [join(ROOT, "node_modules/@types")],
  };
  const files = [join(HERE, "tun-child.ts")];
  writeFileSync(
    config,
    JSON.stringify({
      extends: join(ROOT, "tsconfig.json"),
      compilerOptions: options,
      include: [],
      files,
    }),
  );
  const tsc = join(ROOT, "node_modules/typescript/bin/tsc");
  const { status, stdout } = spawnSync(process.execPath, [tsc, "-p", config], { encoding: "utf8" });
  if (status !== 0) throw new Error(`the child does not compile: ${stdout}`);
  const script = join(folder, "test/hostile/support/tun-child.js");
  return { script, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

export class TunWorld implements World {
  readonly virtual = false;
  readonly spent = 0;
  readonly app: App;
  readonly violations: string[] = [];
  inbox: Seen[] = [];
  private readonly began = performance.now();
  private readonly stack: ChildProcess;
  private readonly raw: ChildProcess;
  private readonly waiting = new Map<
    number,
    { resolve(v: unknown): void; reject(e: Error): void }
  >();
  private readonly pings = new Map<number, () => void>();
  private readonly lost: string[] = [];
  private serial = 0;
  private unread: Buffer = Buffer.alloc(0);
  private dead: Error | null = null;
  private ready: () => void = () => {};
  /** Since the last `settle`, for I4. */
  private put_ = 0;
  private resets = 0;

  private constructor(namespace: Namespace, script: string, settings: Partial<Settings>) {
    const inside = (...argv: string[]): ChildProcess =>
      spawn("ip", ["netns", "exec", namespace.name, ...argv]);
    // a second is enough for fragments that never come
    const all = JSON.stringify({ name: DEVICE, settings: { ipfrag_time: 1, ...settings } });
    this.stack = inside(process.execPath, script, all);
    this.raw = inside("python3", join(HERE, "raw_socket.py"), DEVICE);
    createInterface({ input: this.stack.stdout! }).on("line", (line) => this.onLine(line));
    this.stack.stderr!.on("data", (chunk) => this.onDeath(String(chunk)));
    this.stack.on("exit", (code) => this.onDeath(`the stack ended with ${code}`));
    this.raw.stdout!.on("data", (chunk: Buffer) => this.onData(chunk));
    this.raw.stdin!.on("error", () => {});
    this.stack.stdin!.on("error", () => {});
    this.app = new Proxy({} as App, {
      get:
        (_target, name: string) =>
        async (...args: unknown[]) =>
          await this.ask(name, args),
    });
  }

  /** The interface has to be there before the two processes are. */
  static async start(
    namespace: Namespace,
    script: string,
    settings: Partial<Settings>,
  ): Promise<TunWorld> {
    namespace.ip("tuntap", "add", "dev", DEVICE, "mode", "tun");
    namespace.ip("addr", "add", "192.0.2.1/24", "dev", DEVICE);
    namespace.ip("link", "set", "dev", DEVICE, "txqueuelen", "20000", "up");
    const w = new TunWorld(namespace, script, settings);
    await new Promise<void>((resolve) => (w.ready = resolve));
    await w.settle();
    return w;
  }

  async end(namespace: Namespace): Promise<void> {
    this.stack.removeAllListeners("exit");
    const gone = [this.stack, this.raw].map(
      (p) =>
        new Promise<void>((resolve) =>
          p.exitCode !== null ? resolve() : p.once("exit", () => resolve()),
        ),
    );
    this.stack.stdin!.end();
    this.raw.stdin!.end();
    await Promise.all(gone);
    namespace.try("ip", "link", "del", DEVICE);
  }

  /** What the child said when its device was gone. */
  async deviceLost(): Promise<string[]> {
    for (let n = 0; n < 100 && this.lost.length === 0; n++) await this.waits(50);
    await this.waits(300); // a second one would come by now
    return this.lost;
  }

  get now(): number {
    return performance.now() - this.began;
  }

  put(...packets: Uint8Array[]): void {
    const head = Buffer.alloc(4);
    const parts: Uint8Array[] = [];
    for (const packet of packets) {
      head.writeUInt32BE(packet.length);
      parts.push(Buffer.from(head), packet);
      this.put_++;
      const at = (packet[0]! & 15) * 4;
      if (packet[9] === TCP && ((packet[at + 13] ?? 0) & RST) !== 0) this.resets++;
    }
    this.raw.stdin!.write(Buffer.concat(parts));
  }

  /**
   * An echo that follows what was put in comes back after it was judged, and a second one after what was owed for it left:
   * a stack answers at the end of a batch.
   */
  async settle(): Promise<void> {
    const before = this.inbox.length;
    const [packets, resets] = [this.put_, this.resets];
    this.put_ = this.resets = 0;
    await this.ping();
    await this.ping();
    const fresh = this.inbox.slice(before);
    if (packets === 0) return;
    // timers may have sent as well, SYN-ACKs above all, so that only the sum can be judged
    if (resets === packets && fresh.some((s) => (s.flags & RST) !== 0)) {
      this.violations.push("I4: a RST was answered with a RST");
    }
    const controls = fresh.filter((s) => isControl(s) && (s.flags & SYN) === 0).length;
    if (controls > 2 * packets + 50)
      this.violations.push(`I4: ${controls} answers to ${packets} packets`);
  }

  private async ping(): Promise<void> {
    const id = ++this.serial;
    for (let tries = 0; ; tries++) {
      if (this.dead !== null) throw this.dead;
      const answer = new Promise<boolean>((resolve) => {
        const timer = setTimeout(() => resolve(false), 1000);
        this.pings.set(id, () => {
          clearTimeout(timer);
          resolve(true);
        });
      });
      const packet = icmp({ source: PINGER }, 8, 0, id, new Uint8Array(8));
      const frame = Buffer.alloc(4 + packet.length);
      frame.writeUInt32BE(packet.length);
      frame.set(packet, 4);
      this.raw.stdin!.write(frame);
      if (await answer) return;
      // a flood may have filled the interface's queue
      if (tries > 20) throw new Error("I2: the stack does not answer an echo request");
    }
  }

  async waits(ms: number): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, ms));
  }

  async windDown(): Promise<void> {
    await this.settle();
    for (let n = 0; n < 40 && (await this.app.residue()).fragmentBytes > 0; n++)
      await this.waits(100);
    this.inbox = [];
  }

  private async ask(method: string, args: unknown[]): Promise<unknown> {
    if (this.dead !== null) throw this.dead;
    const id = ++this.serial;
    return await new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.stack.stdin!.write(`${JSON.stringify({ id, method, args })}\n`);
    });
  }

  private onLine(line: string): void {
    const said = JSON.parse(line) as {
      id?: number;
      result?: unknown;
      error?: string;
      died?: string;
      lost?: string;
    };
    if (said.lost !== undefined) return void this.lost.push(said.lost);
    if (said.id === undefined)
      return said.died === undefined ? this.ready() : this.onDeath(said.died);
    const asked = this.waiting.get(said.id)!;
    this.waiting.delete(said.id);
    if (said.error === undefined) asked.resolve(said.result);
    else asked.reject(new Error(said.error));
  }

  /** I1: the process does not end by itself, and no exception leaves the stack. */
  private onDeath(why: string): void {
    this.dead ??= new Error(`I1: ${why}`);
    for (const asked of this.waiting.values()) asked.reject(this.dead);
    this.waiting.clear();
    this.ready();
  }

  private onData(chunk: Buffer): void {
    this.unread = this.unread.length === 0 ? chunk : Buffer.concat([this.unread, chunk]);
    let at = 0;
    while (this.unread.length - at >= 4) {
      const size = this.unread.readUInt32BE(at);
      if (this.unread.length - at - 4 < size) break;
      this.onPacket(Uint8Array.from(this.unread.subarray(at + 4, at + 4 + size)));
      at += 4 + size;
    }
    this.unread = this.unread.subarray(at);
  }

  private onPacket(bytes: Uint8Array): void {
    let s: Seen;
    try {
      s = readSent(bytes, this.now);
    } catch (error) {
      this.violations.push(String(error));
      return;
    }
    if (s.destination !== PINGER) return void this.inbox.push(s);
    const id = Buffer.from(bytes).readUInt32BE(24);
    this.pings.get(id)?.();
    this.pings.delete(id);
  }
}
