/** `tuntcp fuzz`: what docs/fuzz.md says to type, wrong usage, and a fault that is found, kept, made small and repeated. */
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createHash } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { COMMAND, type Ended, ROOT, runNode } from "../support/command.ts";
import { blocksOf, commandsOf } from "../support/document.ts";

const PAGE = "docs/fuzz.md";
const folder = mkdtempSync(join(tmpdir(), "tuntcp-fuzz-cli-"));
afterAll(() => rmSync(folder, { recursive: true }));

function tuntcp(args: readonly string[], main = COMMAND): Ended {
  return runNode([main, ...args], { cwd: folder });
}

/** Told by test/tools/fuzz: these need a namespace, a TUN or a broker. */
const isElsewhere = (line: string): boolean => /fuzz (?:kernel|tun) |nats:/.test(line);

test("every command of docs/fuzz.md works, on its own example.json", () => {
  const [example] = blocksOf(PAGE).filter(({ file }) => file === "example.json");
  writeFileSync(join(folder, "example.json"), example!.text);
  const lines = commandsOf(PAGE);
  const typed = lines.filter((line) => !isElsewhere(line));
  expect([typed.length, lines.length]).toEqual([9, 12]);
  for (const line of typed) {
    // less of it
    const words = line
      .replace(/--time \d+/, "--time 1")
      .replace(/--runs (\d+)/, (_, runs) => `--runs ${Math.min(200, Number(runs))}`)
      .split(" ");
    const { code, out, err } = tuntcp(words.slice(1));
    expect([line, code, code === 0 ? "" : err]).toEqual([line, 0, ""]);
    expect([line, out === ""]).toEqual([line, false]);
  }
  const script = readFileSync(join(folder, "example.pkt"), "utf8");
  expect(script).toContain("`sysctl -q net.ipv4.tcp_timestamps=0`");
  expect(script).toMatch(/^\+0 < P\. 1461:1561\(100\) ack 1001 win 65535$/m);
  expect(existsSync(join(folder, "example.pcapng"))).toBe(true);
}, 240_000);

test("the script of a run is one that tuntcp drill accepts", () => {
  const { code, err } = tuntcp(["drill", "example.pkt"]);
  expect([code, err]).toEqual([0, ""]);
});

test("a target is a function of bytes, also by the name of the package", () => {
  const code = `import { fuzzer } from "tuntcp/fuzz"; fuzzer("connection")(new Uint8Array(90)); console.log("fine")`;
  const run = runNode(["--input-type=module", "-e", code], { cwd: ROOT });
  expect(run).toEqual({ code: 0, out: "fine\n", err: "" });
});

describe("wrong usage is one line and exit code 2", () => {
  test.each([
    [["nothing"], "nothing: there is no such target; expected one of codec, options,"],
    [["codec", "--runs", "0"], "--runs 0: expected a whole number from 1"],
    [["codec", "--time", "soon"], "--time soon: expected seconds"],
    [["codec", "--seed", "-1"], "--seed -1: expected a whole number"],
    [["codec", "--jobs", "1e3"], "--jobs 1e3: expected a whole number"],
    [["--drill", "x.pkt"], "--drill: is for --replay"],
    [["codec", "--replay", "example.json"], "--replay: the file says what the target is"],
    [["--replay", "missing.json"], "--replay missing.json: ENOENT"],
    [["--replay", "wrong.json"], "--replay wrong.json: expected JSON"],
    [["--replay", "other.json"], '--replay other.json: no finding of tuntcp fuzz: "target"'],
    [["--replay", "words.json"], '--replay words.json: do: "dance" is unknown'],
    [["codec", "--corpus", "wrong.json"], "--corpus wrong.json: is no folder"],
  ])("%j", (args, line) => {
    writeFileSync(join(folder, "wrong.json"), "{");
    writeFileSync(join(folder, "other.json"), '{"target":"moon"}');
    writeFileSync(
      join(folder, "words.json"),
      '{"target":"stack","input":{"steps":[{"do":"dance"}]}}',
    );
    const { code, out, err } = tuntcp(["fuzz", ...args]);
    expect([code, out]).toEqual([2, ""]);
    expect(err.startsWith(`tuntcp: ${line}`)).toBe(true);
    expect(err.split("\n").length).toBe(2);
  });
});

test("a fault is found, kept in few steps, and repeats with the same trace until it is mended", () => {
  const copy = join(folder, "copy");
  mkdirSync(copy);
  cpSync(join(ROOT, "dist"), join(copy, "dist"), { recursive: true });
  cpSync(join(ROOT, "package.json"), join(copy, "package.json"));
  symlinkSync(join(ROOT, "node_modules"), join(copy, "node_modules"));
  const main = join(copy, "dist/cli/main.js");
  const place = join(copy, "dist/tcp/input/rst-syn.js");
  const right = readFileSync(place, "utf8");
  // a RST anywhere in the window resets (RFC 5961 §3.2 says: only at RCV.NXT)
  const wrong = right.replace("s.seq !== t.rcv.nxt", "false");
  expect(wrong).not.toBe(right);
  writeFileSync(place, wrong);

  const args = ["fuzz", "connection", "--runs", "1500", "--seed", "3", "--corpus", "kept"];
  const found = tuntcp(args, main);
  expect(found.code).toBe(1);
  expect(found.err).toMatch(/tuntcp: connection: MODEL .*RST .*; repeat it with .*\.json\n$/);
  const file = /--replay (\S+\.json)/.exec(found.err)![1]!;
  const finding = JSON.parse(readFileSync(join(folder, file), "utf8")) as {
    hash: string;
    input: { steps: unknown[] };
  };
  expect(finding.input.steps.length).toBeLessThanOrEqual(4);

  const again = tuntcp(["fuzz", "--replay", file], main);
  expect(again.code).toBe(1);
  expect(again.err).toContain(`trace ${finding.hash}, the same as when it was found`);
  expect(again.err.split("\n").length).toBe(2);
  const json = tuntcp(["fuzz", "--replay", file, "--json"], main);
  expect(JSON.parse(json.out)).toMatchObject({ target: "connection", same: true });
  expect(tuntcp(["fuzz", "--replay", file, "--drill", "-"], main).out).toMatch(
    /^\/\/ MODEL in step \d+: /,
  );

  writeFileSync(place, right);
  const mended = tuntcp(["fuzz", "--replay", file], main);
  expect([mended.code, mended.err]).toEqual([0, ""]);
  expect(mended.out).toContain("another than when it was found");

  // the corpus has libFuzzer's names, and the next run begins with it
  const corpus = join(folder, "kept/connection");
  const names = readdirSync(corpus);
  expect(names.length).toBeGreaterThan(50);
  for (const name of names.slice(0, 10))
    expect(
      createHash("sha1")
        .update(readFileSync(join(corpus, name)))
        .digest("hex"),
    ).toBe(name);
  const next = tuntcp(["fuzz", "connection", "--runs", "1", "--corpus", "kept", "--json"]);
  const [report] = JSON.parse(next.out) as { corpus: number }[];
  expect(report!.corpus).toBeGreaterThan(50);
}, 240_000);
