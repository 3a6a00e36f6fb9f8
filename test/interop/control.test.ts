/** A running stack from outside: `ss`, `top`, the control socket and `--metrics`, beside the kernel's own transfers. */
import { existsSync, readFileSync, statSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ConnectionTable, StackSummary } from "../../src/tools/control/requests.ts";
import { obstacle, type Outcome, type Running, STACK, World } from "./support/world.ts";

describe.skipIf(obstacle("curl", "nc") !== null)("looking into a running stack", () => {
  let world: World;
  let control = "";
  let serve: Running;
  let idle: Running;

  beforeAll(async () => {
    world = new World();
    control = world.path("control.sock");
    serve = await world.serve(
      "http:80",
      "echo:7",
      "source:9",
      "--control",
      control,
      "--metrics",
      "9100",
    );
    idle = world.start("nc", [STACK, "7"]);
    idle.process.stdin!.write("hello\n");
    await idle.says("hello");
  });
  afterAll(async () => await world.remove());

  const ask = async (...args: string[]): Promise<Outcome> =>
    await world.tuntcp([...args, "--control", control]).outcome;

  it("ss prints a line of each connection and why it does not go faster", async () => {
    const { code, stdout, stderr } = await ask("ss");
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/^State +Recv-Q +Send-Q +Local Address:Port +Peer Address:Port$/m);
    expect(stdout).toMatch(/^ESTAB +0 +0 +192\.0\.2\.2:7 +192\.0\.2\.1:\d+$/m);
    expect(stdout).toMatch(/^\t ts sack cubic wscale:10,7 rto:\d+/m);
    expect(stdout).toMatch(/^\t nothing to send$/m);
    expect((await ask("ss", "-l")).stdout).toMatch(
      /^LISTEN +0 +511 +0\.0\.0\.0:80 +0\.0\.0\.0:\*$/m,
    );
  });

  it("a peer that does not read is told as such, and filters choose", async () => {
    const stuck = world.start("sh", ["-c", `nc ${STACK} 9 | sleep 4`]);
    let table: ConnectionTable;
    do {
      const { stdout } = await ask("ss", "--json", "-t", "sport = :9");
      table = JSON.parse(stdout) as ConnectionTable;
    } while (table.connections[0]?.limit.by !== "peer-window");
    expect(table.connections).toHaveLength(1);
    expect(table.listeners.map(({ port }) => port)).toEqual([9]);
    expect((await ask("ss", "sport = :9 and time-wait")).stdout.trim().split("\n")).toHaveLength(1);
    stuck.process.kill("SIGKILL");
  });

  it("ss --summary counts by state, with the counters as JSON", async () => {
    expect((await ask("ss", "--summary")).stdout).toMatch(/^ {2}ESTABLISHED +\d+$/m);
    const summary = JSON.parse((await ask("ss", "-s", "--json")).stdout) as StackSummary;
    expect(summary).toMatchObject({
      pid: expect.any(Number),
      tun: "tuntcp0",
      addresses: ["192.0.2.2/24"],
    });
    expect(summary.counters["TcpPassiveOpens"]).toBeGreaterThanOrEqual(2);
  });

  it("top shows what moves", async () => {
    const load = world.start("sh", [
      "-c",
      `touch ${world.path("sink")}; timeout 4 nc ${STACK} 9 > /dev/null`,
    ]);
    await expect.poll(() => existsSync(world.path("sink"))).toBe(true);
    const { code, stdout } = await ask("top", "-n", "1", "-d", "0.2", "--json");
    expect(code).toBe(0);
    const { connections } = JSON.parse(stdout) as { connections: { sendRate: number }[] };
    expect(connections[0]!.sendRate).toBeGreaterThan(1e6);
    expect((await ask("top", "-n", "1", "-d", "0.1")).stdout).toMatch(/^STATE .* WHY NOT FASTER$/m);
    load.process.kill("SIGKILL");
  });

  it("Prometheus finds the figures, on loopback only", async () => {
    const scrape = await world.curl("http://127.0.0.1:9100/metrics");
    expect(scrape.stdout).toMatch(/^tuntcp_connections\{state="ESTABLISHED"\} \d+$/m);
    expect(scrape.stdout).toMatch(/^tuntcp_netstat_total\{name="TcpInSegs"\} \d+$/m);
  });

  it("trace watches live: a ladder, lines of JSON, or pictures in the end", async () => {
    const live = async (...args: string[]): Promise<Outcome> => {
      const tracing = world.tuntcp(["trace", "--port", "80", "--control", control, ...args]);
      await tracing.says("watching");
      await world.curl(`http://${STACK}/`);
      // curl ends before its connection does
      const open = async (): Promise<string> => (await ask("ss", "sport = :80")).stdout;
      const isOver = /^State(?![^]*(ESTAB|FIN-WAIT|CLOSE-WAIT|LAST-ACK|CLOSING))/;
      await expect.poll(open, { timeout: 10_000 }).toMatch(isOver);
      return args.includes("--limit") ? await tracing.outcome : await tracing.stop();
    };
    const ladder = await live("--limit", "6");
    expect([ladder.code, ladder.stderr]).toEqual([0, "tuntcp: watching until Ctrl-C\n"]);
    const text = Buffer.from(ladder.stdout, "latin1").toString();
    expect(text).toMatch(/^ +192\.0\.2\.1:\d+ +192\.0\.2\.2:80\n/);
    expect(text).toMatch(/ 0\.000 +SYN-SENT ── SYN seq 0 win \d+ <mss 1460.*▶ SYN-RECEIVED\n/);
    expect(text.match(/[▶◀]/g)).toHaveLength(6);
    const lines = (await live("--json", "--limit", "4")).stdout.trim().split("\n");
    const [syn, synAck] = lines.map((line) => JSON.parse(line) as { flags: string[] });
    expect(lines).toHaveLength(4);
    expect([syn!.flags, synAck!.flags]).toEqual([["SYN"], ["SYN", "ACK"]]);
    const picture = world.path("live.svg");
    const { code } = await live("--svg", picture);
    expect(code).toBe(0);
    const drawn = readFileSync(picture, "utf8");
    expect(drawn).toContain(">TIME-WAIT<");
    expect(drawn).toMatch(/to the left end, 0\.\d+ ms to the right one/);
  });

  it("bad questions get a line each", async () => {
    const cases: [string[], number, string][] = [
      [["ss", "nonsense"], 2, "nonsense: no state and no term"],
      [["ss", "--watch", "0"], 2, "--watch 0: 0.1 to 3600 seconds"],
      [["top", "-d", "x"], 2, "-d x: 0.1 to 3600"],
    ];
    for (const [args, code, text] of cases) {
      const outcome = await ask(...args);
      expect([args, outcome.code, outcome.stdout]).toEqual([args, code, ""]);
      expect(outcome.stderr).toContain(text);
      expect(outcome.stderr.trim().split("\n")).toHaveLength(1);
    }
    const nobody = await world.tuntcp(["ss", "--control", world.path("none")]).outcome;
    expect([nobody.code, nobody.stderr]).toEqual([
      1,
      `tuntcp: no stack runs behind ${world.path("none")} (ENOENT): start one with tuntcp serve\n`,
    ]);
    const words = `serve --tun other0 --address 198.51.100.2/24 --host 198.51.100.1 --metrics 9100`;
    const port = await world.tuntcp(words.split(" ")).outcome;
    expect([port.code, port.stdout]).toEqual([1, ""]);
    expect(port.stderr).toContain("--metrics 127.0.0.1:9100: ");
    expect(world.links()).toEqual(["tuntcp0"]);
  });

  it("the socket is its user's alone, and goes with the stack", async () => {
    expect(statSync(control).mode & 0o777).toBe(0o600);
    expect((await serve.stop()).code).toBe(0);
    expect(existsSync(control)).toBe(false);
    idle.process.kill("SIGKILL");
  });
});
