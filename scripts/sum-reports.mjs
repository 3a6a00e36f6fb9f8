// sum-reports.mjs BROKEN REPORT...: what failed in several test runs, by name and with the first lines of why, then the
// totals as one line. A run that left no report has failed, and so has everything where BROKEN is not 0 and no test says why.
import { readFileSync } from "node:fs";
import { relative } from "node:path";

function tell(what, why) {
  console.log(`FAILED ${what}`);
  for (const line of why.split("\n").slice(0, 12)) console.log(`    ${line}`);
}

const [broken, ...paths] = process.argv.slice(2);
let passed = 0;
let failed = 0;
let skipped = 0;
const hostile = { memory: { met: 0, all: 0 }, tun: { met: 0, all: 0 } };

const isSkipped = (status) => status === "pending" || status === "skipped";

/** Rows of hostile peers, by where they ran: a title begins with the row's id. */
function countHostile(file) {
  const ran = new Map();
  for (const { title, status } of file.assertionResults) {
    const id = /^(?:not yet: )?\[?(H\d{3})\b/.exec(title)?.[1];
    if (id === undefined || (isSkipped(status) && !title.startsWith("not yet"))) continue;
    ran.set(id, status === "passed" && !title.startsWith("not yet") && ran.get(id) !== false);
  }
  return ran;
}

function addHostile(where, ran) {
  hostile[where].all += ran.size;
  hostile[where].met += [...ran.values()].filter((met) => met).length;
}
for (const path of paths) {
  let report;
  try {
    report = JSON.parse(readFileSync(path, "utf8"));
  } catch {
    console.log(`no report of ${path.split("/").at(-1)}`);
    failed++;
    continue;
  }
  const run = path
    .split("/")
    .at(-1)
    .replace(/\.json$/, "");
  const outside = new Map();
  for (const file of report.testResults) {
    const name = file.name.split("/test/hostile/")[1];
    if (name === "memory.test.ts") addHostile("memory", countHostile(file));
    if (name === "tun.test.ts" || name === "process.test.ts")
      for (const [id, met] of countHostile(file)) outside.set(id, met && outside.get(id) !== false);
  }
  addHostile("tun", outside);
  for (const file of report.testResults)
    for (const test of file.assertionResults)
      if (test.status === "failed") tell(`${run}: ${test.fullName}`, test.failureMessages[0] ?? "");
  // a file that does not load has no test that failed
  const files = report.testResults.filter(
    (f) => f.status === "failed" && f.assertionResults.every((a) => a.status !== "failed"),
  );
  for (const file of files)
    tell(`${run}: ${relative(process.cwd(), file.name)} did not load`, file.message);
  passed += report.numPassedTests;
  failed += report.numFailedTests + files.length;
  skipped += report.numPendingTests + report.numTodoTests;
}
const { memory, tun } = hostile;
if (memory.all + tun.all > 0) {
  const says = ({ met, all }) => `${met} of ${all}`;
  console.log(
    `hostile rows met: ${says(memory)} in memory, ${says(tun)} through a TUN; invariants I1 to I8 after each (docs/hostile.md)`,
  );
}
if (failed === 0 && broken !== "0") failed = 1;
if (skipped > 0) console.log(`${skipped} skipped: see above for what they miss`);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
