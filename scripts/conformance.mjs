/**
 * What the RFCs ask of the stack, and which tests show it: joins test/conformance/requirements/*.tsv with the ids that
 * the titles of passed tests name in square brackets, and with the ids that docs/departures.md names.
 *
 *   npm run conformance -- [--report FILE] [--json] [--open] [--table DIR] [--departures FILE]
 *
 * Without --report the tests are run. Exit 1: a MUST of a judged area is open, fewer than 95 % of its SHOULDs are
 * covered or departed from, a test failed, or an id is named that the table does not have. Exit 2: wrong usage.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");
const JUDGED = new Set(
  (
    "codec handshake data ack window rto close reset timewait keepalive urgent options mtu isn icmp ip " +
    "security api ecn tfo cc recovery"
  ).split(" "),
);
const LEVELS = ["MUST", "SHOULD", "MAY"];
const SHOULD_LEAST = 0.95;

/** Ids in square brackets: `[MUST-40, SHLD-18]`, `[MUST-8/9]`, `[6298-2.4]`. What is no id there is passed over. */
function idsIn(text) {
  const found = [];
  for (const [, inside] of text.matchAll(/\[([^\][]+)\]/g)) {
    for (const part of inside.split(/[,\s]+/)) {
      const own = /^(MUST|SHLD|MAY|REC)-(\d+(?:\/\d+)*)$/.exec(part);
      if (own) found.push(...own[2].split("/").map((n) => `${own[1]}-${n}`));
      else if (/^\d{3,4}-\d[\w.-]*$|^\d{3,4}-[A-Z]\w*[\w.-]*$/.test(part)) found.push(part);
    }
  }
  return found;
}

function readTable(folder) {
  const rows = new Map();
  for (const name of readdirSync(folder).filter((n) => n.endsWith(".tsv"))) {
    const lines = readFileSync(join(folder, name), "utf8").trim().split("\n");
    for (const line of lines.slice(1)) {
      const [id, rfc, section, level, area, requirement] = line.split("\t");
      if (requirement === undefined || !LEVELS.includes(level)) throw new Error(`${name}: ${line}`);
      if (rows.has(id)) throw new Error(`${name}: ${id} is there twice`);
      rows.set(id, { id, rfc, section, level, area, requirement, status: "open", tests: [] });
    }
  }
  return rows;
}

/** vitest's JSON report of a run of everything. */
function runTests() {
  const folder = mkdtempSync(join(tmpdir(), "conformance-"));
  const file = join(folder, "report.json");
  try {
    const reporters = ["--reporter=dot", "--reporter=json", `--outputFile.json=${file}`];
    spawnSync("npx", ["vitest", "run", ...reporters], {
      cwd: ROOT,
      stdio: ["ignore", process.stderr, process.stderr],
    });
    return JSON.parse(readFileSync(file, "utf8"));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Marks the rows and returns what is wrong by itself: unknown ids, failed tests, a MUST departed from. */
function judge(rows, report, departures) {
  const errors = [];
  for (const file of report.testResults) {
    if (file.status === "failed" && file.assertionResults.length === 0) {
      errors.push(`a test file failed: ${file.name.split("/test/").at(-1)}`);
    }
    for (const { fullName, status } of file.assertionResults) {
      if (status === "failed") errors.push(`a test failed: ${fullName.trim()}`);
      for (const id of idsIn(fullName)) {
        const row = rows.get(id);
        if (row === undefined)
          errors.push(`not in the table: ${id}, named by "${fullName.trim()}"`);
        else if (status === "passed") {
          row.status = "covered";
          row.tests.push(fullName.trim());
        }
      }
    }
  }
  for (const id of idsIn(departures)) {
    const row = rows.get(id);
    if (row === undefined) errors.push(`not in the table: ${id}, named by the departures`);
    else if (row.level === "MUST") errors.push(`a MUST is not to be departed from: ${id}`);
    else row.status = "departed";
  }
  return errors;
}

function count(rows) {
  const n = { covered: 0, departed: 0, open: 0 };
  for (const { status } of rows) n[status]++;
  return n;
}

function printTable(rows) {
  const cell = ({ covered, departed, open }) => {
    const all = covered + departed + open;
    if (all === 0) return "";
    return `${covered}${departed > 0 ? `+${departed}` : ""} of ${all}`;
  };
  const line = (name, mine, note) => {
    const cells = LEVELS.map((l) => cell(count(mine.filter((r) => r.level === l))).padEnd(14));
    console.log(`${name.padEnd(12)}${cells.join("")}${String(count(mine).open).padEnd(6)}${note}`);
  };
  console.log(`${"area".padEnd(12)}${LEVELS.map((l) => l.padEnd(14)).join("")}${"open".padEnd(6)}`);
  const areas = [...new Set(rows.map((r) => r.area))].sort();
  for (const area of areas) {
    const mine = rows.filter((r) => r.area === area);
    line(area, mine, JUDGED.has(area) ? "" : "not judged");
  }
  const judged = rows.filter((r) => JUDGED.has(r.area));
  line("judged", judged, "");
  line("all", rows, "");
  console.log("\n12+1 of 14: twelve covered, one departed from with its reason, one open");
}

/** Wrong usage, a file that is not there or that is none: one line. */
function refuse(error) {
  console.error(`conformance: ${error.message.split("\n")[0]}`);
  process.exit(2);
}

function options() {
  try {
    return parseArgs({
      options: {
        report: { type: "string" },
        json: { type: "boolean", default: false },
        open: { type: "boolean", default: false },
        table: { type: "string", default: join(ROOT, "test/conformance/requirements") },
        departures: { type: "string", default: join(ROOT, "docs/departures.md") },
      },
    }).values;
  } catch (error) {
    return refuse(error);
  }
}

/** The table, the departures, and a report where one is given. */
function given({ table, departures, report }) {
  try {
    return [
      readTable(table),
      readFileSync(departures, "utf8"),
      report === undefined ? null : JSON.parse(readFileSync(report, "utf8")),
    ];
  } catch (error) {
    return refuse(error);
  }
}

const values = options();
const [table, departures, old] = given(values);
const report = old ?? runTests();
const errors = judge(table, report, departures);
const rows = [...table.values()];
const judged = rows.filter((r) => JUDGED.has(r.area));
const openMust = judged.filter((r) => r.level === "MUST" && r.status === "open");
const should = count(judged.filter((r) => r.level === "SHOULD"));
const shouldAll = should.covered + should.departed + should.open;
const shouldShare = shouldAll === 0 ? 1 : (should.covered + should.departed) / shouldAll;
if (openMust.length > 0) errors.push(`open MUST: ${openMust.map((r) => r.id).join(" ")}`);
if (shouldShare < SHOULD_LEAST) {
  errors.push(`SHOULD covered or departed from: ${(100 * shouldShare).toFixed(1)} %, of 95 %`);
}
if (values.json) console.log(JSON.stringify({ rows, totals: count(rows), errors }, null, 1));
else {
  printTable(rows);
  if (values.open) {
    console.log("");
    for (const r of rows.filter((each) => each.status === "open")) {
      console.log(`${r.area.padEnd(10)} ${r.level.padEnd(6)} ${r.id.padEnd(22)} ${r.requirement}`);
    }
  }
  console.log("");
  for (const error of errors) console.log(error);
  console.log(errors.length === 0 ? "conformance: kept" : "conformance: NOT kept");
}
process.exitCode = errors.length === 0 ? 0 : 1;
