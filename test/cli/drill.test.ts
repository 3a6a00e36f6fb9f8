/** `tuntcp drill` as a command: what it prints, what it writes, with which code it ends; and what docs/drill.md shows. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { readCapture } from "../../src/devices/pcap-reader.ts";
import { type Ended, ROOT, runNode, tuntcp } from "../support/command.ts";
import { blocksOf, commandsOf } from "../support/document.ts";

const PAGE = "docs/drill.md";
const folder = mkdtempSync(join(tmpdir(), "tuntcp-drill-"));
afterAll(() => rmSync(folder, { recursive: true }));

for (const { file, text } of blocksOf(PAGE))
  if (file !== null) writeFileSync(join(folder, file), text);
const HELLO = readFileSync(join(folder, "hello.pkt"), "utf8");

const drill = (...words: string[]): Ended => tuntcp(["drill", ...words], { cwd: folder });

function put(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return name;
}

test("every command of docs/drill.md works on the scripts of the page", () => {
  const lines = commandsOf(PAGE);
  expect(lines.length).toBeGreaterThan(6);
  for (const line of lines) {
    const { code, out, err } = drill(...line.split(" ").slice(2));
    expect([line, code, err]).toEqual([line, 0, ""]);
    expect(out).toMatch(/passed/);
  }
  expect(readFileSync(join(folder, "hello.pkt"), "utf8")).toBe(HELLO);
});

test("the failure that the page shows is the one that its change makes", () => {
  const { code, out } = drill(put("wrong.pkt", HELLO.replace("ack 101\n", "ack 102\n")));
  const [shown] = blocksOf(PAGE).filter(({ text }) => text.startsWith("hello.pkt:12:"));
  const seen = out.split("\n");
  const wanted = shown!.text.replace("hello.pkt", "wrong.pkt").trimEnd().split("\n");
  expect(code).toBe(1);
  for (const line of wanted.slice(0, 4)) expect(seen).toContain(line);
  for (const line of wanted.slice(6)) expect(seen).toContain(line);
  expect(out).toContain(wanted[4]!.replace(" …", ""));
  expect(out).toContain("0 passed, 1 failed");
});

test("the program of the page does what it says", () => {
  const [program] = blocksOf(PAGE).filter(({ language }) => language === "ts");
  const text = program!.text.replace("tuntcp/drill", join(ROOT, "dist/drill/index.js"));
  const file = join(folder, "program.mjs");
  writeFileSync(file, text.replaceAll("!)", ")"));
  expect(runNode([file])).toEqual({ code: 0, out: "passed\n4 events\n", err: "" });
});

test("--pcapng has the packets of both ends, in the order and at the times of the script", () => {
  expect(drill("--pcapng", "run.pcapng", "hello.pkt").code).toBe(0);
  const packets = readCapture(readFileSync(join(folder, "run.pcapng")));
  expect(packets.map((p) => Math.round(p.time))).toEqual([0, 0, 20, 120, 120, 120]);
  const two = drill("--pcapng", "run.pcapng", "hello.pkt", "grow.pkt");
  expect([two.code, two.err]).toEqual([
    2,
    "tuntcp: --pcapng: is for a single script, and these are 2\n",
  ]);
});

test("--bless writes what was seen where an expectation fails, and leaves the rest as it is", () => {
  const name = put(
    "bless.pkt",
    HELLO.replace("S. 0:0(0) ack 1 <mss 1460>", "S. 0:0(0) ack 7 <mss 1>")
      .replace("+0      > P. 1:51", "+0.5    > . 1:41")
      .replace("(50) ack 101\n", "(40) ack 101\n"),
  );
  expect(drill(name).code).toBe(1);
  const { code, out } = drill("--bless", name);
  expect([code, out]).toEqual([0, "bless.pkt: rewritten to what was seen\n1 passed\n"]);
  expect(readFileSync(join(folder, name), "utf8")).toBe(
    HELLO.replace("+0      > P. 1:51", "+0    > P. 1:51"),
  );
  expect(drill(name).code).toBe(0);
});

test("a folder is all its scripts, on several threads, and the outcomes stand in their order", () => {
  const many = join(folder, "many");
  mkdirSync(join(many, "deep"), { recursive: true });
  for (let i = 0; i < 120; i++) {
    const text = i % 40 === 7 ? HELLO.replace("= 100", "= 99") : HELLO;
    writeFileSync(
      join(many, i % 2 === 0 ? "." : "deep", `s${String(i).padStart(3, "0")}.pkt`),
      text,
    );
  }
  const { code, out } = drill("--json", "--jobs", "2", "many");
  const { passed, failed, outcomes } = JSON.parse(out) as {
    passed: number;
    failed: number;
    outcomes: { file: string; ok: boolean; failure: { line: number } | null }[];
  };
  expect([code, passed, failed]).toEqual([1, 117, 3]);
  expect(outcomes.map(({ file }) => file)).toEqual(outcomes.map(({ file }) => file).toSorted());
  const bad = outcomes.filter(({ ok }) => !ok).map(({ file, failure }) => [file, failure!.line]);
  expect(bad).toEqual([7, 47, 87].map((i) => [`many/deep/s${String(i).padStart(3, "0")}.pkt`, 13]));
});

test("bad usage gets one line and 2; a script that cannot be read as one gets its line and 1", () => {
  const usage: [string[], RegExp][] = [
    [["nowhere.pkt"], /^tuntcp: nowhere\.pkt: ENOENT.*\n$/],
    [["--mtu=no", "hello.pkt"], /^tuntcp: --mtu=no: expected a whole number, 68 to 65535\n$/],
    [
      ["--local_ip", "1.2.3", "hello.pkt"],
      /^tuntcp: --local_ip=1\.2\.3: expected an IPv4 address.*\n$/,
    ],
    [["--speed=5", "hello.pkt"], /^tuntcp: --speed .*\n$/],
    [["--jobs", "0", "hello.pkt"], /^tuntcp: --jobs 0: expected a whole number from 1 on\n$/],
    [["-D", "x", "hello.pkt"], /^tuntcp: --define x: expected NAME=VALUE\n$/],
    [["--nonesuch", "hello.pkt"], /^tuntcp: unknown option '--nonesuch'.*\n$/],
    [[], /^tuntcp: missing required argument 'files'.*\n$/],
  ];
  for (const [words, line] of usage) {
    const { code, out, err } = drill(...words);
    expect([words, code, out]).toEqual([words, 2, ""]);
    expect(err).toMatch(line);
  }
  const { code, out } = drill(put("none.pkt", "0 socket(..., = 3\n"));
  expect(code).toBe(1);
  expect(out).toMatch(/^none\.pkt:1: expected an argument, found "="\n0 passed, 1 failed\n$/);
});
