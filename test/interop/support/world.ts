/**
 * A network namespace with the built command inside: `tuntcp serve` as a user starts it, the kernel's own tools beside
 * it, and a folder for what they read and write. `remove` ends what was started and deletes all of it.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createHash, randomFillSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { COMMAND, PACKAGE, requireBuild } from "../../support/command.ts";
import { Namespace, tunObstacle } from "../../support/tun.ts";

export { COMMAND, PACKAGE, requireBuild };

/** The sizes of the long gate instead of those of every day. */
export const FULL: boolean = process.env["TUNTCP_FULL"] === "1";
export const STACK = "192.0.2.2";
export const HOST = "192.0.2.1";

/** Why these tests cannot run here, or null; said aloud, because a skipped test is easily overlooked. */
export function obstacle(...tools: string[]): string | null {
  const missing = tools.filter((tool) => spawnSync("which", [tool]).status !== 0);
  const reason = missing.length > 0 ? `without ${missing.join(" and ")}` : tunObstacle();
  if (reason !== null) console.warn(`interop tests are skipped: ${reason}`);
  return reason;
}

/** TUNTCP_TEST_OFFLOAD (auto, checksum, off) and TUNTCP_TEST_WORKERS run the same tests in another mode. */
function modeFor(args: readonly string[]): string[] {
  const offload = process.env["TUNTCP_TEST_OFFLOAD"] ?? "auto";
  const workers = process.env["TUNTCP_TEST_WORKERS"] ?? "1";
  const has = (...names: string[]): boolean =>
    names.some((name) => args.some((a) => a.startsWith(name)));
  const mode: string[] = [];
  if (offload !== "auto" && !has("--offload", "--impair")) mode.push("--offload", offload);
  if (workers !== "1" && !has("--workers", "--capture", "--impair", "--metrics", "iperf3")) {
    mode.push("--workers", workers);
  }
  return mode;
}

/** True where the environment asks for a mode: what does not depend on it was tested without. */
export const ANOTHER_MODE: boolean =
  (process.env["TUNTCP_TEST_OFFLOAD"] ?? process.env["TUNTCP_TEST_WORKERS"]) !== undefined;

/** For `ip tuntap add`: several workers need a TUN that was made for several queues. */
export const TUN_KIND: readonly string[] =
  (process.env["TUNTCP_TEST_WORKERS"] ?? "1") === "1"
    ? ["mode", "tun"]
    : ["mode", "tun", "multi_queue"];

export interface Outcome {
  readonly code: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

/** A process in the namespace. */
export class Running {
  readonly process: ChildProcess;
  readonly outcome: Promise<Outcome>;
  /** As text where one byte is one character. */
  stdout = "";
  stderr = "";
  #heard: () => void = () => {};

  constructor(process: ChildProcess, input?: string | Uint8Array) {
    this.process = process;
    process.stdout!.on("data", (chunk: Buffer) => this.#take("stdout", chunk));
    process.stderr!.on("data", (chunk: Buffer) => this.#take("stderr", chunk));
    // whoever does not read its input to the end says so with its exit code
    process.stdin!.on("error", () => {});
    if (input !== undefined) process.stdin!.end(input);
    this.outcome = new Promise((resolve) => {
      process.on("close", (code, signal) => {
        resolve({ code: code ?? signal ?? -1, stdout: this.stdout, stderr: this.stderr });
        this.#heard();
      });
    });
  }

  #take(to: "stdout" | "stderr", chunk: Buffer): void {
    this[to] += chunk.toString("latin1");
    this.#heard();
  }

  get ended(): boolean {
    return this.process.exitCode !== null || this.process.signalCode !== null;
  }

  /** Resolves once the text has appeared on either stream. */
  async says(text: string): Promise<void> {
    while (!this.stdout.includes(text) && !this.stderr.includes(text)) {
      if (this.ended) throw new Error(`ended without "${text}": ${this.stderr}`);
      await new Promise<void>((resolve) => (this.#heard = resolve));
    }
  }

  /** SIGTERM more than once: signals that wait together for a busy process are one, so they come until it has ended. */
  async stopAtOnce(): Promise<Outcome> {
    const again = setInterval(() => this.process.kill("SIGTERM"), 200);
    this.process.kill("SIGTERM");
    try {
      return await this.outcome;
    } finally {
      clearInterval(again);
    }
  }

  /** SIGTERM, as a service manager does it. */
  async stop(): Promise<Outcome> {
    this.process.kill("SIGTERM");
    return await this.outcome;
  }
}

export class World {
  readonly namespace: Namespace;
  readonly folder: string;
  readonly #running: Running[] = [];

  constructor() {
    requireBuild();
    this.namespace = new Namespace();
    this.folder = mkdtempSync(join(tmpdir(), "tuntcp-interop-"));
    this.namespace.ip("link", "set", "lo", "up");
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  start(command: string, args: readonly string[], input?: string | Uint8Array): Running {
    const argv = ["netns", "exec", this.namespace.name, command, ...args];
    const running = new Running(spawn("ip", argv), input);
    this.#running.push(running);
    return running;
  }

  async run(
    command: string,
    args: readonly string[],
    input: string | Uint8Array = "",
  ): Promise<Outcome> {
    return await this.start(command, args, input).outcome;
  }

  tuntcp(args: readonly string[], input?: string | Uint8Array): Running {
    return this.start(process.execPath, [COMMAND, ...args], input);
  }

  /** In the mode that the environment asks for, unless the test is about a mode of its own. */
  async serve(...args: string[]): Promise<Running> {
    const serve = this.tuntcp(["serve", ...args, ...modeFor(args)]);
    await serve.says("ready");
    return serve;
  }

  async curl(...args: string[]): Promise<Outcome> {
    return await this.run("curl", ["-sS", ...args]);
  }

  /** A file of bytes that do not repeat, and their hash. */
  content(name: string, size: number): { path: string; sha256: string } {
    const path = this.path(name);
    const hash = createHash("sha256");
    const block = Buffer.alloc(Math.min(size, 1 << 24));
    for (let left = size; left > 0; left -= block.length) {
      const part = randomFillSync(block).subarray(0, Math.min(left, block.length));
      hash.update(part);
      writeFileSync(path, part, { flag: "a" });
    }
    return { path, sha256: hash.digest("hex") };
  }

  /** Interfaces by name, without the loopback. */
  links(): string[] {
    const links = JSON.parse(this.namespace.ip("-j", "link", "show")) as { ifname: string }[];
    return links.map((link) => link.ifname).filter((name) => name !== "lo");
  }

  async remove(): Promise<void> {
    for (const running of this.#running) {
      if (!running.ended) running.process.kill("SIGKILL");
      await running.outcome;
    }
    await this.namespace.remove();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
