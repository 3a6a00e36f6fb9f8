/** ECN with the kernel, both ways and asked for by either end, through a router that marks; read by tshark. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { kernelCounters, kernelEcho, prepare, runs } from "./support/stack-program.ts";
import { HOST, obstacle, STACK, World } from "./support/world.ts";

const SIZE = 2 ** 21;

describe.skipIf(obstacle("curl", "tshark") !== null)("ECN with the kernel", () => {
  let world: World;

  beforeEach(() => {
    world = new World();
  });
  afterEach(async () => await world.remove());

  /** How many packets of the capture pass the filter. */
  async function packets(filter: string): Promise<number> {
    const argv = [
      "-r",
      world.path("ecn.pcapng"),
      "-Y",
      filter,
      "-T",
      "fields",
      "-e",
      "frame.number",
    ];
    const { code, stdout, stderr } = await world.run("tshark", argv);
    expect(code, stderr).toBe(0);
    return stdout.split("\n").filter((line) => line !== "").length;
  }

  /** In the capture: what must be there and what must not, whoever asked. */
  async function judge(asker: string): Promise<void> {
    const asked =
      "tcp.flags.syn == 1 && tcp.flags.ack == 0 && tcp.flags.ece == 1 && tcp.flags.cwr == 1";
    const answered =
      "tcp.flags.syn == 1 && tcp.flags.ack == 1 && tcp.flags.ece == 1 && tcp.flags.cwr == 0";
    const connections = await packets("tcp.flags.syn == 1 && tcp.flags.ack == 0");
    expect(await packets(`${asked} && ip.src == ${asker}`)).toBe(connections);
    expect(await packets(answered)).toBe(connections);
    // ours: ECT on data and on nothing else
    expect(await packets(`ip.src == ${STACK} && tcp.len == 0 && ip.dsfield.ecn != 0`)).toBe(0);
    expect(await packets(`ip.src == ${STACK} && tcp.flags.syn == 1 && ip.dsfield.ecn != 0`)).toBe(
      0,
    );
    expect(
      await packets(`ip.src == ${STACK} && tcp.len > 0 && ip.dsfield.ecn == 2`),
    ).toBeGreaterThan(10);
    // each end echoed marks of the other's, and each reduced and said so
    for (const source of [STACK, HOST]) {
      const flags = (flag: string): string =>
        `ip.src == ${source} && tcp.flags.syn == 0 && tcp.flags.${flag} == 1`;
      expect(await packets(flags("ece")), `${source} ECE`).toBeGreaterThan(0);
      expect(await packets(flags("cwr")), `${source} CWR`).toBeGreaterThan(0);
      expect(await packets(`${flags("cwr")} && tcp.len == 0`)).toBe(0);
    }
  }

  it.each(["auto", "off"])(
    "asked for by the kernel: marks are echoed and answered at both ends, --offload %s [SHLD-8]",
    async (offload) => {
      prepare(world, "net.ipv4.tcp_ecn=1", "net.ipv4.tcp_congestion_control=reno");
      const { path, sha256 } = world.content("up", SIZE);
      const capture = world.path("ecn.pcapng");
      const { counters, marked } = await runs(world, { offload, capture, mark: 20 }, async () => {
        const up = await world.curl("-H", "Expect:", "-T", path, `http://${STACK}/`);
        expect(up.stdout).toBe(sha256);
        const down = await world.curl(
          "-o",
          "/dev/null",
          "-w",
          "%{size_download}",
          `http://${STACK}/${SIZE}`,
        );
        expect(down.stdout).toBe(String(SIZE));
      });
      expect(marked!.in * marked!.out).toBeGreaterThan(0);
      expect(counters["IpExtInCEPkts"]).toBe(marked!.in);
      expect(counters["TcpExtTCPDeliveredCE"]).toBeGreaterThan(0);
      expect(kernelCounters(world)["TcpExtTCPDeliveredCE"]).toBeGreaterThan(0);
      expect(kernelCounters(world)["IpExtInCEPkts"]).toBeGreaterThan(0);
      await judge(HOST);
    },
    60_000,
  );

  it("asked for by the stack, of a kernel that only answers [3168-6.1.1-NEG]", async () => {
    prepare(world, "net.ipv4.tcp_ecn=2", "net.ipv4.tcp_congestion_control=reno");
    await kernelEcho(world, 7000);
    const settings = { tcp_ecn: 1 };
    const connect = [{ port: 7000, size: SIZE }];
    const capture = world.path("ecn.pcapng");
    const done = await runs(world, { settings, connect, capture, mark: 20 }, async () => {});
    expect(done.echoed.map((e) => [e.same, e.info.ecn, e.info.ecnSeen])).toEqual([
      [true, true, true],
    ]);
    expect(done.echoed[0]!.info.deliveredCe).toBeGreaterThan(0);
    expect(done.echoed[0]!.info.receivedCe).toBeGreaterThan(0);
    await judge(STACK);
  }, 60_000);

  it("with a kernel that has it switched off there is none [3168-6.1.1-NEG]", async () => {
    prepare(world, "net.ipv4.tcp_ecn=0");
    await kernelEcho(world, 7000);
    const connect = [{ port: 7000, size: 100_000 }];
    const done = await runs(world, { settings: { tcp_ecn: 1 }, connect, mark: 2 }, async () => {});
    expect(done.echoed.map((e) => [e.same, e.info.ecn])).toEqual([[true, false]]);
    expect(done.marked).toEqual({ in: 0, out: 0 });
  }, 60_000);
});
