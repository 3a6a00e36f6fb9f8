/** Memory of a received packet that the stack keeps: only where the device allows it, and never a copy too many. */
import { expect, test } from "vitest";
import { RX_KEEPABLE } from "../../src/base/device.ts";
import { instantOf } from "../../src/base/time.ts";
import { writeIpv4 } from "../../src/wire/ipv4.ts";
import { ACK, createTcpSegment } from "../../src/wire/tcp-segment.ts";
import { fillTcpChecksum, writeTcp } from "../../src/wire/tcp.ts";
import { OURS, PEER, ScriptedPeer } from "../support/scripted-peer.ts";

const LARGE = 40_000;

/** A large segment as a device with offload delivers it, and whether its memory was kept. */
function deliver(
  p: ScriptedPeer,
  from: number,
  flags: number,
): { packet: Uint8Array; kept: number } {
  const s = createTcpSegment();
  s.sourcePort = 40000;
  s.destinationPort = 80;
  s.flags = ACK;
  s.seq = p.peerSeq(from);
  s.ack = p.ourSeq(1);
  s.window = 65535;
  const packet = new Uint8Array(40 + LARGE);
  writeTcp(packet, 20, s);
  packet.fill(7, 40);
  writeIpv4(packet, 0, packet.length, 0, 1, true, 64, 6, PEER, OURS);
  fillTcpChecksum(packet, 20, packet.length - 20, PEER, OURS);
  let kept = 0;
  Object.assign(p.sender, { keepReceived: () => void kept++ });
  p.stack.input(packet, 0, packet.length, flags, instantOf(p.time));
  p.settle();
  return { packet, kept };
}

function connection(): ScriptedPeer {
  const settings = { tcp_rmem: [4096, 200_000, 200_000] as const };
  const p = new ScriptedPeer({ settings }).listens();
  p.reads = false;
  p.sends("S 0:0(0) win 65535 <mss 1460,wscale 7>").sees("S. 0:0(0) ack 1");
  p.sends(". 1:1(0) ack 1");
  return p;
}

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
