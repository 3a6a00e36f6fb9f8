/** What docs/campaigns.md and docs/kernel-oracle.md say to type does what they say. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { COMMAND, obstacle, World } from "../interop/support/world.ts";
import { commandsOf } from "../support/document.ts";
import { ServerProcess } from "../support/server-process.ts";
import { hasNats, READY } from "../tools/fuzz/support/nats.ts";

const folder = mkdtempSync(join(tmpdir(), "tuntcp-campaigns-"));
afterAll(() => rmSync(folder, { recursive: true }));

interface Outcome {
  readonly code: number | null;
  readonly out: string;
  readonly wrong: string;
}

async function ended(child: ChildProcess): Promise<Outcome> {
  let out = "";
  let wrong = "";
  child.stdout!.on("data", (chunk) => (out += String(chunk)));
  child.stderr!.on("data", (chunk) => (wrong += String(chunk)));
  const [code] = (await once(child, "close")) as [number | null];
  return { code, out, wrong };
}

function type(line: string): Promise<Outcome> {
  const [name, ...words] = line.split(" ");
  const argv = name === "tuntcp" ? [process.execPath, COMMAND, ...words] : [name!, ...words];
  return ended(spawn(argv[0]!, argv.slice(1), { cwd: folder, stdio: ["ignore", "pipe", "pipe"] }));
}

describe("docs/campaigns.md", () => {
  const lines = commandsOf("docs/campaigns.md");
  const overBroker = lines.filter((line) => /nats/.test(line));
  const inFolder = lines.filter((line) => !overBroker.includes(line));

  test("in a folder", async () => {
    expect(inFolder).toHaveLength(2);
    const results: string[] = [];
    for (const line of inFolder) {
      const { code, out, wrong } = await type(line);
      expect([line, code, code === 0 ? "" : wrong]).toEqual([line, 0, ""]);
      results.push(/^result (\w{16})$/m.exec(out)![1]!);
    }
    expect(results[1]).toBe(results[0]);
    expect(readdirSync(join(folder, "shared", "inputs"))[0]).toMatch(/^[\da-f]{64}$/);
  });

  const absent = !hasNats();
  if (absent) console.log("no nats-server: what docs/campaigns.md says of a broker is not typed");

  // a real nats-server, started as the page says, but on a port and in a folder of the test's own
  test.skipIf(absent)("over a broker", async () => {
    expect(overBroker).toHaveLength(2);
    const [start, work] = overBroker as [string, string];
    const [name, ...words] = start.split(" ");
    const server = await ServerProcess.start({
      name: name!,
      args: (port, own) => [
        ...words.map((word) => word.replace("/var/tmp/nats", own)),
        "-p",
        String(port),
      ],
      ready: READY,
    });
    try {
      const { code, out, wrong } = await type(work.replace("4222", String(server.port)));
      expect([code, code === 0 ? "" : wrong]).toEqual([0, ""]);
      expect(out).toMatch(/^300 executions in \d+ rounds/);
    } finally {
      await server.stop();
    }
  });
});

const missing = obstacle("unshare");
if (missing !== null) console.log(`${missing}: what docs/kernel-oracle.md says is not typed`);

// a kernel behind a TUN, in a namespace of the test's own
describe.skipIf(missing !== null)("docs/kernel-oracle.md", () => {
  const lines = commandsOf("docs/kernel-oracle.md");

  test("the kernel and ours", async () => {
    expect(lines).toHaveLength(2);
    const { code, out, wrong } = await type(lines[0]!);
    expect([code, code === 0 ? "" : wrong]).toEqual([0, ""]);
    expect(out).toMatch(/^500 sequences to Linux \S+ and to this stack in /);
    expect(out).toMatch(/^ +\d+ {2}answered alike$/m);
  });

  test("another TCP: the kernel's, with a program that reads", async () => {
    const world = new World();
    try {
      const program = `require("net").createServer({ allowHalfOpen: true }, (s) => s.on("error", () => {}).resume()).listen(80, () => console.log("listens"))`;
      await world.start(process.execPath, ["-e", program]).says("listens");
      const words = lines[1]!.split(" ").slice(1);
      const fuzzed = await world.tuntcp(words).outcome;
      expect([fuzzed.code, fuzzed.stderr]).toEqual([0, ""]);
      expect(fuzzed.stdout).toMatch(/^500 sequences to 192\.0\.2\.1:80 in .* s, 0 findings$/m);
      const wrong = await world.tuntcp(["fuzz", "tun", "127.0.0.1:80"]).outcome;
      expect([wrong.code, wrong.stderr]).toEqual([
        2,
        "tuntcp: 127.0.0.1:80: belongs to lo of this machine and is not behind tuntcp0: only what is reached through the TUN is fuzzed\n",
      ]);
      const deaf = await world.tuntcp(["fuzz", "tun", "192.0.2.1:81", "--runs", "20"]).outcome;
      expect(deaf.code).toBe(1);
      expect(deaf.stderr).toMatch(/^tuntcp: 1 findings: I2 a SYN of an honest peer/);
    } finally {
      await world.remove();
    }
  });
});
