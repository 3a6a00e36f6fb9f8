/** A Node stream as a device: in memory, and around a TUN with the kernel behind it. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Duplex } from "node:stream";
import { describe, expect, test } from "vitest";
import { duplexDevice } from "../../src/devices/duplex.ts";
import { compileSources, Namespace, tunObstacle } from "../support/tun.ts";

function open(write: (chunk: Buffer, done: () => void) => void, queueLimit = 8) {
  const stream = new Duplex({
    objectMode: true,
    read() {},
    write: (chunk: Buffer, _encoding, done) => write(chunk, done),
  });
  const device = duplexDevice(stream, { name: "stream0", mtu: 1500, queueLimit });
  const seen: number[][] = [];
  const lost: string[] = [];
  device.start({
    onPacket(buffer, offset, length) {
      seen.push([...buffer.subarray(offset, offset + length)]);
      return null;
    },
    onBatchEnd() {},
    onDeviceLost: (error) => lost.push(error.message),
  });
  const send = (byte: number): boolean => {
    if (!device.reserve(20)) return false;
    device.buffer[device.offset] = byte;
    device.commit(1, false, 0, null);
    device.flush();
    return true;
  };
  return { stream, device, seen, lost, send };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("Each chunk is one packet, in both directions", async () => {
  const written: number[][] = [];
  const { stream, seen, send } = open((chunk, done) => {
    written.push([...chunk]);
    done();
  });
  stream.push(Buffer.of(1, 2));
  stream.push(Buffer.of(3));
  send(4);
  send(5);
  await turn();
  expect(seen).toEqual([[1, 2], [3]]);
  expect(written).toEqual([[4], [5]]);
});

test("A stream that does not take packets makes the device refuse more, not hoard", () => {
  const { send } = open(() => {}, 2);
  expect([send(1), send(2), send(3)]).toEqual([true, true, false]);
});

test("The end of the stream is the loss of the device, told once", async () => {
  const { stream, lost } = open((_chunk, done) => done());
  stream.destroy(new Error("pulled out"));
  await turn();
  expect(lost).toEqual(["pulled out"]);
});

test("Closing destroys the stream without a loss being told, and drops what is sent later", async () => {
  const { stream, device, lost, send } = open((_chunk, done) => done());
  await device.close();
  await device.close();
  expect(stream.destroyed).toBe(true);
  send(1);
  expect(device.stats.dropped).toBe(1);
  expect(lost).toEqual([]);
});

test("What was sent before closing is still written, one packet after the other", async () => {
  const written: number[] = [];
  const { device, stream, send } = open((chunk, done) => {
    written.push(chunk[0]!);
    setImmediate(() => done());
  });
  for (const byte of [1, 2, 3]) send(byte);
  await device.close();
  expect(written).toEqual([1, 2, 3]);
  expect(device.stats).toMatchObject({ sent: 3, dropped: 0 });
  expect(stream.destroyed).toBe(true);
});

test("Closing does not wait for ever for a stream that takes nothing", async () => {
  const { device, stream, lost, send } = open(() => {});
  send(1);
  send(2);
  await device.close();
  expect(stream.destroyed).toBe(true);
  expect(lost).toEqual([]);
});

test("A stream of bytes, not objects, keeps its packets apart, also those that came before the start", async () => {
  const stream = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
  for (const chunk of [Buffer.of(1, 2), Buffer.of(3), Buffer.of(4, 5, 6)]) stream.push(chunk);
  const device = duplexDevice(stream, { name: "stream0", mtu: 1500 });
  const seen: number[][] = [];
  device.start({
    onPacket(buffer, offset, length) {
      seen.push([...buffer.subarray(offset, offset + length)]);
      return null;
    },
    onBatchEnd() {},
    onDeviceLost() {},
  });
  await turn();
  stream.push(Buffer.of(7));
  stream.push(Buffer.of(8));
  await turn();
  expect(seen).toEqual([[1, 2], [3], [4, 5, 6], [7], [8]]);
});

const obstacle = tunObstacle();

describe.skipIf(obstacle !== null)(
  obstacle === null ? "A TUN behind a stream" : `A TUN behind a stream (skipped: ${obstacle})`,
  () => {
    test("carries the stack: the kernel pings it, curl has 500,000 bytes back, and it ends by itself", async () => {
      const compiled = compileSources();
      const ns = new Namespace();
      const folder = mkdtempSync(join(tmpdir(), "tuntcp-duplex-"));
      try {
        const child = ns.child(compiled.folder, "stack-over-duplex", { name: "t0" });
        await child.event("open");
        ns.ip("address", "add", "192.0.2.1/24", "dev", "t0");
        ns.ip("link", "set", "t0", "up");
        const ping = ns.exec("ping", "-q", "-i", "0.01", "-c", "20", "-W", "5", "192.0.2.2");
        expect(ping).toContain("20 received");

        const sent = Buffer.alloc(500_000).map((_, i) => (i * 31 + (i >> 8)) & 255);
        writeFileSync(join(folder, "sent"), sent);
        const file = join(folder, "back");
        const flags = ["-sS", "-m", "30", "-H", "Expect:", "-o", file];
        const url = "http://192.0.2.2/";
        ns.exec("curl", ...flags, "--data-binary", `@${join(folder, "sent")}`, url);
        expect(readFileSync(file).equals(sent)).toBe(true);

        const closed = await child.ask("close", "closed");
        expect(closed).toMatchObject({ destroyed: true, dropped: 0 });
        expect(await child.exited).toBe(0);
      } finally {
        await ns.remove();
        compiled.remove();
        rmSync(folder, { recursive: true, force: true });
      }
    });
  },
);
