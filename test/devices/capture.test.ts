/** Captures of real connections between two stacks: read back by us, and by tshark where it is there. */
import { execFileSync, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import fc from "fast-check";
import { afterAll, expect, test, vi } from "vitest";

import { captureDevice } from "../../src/devices/capture.ts";
import { createPair } from "../../src/devices/pair.ts";
import { readCapture } from "../../src/devices/pcap-reader.ts";
import { PcapngWriter } from "../../src/devices/pcapng.ts";
import { systemClock } from "../../src/runtime/system.ts";
import { createStack } from "../../src/sockets/create-stack.ts";
import { formatPacket } from "../../src/wire/format.ts";

const folder = mkdtempSync(join(tmpdir(), "tuntcp-capture-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** One connection with 50,000 bytes from the client, captured at the client. */
async function captureOne(file: string, offload: boolean): Promise<void> {
  const [a, b] = createPair({ offload: { checksum: offload, tso: offload } });
  const client = createStack({
    device: captureDevice(a, file, systemClock),
    address: "192.0.2.1/24",
    // on a busy machine a loss probe would send some again
    settings: { tcp_early_retrans: 0 },
  });
  const server = createStack({ device: b, address: "192.0.2.2/24" });
  const listener = server.net.createServer((socket) => socket.resume());
  listener.listen(80);
  const socket = client.net.connect(80, "192.0.2.2");
  socket.end(Buffer.alloc(50_000, 7));
  socket.resume();
  await once(socket, "close");
  await client.close();
  await server.close();
}

test.each([true, false])(
  "a capture holds every segment both ways (offload %s)",
  async (offload) => {
    const file = join(folder, `one-${offload}.pcapng`);
    await captureOne(file, offload);
    const packets = readCapture(readFileSync(file));
    const lines = packets.map(
      (p) => `${p.direction} ${formatPacket(p.packet, 0, p.packet.length)}`,
    );
    expect(lines[0]).toMatch(
      /^out 192\.0\.2\.1:\d+ > 192\.0\.2\.2:80 S \d+:\d+\(0\) win \d+ <mss 1460/,
    );
    expect(lines[1]).toMatch(/^in 192\.0\.2\.2:80 > 192\.0\.2\.1:\d+ S\. /);
    // by where they begin: what a busy machine has sent again counts once
    const sent = new Map<number, number>();
    for (const l of lines.filter((l) => l.startsWith("out"))) {
      const [, from, length] = / (\d+):\d+\((\d+)\)/.exec(l)!;
      sent.set(Number(from), Math.max(sent.get(Number(from)) ?? 0, Number(length)));
    }
    expect([...sent.values()].reduce((sum, n) => sum + n, 0)).toBe(50_000);
    for (let i = 1; i < packets.length; i++) {
      expect(packets[i]!.time).toBeGreaterThanOrEqual(packets[i - 1]!.time);
    }
    expect(Math.abs(packets[0]!.time - Date.now())).toBeLessThan(60_000);
  },
);

test("the file can be read while it grows: at once, and with a packet 200 ms after it passed", async () => {
  const file = join(folder, "growing.pcapng");
  const seen = (): number => readCapture(readFileSync(file)).length;
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  try {
    const [a] = createPair({ schedule: "manual" });
    const client = createStack({
      device: captureDevice(a, file, systemClock),
      address: "192.0.2.1/24",
    });
    expect(seen()).toBe(0);
    client.net.connect(80, "192.0.2.2").on("error", () => {});
    for (let i = 0; i < 5; i++) await new Promise(setImmediate); // the SYN is under way
    vi.advanceTimersByTime(199);
    expect(seen()).toBe(0);
    vi.advanceTimersByTime(1);
    expect(seen()).toBe(1);
    await client.close();
  } finally {
    vi.useRealTimers();
  }
});

test("a refusal stands in the file behind the SYN that it answers", async () => {
  const file = join(folder, "refused.pcapng");
  const [a, b] = createPair();
  const client = createStack({ device: a, address: "192.0.2.1/24" });
  const device = captureDevice(b, file, systemClock);
  const server = createStack({ device, address: "192.0.2.2/24" });
  const socket = client.net.connect(81, "192.0.2.2");
  await expect(once(socket, "connect")).rejects.toThrow("ECONNREFUSED");
  await client.close();
  await server.close();
  const packets = readCapture(readFileSync(file));
  expect(packets.map((p) => p.direction)).toEqual(["in", "out"]);
  expect(packets[0]!.comment).toBe("refused: RST sent");
});

const hasTshark = spawnSync("tshark", ["--version"]).status === 0;
if (!hasTshark) console.warn("skipped: the capture's check by tshark, which is missing");
test.skipIf(!hasTshark)(
  "tshark finds no malformed packet and no wrong checksum [MUST-2]",
  async () => {
    for (const offload of [true, false]) {
      const file = join(folder, `shark-${offload}.pcapng`);
      await captureOne(file, offload);
      const run = (filter: string): string =>
        execFileSync(
          "tshark",
          [
            "-r",
            file,
            "-o",
            "tcp.check_checksum:TRUE",
            "-o",
            "ip.check_checksum:TRUE",
            "-Y",
            filter,
          ],
          { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] },
        );
      expect(run("tcp").trim().split("\n").length).toBeGreaterThan(5);
      const bad = "_ws.malformed || tcp.checksum.status == 0 || ip.checksum.status == 0";
      expect(run(`${bad} || tcp.analysis.retransmission`)).toBe("");
    }
  },
);

test("comments, directions and times come back as they were written", () => {
  const file = join(folder, "written.pcapng");
  const writer = new PcapngWriter(file, "tun7");
  const packet = Uint8Array.of(0x45, 0, 0, 5, 1);
  writer.packet(1_700_000_000_123.456, "in", packet, 0, 5, "dropped: bad checksum");
  writer.packet(1_700_000_000_124, "out", packet, 1, 3, null);
  writer.close();
  writer.close();
  const [first, second] = readCapture(readFileSync(file));
  expect(first).toMatchObject({ direction: "in", comment: "dropped: bad checksum" });
  expect(first!.time).toBeCloseTo(1_700_000_000_123.456, 2);
  expect([...first!.packet]).toEqual([...packet]);
  expect(second).toMatchObject({ direction: "out", comment: null });
  expect([...second!.packet]).toEqual([0, 0, 5]);
});

test("a file that cannot be made is the system's error", () => {
  expect(() => new PcapngWriter(join(folder, "none", "x.pcapng"), "t")).toThrow(/ENOENT/);
});

test("classic pcap is read in both byte orders", () => {
  for (const little of [true, false]) {
    const bytes = new Uint8Array(24 + 16 + 4);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, 0xa1b2c3d4, little);
    view.setUint32(20, 101, little);
    view.setUint32(24, 10, little);
    view.setUint32(28, 500_000, little);
    view.setUint32(32, 4, little);
    bytes.set([1, 2, 3, 4], 40);
    expect(readCapture(bytes)).toEqual([
      { time: 10_500, direction: null, comment: null, packet: Uint8Array.of(1, 2, 3, 4) },
    ]);
  }
});

test("bytes that are no capture, or a damaged one, never do worse than one line of error", () => {
  const good = new PcapngWriter(join(folder, "good.pcapng"), "t");
  for (let i = 0; i < 5; i++) good.packet(i, "in", new Uint8Array(50), 0, 50, "x");
  good.close();
  const file = readFileSync(join(folder, "good.pcapng"));
  fc.assert(
    fc.property(fc.nat(file.length - 1), fc.nat(255), fc.nat(file.length), (at, value, cut) => {
      const damaged = Uint8Array.from(file.subarray(0, cut));
      if (at < damaged.length) damaged[at] = value;
      try {
        expect(readCapture(damaged).length).toBeLessThanOrEqual(5);
      } catch (error) {
        expect((error as Error).message).toMatch(/^[^\n]+$/);
      }
    }),
  );
});
