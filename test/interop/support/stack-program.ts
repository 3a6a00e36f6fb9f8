/** A program on a stack of its own beside the kernel (stack-program.mjs), in a namespace whose TUN is there already. */
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import type { TcpInfo } from "../../../src/tcp/info.ts";
import { HOST, type Running, STACK, type World } from "./world.ts";

const SCRIPT = join(dirname(fileURLToPath(import.meta.url)), "stack-program.mjs");

export interface ProgramOptions {
  readonly settings?: Record<string, unknown>;
  readonly offload?: string;
  readonly capture?: string;
  readonly mark?: number;
  readonly fastOpen?: number;
  readonly connect?: readonly { port: number; size: number; fastOpen?: boolean }[];
}

export interface Counted {
  readonly counters: Readonly<Record<string, number>>;
  readonly marked: { readonly in: number; readonly out: number } | undefined;
  /** Of each connection made, and of each that the listener had, as they ended. */
  readonly echoed: readonly { readonly same: boolean; readonly info: TcpInfo }[];
  readonly served: readonly TcpInfo[];
}

/** The TUN of the namespace, and the kernel's settings for it. */
export function prepare(world: World, ...sysctls: string[]): void {
  world.namespace.ip("tuntap", "add", "dev", "tt0", "mode", "tun");
  world.namespace.ip("address", "add", `${HOST}/24`, "dev", "tt0");
  world.namespace.ip("link", "set", "tt0", "up");
  for (const sysctl of sysctls) world.namespace.exec("sysctl", "-qw", sysctl);
}

/** Runs until `during` has ended. */
export async function runs(
  world: World,
  options: ProgramOptions,
  during: () => Promise<void>,
): Promise<Counted> {
  const program: Running = world.start(process.execPath, [SCRIPT, JSON.stringify(options)]);
  await program.says('"event":"ready"');
  // right after its carrier came the kernel drops what it has for an interface: a SYN that is lost so asks for nothing any more
  for (let tries = 0; (await world.run("ping", ["-qc1", "-W1", STACK])).code !== 0; tries++)
    expect(tries).toBeLessThan(10);
  program.process.stdin!.write("go\n");
  await program.says('"event":"connected"');
  await during();
  program.process.stdin!.end();
  const { code, stdout, stderr } = await program.outcome;
  expect([code, stderr]).toEqual([0, ""]);
  const events = stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as { event: string } & Record<string, unknown>);
  const of = (kind: string): unknown[] => events.filter((e) => e.event === kind);
  const { counters, marked } = of("counted")[0] as Counted;
  const served = (of("closed") as { info: TcpInfo }[]).map((e) => e.info);
  return { counters, marked, echoed: of("echoed") as Counted["echoed"], served };
}

/** The kernel's own counters of the namespace, under nstat's names. */
export function kernelCounters(world: World): Record<string, number> {
  const lines = world.namespace.exec("cat", "/proc/net/netstat").trim().split("\n");
  const all: Record<string, number> = {};
  for (let i = 0; i + 1 < lines.length; i += 2) {
    const [prefix, ...names] = lines[i]!.split(" ");
    const values = lines[i + 1]!.split(" ").slice(1);
    names.forEach((name, k) => (all[`${prefix!.replace(":", "")}${name}`] = Number(values[k])));
  }
  return all;
}

/** The kernel's end of an echo. */
export async function kernelEcho(world: World, port: number): Promise<void> {
  const script = `require("net").createServer({ allowHalfOpen: true }, (s) => s.pipe(s)).listen(${port}, () => console.log("echo"))`;
  await world.start(process.execPath, ["-e", script]).says("echo");
}
