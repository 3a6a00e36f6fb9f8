/** The stack in another process, asked for one thing after the other by lines of JSON. */
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { WorldOptions } from "./world.ts";

interface Line {
  readonly id?: number;
  readonly result?: unknown;
  readonly received?: number;
  readonly sent?: number;
  readonly error?: string;
  readonly died?: string;
  readonly ready?: true;
  readonly blocked?: true;
}

interface Asked {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

export class StackProcess {
  readonly process: ChildProcess;
  /** Packets that it had taken and sent at its last word. */
  received = 0;
  sent = 0;
  private readonly waiting = new Map<number, Asked>();
  private readonly said: { ready: Asked[]; blocked: Asked[] } = { ready: [], blocked: [] };
  private serial = 0;
  private dead: Error | null = null;
  private ending = false;

  constructor(namespace: string, device: string, script: string, options: WorldOptions) {
    const all = JSON.stringify({ name: device, options });
    const argv = [process.execPath, ...(options.flags ?? []), script, all];
    this.process = spawn("ip", ["netns", "exec", namespace, ...argv]);
    createInterface({ input: this.process.stdout! }).on("line", (line) => this.onLine(line));
    let words = "";
    this.process.stderr!.on("data", (chunk) => (words += String(chunk)));
    this.process.on("exit", (code, signal) => {
      if (!this.ending) this.onDeath(`the stack ended with ${code ?? signal} ${words}`);
    });
    this.process.stdin!.on("error", () => {});
  }

  /** Until it says so. */
  async says(what: "ready" | "blocked"): Promise<void> {
    if (this.dead !== null) throw this.dead;
    await new Promise<unknown>((resolve, reject) => this.said[what].push({ resolve, reject }));
  }

  async ask<T>(method: string, ...args: readonly unknown[]): Promise<T> {
    if (this.dead !== null) throw this.dead;
    const id = ++this.serial;
    return await new Promise<unknown>((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.process.stdin!.write(`${JSON.stringify({ id, method, args })}\n`);
    }).then((value) => value as T);
  }

  async end(signal: "SIGKILL" | null = null): Promise<void> {
    this.ending = true;
    const { exitCode, signalCode } = this.process;
    const gone = new Promise<void>((resolve) =>
      exitCode !== null || signalCode !== null
        ? resolve()
        : this.process.once("exit", () => resolve()),
    );
    if (signal === null) this.process.stdin!.end();
    else this.process.kill(signal);
    await gone;
  }

  private onLine(text: string): void {
    const line = JSON.parse(text) as Line;
    if (line.ready === true) return this.said.ready.shift()?.resolve(null);
    if (line.blocked === true) return this.said.blocked.shift()?.resolve(null);
    if (line.id === undefined) return this.onDeath(line.died ?? text);
    const asked = this.waiting.get(line.id)!;
    this.waiting.delete(line.id);
    if (line.error !== undefined) return asked.reject(new Error(line.error));
    this.received = line.received!;
    this.sent = line.sent!;
    asked.resolve(line.result);
  }

  /** I1: the process does not end by itself, and no exception leaves the stack. */
  private onDeath(why: string): void {
    this.dead ??= new Error(`I1: ${why}`);
    for (const asked of [...this.waiting.values(), ...this.said.ready, ...this.said.blocked])
      asked.reject(this.dead);
    this.waiting.clear();
  }
}
