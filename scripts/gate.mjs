/**
 * Runs the parts of the long gate (scripts/gate-parts.mjs): each with a progress line, its output in a log, beside another
 * where both fit the cores. A part that fails makes the gate fail; the others run all the same. See scripts/gate.
 *
 *   node scripts/gate.mjs [--list] [--parts FILE] [--report FILE.md] [--no-setup] [NAME...]
 *
 * Exit 1: a part failed. 2: wrong usage. 3: no root or no /dev/net/tun for a part that needs them.
 */
import { spawn, spawnSync } from "node:child_process";
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { commit, machine, Report, tablesOf, typed } from "./gate-report.mjs";

const CORES = 2;
/** A part gets this many times what it usually takes, and ten minutes at least; then it is ended. */
const PATIENCE = 3;
/** Lines of its output that a failed part shows. */
const TAIL = 40;

function refuse(text, code) {
  console.error(`scripts/gate: ${text}`);
  process.exit(code);
}

const options = {
  list: { type: "boolean", default: false },
  parts: { type: "string", default: join(import.meta.dirname, "gate-parts.mjs") },
  report: { type: "string", default: "docs/gate.md" },
  "no-setup": { type: "boolean", default: false },
};
let given;
try {
  given = parseArgs({ options, allowPositionals: true });
} catch (error) {
  refuse(error.message.split(".")[0], 2);
}
const { PARTS } = await import(pathToFileURL(resolve(given.values.parts)).href);
const names = PARTS.map((p) => p.name);
const unknown = given.positionals.filter((n) => !names.includes(n));
if (unknown.length > 0)
  refuse(`no such part: ${unknown.join(", ")}; there are ${names.join(", ")}`, 2);

if (given.values.list) {
  for (const { name, minutes, what } of PARTS)
    console.log(`${name.padEnd(12)}${String(minutes).padStart(3)} min  ${what}`);
  process.exit(0);
}

const chosen =
  given.positionals.length === 0 ? PARTS : PARTS.filter((p) => given.positionals.includes(p.name));
const needy = chosen.filter((p) => p.tun).map((p) => p.name);
if (needy.length > 0 && (process.getuid() !== 0 || !existsSync("/dev/net/tun")))
  refuse(`root and /dev/net/tun are needed for ${needy.join(", ")}`, 3);
if (!given.values["no-setup"]) {
  const setup = ". scripts/setup.sh; setup_tools; setup_build";
  if (spawnSync("bash", ["-c", setup], { stdio: "inherit" }).status !== 0)
    refuse("the build failed", 1);
}

const work = mkdtempSync(join(tmpdir(), "tuntcp-gate-"));
const report = new Report(given.values.report);
const began = Date.now();
const running = new Map();
const failed = [];

/** What a terminal would show of the last line that is not empty. */
function lastLine(text) {
  // eslint-disable-next-line no-control-regex
  const plain = text.replaceAll(/\x1b\[[\d;?]*[A-Za-z]/g, "");
  const lines = plain.split(/[\r\n]+/).filter((l) => l.trim() !== "");
  return lines.at(-1)?.trim() ?? "";
}

/** Runs one command in a process group of its own; resolves to why it failed, or "". */
function runStep(part, step, log, json) {
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${json}`];
  const extra = step.vitest ? [...reporters, "--disableConsoleIntercept"] : [];
  const env = { ...process.env, NO_COLOR: "1", ...step.env };
  const file = openSync(log, "w");
  const child = spawn(step.argv[0], [...step.argv.slice(1), ...extra], {
    detached: true,
    env,
    stdio: ["ignore", file, file],
  });
  closeSync(file);
  part.child = child;
  part.log = log;
  return new Promise((done) => {
    child.on("error", (error) => done(error.message));
    child.on("close", (code, signal) => {
      part.child = null;
      done(
        part.late ? `ended after ${part.limit} min` : code === 0 ? "" : `exit ${code ?? signal}`,
      );
    });
  });
}

async function runPart(part) {
  const start = Date.now();
  const limit = Math.max(10, PATIENCE * part.minutes);
  const state = { part, start, limit, late: false, child: null, log: null };
  running.set(part.name, state);
  const timer = setTimeout(() => {
    state.late = true;
    end(state, "SIGTERM");
    setTimeout(() => end(state, "SIGKILL"), 10_000).unref();
  }, limit * 60_000);
  const steps = [];
  let result = "passed";
  for (const [i, step] of part.steps.entries()) {
    const log = join(work, `${part.name}-${i}.log`);
    const json = join(work, `${part.name}-${i}.json`);
    const why = await runStep(state, step, log, json);
    const output = readFileSync(log, "utf8");
    if (why !== "") {
      if (result === "passed") result = why;
      console.log(`\n== ${part.name}: ${typed(step)}: ${why}; its last lines, of ${log}:`);
      console.log(output.trimEnd().split("\n").slice(-TAIL).join("\n"));
    }
    const told = existsSync(json) ? JSON.parse(readFileSync(json, "utf8")) : null;
    let tables;
    try {
      tables = tablesOf(step, output, told);
    } catch (error) {
      tables = [];
      if (result === "passed") result = `its output cannot be read: ${error.message}`;
    }
    const last = told === null && tables.length === 0 ? lastLine(output) : "";
    steps.push({ command: typed(step), last, tables });
    if (state.late) break;
  }
  clearTimeout(timer);
  running.delete(part.name);
  const minutes = (Date.now() - start) / 60_000;
  if (result !== "passed") failed.push(part.name);
  say(`${part.name}: ${result === "passed" ? "passed" : "FAILED"} in ${minutes.toFixed(1)} min`);
  const date = new Date().toISOString().slice(0, 10);
  const record = { what: part.what, result, minutes, date, commit: of, machine: machine(), steps };
  report.set(part.name, record);
  report.write(names);
}

function end(state, signal) {
  if (state.child === null) return;
  try {
    process.kill(-state.child.pid, signal);
  } catch {
    // it ended by itself
  }
}

const isTerminal = process.stdout.isTTY === true;
const clear = isTerminal ? "\r\x1b[K" : "";

function say(line) {
  console.log(`${clear}${line}`);
}

function clock(ms) {
  const s = Math.floor(ms / 1000);
  return `${Math.floor(s / 60)}:${String(s % 60).padStart(2, "0")}`;
}

/** The parts that run, each with its time and the last line of its output. */
function progress() {
  const cells = [...running.values()].map((s) => {
    const last = s.log === null || !existsSync(s.log) ? "" : lastLine(tail(s.log));
    return `${s.part.name} ${clock(Date.now() - s.start)} ${last.slice(0, 60)}`;
  });
  const line = `[${clock(Date.now() - began)}] ${cells.join(" | ")}`;
  if (isTerminal)
    process.stdout.write(`${clear}${line.slice(0, (process.stdout.columns ?? 80) - 1)}`);
  else console.log(line);
}

function tail(path) {
  return readFileSync(path).subarray(-4096).toString();
}

const of = commit();
const ticker = setInterval(progress, isTerminal ? 1000 : 30_000);
for (const signal of ["SIGINT", "SIGTERM"]) {
  process.on(signal, () => {
    for (const state of running.values()) end(state, "SIGTERM");
    say(`interrupted; what was finished is in ${given.values.report}`);
    rmSync(work, { recursive: true, force: true });
    process.exit(signal === "SIGINT" ? 130 : 143);
  });
}

const waiting = [...chosen];
const going = new Set();
let free = CORES;
while (waiting.length > 0 || going.size > 0) {
  // the next part in order that fits, so that one of two cores never waits for good
  const at = waiting.findIndex((p) => Math.min(p.cores, CORES) <= free);
  if (at >= 0 && (at === 0 || free === CORES || waiting[at].cores === 1)) {
    const [part] = waiting.splice(at, 1);
    const cores = Math.min(part.cores, CORES);
    free -= cores;
    const run = runPart(part).finally(() => {
      free += cores;
      going.delete(run);
    });
    going.add(run);
    continue;
  }
  await Promise.race(going);
}
clearInterval(ticker);
const took = ((Date.now() - began) / 60_000).toFixed(1);
const passed = chosen.length - failed.length;
const told = failed.length === 0 ? "" : ` (${failed.join(", ")}); logs in ${work}`;
console.log(
  `gate: ${passed} parts passed, ${failed.length} failed${told}; ${took} min; ${given.values.report}`,
);
if (failed.length === 0) rmSync(work, { recursive: true, force: true });
process.exitCode = failed.length === 0 ? 0 : 1;
