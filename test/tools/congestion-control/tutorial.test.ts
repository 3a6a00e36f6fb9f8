/** The controller of docs/congestion-control.md, as it stands there; and what is wrong with a module in one line. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runNode, tuntcp } from "../../support/command.ts";

const DOCUMENT = new URL("../../../docs/congestion-control.md", import.meta.url);
const ROOT = new URL("../../../dist/", import.meta.url).href;
let folder = "";

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "tuntcp-control-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const code = /```ts\n([\s\S]*?)```/.exec(readFileSync(DOCUMENT, "utf8"))![1]!;

/** In a Node of its own, as the hooks of a loader hold for a whole one. */
function node(script: string): string {
  const args = ["--input-type=module", "--eval", script];
  const { out, err } = runNode(args, { cwd: folder });
  return out + err;
}

test("the tutorial's controller has less than 60 lines, is loaded, and fills a simulated link without filling its queue", () => {
  expect(code.split("\n").length).toBeLessThan(60);
  writeFileSync(join(folder, "gentle.ts"), code);
  const out = node(`
    const { loadCongestionControl } = await import("${ROOT}tools/congestion-control/index.js");
    const { simulate } = await import("${ROOT}sim/index.js");
    const kind = await loadCongestionControl("./gentle.ts");
    const { flows } = simulate({
      duration: "20s",
      congestionControls: { [kind.name]: kind.create },
      links: [{ from: "a", to: "b", rate: "20mbit", delay: "20ms", queue: 200 }],
      flows: [{ from: "a", to: "b", congestionControl: "gentle" }],
    });
    const { congestionControl, goodput, rttMean } = flows[0];
    console.log(JSON.stringify({ name: kind.name, congestionControl, goodput, rttMean }));`);
  const run = JSON.parse(out) as Record<string, number>;
  expect(run).toMatchObject({ name: "gentle", congestionControl: "gentle" });
  expect(run["goodput"]).toBeGreaterThan(0.9 * 2e7 * (1448 / 1500));
  expect(run["rttMean"]).toBeLessThan(80); // CUBIC would stand at 40 and up to 120 more
});

test.each([
  ["none.ts", null, "there is no such file"],
  ["empty.mjs", "export const x = 1;", "expected a default export"],
  ["null.mjs", "export default () => null;", "expected a controller to be returned"],
  ["throws.mjs", "export default () => { throw new Error('not today'); };", "not today"],
  ["nameless.mjs", "export default () => ({ cwnd: 1, ssthresh: 1 });", "lacks its name"],
  ["cwnd.mjs", "export default () => ({ name: 'x', ssthresh: 1 });", "cwnd of x is not a number"],
  [
    "deaf.mjs",
    "export default class { name = 'deaf'; cwnd = 1; ssthresh = 1; onAck() {} onLoss() {} }",
    "deaf lacks onTimeout()",
  ],
  [
    "odd.mjs",
    "export default class { name = 'odd'; cwnd = 1; ssthresh = 1; onAck() {} onLoss() {} onTimeout() {} undo = 3; }",
    "undo of odd is not a function",
  ],
])("what is wrong with %s is told in one line, and the command ends with 2", (name, text, what) => {
  const file = join(folder, name);
  if (text !== null) writeFileSync(file, text);
  const args = ["nc", "--set", `tcp_congestion_control=${file}`, "192.0.2.1", "9"];
  const { code: exit, out, err } = tuntcp(args);
  expect(out).toBe("");
  expect(err).toMatch(/^tuntcp: .*\n$/);
  expect(err).toContain(what);
  expect(exit).toBe(2);
});
