/** What docs/simulation.md says to type does what it says, in the order of the page; fewer replicates, shorter runs. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { ROOT, tuntcp } from "../support/command.ts";
import { blocksOf, commandsOf } from "../support/document.ts";

const PAGE = "docs/simulation.md";
const folder = mkdtempSync(join(tmpdir(), "tuntcp-sim-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Told by other tests: test/tools/sim/queue.test.ts starts a broker, with workers that come and go. */
const needsBroker = (line: string): boolean => /^npm |^redis-server |--queue /.test(line);

function type(line: string): string {
  const words = line
    .replace(/--replicates \d+/, "--replicates 3")
    .split(" ")
    .slice(1);
  const { code, out, err } = tuntcp(words, { cwd: folder });
  expect([line, code, code === 0 ? "" : err]).toEqual([line, 0, ""]);
  return out;
}

test("every command of docs/simulation.md works, from its own first.ts", () => {
  const [first] = blocksOf(PAGE).filter(({ file }) => file === "first.ts");
  const own = readFileSync(join(ROOT, "examples/scenarios/own-control.ts"), "utf8");
  for (const [name, content] of [
    ["first.ts", first!.text],
    ["own-control.ts", own],
  ] as const) {
    const short = content.replace(/duration: "\d+s"/, 'duration: "2s"');
    expect(short).not.toBe(content);
    writeFileSync(join(folder, name), short);
  }

  const lines = commandsOf(PAGE);
  const typed = lines.filter((line) => !needsBroker(line));
  expect(typed.length).toBeGreaterThan(6);
  expect(lines.length - typed.length).toBe(4);
  const printed = new Map<string, string>();
  for (const line of typed) {
    if (line.startsWith("tuntcp sim merge")) {
      const shard = typed.find((other) => other.includes("--shard 1/3"))!;
      type(shard.replace("1/3", "2/3").replace("one.json", "two.json"));
      type(shard.replace("1/3", "3/3").replace("one.json", "three.json"));
    }
    printed.set(line, type(line));
  }
  expect(printed.get("tuntcp sim first.ts")).toMatch(/^digest [0-9a-f]{64}$/m);
  const wrote = lines.flatMap((line) =>
    [...line.matchAll(/--(?:out|csv|svg|html) (\S+)/g)].map((m) => m[1]!),
  );
  expect(wrote.filter((name) => !existsSync(join(folder, name)))).toEqual([]);
  expect(readFileSync(join(folder, "first.csv"), "utf8").split("\n")[0]).toBe(
    "seed,replicate,loss,control,what,name,figure,value,unit",
  );
}, 120_000);
