/** Fast Open with the kernel: its client at our listener, and our client at its. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { kernelCounters, kernelEcho, prepare, runs } from "./support/stack-program.ts";
import { obstacle, STACK, World } from "./support/world.ts";

describe.skipIf(obstacle("curl", "ping", "tshark") !== null)("Fast Open with the kernel", () => {
  let world: World;

  beforeEach(() => {
    world = new World();
  });
  afterEach(async () => await world.remove());

  /** `tcp.len` of each SYN and SYN-ACK in the capture, with the bytes of its cookie. */
  async function syns(): Promise<string[]> {
    const fields = ["ip.src", "tcp.len", "tcp.options.tfo.cookie"].flatMap((f) => ["-e", f]);
    const argv = [
      "-r",
      world.path("tfo.pcapng"),
      "-Y",
      "tcp.flags.syn == 1",
      "-T",
      "fields",
      ...fields,
    ];
    const { code, stdout, stderr } = await world.run("tshark", argv);
    expect(code, stderr).toBe(0);
    return stdout
      .trimEnd()
      .split("\n")
      .map((line) => {
        const [source, length, cookie = ""] = line.split("\t");
        return `${source} ${length} ${cookie.replaceAll(":", "").length / 2}`;
      });
  }

  it("curl asks for a cookie, and then has its request with the SYN [7413-4.2.1-REQ, 7413-4.2.2-ACCEPT]", async () => {
    prepare(world, "net.ipv4.tcp_fastopen=1");
    const capture = world.path("tfo.pcapng");
    const settings = { tcp_fastopen: 3 };
    const { counters, served } = await runs(
      world,
      { settings, capture, fastOpen: 16 },
      async () => {
        for (let i = 0; i < 3; i++) {
          const { stdout } = await world.curl("--tcp-fastopen", `http://${STACK}/10`);
          expect(stdout).toBe("0123456789");
        }
      },
    );
    const lengths = await syns();
    expect(lengths.slice(0, 2)).toEqual(["192.0.2.1 0 0", "192.0.2.2 0 8"]);
    expect(lengths[2]).toMatch(/^192\.0\.2\.1 [1-9]\d+ 8$/);
    expect(lengths[3]).toBe("192.0.2.2 0 0");
    expect(lengths).toHaveLength(6);
    expect(served.map((info) => info?.synData)).toEqual([false, true, true]);
    expect(counters["TcpExtTCPFastOpenPassive"]).toBe(2);
    expect(kernelCounters(world)["TcpExtTCPFastOpenActive"]).toBe(2);
  }, 60_000);

  it("the kernel gives a cookie and takes what is on the SYN [7413-4.2.2-ACCEPT]", async () => {
    // 0x400: all listeners, as Node's cannot ask for it
    prepare(world, `net.ipv4.tcp_fastopen=${0x400 | 3}`);
    await kernelEcho(world, 7000);
    const connect = [10, 500, 50_000].map((size) => ({ port: 7000, size, fastOpen: true }));
    const capture = world.path("tfo.pcapng");
    const { counters, echoed } = await runs(world, { connect, capture }, async () => {});
    expect(echoed.map((e) => [e.same, e.info.synData])).toEqual([
      [true, false],
      [true, true],
      [true, true],
    ]);
    const lengths = await syns();
    expect(lengths.slice(0, 4)).toEqual([
      "192.0.2.2 0 0",
      "192.0.2.1 0 8",
      "192.0.2.2 500 8",
      "192.0.2.1 0 0",
    ]);
    expect(Number(lengths[4]!.split(" ")[1])).toBeGreaterThan(1400);
    expect(counters["TcpExtTCPFastOpenActive"]).toBe(2);
    expect(kernelCounters(world)["TcpExtTCPFastOpenPassive"]).toBe(2);
  }, 60_000);

  it("a kernel that does not take part is reached all the same [7413-4.2.2-RETX]", async () => {
    prepare(world, "net.ipv4.tcp_fastopen=0");
    await kernelEcho(world, 7000);
    const connect = [10, 500].map((size) => ({ port: 7000, size, fastOpen: true }));
    const { echoed } = await runs(world, { connect }, async () => {});
    expect(echoed.map((e) => [e.same, e.info.synData])).toEqual([
      [true, false],
      [true, false],
    ]);
  }, 60_000);
});
