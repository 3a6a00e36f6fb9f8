/** `tuntcp run` and the environment of the preload: what goes to the program, what comes back, and what a user gets wrong. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { COMMAND, requireBuild } from "../support/command.ts";
import { type Ended, ended, onLoopback } from "./support/programs.ts";

requireBuild();
const folder = mkdtempSync(join(tmpdir(), "tuntcp-run-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function program(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const ECHO = program(
  "echo.mjs",
  `process.stdout.write(JSON.stringify(process.argv.slice(2)));
   for await (const chunk of process.stdin) process.stdout.write(chunk);`,
);
/** Says so when it listens, and runs until it is stopped. */
const SERVER = program(
  "server.cjs",
  `require("net").createServer().listen(80, () => console.log("listening"));`,
);

function start(...args: string[]): ChildProcess {
  return spawn(process.execPath, [COMMAND, "run", ...args]);
}

async function run(args: readonly string[], input = ""): Promise<Ended> {
  const process = start(...args);
  process.stdin!.end(input);
  return await ended(process);
}

async function until(process: ChildProcess, text: string): Promise<void> {
  let all = "";
  await new Promise<void>((resolve, reject) => {
    process.stdout!.on("data", (chunk) => {
      all += String(chunk);
      if (all.includes(text)) resolve();
    });
    process.on("exit", () => reject(new Error(`ended without ${text}`)));
  });
}

describe("tuntcp run", () => {
  it("leaves arguments, even those that look like its own, and both streams to the program", async () => {
    const args = ["--tun", "loopback", ECHO, "--tun", "x", "--rootless", "-h"];
    expect(await run(args, "some input")).toEqual({
      code: 0,
      stdout: '["--tun","x","--rootless","-h"]some input',
      stderr: "",
    });
  });

  it("ends with the program's exit code", async () => {
    const path = program("seven.mjs", "process.exitCode = 7;");
    expect((await run(["--tun", "loopback", path])).code).toBe(7);
  });

  it.each([
    ["SIGTERM", 0],
    ["SIGINT", 0],
    ["SIGHUP", "SIGHUP"],
  ] as const)("passes %s on, and ends with %s", async (signal, code) => {
    const process = start("--tun", "loopback", SERVER);
    const outcome = ended(process);
    await until(process, "listening");
    process.kill(signal);
    expect((await outcome).code).toBe(code);
  });

  it("dies of a signal that the program gave itself", async () => {
    const path = program(
      "self.mjs",
      `process.kill(process.pid, "SIGTERM"); setInterval(() => {}, 1000);`,
    );
    expect((await run(["--tun", "loopback", path])).code).toBe("SIGTERM");
  });

  it("leaves a signal to a program that listens for it", async () => {
    const path = program(
      "polite.cjs",
      `const server = require("net").createServer().listen(80, () => console.log("listening"));
       process.on("SIGTERM", () => { console.log("bye"); server.close(); process.exitCode = 3; });`,
    );
    const process = start("--tun", "loopback", path);
    const outcome = ended(process);
    await until(process, "listening");
    process.kill("SIGTERM");
    expect(await outcome).toEqual({ code: 3, stdout: "listening\nbye\n", stderr: "" });
  });

  it("passes its device options to the program's stack", async () => {
    const path = program(
      "settings.mjs",
      `const { stack } = await import(${JSON.stringify(new URL("../../dist/register/index.js", import.meta.url).href)});
       const { settings, device, core } = stack;
       console.log(settings.tcp_sack, settings.tcp_rmem.join(), device.mtu, core.addresses.all.length);`,
    );
    const set = ["--set", "tcp_sack=0", "--set", "tcp_rmem=4096 65536 1048576"];
    const args = ["--tun", "loopback", "--mtu", "1400", "--address", "198.51.100.2/24", ...set];
    const { stdout, stderr } = await run([...args, path]);
    expect({ stdout, stderr }).toEqual({ stdout: "0 4096,65536,1048576 1400 2\n", stderr: "" });
  });

  it("captures each packet of the loopback device once", async () => {
    const path = program(
      "once.cjs",
      `const net = require("net");
       const server = net.createServer((s) => s.end()).listen(80, () => net.connect(80).resume().on("close", () => server.close()));`,
    );
    const file = join(folder, "once.pcapng");
    expect((await run(["--tun", "loopback", "--capture", file, path])).code).toBe(0);
    const trace = await ended(spawn(process.execPath, [COMMAND, "trace", file]));
    expect(trace.stdout.match(/SYN seq/g)).toHaveLength(1);
    expect(trace.stdout).not.toContain("retransmission");
  });
});

describe("a mistake is one line, before the program's first", () => {
  const HELLO = program("hello.mjs", `console.log("hello");`);

  it.each([
    [["--tun", "a/b"], 2, /^tuntcp: --tun a\/b: /],
    [["--address", "192.0.2.2"], 2, /^tuntcp: --address 192\.0\.2\.2: .*prefix/],
    [["--tun", "loopback", "--capture", "-"], 2, /^tuntcp: --capture -: stdout is the program's/],
    [["--tun", "loopback", "--set", "tcp_sac=1"], 2, /^tuntcp: --set .*tcp_sack/],
    [["--impair", "los=1%"], 2, /^tuntcp: --impair .*los/],
  ])("tuntcp run %j", async (args, code, line) => {
    const outcome = await run([...args, HELLO]);
    expect(outcome).toMatchObject({ code, stdout: "" });
    expect(outcome.stderr).toMatch(line);
    expect(outcome.stderr.trimEnd().split("\n")).toHaveLength(1);
  });

  it("tuntcp run without a script", async () => {
    expect(await run([])).toMatchObject({ code: 2, stdout: "" });
  });

  it.each([
    [{ TUNTCP_DEVICE: "a/b" }, 2, /^tuntcp: TUNTCP_DEVICE a\/b: /],
    [{ TUNTCP_DEVICE: "tun9", TUNTCP_ADDRESS: "nowhere" }, 2, /^tuntcp: TUNTCP_ADDRESS nowhere: /],
    [{ TUNTCP_ADDRESS: "198.51.100.2" }, 2, /^tuntcp: TUNTCP_ADDRESS 198\.51\.100\.2: .*prefix/],
    [
      { TUNTCP_DEVICE: "tun9", TUNTCP_HOST: "203.0.113.1" },
      2,
      /^tuntcp: TUNTCP_HOST 203.*not within/,
    ],
    [{ TUNTCP_MTU: "big" }, 2, /^tuntcp: TUNTCP_MTU big: /],
    [{ TUNTCP_CONFIGURE: "maybe" }, 2, /^tuntcp: TUNTCP_CONFIGURE maybe: true or false/],
    [{ TUNTCP_SET: "tcp_sack=0;tcp_magic=1" }, 2, /^tuntcp: TUNTCP_SET .*tcp_magic/],
    [{ TUNTCP_CAPTURE: "/nowhere/at/all" }, 2, /^tuntcp: TUNTCP_CAPTURE \/nowhere\/at\/all: /],
  ])("%j", async (env, code, line) => {
    const outcome = await onLoopback(process.execPath, [HELLO], env);
    expect(outcome).toMatchObject({ code, stdout: "" });
    expect(outcome.stderr).toMatch(line);
    expect(outcome.stderr.trimEnd().split("\n")).toHaveLength(1);
  });
});
