/** `tuntcp sim --svg` and `--html`: pictures of what really ran, and what is refused before it runs. */
import { spawnSync, type SpawnSyncReturns } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { afterAll, expect, test, vi } from "vitest";
import { CommandFailure } from "../../src/cli/failure.ts";
import { registerSim } from "../../src/cli/sim.ts";
import { readFigure } from "../../src/tools/pictures/page/other-run.ts";
import { descendants, parseXml } from "../tools/pictures/support/xml.ts";

const folder = mkdtempSync(join(tmpdir(), "tuntcp-pictures-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const scenario = join(folder, "short.json");
writeFileSync(
  scenario,
  JSON.stringify({
    duration: "3s",
    marks: true,
    parameters: { queue: 20 },
    links: [{ from: "a", to: "b", rate: "4mbit", delay: "10ms", queue: "$queue" }],
    flows: [{ from: "a", to: "b" }],
  }),
);

async function sim(...args: string[]): Promise<string> {
  const program = new Command("tuntcp").exitOverride();
  registerSim(program);
  let text = "";
  const write = vi.spyOn(process.stdout, "write").mockImplementation((chunk) => {
    text += String(chunk);
    return true;
  });
  try {
    await program.parseAsync(["node", "tuntcp", "sim", scenario, "--jobs", "1", ...args]);
  } finally {
    write.mockRestore();
  }
  return text;
}

function memoryOf(base64: string): ArrayBuffer {
  return Uint8Array.from(Buffer.from(base64, "base64")).buffer;
}

test("a run is drawn with its flow, its link and its segments", async () => {
  const [svg, html] = [join(folder, "a.svg"), join(folder, "a.html")];
  expect(await sim("--svg", svg, "--html", html)).toContain("goodput");
  const said = [...descendants(parseXml(readFileSync(svg, "utf8")))].map((e) => e.text);
  expect(said).toEqual(
    expect.arrayContaining([
      "flow1 cwnd",
      "flow1 RTT",
      "a&gt;b queue",
      "Time-sequence of flow1 (MB)",
    ]),
  );
  const figure = readFigure(readFileSync(html, "utf8"), memoryOf);
  const kinds = figure.sequences[0]!.marks.map(({ kind }) => kind);
  expect(kinds).toEqual(
    expect.arrayContaining(["data", "ack", "window", "retransmission", "dropped"]),
  );
  // what was sent first reaches as far as what was acknowledged
  const [data, ack] = ["data", "ack"].map((k) =>
    figure.sequences[0]!.marks.find((m) => m.kind === k)!,
  );
  expect(Math.max(...data!.to)).toBeGreaterThanOrEqual(Math.max(...ack!.to) - 1);
  expect(Math.max(...ack!.to)).toBeGreaterThan(1e6);
});

test("the runs of a sweep stand over each other", async () => {
  const html = join(folder, "two.html");
  await sim("--sweep", "queue=10,40", "--html", html);
  const { runs, owners } = readFigure(readFileSync(html, "utf8"), memoryOf);
  expect(runs.map(({ facts }) => facts.split(",")[0])).toEqual(["queue 10", "queue 40"]);
  expect(owners.filter(({ kind }) => kind === "flow").map(({ run }) => run)).toEqual([0, 1]);
});

test("a page goes through a pipe whole, however slow its reader is, and who leaves early is no failure", () => {
  const command = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));
  const html = join(folder, "file.html");
  const shell = (script: string): SpawnSyncReturns<string> => {
    const draw = `"${process.execPath}" "${command}" sim "${scenario}" --html`;
    return spawnSync("bash", ["-c", script.replaceAll("DRAW", draw)], { encoding: "utf8" });
  };
  const compared = shell(
    `DRAW "${html}" >/dev/null; DRAW - | dd bs=64 2>/dev/null | cmp - "${html}"`,
  );
  expect(compared).toMatchObject({ status: 0, stderr: "", stdout: "" });
  const left = shell("DRAW - | head -c 9; exit ${PIPESTATUS[0]}");
  expect(left).toMatchObject({ status: 0, stderr: "", stdout: "<!doctype" });
});

test("more runs than can be told apart, and a file that cannot be written, are one line", async () => {
  const refused = async (...args: string[]): Promise<{ exitCode: number; message: string }> => {
    const error: unknown = await sim(...args).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(CommandFailure);
    return error as CommandFailure;
  };
  const many = await refused("--replicates", "7", "--svg", join(folder, "x.svg"));
  expect(many).toMatchObject({
    exitCode: 2,
    message: "--svg: draws 6 runs at most, and these are 7",
  });
  const path = join(folder, "none", "x.html");
  const unwritable = await refused("--html", path);
  expect(unwritable.exitCode).toBe(1);
  expect(unwritable.message).toMatch(/^--html .*x\.html: ENOENT/);
});
