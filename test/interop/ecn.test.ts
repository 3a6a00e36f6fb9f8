/** ECN with the kernel, both ways and asked for by either end, through a router that marks; read by tshark. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ACK, CWR, ECE, ECT_0, SYN } from "../../src/wire/tcp-segment.ts";
import { kernelCounters, kernelEcho, prepare, runs } from "./support/stack-program.ts";
import { HOST, obstacle, STACK, World } from "./support/world.ts";

const SIZE = 2 ** 21;

describe.skipIf(obstacle("curl", "ping", "tshark") !== null)("ECN with the kernel", () => {
  let world: World;

  beforeEach(() => {
    world = new World();
  });
  afterEach(async () => await world.remove());

  /** Every packet of the capture. */
  async function packets(): Promise<
    { source: string; ecn: number; length: number; flags: number }[]
  > {
    const fields = ["ip.src", "ip.dsfield.ecn", "tcp.len", "tcp.flags"].flatMap((f) => ["-e", f]);
    const argv = ["-r", world.path("ecn.pcapng"), "-Y", "tcp", "-T", "fields", ...fields];
    const { code, stdout, stderr } = await world.run("tshark", argv);
    expect(code, stderr).toBe(0);
    return stdout
      .trimEnd()
      .split("\n")
      .map((line) => {
        const [source, ecn, length, flags] = line.split("\t") as [string, string, string, string];
        return { source, ecn: Number(ecn), length: Number(length), flags: Number(flags) };
      });
  }

  /** In the capture: what must be there and what must not, whoever asked. */
  async function judge(asker: string): Promise<void> {
    const all = await packets();
    const syns = all.filter(({ flags }) => (flags & (SYN | ACK)) === SYN);
    expect(syns.length).toBeGreaterThan(0);
    expect(syns.every((p) => p.source === asker && p.flags === (SYN | ECE | CWR))).toBe(true);
    const answers = all.filter(({ flags }) => (flags & (SYN | ACK)) === (SYN | ACK));
    expect(answers.map((p) => p.flags)).toEqual(syns.map(() => SYN | ACK | ECE));
    // ours: ECT on data and on nothing else
    const ours = all.filter(({ source }) => source === STACK);
    const capable = ours.filter(({ ecn }) => ecn !== 0);
    expect(capable.filter(({ length, flags }) => length === 0 || (flags & SYN) !== 0)).toEqual([]);
    expect(capable.filter(({ ecn }) => ecn === ECT_0).length).toBeGreaterThan(10);
    // each end echoed marks of the other's, and each reduced and said so with data
    for (const end of [STACK, HOST]) {
      const later = all.filter(({ source, flags }) => source === end && (flags & SYN) === 0);
      expect(
        later.some(({ flags }) => (flags & ECE) !== 0),
        `${end} ECE`,
      ).toBe(true);
      const cwr = later.filter(({ flags }) => (flags & CWR) !== 0);
      expect(cwr.length, `${end} CWR`).toBeGreaterThan(0);
      expect(cwr.filter(({ length }) => length === 0)).toEqual([]);
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
