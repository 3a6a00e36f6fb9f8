/** The tracer tells of packets and passes them on unchanged. */
import { expect, test } from "vitest";
import { instantOf } from "../../src/base/time.ts";
import { createPair } from "../../src/devices/pair.ts";
import { traceDevice } from "../../src/devices/tracer.ts";
import { formatPacket } from "../../src/wire/format.ts";
import { writeIpv4 } from "../../src/wire/ipv4.ts";
import { ipv4 } from "../../src/wire/address.ts";

test("A packet sent and its answer are told with direction and time, and arrive as they were", () => {
  const packet = new Uint8Array(20);
  writeIpv4(packet, 0, 20, 0, 1, true, 64, 6, ipv4(0xc0000201), ipv4(0xc0000202));
  const pair = createPair({ schedule: "manual" });
  const told: unknown[] = [];
  const device = traceDevice(pair[0], { now: () => instantOf(7) }, (...line) => told.push(line));
  const arrived: number[][] = [];
  const receiver = {
    onPacket(buffer: Uint8Array, offset: number, length: number): null {
      arrived.push([...buffer.subarray(offset, offset + length)]);
      return null;
    },
    onBatchEnd(): void {},
    onDeviceLost(): void {},
  };
  device.start(receiver);
  pair[1].start(receiver);
  for (const end of [device, pair[1]]) {
    end.reserve(20);
    end.buffer.set(packet, end.offset);
    end.commit(20, false, 0, null);
    end.flush();
    pair.deliver();
  }
  const line = formatPacket(packet, 0, 20);
  expect(told).toEqual([
    ["out", 7, line],
    ["in", 7, line],
  ]);
  expect(arrived).toEqual([[...packet], [...packet]]);
});
