/** A script that is changed by one anywhere fails: nothing is passed over. Whole with TUNTCP_FULL=1, else every seventh. */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { runDrill } from "../../src/drill/index.ts";
import { FULL } from "../support/full.ts";
import { type Mutant, mutantsOf } from "./support/mutants.ts";

const ROOT = fileURLToPath(new URL("scripts/", import.meta.url));
const SCRIPTS = (readdirSync(ROOT, { recursive: true }) as string[])
  .filter((name) => name.endsWith(".pkt"))
  .toSorted();
const STEP = FULL ? 1 : 7;

test("at least 98 of 100 wrong variants of the scripts are refused", () => {
  const began = performance.now();
  let all = 0;
  const passed: string[] = [];
  for (const file of SCRIPTS) {
    const mutants = mutantsOf(readFileSync(ROOT + file, "utf8"), file);
    for (const mutant of mutants) {
      if (all++ % STEP !== 0) continue;
      if (passes(mutant, file)) passed.push(`${file}:${mutant.line}: ${mutant.what}`);
    }
  }
  const tried = Math.ceil(all / STEP);
  const share = 1 - passed.length / tried;
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  console.log(
    `figure: drill mutants refused = ${(share * 100).toFixed(2)} % of ${tried}, ${seconds} s`,
  );
  if (passed.length > 0) console.log(`passed all the same:\n${passed.slice(0, 40).join("\n")}`);
  expect(tried).toBeGreaterThan(500);
  expect(share).toBeGreaterThanOrEqual(0.98);
});

test("a mutant differs from its script in one place, and most fields of a packet have one", () => {
  const script = `0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 connect(3, ..., ...) = -1 EINPROGRESS (x)
+0 > S 0:0(0) win 65535 <mss 1460,nop,nop,sackOK,nop,wscale 8>
+1 > S 0:0(0) win 65535 <mss 1460,nop,nop,sackOK,nop,wscale 8>`;
  const mutants = mutantsOf(script, "s");
  const kinds = new Set(mutants.map(({ what }) => what));
  for (const what of [
    "seq",
    "length",
    "win",
    "flag F",
    "flag .",
    "mss",
    "wscale",
    "sackOK",
    "later",
    "errno",
  ])
    expect(kinds).toContain(what);
  for (const { text } of mutants) expect(text).not.toBe(script);
});

function passes({ text }: Mutant, file: string): boolean {
  return runDrill(text, { file, strictEnd: true }).ok;
}
