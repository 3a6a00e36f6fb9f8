/** Segments as a device with offload delivers them, with the flags that say what may be done with their memory. */
import { instantOf } from "../../../src/base/time.ts";
import { writeIpv4 } from "../../../src/wire/ipv4.ts";
import { ACK, createTcpSegment } from "../../../src/wire/tcp-segment.ts";
import { fillTcpChecksum, writeTcp } from "../../../src/wire/tcp.ts";
import { OURS, PEER, ScriptedPeer } from "../../support/scripted-peer.ts";

export const LARGE = 40_000;

/** A packet with `size` bytes of 7 at stream position `from`. */
export function segment(p: ScriptedPeer, from: number, size: number): Uint8Array {
  const s = createTcpSegment();
  s.sourcePort = 40000;
  s.destinationPort = 80;
  s.flags = ACK;
  s.seq = p.peerSeq(from);
  s.ack = p.ourSeq(1);
  s.window = 65535;
  const packet = new Uint8Array(40 + size);
  writeTcp(packet, 20, s);
  packet.fill(7, 40);
  writeIpv4(packet, 0, packet.length, 0, 1, true, 64, 6, PEER, OURS);
  fillTcpChecksum(packet, 20, packet.length - 20, PEER, OURS);
  return packet;
}

/** One packet as a batch of its own; the packet, and how often its memory was kept. */
export function deliver(
  p: ScriptedPeer,
  from: number,
  flags: number,
  size: number = LARGE,
): { packet: Uint8Array; kept: number } {
  const packet = segment(p, from, size);
  let kept = 0;
  Object.assign(p.sender, { keepReceived: () => void kept++ });
  p.stack.input(packet, 0, packet.length, flags, instantOf(p.time));
  p.settle();
  return { packet, kept };
}

/** An established connection whose user does not read yet. */
export function connection(): ScriptedPeer {
  const settings = { tcp_rmem: [4096, 200_000, 200_000] as const };
  const p = new ScriptedPeer({ settings }).listens();
  p.reads = false;
  p.sends("S 0:0(0) win 65535 <mss 1460,wscale 7>").sees("S. 0:0(0) ack 1");
  p.sends(". 1:1(0) ack 1");
  return p;
}
