/**
 * Keeps code, tests and the table of requirements (test/conformance/requirements) honest with each other: an id that a
 * comment in src cites is in the table, and a MUST among them is named by a test's title or stands below as not yet shown;
 * and `npm run conformance` judges as it says.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const TABLE = join(ROOT, "test/conformance/requirements");
const HEADER = "id\trfc\tsection\tlevel\tarea\trequirement";

/** Cited in src; no test names them yet. The list may only shrink. */
const PENDING: ReadonlySet<string> = new Set([]);

function rows(): string[][] {
  return readdirSync(TABLE).flatMap((name) => {
    const [header, ...lines] = readFileSync(join(TABLE, name), "utf8").trim().split("\n");
    expect(header, name).toBe(HEADER);
    expect(lines.every((line) => line.split("\t")[4] === name.replace(".tsv", ""))).toBe(true);
    return lines.map((line) => line.split("\t"));
  });
}

/** Ids of RFC 9293 by the files that cite them; `MUST-8/9` counts for both. */
function cited(folder: string): Map<string, string> {
  const ids = new Map<string, string>();
  for (const name of readdirSync(join(ROOT, folder), { recursive: true }) as string[]) {
    if (!name.endsWith(".ts") || name === "requirements.test.ts") continue;
    for (const id of idsIn(readFileSync(join(ROOT, folder, name), "utf8"))) {
      if (!ids.has(id)) ids.set(id, `${folder}/${name}`);
    }
  }
  return ids;
}

function idsIn(text: string): string[] {
  const found: string[] = [];
  for (const m of text.matchAll(/\b(MUST|SHLD|MAY|REC)-(\d+(?:\/\d+)*)/g)) {
    for (const n of m[2]!.split("/")) found.push(`${m[1]}-${n}`);
  }
  return found;
}

test("each row of the table has its six columns, and no id is there twice", () => {
  const all = rows();
  expect(all.length).toBeGreaterThan(370);
  expect(all.filter((row) => row.length !== 6 || row.includes(""))).toEqual([]);
  const ids = all.map(([id]) => id);
  expect(ids.filter((id, i) => ids.indexOf(id) !== i)).toEqual([]);
});

test("every id cited in src is in the table, and each MUST among them is named by a test", () => {
  const known = new Set(rows().map(([id]) => id));
  const inSource = cited("src");
  const inTests = cited("test");
  expect(inSource.size).toBeGreaterThan(10);
  expect([...inSource].filter(([id]) => !known.has(id))).toEqual([]);
  const musts = [...inSource].filter(([id]) => id.startsWith("MUST"));
  const missing = musts.filter(([id]) => !inTests.has(id) && !PENDING.has(id));
  expect(missing.map(([id, file]) => `${id} (${file}) has no test`)).toEqual([]);
  const stale = [...PENDING].filter((id) => inTests.has(id) || !inSource.has(id));
  expect(stale, "take these out of PENDING").toEqual([]);
});

test("numbers are read from titles and comments, joined ones too", () => {
  expect(idsIn("[MUST-7] and (MUST-8/9), but not XMUST-1")).toEqual(["MUST-7", "MUST-8", "MUST-9"]);
});

describe("npm run conformance", () => {
  const folder = mkdtempSync(join(tmpdir(), "requirements-"));
  const table = join(folder, "table");
  beforeAll(() => {
    mkdirSync(table);
    const lines = [
      HEADER,
      "MUST-1\t9293\t3.1\tMUST\twindow\tfirst",
      "MUST-2\t9293\t3.1\tMUST\tcodec\tsecond",
      "6298-2.4\t6298\t2\tSHOULD\trto\tthird",
      "5681-3.1-SS\t5681\t3.1\tMUST\tnobody\tfourth, in an area that is not judged",
    ];
    writeFileSync(join(table, "all.tsv"), `${lines.join("\n")}\n`);
  });
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  interface Outcome {
    readonly status: number | null;
    readonly report: {
      readonly rows: { readonly id: string; readonly status: string }[];
      readonly errors: string[];
    };
  }

  /** The verdict on tests given by title, with `!` before those that failed. */
  function judge(titles: readonly string[], departures: string): Outcome {
    const report = join(folder, "report.json");
    const noted = join(folder, "departures.md");
    const assertionResults = titles.map((title) => ({
      fullName: title.replace(/^!/, ""),
      status: title.startsWith("!") ? "failed" : "passed",
    }));
    const testResults = [{ name: "/test/a.test.ts", status: "passed", assertionResults }];
    writeFileSync(report, JSON.stringify({ testResults }));
    writeFileSync(noted, departures);
    const script = join(ROOT, "scripts/conformance.mjs");
    const options = ["--report", report, "--table", table, "--departures", noted, "--json"];
    const run = spawnSync(process.execPath, [script, ...options], { encoding: "utf8" });
    return { status: run.status, report: JSON.parse(run.stdout) as Outcome["report"] };
  }

  const statuses = (o: Outcome): string[] => o.report.rows.map((r) => r.status);

  test("is kept when judged MUSTs are covered and SHOULDs covered or departed from", () => {
    const joined = judge(["one [MUST-1/2]", "two [6298-2.4]"], "");
    expect(statuses(joined)).toEqual(["covered", "covered", "covered", "open"]);
    expect([joined.status, joined.report.errors]).toEqual([0, []]);
    const departed = judge(["one [MUST-1, MUST-2] [not an id]"], "| floor [6298-2.4] | reason |");
    expect(statuses(departed)).toEqual(["covered", "covered", "departed", "open"]);
    expect(departed.status).toBe(0);
  });

  test("is not kept with an open MUST, one that only a failed test names, or too few SHOULDs", () => {
    const should = judge(["one [MUST-1, MUST-2]"], "");
    expect(should.status).toBe(1);
    expect(should.report.errors[0]).toMatch(/^SHOULD .* 0\.0 %/);
    const open = judge(["one [MUST-1] [6298-2.4]"], "");
    expect([open.status, open.report.errors]).toEqual([1, ["open MUST: MUST-2"]]);
    const failed = judge(["!one [MUST-1]", "two [MUST-2] [6298-2.4]"], "");
    expect(failed.status).toBe(1);
    expect(failed.report.errors).toEqual(["a test failed: one [MUST-1]", "open MUST: MUST-1"]);
  });

  test("refuses ids that the table does not have, and a MUST among the departures", () => {
    const titles = ["one [MUST-1/2] [6298-2.4]"];
    expect(judge([...titles, "three [9293-3.1-NONE]"], "").report.errors[0]).toMatch(
      /9293-3.1-NONE/,
    );
    expect(judge(titles, "[SHLD-99]").report.errors).toEqual([
      "not in the table: SHLD-99, named by the departures",
    ]);
    expect(judge(titles, "[MUST-1]").report.errors[0]).toMatch(/not to be departed from: MUST-1/);
  });
});
