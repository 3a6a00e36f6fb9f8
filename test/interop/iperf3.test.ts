/** The real iperf3 as the client of `serve iperf3`: every way its TCP test goes, and its report. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { obstacle, type Running, STACK, World } from "./support/world.ts";

interface Sum {
  readonly bytes: number;
  readonly sender?: boolean;
}

interface Report {
  readonly error?: string;
  readonly server_output_text?: string;
  readonly end: Readonly<Record<string, Sum>> & { readonly streams: readonly unknown[] };
}

describe.skipIf(obstacle("iperf3") !== null)("iperf3 and tuntcp serve", () => {
  let world: World;
  let serve: Running;

  beforeAll(async () => {
    world = new World();
    serve = await world.serve("iperf3:5201");
  });
  afterAll(async () => await world.remove());

  async function iperf3(...args: string[]): Promise<Report> {
    const { stdout } = await world.run("iperf3", ["-c", STACK, "-J", ...args]);
    return JSON.parse(stdout) as Report;
  }

  /** What our end said in its last lines. */
  function told(): { verb: string; bytes: number }[] {
    return [...serve.stdout.matchAll(/^iperf3: (\d+) bytes (sent|received)/gm)].map((m) => ({
      verb: m[2]!,
      bytes: Number(m[1]),
    }));
  }

  it("counts what it received as the client counts what it sent (-n)", async () => {
    const { error, end } = await iperf3("-n", "20M");
    expect(error).toBeUndefined();
    // the client looks at its sum after a block: one more may have gone
    expect(end["sum_sent"]!.bytes).toBeGreaterThanOrEqual(20 * 2 ** 20);
    expect(end["sum_sent"]!.bytes).toBeLessThan(21 * 2 ** 20);
    // what is under way when the client says that it is done does not count
    expect(end["sum_received"]!.bytes).toBeGreaterThan(10 * 2 ** 20);
    expect(told().at(-1)).toEqual({ verb: "received", bytes: end["sum_received"]!.bytes });
  });

  it("sends with -R until the client has what it wants", async () => {
    const { error, end } = await iperf3("-R", "-n", "20M");
    expect(error).toBeUndefined();
    expect(end["sum_received"]!.bytes).toBeGreaterThanOrEqual(20 * 2 ** 20);
    expect(end["sum_sent"]!.bytes).toBeGreaterThanOrEqual(end["sum_received"]!.bytes);
    expect(told().at(-1)).toEqual({ verb: "sent", bytes: end["sum_sent"]!.bytes });
  });

  it("takes several streams at once with -P, and both ways with --bidir", async () => {
    const many = await iperf3("-P", "5", "-n", "20M");
    expect(many.error).toBeUndefined();
    expect(many.end.streams).toHaveLength(5);
    const both = await iperf3("--bidir", "-P", "2", "-t", "1");
    expect(both.error).toBeUndefined();
    expect(both.end.streams).toHaveLength(4);
    expect(both.end["sum_received"]!.bytes).toBeGreaterThan(0);
    expect(both.end["sum_received_bidir_reverse"]!.bytes).toBeGreaterThan(0);
  });

  it("gives its own report to a client that asks, and knows of no UDP", async () => {
    const { server_output_text: text } = await iperf3("-n", "1M", "--get-server-output");
    expect(text).toMatch(/^iperf3: \d+ bytes received on 1 stream/);
    expect((await iperf3("-u", "-n", "1M")).error).toMatch(/not implemented/);
  });

  it("does one test at a time and says so to the next client; one that is ended frees it", async () => {
    const first = world.start("iperf3", ["-c", STACK, "-t", "30", "--forceflush"], "");
    await first.says("connected to");
    const second = await iperf3("-n", "1M");
    expect(second.error).toMatch(/busy/);
    first.process.kill("SIGTERM");
    await first.outcome;
    expect((await iperf3("-n", "1M")).error).toBeUndefined();
  });
});
