/**
 * Whether the fuzzer finds bugs: plants one at a time in a copy of the source (scripts/planted-list.mjs), and fuzzes that on one core until
 * an input breaks a rule that it does not break without the bug, five minutes at most.
 *
 *   node scripts/planted.mjs [--seconds N] [--seed N] [--lanes N] [--list] [NAME...]
 *
 * Exit 1: fewer than 25 of 30 were found. 2: wrong usage, or a bug that does not stand exactly once in the source.
 */
import { spawn, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { place, readSources, withFault, workFolder } from "./faults.mjs";
import { PLANTED } from "./planted-list.mjs";

const ROOT = join(import.meta.dirname, "..");
const HUNT = join(import.meta.dirname, "planted", "hunt.mjs");
/** Found at least, as a share. */
const LEAST = 25 / 30;
/** Seconds of silence after which an input does not end. */
const SILENCE = 20;
/** Bugs at a time, each on a core of its own. */
const LANES = 2;

function refuse(text) {
  console.error(`scripts/planted.mjs: ${text}`);
  process.exit(2);
}

function parse() {
  const options = {
    lanes: { type: "string", default: String(Math.min(LANES, availableParallelism())) },
    seconds: { type: "string", default: "300" },
    seed: { type: "string", default: "1" },
    list: { type: "boolean", default: false },
  };
  try {
    return parseArgs({ options, allowPositionals: true });
  } catch (error) {
    return refuse(error.message.split(".")[0]);
  }
}

/** Compiles the source, with a bug or as it is, to a folder of its own; gives dist. */
function build(work, name, bug, sources) {
  const copy = join(work, name);
  mkdirSync(copy);
  for (const file of ["src", "package.json", "tsconfig.json"]) {
    cpSync(join(ROOT, file), join(copy, file), { recursive: true });
  }
  symlinkSync(join(ROOT, "node_modules"), join(copy, "node_modules"));
  if (bug !== null) {
    const { path } = place(bug, sources);
    writeFileSync(join(copy, path), withFault(sources.get(path), bug));
  }
  const tsc = join(ROOT, "node_modules", "typescript", "bin", "tsc");
  const { status, stdout } = spawnSync(process.execPath, [tsc, "-p", copy, "--noCheck"], {
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`${name} cannot be compiled: ${stdout.split("\n")[0]}`);
  return join(copy, "dist");
}

const children = new Set();

/** What was found, after how long; `found` is null where time was up. */
function hunt(dist, clean, seconds, seed) {
  const child = spawn(process.execPath, [HUNT, dist, clean, seconds, seed], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  children.add(child);
  const began = performance.now();
  return new Promise((resolve, reject) => {
    let last = null;
    let heard = false;
    let wrong = "";
    let timer;
    const wait = () => {
      clearTimeout(timer);
      timer = setTimeout(() => child.kill("SIGKILL"), SILENCE * 1000);
    };
    createInterface({ input: child.stdout }).on("line", (line) => {
      heard = true;
      wait();
      if (line.startsWith("{")) last = JSON.parse(line);
    });
    child.stderr.on("data", (chunk) => (wrong += chunk));
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      children.delete(child);
      if (last !== null) return resolve(last);
      // it ran, and then an input did not end: what the fuzzer itself takes for a finding
      if (signal === "SIGKILL" && heard) {
        const found = { target: "", rule: "I5", message: "an input that does not end" };
        return resolve({ found, seconds: (performance.now() - began) / 1000 - SILENCE });
      }
      return reject(
        new Error(`the fuzzer ended (${code ?? signal}): ${wrong.trim().split("\n").pop()}`),
      );
    });
  });
}

async function main() {
  const { values, positionals } = parse();
  if (!/^\d{1,5}$/.test(values.seconds) || Number(values.seconds) === 0) {
    refuse(`--seconds ${values.seconds}: expected seconds`);
  }
  if (!/^[1-9]\d?$/.test(values.lanes)) refuse(`--lanes ${values.lanes}: expected a whole number`);
  if (!/^\d{1,9}$/.test(values.seed)) refuse(`--seed ${values.seed}: expected a whole number`);
  const unknown = positionals.filter((n) => !PLANTED.some(({ name }) => name === n));
  if (unknown.length > 0) refuse(`no such bug: ${unknown.join(", ")}`);
  if (values.list) {
    for (const { name } of PLANTED) console.log(name);
    return;
  }
  const chosen = PLANTED.filter((b) => positionals.length === 0 || positionals.includes(b.name));
  const sources = readSources(ROOT);
  const lost = chosen.map((bug) => place(bug, sources)).filter(({ path }) => path === null);
  if (lost.length > 0) refuse(lost.map(({ why }) => why).join("; "));

  const { work, finish } = workFolder("planted", () => {
    for (const child of children) child.kill("SIGKILL");
  });
  try {
    const clean = build(work, "clean", null, sources);
    const missed = [];
    const times = [];
    let next = 0;
    let done = 0;
    const lane = async () => {
      while (next < chosen.length) {
        const bug = chosen[next++];
        const dist = build(work, bug.name, bug, sources);
        const result = await hunt(dist, clean, values.seconds, values.seed);
        rmSync(join(work, bug.name), { recursive: true });
        if (result.found === null) missed.push(bug.name);
        else times.push(result.seconds);
        console.log(`${++done} of ${chosen.length}: ${bug.name}: ${describe(result)}`);
      }
    };
    await Promise.all(Array.from({ length: Number(values.lanes) }, lane));
    times.sort((a, b) => a - b);
    console.log(`figure: planted bugs found = ${times.length} of ${chosen.length}`);
    if (times.length > 0) {
      console.log(`figure: found after, median = ${times[times.length >> 1].toFixed(1)} s`);
      console.log(`figure: found after, longest = ${times.at(-1).toFixed(1)} s`);
    }
    if (missed.length > 0) console.log(`figure: not found = ${missed.join(", ")}`);
    process.exitCode = times.length / chosen.length >= LEAST ? 0 : 1;
  } finally {
    finish();
  }
}

function describe({ found, seconds }) {
  if (found === null) return `NOT FOUND in ${seconds.toFixed(0)} s`;
  const { target, rule, message } = found;
  return `found after ${seconds.toFixed(1)} s: ${target} ${rule} ${message}`;
}

await main();
