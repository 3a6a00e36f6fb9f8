/**
 * The long gate: runs each part, keeps its output in the folder given, and writes docs/gate.md with what was seen.
 * A part that fails makes the gate fail, and the report says so.
 */
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { cpus, release, totalmem } from "node:os";
import { join } from "node:path";

const work = process.argv[2];
const head = spawnSync("git", ["describe", "--always", "--dirty"], { encoding: "utf8" });

/** Runs a command; its output goes to the terminal and to a file. */
function run(name, command, args, env = {}) {
  console.log(`\n== ${name}: ${command} ${args.join(" ")}`);
  const began = Date.now();
  const result = spawnSync(command, args, {
    env: { ...process.env, ...env },
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
    maxBuffer: 1 << 28,
  });
  const minutes = (Date.now() - began) / 60000;
  writeFileSync(join(work, `${name}.log`), result.stdout ?? "");
  process.stdout.write(result.stdout ?? "");
  return { name, ok: result.status === 0, minutes, output: result.stdout ?? "" };
}

/** Test titles and times out of vitest's JSON report. */
function titles(file) {
  const report = JSON.parse(readFileSync(file, "utf8"));
  return report.testResults.flatMap((f) =>
    f.assertionResults.map((t) => ({
      title: t.fullName.trim(),
      status: t.status,
      seconds: (t.duration ?? 0) / 1000,
    })),
  );
}

const parts = [];
const test = run("test", "bash", ["scripts/test"]);
parts.push(test);
parts.push(run("demo", "bash", ["scripts/demo"]));
const json = join(work, "full.json");
const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${json}`];
const full = ["vitest", "run", "test/interop", "--testTimeout=900000", ...reporters];
parts.push(run("full", "npx", full, { TUNTCP_FULL: "1" }));
const modes = [
  ["offload, MTU 1500", []],
  ["no offload, MTU 1500", ["--offload", "off", "--metrics", "up1,up8,down1,down8"]],
  ["no offload, MTU 9000", ["--offload", "off", "--mtu", "9000", "--metrics", "up1,down1"]],
];
const figures = modes.map(([label, options], i) => {
  const part = run(`bench-${i}`, "bash", ["scripts/bench", "--json", ...options]);
  parts.push(part);
  const at = part.output.indexOf("{");
  return { label, report: at < 0 ? null : JSON.parse(part.output.slice(at)) };
});

const lines = [
  "# The last run of `scripts/gate`",
  "",
  `Of ${new Date().toISOString().slice(0, 10)}, commit ${head.stdout.trim()}; ${cpus().length} x ${cpus()[0].model},`,
  `${(totalmem() / 2 ** 30).toFixed(0)} GiB, Linux ${release()}, Node ${process.version}. Figures of a shared machine: read them as ratios.`,
  "",
  "| part | result | minutes |",
  "| --- | --- | --- |",
  ...parts.map((p) => `| ${p.name} | ${p.ok ? "passed" : "FAILED"} | ${p.minutes.toFixed(1)} |`),
  "",
  `Tests: ${test.output.trim().split("\n").at(-1)}.`,
  "",
  "## At full size",
  "",
  "| test | result | seconds |",
  "| --- | --- | --- |",
  ...titles(json).map(
    (t) => `| ${t.title.replaceAll("|", "\\|")} | ${t.status} | ${t.seconds.toFixed(1)} |`,
  ),
  "",
  "## Figures",
  "",
];
for (const { label, report } of figures) {
  if (report === null) {
    lines.push(`${label}: no report.`, "");
    continue;
  }
  const { rows, tun } = report;
  lines.push(`### ${label}`, "", `The largest read of the TUN had ${tun.largestRead} bytes.`, "");
  lines.push(
    "| figure | ours | Node on the kernel's loopback | unit |",
    "| --- | --- | --- | --- |",
  );
  for (const { what, unit, ours, kernel } of rows) {
    const digits = { "Gbit/s": 1, "%": 3 }[unit] ?? 0;
    const text = (s) => (s === null ? "" : s.rate.toFixed(digits));
    lines.push(`| ${what} | ${text(ours)} | ${text(kernel)} | ${unit} |`);
  }
  lines.push("");
}
writeFileSync("docs/gate.md", `${lines.join("\n").trimEnd()}\n`);
spawnSync("npx", ["prettier", "--write", "docs/gate.md"]);
const failed = parts.filter((p) => !p.ok);
console.log(
  `\ngate: ${parts.length - failed.length} parts passed, ${failed.length} failed; docs/gate.md`,
);
process.exitCode = failed.length === 0 ? 0 : 1;
