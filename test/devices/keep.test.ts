/** Memory of a received packet that the stack keeps: only where the device allows it, and never a copy too many. */
import { expect, test } from "vitest";
import { RX_KEEPABLE } from "../../src/base/device.ts";
import { connection, deliver, LARGE } from "./support/segments.ts";

test("a large segment in order is kept where it lies, once, and read from there", () => {
  const p = connection();
  const { packet, kept } = deliver(p, 1, RX_KEEPABLE);
  expect(kept).toBe(1);
  const chunk = p.endpoint.receive()!;
  expect(chunk.buffer).toBe(packet.buffer);
  expect(chunk).toHaveLength(LARGE);
  expect(chunk.every((byte) => byte === 7)).toBe(true);
});

test("without the device's leave it is copied, and so is what is not in order or comes again", () => {
  const lent = connection();
  const first = deliver(lent, 1, 0);
  first.packet.fill(0);
  expect(first.kept).toBe(0);
  expect(lent.endpoint.receive()!.every((byte) => byte === 7)).toBe(true);

  const p = connection();
  const ahead = deliver(p, 1 + LARGE, RX_KEEPABLE);
  ahead.packet.fill(0);
  expect(ahead.kept).toBe(0);
  expect(deliver(p, 1, RX_KEEPABLE).kept).toBe(1);
  expect(deliver(p, 1, RX_KEEPABLE).kept).toBe(0);
  p.read();
  expect(p.received).toHaveLength(65535); // as far as the window of the SYN-ACK went
  expect(p.received.every((byte) => byte === 7)).toBe(true);
});
