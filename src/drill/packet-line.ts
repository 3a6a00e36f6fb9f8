/** A packet of either direction as a line in the script's manner, for reports. */
import { ACK, SYN } from "../wire/tcp-segment.ts";
import type { Flow } from "./flow.ts";
import { seenText, tcpTextOf } from "./print-packet.ts";
import { readPacketSeen } from "./seen-packet.ts";

export function packetLine(direction: "in" | "out", bytes: Uint8Array, flow: Flow | null): string {
  const seen = readPacketSeen({ bytes, at: 0 });
  if (flow === null) return `${direction === "out" ? ">" : "<"} (of no connection)`;
  if (direction === "out") return seenText(seen, flow, null);
  if (seen.protocol !== "tcp") return seenText(seen, flow, null).replace(">", "<");
  const isSyn = (seen.flags & SYN) !== 0;
  const seq = isSyn ? seen.seq >>> 0 : flow.scriptSeqOfPeer(seen.seq);
  const ack = (seen.flags & ACK) === 0 ? seen.ack >>> 0 : flow.scriptSeq(seen.ack, seen.flags);
  return `< ${tcpTextOf(seen, seq, ack, flow)}`;
}
