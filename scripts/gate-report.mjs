/**
 * What scripts/gate remembers: a record for each part in docs/gate.json, and docs/gate.md made of these. A part that ran
 * replaces its own record; the others stay, each with its date and commit.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, release, totalmem } from "node:os";

/** Tests that are quicker than this, s, and passed, are only counted. */
const WORTH_A_ROW = 1;

/** The commit that runs, with "-dirty" where the tree differs from it in more than the report. */
export function commit() {
  const git = (...args) => spawnSync("git", args, { encoding: "utf8" }).stdout?.trim() ?? "";
  const changed = git("status", "--porcelain", "--", ".", ":!docs/gate.md", ":!docs/gate.json");
  return (git("describe", "--always") || "unknown") + (changed === "" ? "" : "-dirty");
}

export function machine() {
  const memory = `${(totalmem() / 2 ** 30).toFixed(0)} GiB`;
  return `${cpus().length} x ${cpus()[0].model}, ${memory}, Linux ${release()}, Node ${process.version}`;
}

/** A command as one would type it. */
export function typed({ argv, env }) {
  const quoted = argv.map((a) => (/^[\w./:=,-]+$/.test(a) ? a : `'${a}'`));
  return [...Object.entries(env).map(([k, v]) => `${k}=${v}`), ...quoted].join(" ");
}

/** Tables out of the output of one step: its own, `figure:` lines, and those of vitest's JSON report. */
export function tablesOf(step, output, report) {
  const tables = step.tables?.(output) ?? [];
  const figures = [...output.matchAll(/^figure: (.+?) = (.+)$/gm)].map(([, k, v]) => [k, v.trim()]);
  if (figures.length > 0) tables.push({ title: "", header: ["figure", "value"], rows: figures });
  if (report !== null) tables.push(testTable(report));
  return tables;
}

function testTable(report) {
  const tests = report.testResults.flatMap((f) => f.assertionResults);
  const seconds = (t) => (t.duration ?? 0) / 1000;
  const count = (status) => tests.filter((t) => t.status === status).length;
  const broken = report.testResults.filter(
    (f) => f.status === "failed" && f.assertionResults.length === 0,
  );
  const skipped = tests.length - count("passed") - count("failed");
  const rows = tests
    .filter((t) => t.status === "failed" || seconds(t) >= WORTH_A_ROW)
    .map((t) => [t.fullName.trim(), t.status, seconds(t).toFixed(1)]);
  for (const f of broken) rows.push([f.name.split("/test/").at(-1), "did not load", ""]);
  const title =
    `${count("passed")} tests passed, ${count("failed") + broken.length} failed` +
    (skipped > 0 ? `, ${skipped} skipped` : "") +
    (rows.length > 0 ? "; those that failed or took a second:" : "");
  return { title, header: ["test", "result", "seconds"], rows };
}

export class Report {
  constructor(path) {
    this.path = path;
    this.records = existsSync(this.json) ? JSON.parse(readFileSync(this.json, "utf8")) : {};
  }

  get json() {
    return this.path.replace(/\.md$/, ".json");
  }

  set(name, record) {
    this.records[name] = record;
  }

  /** Parts in the order of `names`; those that are not parts any more go. */
  write(names) {
    const known = names.filter((n) => this.records[n] !== undefined);
    this.records = Object.fromEntries(known.map((n) => [n, this.records[n]]));
    writeFileSync(this.json, `${JSON.stringify(this.records, null, 2)}\n`);
    writeFileSync(this.path, `${render(this.records).join("\n").trimEnd()}\n`);
    spawnSync("npx", ["prettier", "--write", this.json, this.path]);
  }
}

function render(records) {
  const all = Object.entries(records);
  const machines = [...new Set(all.map(([, r]) => r.machine))];
  const lines = [
    "# The last run of `scripts/gate`",
    "",
    "Each part says when it ran and of which commit. Figures of a shared machine: read them as ratios.",
    "",
    ...machines.flatMap((m, i) => [machines.length > 1 ? `Machine ${i + 1}: ${m}.` : `${m}.`, ""]),
    ...table(
      ["part", "result", "minutes", "date", "commit"],
      all.map(([name, r]) => [
        name,
        r.result === "passed" ? "passed" : `FAILED: ${r.result}`,
        r.minutes.toFixed(1),
        r.date + (machines.length > 1 ? `, machine ${machines.indexOf(r.machine) + 1}` : ""),
        r.commit,
      ]),
    ),
  ];
  for (const [name, r] of all) {
    lines.push(`## ${name}`, "", `${r.what[0].toUpperCase()}${r.what.slice(1)}.`, "");
    for (const step of r.steps) {
      lines.push("```sh", step.command, "```", "");
      if (step.last !== "") lines.push(`Its last line: \`${step.last.replaceAll("`", "'")}\``, "");
      for (const { title, header, rows } of step.tables) {
        if (title !== "") lines.push(title, "");
        if (rows.length > 0) lines.push(...table(header, rows));
      }
    }
  }
  return lines;
}

function table(header, rows) {
  const line = (cells) => `| ${cells.map((c) => String(c).replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(header), line(header.map(() => "---")), ...rows.map(line), ""];
}
