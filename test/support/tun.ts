/**
 * Network namespaces for tests against the kernel, and a child inside one that drives a TUN device. The
 * sources are compiled for the child once a test file; nothing outside the namespace is touched.
 */

import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { accessSync, constants, mkdtempSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { loadNative } from "../../src/devices/native-binding.ts";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");

/** Why the tests against a real TUN cannot run here, or `null`. */
export function tunObstacle(): string | null {
  if (process.getuid?.() !== 0) return "not root";
  try {
    accessSync("/dev/net/tun", constants.R_OK | constants.W_OK);
    loadNative();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  const name = `tcpprobe${process.pid}`;
  if (spawnSync("ip", ["netns", "add", name]).status !== 0) return "no network namespaces";
  execFileSync("ip", ["netns", "del", name]);
  return null;
}

/** Compiles `src` to a folder of its own below the package, where the native layer is found from. */
export function compileSources(): { folder: string; remove(): void } {
  const build = join(root, "build");
  const folder = mkdtempSync(join(build, "tun-test-"));
  // Types are the business of other checks.
  spawnSync(
    process.execPath,
    [join(root, "node_modules/typescript/bin/tsc"), "-p", root, "--noCheck", "--outDir", folder],
    { cwd: root },
  );
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

export type ChildEvent = Record<string, unknown> & { event: string };

export class TunChild {
  readonly process: ChildProcess;
  readonly exited: Promise<number | string>;
  stderr = "";
  readonly #events: ChildEvent[] = [];
  #wake: () => void = () => {};

  constructor(namespace: string, folder: string, scenario: string, options: object) {
    const script = join(root, "test/support/tun-child.mjs");
    const argv = ["netns", "exec", namespace, process.execPath, script, folder, scenario];
    this.process = spawn("ip", [...argv, JSON.stringify(options)]);
    this.exited = new Promise((resolve) => {
      this.process.on("exit", (code, signal) => {
        resolve(code ?? signal ?? -1);
        this.#wake();
      });
    });
    this.process.stderr!.on("data", (chunk) => (this.stderr += String(chunk)));
    createInterface({ input: this.process.stdout! }).on("line", (line) => {
      this.#events.push(JSON.parse(line) as ChildEvent);
      this.#wake();
    });
  }

  tell(line: string): void {
    this.process.stdin!.write(`${line}\n`);
  }

  /** The next event of that kind; earlier ones of other kinds are passed over. */
  async event(kind: string, timeoutMs = 10_000): Promise<ChildEvent> {
    const end = Date.now() + timeoutMs;
    for (;;) {
      const at = this.#events.findIndex((event) => event.event === kind);
      if (at >= 0) return this.#events.splice(0, at + 1)[at]!;
      const left = end - Date.now();
      if (left <= 0) throw new Error(`no event "${kind}" from the child: ${this.stderr}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  async ask(command: string, kind: string): Promise<ChildEvent> {
    this.tell(command);
    return await this.event(kind);
  }
}

let serial = 0;

/** A namespace with nothing in it; `remove` ends its children and deletes it. */
export class Namespace {
  readonly name: string = `tcpt${process.pid}x${serial++}`;
  readonly #children: TunChild[] = [];

  constructor() {
    execFileSync("ip", ["netns", "add", this.name]);
    // Keeps IPv6's own packets off the devices.
    this.exec("sysctl", "-qw", "net.ipv6.conf.default.disable_ipv6=1");
  }

  exec(command: string, ...args: string[]): string {
    return execFileSync("ip", ["netns", "exec", this.name, command, ...args], { encoding: "utf8" });
  }

  /** As `exec`, with the outcome as a value, for commands that are meant to fail. */
  try(command: string, ...args: string[]): { status: number | null; output: string } {
    const argv = ["netns", "exec", this.name, command, ...args];
    const { status, stdout, stderr } = spawnSync("ip", argv, { encoding: "utf8" });
    return { status, output: stdout + stderr };
  }

  ip(...args: string[]): string {
    return execFileSync("ip", ["-n", this.name, ...args], { encoding: "utf8" });
  }

  child(folder: string, scenario: string, options: object): TunChild {
    const child = new TunChild(this.name, folder, scenario, options);
    this.#children.push(child);
    return child;
  }

  async remove(): Promise<void> {
    for (const child of this.#children) {
      child.process.kill("SIGKILL");
      await child.exited;
    }
    execFileSync("ip", ["netns", "del", this.name]);
  }
}
