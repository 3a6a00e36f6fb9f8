/** scripts/demo run as a user would, without its installing: through a TUN where there may be one, and in memory. */
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { requireBuild } from "../interop/support/world.ts";
import { tunObstacle } from "../support/tun.ts";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const folder = mkdtempSync(join(tmpdir(), "tuntcp-demo-test-"));
const obstacle = tunObstacle();
if (obstacle !== null) console.warn(`skipped: the demo through a TUN (${obstacle})`);

// not built here: other tests run the command at this moment
beforeAll(requireBuild);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Run {
  readonly code: number | null;
  readonly output: string;
  readonly namespace: string;
}

/** `until`: a text upon which the script gets a SIGINT. */
async function demo(args: string[], env: Record<string, string>, until?: string): Promise<Run> {
  const child = spawn(join(root, "scripts/demo"), args, {
    env: { ...process.env, TMPDIR: folder, TUNTCP_DEMO_SKIP_SETUP: "1", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  let asked = false;
  const hear = (chunk: Buffer): void => {
    output += chunk.toString();
    if (until === undefined || asked || !output.includes(until)) return;
    asked = true;
    child.kill("SIGINT");
  };
  child.stdout.on("data", hear);
  child.stderr.on("data", hear);
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  return { code, output, namespace: `tuntcp-demo-${child.pid}` };
}

/** No namespace, no temporary file; a process left over would keep the output open. */
function leavesNothing(run: Run): void {
  const { stdout } = spawnSync("ip", ["netns", "list"], { encoding: "utf8" });
  expect(stdout).not.toContain(run.namespace);
  expect(readdirSync(folder)).toEqual([]);
}

const LADDER =
  /SYN-SENT ── SYN seq 0 .*▶ SYN-RECEIVED\n.* ESTABLISHED ◀─+ SYN,ACK seq 0 ack 1 [^]* FIN,ACK /;

test("without a TUN it says why, and shows fetch, echo and ladder between two stacks", async () => {
  const run = await demo([], { TUNTCP_DEMO_NO_TUN: "1" });
  expect(run.output).toMatch(/^no TUN here: TUNTCP_DEMO_NO_TUN is set\n/);
  expect(run.output).toContain("the connection that carries this page");
  expect(run.output).toContain("\nhello through two TCPs\n");
  expect(run.output).toMatch(LADDER);
  expect(run.code).toBe(0);
  leavesNothing(run);
}, 20_000);

test.skipIf(obstacle !== null)(
  "through a TUN curl gets its page, nc its line, and the ladder shows the fetch",
  async () => {
    const run = await demo([], {});
    expect(run.output).toMatch(/\nready: http:80 /);
    expect(run.output).toContain("the connection that carries this page");
    expect(run.output).toContain("\nhello through the TUN\n");
    expect(run.output).toMatch(LADDER);
    expect(run.output).not.toContain("no TUN here");
    expect(run.code).toBe(0);
    leavesNothing(run);
  },
  20_000,
);

test.skipIf(obstacle !== null)(
  "--stay serves on until it is interrupted, and then leaves nothing behind",
  async () => {
    const run = await demo(["--stay"], {}, "try: ip netns exec");
    expect(run.output).toContain(`try: ip netns exec ${run.namespace} curl http://192.0.2.2/\n`);
    expect(run.code).toBe(0);
    leavesNothing(run);
  },
  20_000,
);

test("an option that it does not have is wrong usage", async () => {
  const run = await demo(["--forever"], {});
  expect(run.code).toBe(2);
  expect(run.output).toBe("scripts/demo: no such option; there is --stay\n");
});
