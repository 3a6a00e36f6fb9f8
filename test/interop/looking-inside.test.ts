/** What docs/looking-inside.md says to type does what it says, in the order of the page. */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { blocksOf, commandsOf } from "../support/document.ts";
import { COMMAND, obstacle, type Outcome, type Running, World } from "./support/world.ts";

const PAGE = "docs/looking-inside.md";
const ROOT = dirname(dirname(dirname(COMMAND)));

describe.skipIf(obstacle("curl", "ip") !== null)("docs/looking-inside.md", () => {
  let world: World;
  let serving: Running | null = null;
  const printed = new Map<string, string>();

  /** In a folder of its own, as a shell would do it. */
  function start(line: string): Running {
    const command = `cd ${world.folder}; export XDG_RUNTIME_DIR=${world.folder}; tuntcp() { ${process.execPath} ${COMMAND} "$@"; }; ${line}`;
    return world.start("sh", ["-c", command], "");
  }

  async function type(line: string): Promise<Outcome> {
    const running = start(line);
    if (line.startsWith("tuntcp trace --port")) {
      await running.says("watching");
      await type("curl -s http://192.0.2.2/ -o page");
    }
    const { code, stdout, stderr } = await running.outcome;
    const text = (latin: string): string => Buffer.from(latin, "latin1").toString();
    return { code, stdout: text(stdout), stderr: text(stderr) };
  }

  async function serve(line: string): Promise<void> {
    if (serving?.ended === false) await serving.stop();
    const at = line.split(" ").slice(1);
    const command = `cd ${world.folder}; export XDG_RUNTIME_DIR=${world.folder}; exec ${process.execPath} ${COMMAND} ${at.join(" ")}`;
    serving = world.start("sh", ["-c", command]);
    await serving.says("ready");
  }

  beforeAll(() => {
    world = new World();
    const [program] = blocksOf(PAGE).filter(({ file }) => file === "watch.mjs");
    writeFileSync(world.path("watch.mjs"), program!.text);
    mkdirSync(world.path("node_modules"));
    symlinkSync(ROOT, world.path("node_modules/tuntcp"));
  });
  afterAll(async () => await world.remove());

  it("every command works", async () => {
    const lines = commandsOf(PAGE);
    expect(lines.length).toBeGreaterThan(15);
    for (const line of lines) {
      if (line.startsWith("tuntcp serve")) {
        await serve(line);
        if (line.includes("--capture")) {
          await type("curl -s http://192.0.2.2/ -o page");
          await serving!.stop();
        }
        continue;
      }
      if (line.startsWith("tuntcp trace --port")) await serve("tuntcp serve http:80");
      const { code, stdout, stderr } = await type(line);
      expect([line, code, /^NODE_DEBUG|trace --port/.test(line) ? "" : stderr]).toEqual([
        line,
        0,
        "",
      ]);
      printed.set(line, line.startsWith("NODE_DEBUG") ? stderr : stdout);
    }
  }, 120_000);

  it("and shows what the page says", () => {
    const of = (begin: string): string => [...printed].find(([line]) => line.startsWith(begin))![1];
    expect(of("tuntcp show time-wait-lost-ack")).toContain("TIME-WAIT remembers");
    expect(of("tuntcp show handshake --tun")).toContain("(the kernel)");
    expect(of("tuntcp ss --all")).toMatch(/^LISTEN .* 0\.0\.0\.0:80 /m);
    expect(of("tuntcp ss --summary")).toMatch(/^TCP: +\d+ \(estab/m);
    expect(JSON.parse(of("tuntcp ss --json"))).toHaveProperty("connections");
    expect(of("tuntcp top")).toContain("WHY NOT FASTER");
    expect(of("curl -s http://127.0.0.1:9100/metrics")).toContain("tuntcp_connections");
    expect(of("tuntcp trace run.pcapng")).toMatch(/SYN-SENT ── SYN seq 0 .*▶ SYN-RECEIVED$/m);
    expect(of("tuntcp trace --port")).toMatch(/SYN-SENT ── SYN seq 0 .*▶ SYN-RECEIVED$/m);
    expect(of("node watch.mjs")).toMatch(/^192\.0\.2\.1:\d+ 192\.0\.2\.2:80: CLOSED -> SYN-SENT/m);
    expect(of("node watch.mjs")).toMatch(/^hello true$/m);
    expect(of("NODE_DEBUG")).toMatch(/^TUNTCP-TCP \d+: .* > S \d+:\d+\(0\) win/m);
    for (const name of ["loss.html", "loss.svg", "run.html", "run.svg"])
      expect(existsSync(world.path(name)), name).toBe(true);
    const logs = readdirSync(world.path("logs"));
    expect(logs).toHaveLength(1);
    expect(logs[0]).toMatch(/^192\.0\.2\.2_80-192\.0\.2\.1_\d+\.sqlog$/);
    const text = readFileSync(world.path(`logs/${logs[0]!}`), "utf8");
    expect(text).toContain('"name":"connectivity:connection_closed"');
    expect(readdirSync(world.folder).filter((name) => name.endsWith(".sqlog"))).toHaveLength(2);
  });

  it("tells of every event and channel that there is", () => {
    const page = readFileSync(`${ROOT}/${PAGE}`, "utf8");
    const names = (file: string, pattern: RegExp): string[] =>
      [...readFileSync(`${ROOT}/src/${file}`, "utf8").matchAll(pattern)].map((m) => m[1]!);
    const told = [
      ...names("tools/qlog/connection-log.ts", /event\(\s*"([^"]+)"/g),
      ...names("runtime/channels.ts", /channel\("([^"]+)"\)/g),
      ...names("runtime/debug.ts", /debuglog\("([^"]+)"\)/g),
    ];
    expect(told.length).toBeGreaterThan(15);
    expect(told.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
  });
});
