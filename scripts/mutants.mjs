/**
 * Whether the tests would notice: applies one small fault at a time (scripts/mutants-list.mjs) to a copy of the source in
 * the system's folder for temporary files, and runs tests there until one fails; two copies side by side.
 *
 *   npm run mutants -- [--list] [--only-first] [--list-file FILE] [NAME...]
 *
 * --only-first asks only the tests that a fault names. Exit 1: fewer than 28 of 30 were caught, or the tests fail without a
 * fault. 2: wrong usage, or a fault that does not stand exactly once in the source.
 */
import { spawn } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join, relative, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { place, readSources, withFault, workFolder } from "./faults.mjs";

const ROOT = join(import.meta.dirname, "..");
const COPIES = 2;
/** Caught at least, as a share. */
const LEAST = 28 / 30;
/** Seconds for the tests that a fault names; one that loops for ever counts as caught. */
const PATIENCE = 180;
/** Seconds for all quick tests. */
const PATIENCE_FOR_ALL = 900;
/** Everything in virtual time: a test that fails because the machine is slow would count as one that noticed. */
const QUICK = "base wire tcp stack traces sim grid soak".split(" ").map((d) => `test/${d}`);

function refuse(text) {
  console.error(`scripts/mutants.mjs: ${text}`);
  process.exit(2);
}

/** A copy of what tests need; the packages are linked. */
function makeCopy(work, n) {
  const copy = join(work, `copy-${n}`);
  mkdirSync(join(copy, "node_modules"), { recursive: true });
  for (const name of ["src", "test", "docs", "package.json", "vitest.config.ts", "tsconfig.json"])
    cpSync(join(ROOT, name), join(copy, name), { recursive: true });
  for (const name of readdirSync(join(ROOT, "node_modules"))) {
    if (name.startsWith(".vite")) continue;
    symlinkSync(join(ROOT, "node_modules", name), join(copy, "node_modules", name));
  }
  return copy;
}

const children = new Set();

/** Runs tests in a copy until one fails: which did, "a test that hangs", or "" where all passed. */
function runTests(copy, tests, patience) {
  const json = join(copy, "report.json");
  rmSync(json, { force: true });
  const reporter = ["--reporter=json", `--outputFile=${json}`];
  const args = ["vitest", "run", ...tests, "--bail=1", "--maxWorkers=1", ...reporter];
  const child = spawn("npx", args, { cwd: copy, detached: true, stdio: "ignore" });
  children.add(child);
  return new Promise((done) => {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      end(child);
    }, patience * 1000);
    child.on("close", (code) => {
      clearTimeout(timer);
      children.delete(child);
      done(late ? "a test that hangs" : code === 0 ? "" : failedIn(json, copy));
    });
  });
}

function failedIn(json, copy) {
  // a test run that ends so was ended by what it ran: out of memory, or by its runner's own patience
  if (!existsSync(json)) return "a run that left no report";
  const { testResults } = JSON.parse(readFileSync(json, "utf8"));
  const file = testResults.find((f) => f.status === "failed");
  if (file === undefined) return "an error outside of tests";
  const test = file.assertionResults.find((t) => t.status === "failed");
  return `${relative(copy, file.name)}${test === undefined ? "" : `: ${test.title}`}`;
}

/** The whole group: a worker in an endless loop hears nothing of its parent's end. */
function end(child) {
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    // it ended by itself
  }
}

/** Which test noticed, or "". */
async function tryMutant(mutant, path, copy, onlyFirst, allPass) {
  const file = join(copy, path);
  const whole = readFileSync(file, "utf8");
  writeFileSync(file, withFault(whole, mutant));
  try {
    const first = await runTests(copy, mutant.tests, PATIENCE);
    if (first !== "" || onlyFirst) return first;
    if (!(await allPass())) return "";
    const then = await runTests(copy, QUICK, PATIENCE_FOR_ALL);
    return then === "" ? "" : `${then} (not among those named)`;
  } finally {
    writeFileSync(file, whole);
  }
}

async function main() {
  const options = {
    list: { type: "boolean", default: false },
    "only-first": { type: "boolean", default: false },
    "list-file": { type: "string", default: join(import.meta.dirname, "mutants-list.mjs") },
  };
  let given;
  try {
    given = parseArgs({ options, allowPositionals: true });
  } catch (error) {
    refuse(error.message.split(".")[0]);
  }
  const { MUTANTS } = await import(pathToFileURL(resolve(given.values["list-file"])).href);
  const unknown = given.positionals.filter((n) => !MUTANTS.some((m) => m.name === n));
  if (unknown.length > 0) refuse(`no such fault: ${unknown.join(", ")}`);
  if (given.values.list) {
    for (const { name } of MUTANTS) console.log(name);
    return;
  }
  const wanted = given.positionals;
  const chosen = MUTANTS.filter((m) => wanted.length === 0 || wanted.includes(m.name));
  const sources = readSources(ROOT);
  const places = chosen.map((m) => place(m, sources));
  const lost = places.filter((p) => p.path === null);
  if (lost.length > 0) refuse(lost.map((p) => p.why).join("; "));

  const { work, finish } = workFolder("mutants", () => {
    for (const child of children) end(child);
  });
  try {
    const copies = Array.from({ length: COPIES }, (_, n) => makeCopy(work, n));
    const named = [...new Set(chosen.flatMap((m) => m.tests))];
    console.log(`without a fault: ${named.length} test files`);
    const wrong = await runTests(copies[0], named, PATIENCE_FOR_ALL);
    if (wrong !== "") {
      console.log(`the tests fail without a fault: ${wrong}`);
      process.exitCode = 1;
      return;
    }
    const survivors = [];
    // asked once, in a copy of its own, before the first fault that the tests it names let pass
    let wholeRun = null;
    const allPass = async () => {
      wholeRun ??= runTests(makeCopy(work, "whole"), QUICK, PATIENCE_FOR_ALL).then((failing) => {
        if (failing !== "")
          console.log(`quick tests fail without a fault, and judge none: ${failing}`);
        return failing === "";
      });
      return wholeRun;
    };
    let next = 0;
    let done = 0;
    await Promise.all(
      copies.map(async (copy) => {
        while (next < chosen.length) {
          const at = next++;
          const { path } = places[at];
          const caught = await tryMutant(
            chosen[at],
            path,
            copy,
            given.values["only-first"],
            allPass,
          );
          if (caught === "") survivors.push(`${chosen[at].name} (${path})`);
          const what = caught === "" ? "SURVIVED" : `caught by ${caught}`;
          console.log(`${++done} of ${chosen.length}: ${chosen[at].name}: ${what}`);
        }
      }),
    );
    const caught = chosen.length - survivors.length;
    for (const name of survivors) console.log(`survived: ${name}`);
    const share = ((100 * caught) / chosen.length).toFixed(0);
    console.log(`figure: faults caught = ${caught} of ${chosen.length} (${share} %)`);
    if (survivors.length > 0) console.log(`figure: survivors = ${survivors.join(", ")}`);
    process.exitCode = caught / chosen.length >= LEAST ? 0 : 1;
  } catch (error) {
    console.log(error.message);
    process.exitCode = 1;
  } finally {
    finish();
  }
}

await main();
