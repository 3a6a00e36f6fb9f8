/** tshark over the captures of `tuntcp serve`: a second opinion on every packet that passed. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { HOST, obstacle, STACK, World } from "./support/world.ts";

const SIZE = 4 * 2 ** 20;
const CHECKSUMS = ["-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE"];

describe.skipIf(obstacle("curl", "nc", "tshark") !== null)("a capture read by tshark", () => {
  let world: World;

  beforeAll(() => {
    world = new World();
  });
  afterAll(async () => await world.remove());

  /** One line for each packet that the filter lets pass. */
  async function packets(capture: string, filter: string, ...args: string[]): Promise<string[]> {
    const argv = ["-r", world.path(capture), ...CHECKSUMS, "-Y", filter, ...args];
    const { code, stdout, stderr } = await world.run("tshark", argv);
    expect(code, stderr).toBe(0);
    return stdout.split("\n").filter((line) => line !== "");
  }

  async function record(capture: string, ...options: string[]): Promise<void> {
    const { path, sha256 } = world.content(`${capture}.up`, SIZE);
    const file = ["--capture", world.path(capture)];
    const serve = await world.serve("http:80", "echo:7", ...file, ...options);
    const up = await world.curl("-T", path, `http://${STACK}/`);
    expect(up.stdout).toBe(`${sha256} ${SIZE}\n`);
    const down = await world.curl("-o", "/dev/null", `http://${STACK}/bytes/${SIZE}`);
    expect(down.code).toBe(0);
    expect((await world.run("nc", ["-N", STACK, "7"], "hello\n")).stdout).toBe("hello\n");
    expect((await world.run("nc", ["-N", STACK, "4444"])).code).toBe(1);
    expect((await serve.stop()).code).toBe(0);
  }

  describe.each(["auto", "off"])("with --offload %s", (offload) => {
    const capture = `${offload}.pcapng`;

    beforeAll(async () => await record(capture, "--offload", offload));

    it("is whole: three connections, each with its SYN, and a refusal", async () => {
      const synAcks = "tcp.flags.syn == 1 && tcp.flags.ack == 1";
      expect(await packets(capture, synAcks)).toHaveLength(3);
      expect(await packets(capture, `tcp.flags.reset == 1 && tcp.srcport == 4444`)).toHaveLength(1);
      const lengths = await packets(
        capture,
        `tcp.len > 0 && ip.src == ${STACK} && tcp.srcport == 80`,
        "-T",
        "fields",
        "-e",
        "tcp.len",
      );
      const sum = lengths.reduce((all, length) => all + Number(length), 0);
      expect(sum).toBeGreaterThan(SIZE);
    });

    it("has no malformed packet", async () => {
      expect(await packets(capture, "_ws.malformed")).toEqual([]);
    });

    it("has no wrong checksum, and the checksums were looked at", async () => {
      // of the two forms of zero the kernel now and then writes the other one, which tshark calls bad (RFC 1624 §3)
      const kernels = `(ip.src == ${HOST} && tcp.checksum == 0xffff)`;
      const bad = `(tcp.checksum.status == "Bad" || ip.checksum.status == "Bad") && !${kernels}`;
      expect(await packets(capture, bad)).toEqual([]);
      const good = `(tcp.checksum.status == "Good" && ip.checksum.status == "Good") || ${kernels}`;
      expect(await packets(capture, good)).toHaveLength((await packets(capture, "tcp")).length);
    });

    it("shows nothing sent twice on a link that loses nothing", async () => {
      const again =
        "tcp.analysis.retransmission || tcp.analysis.fast_retransmission || tcp.analysis.spurious_retransmission || tcp.analysis.out_of_order || tcp.analysis.lost_segment";
      // both ends probe their tail after milliseconds without an ACK, which a busy machine may cost; ours say so in the file
      const ours = `(${again}) && ip.src == ${STACK}`;
      const probes = `frame.comment contains "tail loss probe"`;
      expect(await packets(capture, `${ours} && !(${probes})`)).toEqual([]);
      expect((await packets(capture, again)).length).toBeLessThan(10);
    });
  });

  it("shows reads of the TUN that bring more than one MSS where offload is on, and only there", async () => {
    const large = `ip.len > 1500 && ip.src == ${HOST}`;
    expect((await packets("auto.pcapng", large)).length).toBeGreaterThan(0);
    expect(await packets("off.pcapng", "ip.len > 1500")).toEqual([]);
  });
});
