/** Connections in a stream of packets: who sent what to whom, and in which state both ends were then. */
import { formatIpv4, type Ipv4Address } from "../../wire/address.ts";
import { createIpv4Header, IPV4_HEADER, PROTO_TCP, readIpv4 } from "../../wire/ipv4.ts";
import type { TcpInfo } from "../../tcp/info.ts";
import { seq, seqAdd, seqDiff, type SeqNum } from "../../wire/seq.ts";
import {
  ACK,
  createTcpSegment,
  FIN,
  RST,
  segmentLength,
  SYN,
  type TcpSegment,
} from "../../wire/tcp-segment.ts";
import { readTcp, TCP_HEADER } from "../../wire/tcp.ts";
import { EndState, type SeenState } from "./end-state.ts";

/** At the end of the remark on what did not arrive. */
export const LOST = "lost";

export interface Rung {
  /** ms, as the packets were stamped. */
  readonly time: number;
  /** From the end that was seen first to the other one. */
  readonly fromLeft: boolean;
  readonly flags: number;
  /** Relative to the sender's first number. */
  readonly seq: number;
  readonly length: number;
  /** Relative to the receiver's first number; 0 without ACK. */
  readonly ack: number;
  /** Bytes, scaled where both SYNs were seen. */
  readonly window: number;
  readonly options: string;
  left: SeenState;
  right: SeenState;
  readonly remark: string;
}

export interface Conversation {
  readonly left: string;
  readonly right: string;
  /** States before the first segment. */
  readonly leftAtFirst: SeenState;
  rightAtFirst: SeenState;
  readonly rungs: Rung[];
}

/** In which state the peer most likely is, by ours. */
const PEER_OF: Partial<Record<SeenState, SeenState>> = {
  "SYN-RECEIVED": "SYN-SENT",
  ESTABLISHED: "ESTABLISHED",
  "FIN-WAIT-1": "ESTABLISHED",
  "FIN-WAIT-2": "CLOSE-WAIT",
  "CLOSE-WAIT": "FIN-WAIT-2",
  CLOSING: "CLOSING",
  "LAST-ACK": "FIN-WAIT-2",
};

interface Open {
  readonly conversation: Conversation;
  readonly leftKey: string;
  readonly ends: readonly [EndState, EndState];
}

export class Tracker {
  readonly conversations: Conversation[] = [];
  /** That of the last packet. */
  latest: Conversation | null = null;
  /** Packets that are not TCP, or not whole. */
  skipped = 0;
  private readonly open = new Map<string, Open>();
  private readonly header = createIpv4Header();
  private readonly segment: TcpSegment = createTcpSegment();
  private readonly loses: (rung: Rung) => boolean;

  /** `loses`: whether a segment does not arrive, for who decides that; `right` and `left` are then as it leaves. */
  constructor(loses: (rung: Rung) => boolean = () => false) {
    this.loses = loses;
  }

  /** Goes on with a connection whose beginning was not seen, by what its own end, the left one, tells of it. */
  resume(info: TcpInfo): Conversation {
    const left = `${info.localAddress}:${info.localPort}`;
    const right = `${info.remoteAddress}:${info.remotePort}`;
    const [own, peer] = [new EndState(info.state), new EndState(PEER_OF[info.state] ?? "?")];
    const [sent, received] = [seq(info.sndNxt), seq(info.rcvNxt)];
    own.resume(seq(info.iss), sent, received, info.rcvWscale);
    // before its SYN came there is no number of the peer's
    if (info.state !== "SYN-SENT") {
      peer.resume(seq(info.irs), received, seq(info.sndUna), info.sndWscale);
    }
    const conversation: Conversation = {
      left,
      right,
      leftAtFirst: own.state,
      rightAtFirst: peer.state,
      rungs: [],
    };
    const key = left < right ? `${left} ${right}` : `${right} ${left}`;
    this.open.set(key, { conversation, leftKey: left, ends: [own, peer] });
    this.conversations.push(conversation);
    return conversation;
  }

  /** `remark`: what a capture says of the packet. Whether it is lost. */
  packet(time: number, bytes: Uint8Array, remark: string | null): boolean {
    if (this.read(bytes)) return this.add(time, this.segment, remark ?? "");
    this.skipped++;
    return false;
  }

  /** Headers are enough: a capture may keep no more than the beginning of each packet. */
  private read(bytes: Uint8Array): boolean {
    const { header: h, segment: s } = this;
    if (bytes.length < IPV4_HEADER || bytes.length < (bytes[0]! & 15) * 4) return false;
    const length = Math.max(bytes.length, (bytes[2]! << 8) | bytes[3]!);
    if (readIpv4(bytes, 0, length, h) !== null || h.protocol !== PROTO_TCP) return false;
    if (h.moreFragments || h.fragmentOffset > 0) return false;
    const at = h.headerLength;
    if (bytes.length < at + TCP_HEADER || bytes.length < at + (bytes[at + 12]! >> 4) * 4)
      return false;
    const size = h.totalLength - at;
    return readTcp(bytes, at, size, h.source, h.destination, true, s) === null;
  }

  private add(time: number, s: TcpSegment, said: string): boolean {
    const { conversation, ends, leftKey } = this.find(s);
    this.latest = conversation;
    const fromLeft = endpoint(s.source, s.sourcePort) === leftKey;
    const [from, to] = fromLeft ? ends : [ends[1], ends[0]];
    const remark = said !== "" ? said : guess(from, to, s);
    const opening = from.state === "SYN-RECEIVED" || from.state === "LISTEN";
    const refused = (s.flags & RST) !== 0 && from.next === null && opening;
    from.sends(s);
    const known = { time, fromLeft, ...numbers(from, to, s) };
    const lost = this.loses({ ...known, left: ends[0].state, right: ends[1].state, remark });
    // what an end dropped changed nothing there
    if (!lost && !/^(dropped|refused)/.test(said)) to.receives(s);
    const [left, right] = [ends[0].state, ends[1].state];
    const told = lost ? (remark === "" ? LOST : `${remark}, ${LOST}`) : remark;
    conversation.rungs.push({ ...known, left, right, remark: told });
    if (refused) nobodyListened(conversation, fromLeft);
    if (from.active && !fromLeft && conversation.rightAtFirst === "LISTEN") {
      conversation.rightAtFirst = "CLOSED";
    }
    return lost;
  }

  /** The conversation that the segment belongs to; a SYN after the end of one begins another. */
  private find(s: TcpSegment): Open {
    const from = endpoint(s.source, s.sourcePort);
    const to = endpoint(s.destination, s.destinationPort);
    const key = from < to ? `${from} ${to}` : `${to} ${from}`;
    const known = this.open.get(key);
    const fresh = (s.flags & (SYN | ACK)) === SYN;
    if (known !== undefined && !(fresh && isOver(known))) return known;
    const [left, right]: [SeenState, SeenState] = fresh ? ["CLOSED", "LISTEN"] : ["?", "?"];
    const conversation: Conversation = {
      left: from,
      right: to,
      leftAtFirst: left,
      rightAtFirst: right,
      rungs: [],
    };
    const open: Open = {
      conversation,
      leftKey: from,
      ends: [new EndState(left), new EndState(right)],
    };
    this.open.set(key, open);
    this.conversations.push(conversation);
    return open;
  }
}

function endpoint(address: Ipv4Address, port: number): string {
  return `${formatIpv4(address)}:${port}`;
}

/** Or of unknown state, so that a SYN tells more. */
function isOver({ ends }: Open): boolean {
  return ends.some(({ state }) => state === "CLOSED" || state === "TIME-WAIT" || state === "?");
}

function numbers(
  from: EndState,
  to: EndState,
  s: TcpSegment,
): Pick<Rung, "flags" | "seq" | "length" | "ack" | "window" | "options"> {
  const scale = (s.flags & SYN) === 0 && from.shift >= 0 && to.shift >= 0 ? from.shift : 0;
  return {
    flags: s.flags,
    seq: seqDiff(s.seq, from.base ?? s.seq),
    length: s.payloadLength,
    ack: (s.flags & ACK) === 0 ? 0 : seqDiff(s.ack, to.base ?? seqAdd(s.ack, -1)),
    window: s.window << scale,
    options: optionText(s, to.base),
  };
}

/** A SYN was answered with RST: what looked like a listener was none. */
function nobodyListened(c: Conversation, isLeft: boolean): void {
  if (!isLeft) c.rightAtFirst = "CLOSED";
  for (const rung of c.rungs) {
    if (isLeft) rung.left = "CLOSED";
    else rung.right = "CLOSED";
  }
}

/** What a watcher can tell of a segment without being asked. */
function guess(from: EndState, to: EndState, s: TcpSegment): string {
  if ((s.flags & RST) !== 0) return "";
  if (isProbe(from, s)) return "keep-alive or window probe";
  const length = segmentLength(s);
  if (length > 0) return from.hasSent(seqAdd(s.seq, length)) ? "retransmission" : "";
  if ((s.flags & ACK) === 0 || from.acked === null) return "";
  if (s.window === 0 && from.window !== 0) return "zero window";
  if (s.ack !== from.acked || to.next === null || to.next === s.ack) return "";
  return s.window === from.window || s.sackCount > 0 ? "duplicate ACK" : "window update";
}

/** One number below what would come next, with a byte at most. */
function isProbe(from: EndState, s: TcpSegment): boolean {
  if (from.next === null || (s.flags & (SYN | FIN)) !== 0 || s.payloadLength > 1) return false;
  return s.seq === seqAdd(from.next, -1);
}

export function optionText(s: TcpSegment, base: SeqNum | null): string {
  const parts: string[] = [];
  if (s.mss > 0) parts.push(`mss ${s.mss}`);
  if (s.windowScale >= 0) parts.push(`ws ${s.windowScale}`);
  if (s.sackPermitted) parts.push("sackOK");
  // of every later segment it would only fill the line
  if (s.hasTimestamps && (s.flags & SYN) !== 0) parts.push("TS");
  for (let i = 0; i < s.sackCount; i++) {
    const [left, right] = [s.sack[2 * i]! as SeqNum, s.sack[2 * i + 1]! as SeqNum];
    parts.push(`sack ${seqDiff(left, base ?? left)}:${seqDiff(right, base ?? left)}`);
  }
  return parts.join(",");
}
