/** The in-memory pair: order, no re-entrance, bounds, offload. */
import { expect, test } from "vitest";
import type { Device, PacketReceiver } from "../../src/base/device.ts";
import { RX_CHECKSUM_GOOD } from "../../src/base/device.ts";
import { createPair } from "../../src/devices/pair.ts";

function send(device: Device, bytes: number[], needsChecksum = false, gso = 0): boolean {
  if (!device.reserve(bytes.length + 40)) return false;
  device.buffer.set(bytes, device.offset);
  device.commit(bytes.length, needsChecksum, gso, null);
  return true;
}

function collect(into: number[][], answer?: () => void): PacketReceiver {
  return {
    onPacket(buffer, offset, length, flags) {
      into.push([flags, ...buffer.subarray(offset, offset + length)]);
      answer?.();
      return null;
    },
    onBatchEnd() {},
    onDeviceLost() {},
  };
}

test("Packets arrive in order on flush and not before", () => {
  const pair = createPair({ schedule: "manual" });
  const seen: number[][] = [];
  pair[1].start(collect(seen));
  send(pair[0], [1]);
  expect(pair.deliver()).toBe(0);
  send(pair[0], [2]);
  pair[0].flush();
  expect(seen).toEqual([]);
  expect(pair.deliver()).toBe(2);
  expect(seen).toEqual([
    [0, 1],
    [0, 2],
  ]);
});

test("Appended bytes follow the bytes that were used, not the bytes that were reserved", () => {
  const pair = createPair({ schedule: "manual" });
  const seen: number[][] = [];
  pair[1].start(collect(seen));
  pair[0].reserve(60);
  pair[0].buffer.set([1, 2], pair[0].offset);
  pair[0].append(Uint8Array.of(9, 3, 4, 9), 1, 3);
  pair[0].append(Uint8Array.of(5), 0, 1);
  pair[0].commit(2, false, 0, null);
  pair[0].flush();
  pair.deliver();
  expect(seen).toEqual([[0, 1, 2, 3, 4, 5]]);
});

test("An answer sent from within a delivery waits for the next round", () => {
  const pair = createPair({ schedule: "manual" });
  const left: number[][] = [];
  const right: number[][] = [];
  pair[0].start(collect(left));
  pair[1].start(
    collect(right, () => {
      send(pair[1], [7]);
      pair[1].flush();
    }),
  );
  send(pair[0], [1]);
  pair[0].flush();
  expect(pair.deliver()).toBe(1);
  expect(left).toEqual([]);
  expect(pair.pending()).toBe(1);
  pair.deliver();
  expect(left).toEqual([[0, 7]]);
});

test("By default the event loop delivers, after the flush has returned", async () => {
  const [left, right] = createPair();
  const seen: number[][] = [];
  right.start(collect(seen));
  send(left, [3]);
  left.flush();
  expect(seen).toEqual([]);
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  expect(seen).toEqual([[0, 3]]);
});

test("A full queue refuses, and a packet above the MTU is dropped and counted", () => {
  const pair = createPair({ schedule: "manual", queueLimit: 1, mtu: 4 });
  expect(send(pair[0], [1, 2, 3, 4, 5])).toBe(true);
  expect(pair[0].stats.dropped).toBe(1);
  expect(send(pair[0], [1])).toBe(true);
  expect(send(pair[0], [2])).toBe(false);
});

test("With offload granted a large segment passes whole and vouched for", () => {
  const offload = { checksum: true, tso: true };
  const pair = createPair({ schedule: "manual", mtu: 4, offload });
  const seen: number[][] = [];
  pair[1].start(collect(seen));
  send(pair[0], [1, 2, 3, 4, 5, 6], true, 2);
  pair[0].flush();
  pair.deliver();
  expect(seen).toEqual([[RX_CHECKSUM_GOOD, 1, 2, 3, 4, 5, 6]]);
  expect(() => send(createPair()[0], [1], true)).toThrow("offload");
});
