/** What docs/craft.md says to type does what it says, in the order of the page; through a TUN in a namespace, where one can be had. */
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { obstacle, World } from "../interop/support/world.ts";
import { COMMAND, ROOT, runNode, tuntcp } from "../support/command.ts";
import { blocksOf, commandsOf } from "../support/document.ts";

const PAGE = "docs/craft.md";
const folder = mkdtempSync(join(tmpdir(), "tuntcp-craft-"));
afterAll(() => rmSync(folder, { recursive: true }));

const all = commandsOf(PAGE);
const throughTun = (line: string): boolean => /--(?:tun|into) /.test(line);

/** A folder as a reader has it: the page's files, and `tuntcp` to be typed. */
function prepare(): NodeJS.ProcessEnv {
  for (const { file, text } of blocksOf(PAGE)) {
    if (file !== null) writeFileSync(join(folder, file), text);
  }
  mkdirSync(join(folder, "bin"));
  const shim = join(folder, "bin/tuntcp");
  writeFileSync(shim, `#!/bin/sh\nexec '${process.execPath}' '${COMMAND}' "$@"\n`);
  chmodSync(shim, 0o755);
  return { ...process.env, PATH: `${join(folder, "bin")}:${process.env["PATH"]}` };
}

/** Times and the stack's ISN differ each time. */
const masked = (text: string): string =>
  text.replace(/^ +\d+\.\d\d ms/gm, "TIME").replace(/\d{6,}/g, "N");

test("every command of docs/craft.md works, and prints what the page shows", () => {
  const env = prepare();
  const typed = all.filter((line) => !throughTun(line));
  expect(typed.length).toBeGreaterThan(12);
  const printed = new Map<string, string>();
  for (const line of typed) {
    const { status, stdout, stderr } = spawnSync("sh", ["-c", line], {
      cwd: folder,
      env,
      encoding: "utf8",
      timeout: 60_000,
    });
    expect([line, status, status === 0 ? "" : stderr]).toEqual([line, 0, ""]);
    printed.set(line, stdout);
  }
  // blocks of output stand right behind the command
  const blocks = blocksOf(PAGE);
  let shown = 0;
  for (const [i, { language, text }] of blocks.entries()) {
    if (language !== "text" || blocks[i - 1]?.language !== "sh") continue;
    const output = printed.get(blocks[i - 1]!.text.trim());
    if (output === undefined) continue;
    shown++;
    expect(masked(output)).toBe(masked(text));
  }
  expect(shown).toBe(1);
  const of = (part: string): string[] =>
    typed.filter((line) => line.includes(part)).map((line) => printed.get(line)!);
  expect(of(":4444 S 5")[0]).toContain("R. 0:0(0) ack 6");
  expect(of("sum 0x0bad")[0]).not.toContain("got");
  const [line, hex, again, json] = of("--dry-run");
  expect(again).toBe(line);
  expect(typed.find((text) => text.includes("--dry-run 45"))).toContain(hex!.trim());
  expect((JSON.parse(json!) as { line: string }).line).toBe(line!.trim());
  expect(of("--script peer.ts")[0]).toMatch(/sent .* F\. 6:6\(0\)/);
  expect(of("--to-port 4000")[0]).toMatch(/got .* F\. /);
  expect(
    readFileSync(join(folder, "answers.jsonl"), "utf8").trim().split("\n").length,
  ).toBeGreaterThan(5);
  expect(existsSync(join(folder, "run.pcapng"))).toBe(true);
}, 120_000);

test("the line that the page explains is one", () => {
  const [, example] = blocksOf(PAGE).filter(({ language }) => language === "text");
  expect(tuntcp(["craft", "--dry-run", example!.text]).out).toBe(example!.text);
});

test("the program of docs/craft.md prints the packet with its faults, and the fault of the line", () => {
  const [program] = blocksOf(PAGE).filter(({ file }) => file === "program.mjs");
  const path = join(ROOT, "dist/packet/index.js");
  writeFileSync(
    join(folder, "run.mjs"),
    program!.text.replace('"tuntcp/packet"', JSON.stringify(path)),
  );
  const { code, out, err } = runNode([join(folder, "run.mjs")]);
  expect([code, err]).toEqual([0, ""]);
  expect(out.split("\n").slice(0, 2)).toEqual([
    expect.stringMatching(/doff 15 sum 0x0bad .*\[ttl 3\]$/),
    expect.stringContaining("mms is no TCP option; did you mean mss?"),
  ]);
});

test.skipIf(obstacle() !== null)("its commands through a TUN work in a namespace", async () => {
  const world = new World();
  try {
    const typed = all.filter(throughTun);
    expect(typed.length).toBe(5);
    const [script] = blocksOf(PAGE).filter(({ file }) => file === "peer.ts");
    writeFileSync(world.path("peer.ts"), script!.text);
    for (const line of typed) {
      const words = [...line.matchAll(/'([^']*)'|(\S+)/g)].map((m) => m[1] ?? m[2]!).slice(1);
      const args = words.map((word) => (word === "peer.ts" ? world.path(word) : word));
      if (args[0] === "serve") {
        // in another terminal, until it is stopped
        await world.serve(...args.slice(1));
        continue;
      }
      const { code, stderr } = await world.tuntcp(args, "").outcome;
      expect([line, code, stderr.replace(/^ready: .*\n/, "")]).toEqual([line, 0, ""]);
    }
    expect(world.links()).toEqual(["tun8"]);
  } finally {
    await world.remove();
  }
});
