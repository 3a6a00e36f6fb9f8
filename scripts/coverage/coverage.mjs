// Which branches of wire, tcp and stack the tests and the fuzzer reach together: `node scripts/coverage/coverage.mjs [--runs N]
// [--list]`. Needs a build. Exits with 1 where wire or tcp has less than 95 % of them.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { countedCode, coverageOf } from "../../dist/tools/fuzz/branches.js";
import { FolderStore } from "../../dist/tools/fuzz/folder-store.js";
import { Session } from "../../dist/tools/fuzz/session.js";

const LEAST = 95;
/** Tests of the core, in virtual time; others run what was built, or are large. */
const TESTS = [
  "test/wire",
  "test/tcp",
  "test/traces",
  "test/stack",
  "test/grid",
  "test/packet",
  "test/drill",
  "test/sim/bbr.test.ts",
  "test/tools/congestion-control",
];
const TARGETS = ["codec", "options", "reassembly", "connection", "listener", "stack"];
const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "60000" },
    jobs: { type: "string", default: "2" },
    list: { type: "boolean", default: false },
  },
});
const root = fileURLToPath(new URL("../..", import.meta.url));
const { files, count } = countedCode();
const byTests = new Uint8Array(count);
const byFuzz = new Uint8Array(count);
const folder = mkdtempSync(join(tmpdir(), "tuntcp-branches-"));

function merge(into, from) {
  for (let i = 0; i < from.length; i++) if (from[i] !== 0) into[i] = 1;
}

function share(isTaken, room) {
  const { taken, all } = coverageOf(files, isTaken).get(room);
  return (100 * taken) / all;
}

try {
  const config = "scripts/coverage/vitest.config.mjs";
  const run = spawnSync("npx", ["vitest", "run", "-c", config, ...TESTS], {
    cwd: root,
    env: { ...process.env, BRANCHES_FOLDER: folder },
    encoding: "utf8",
    maxBuffer: 1 << 28,
  });
  if (run.status !== 0) {
    process.stderr.write(run.stdout + run.stderr);
    process.exitCode = 1;
  }
  for (const name of readdirSync(folder)) merge(byTests, readFileSync(join(folder, name)));
  for (const target of TARGETS) {
    const session = new Session({
      target,
      seed: 1,
      threads: Number(values.jobs),
      runs: Number(values.runs),
      time: Infinity,
      guided: true,
      store: new FolderStore(join(folder, "corpus")),
      keeps: false,
      signal: new AbortController().signal,
      onProgress: () => {},
    });
    const report = await session.run();
    merge(byFuzz, report.taken);
    for (const { finding } of report.findings) {
      process.stdout.write(`${target}: ${finding.violation.rule} ${finding.violation.message}\n`);
      process.exitCode = 1;
    }
  }
} finally {
  rmSync(folder, { recursive: true });
}

const together = (i) => byTests[i] === 1 || byFuzz[i] === 1;
process.stdout.write("branches of    tests     fuzz  together\n");
for (const room of ["wire", "tcp", "stack"]) {
  const row = [(i) => byTests[i] === 1, (i) => byFuzz[i] === 1, together].map((isTaken) =>
    `${share(isTaken, room).toFixed(1)} %`.padStart(9),
  );
  process.stdout.write(`${room.padEnd(10)} ${row.join("")}\n`);
  process.stdout.write(`figure: branches of ${room}, % = ${share(together, room).toFixed(2)}\n`);
  if (room !== "stack" && share(together, room) < LEAST) process.exitCode = 1;
}
if (values.list) {
  for (const { file, first, branches } of files)
    branches.forEach(({ line, column, kind }, i) => {
      if (!together(first + i)) process.stdout.write(`${file}:${line}:${column} ${kind}\n`);
    });
}
