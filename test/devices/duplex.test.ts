/** A Node stream as a device. */
import { Duplex } from "node:stream";
import { expect, test } from "vitest";
import { duplexDevice } from "../../src/devices/duplex.ts";

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
