/** Gives one segment to a stack in one state, by the public API and in virtual time, and writes down all that follows. */
import { EVENT_CLOSED } from "../../src/tcp/endpoint.ts";
import type { TcpConnection } from "../../src/tcp/connection.ts";
import { createTcpSegment, SYN as SYN_FLAG, type TcpSegment } from "../../src/wire/tcp-segment.ts";
import type { ScriptedPeer } from "../support/scripted-peer.ts";
import { ACK, type Block, type Outcome, type Segment, type State, write } from "./model.ts";
import { freshPeer, type Role, type Situation } from "./situations.ts";

/** Longer than an ACK is delayed, shorter than the least RTO: ms. */
const AFTERWARDS = 60;

const EVENTS: readonly (readonly [number, string])[] = [
  [1, "established"],
  [2, "text"],
  [4, "all sent"],
  [8, "end"],
  [EVENT_CLOSED, "closed"],
  [32, "urgent"],
  [64, "soft error"],
  [128, "FIN acknowledged"],
];

/** Counted for every segment and no news. */
const ALWAYS = new Set(["IpInReceives", "TcpInSegs", "TcpOutSegs"]);

/** The bytes of a segment: each is the lowest byte of its number, less one where a SYN goes before. */
function toSegment(p: ScriptedPeer, s: Segment): TcpSegment {
  const r = createTcpSegment();
  r.flags = s.flags;
  r.seq = p.peerSeq(s.seq);
  if ((s.flags & ACK) !== 0) r.ack = p.ourSeq(s.ack);
  r.window = s.window;
  r.urgentPointer = s.urgent;
  const first = (s.flags & SYN_FLAG) === 0 ? s.seq : s.seq + 1;
  r.buffer = Uint8Array.from({ length: s.length }, (_, i) => (first + i) & 0xff);
  r.payloadLength = s.length;
  if ((s.flags & SYN_FLAG) !== 0) r.mss = 1000;
  if (s.tsVal !== null) {
    r.hasTimestamps = true;
    r.tsVal = s.tsVal;
  }
  return r;
}

/** Takes what was sent; our timestamps must be the clock, and only their echo is written down. */
function taken(p: ScriptedPeer, clock: number | null): string[] {
  const all: string[] = [];
  while (p.pending > 0) {
    const { segment: s, at } = p.next();
    const options: string[] = [];
    if (s.mss > 0) options.push(`mss ${s.mss}`);
    if (s.sackPermitted) options.push("sackOK");
    if (s.hasTimestamps) {
      const isTrue = clock !== null && ((s.tsVal - clock) | 0) === Math.floor(at);
      options.push(isTrue ? `TS ecr ${s.tsEcr}` : `TS val ${s.tsVal} ecr ${s.tsEcr}`);
    }
    if (s.windowScale >= 0) options.push(`wscale ${s.windowScale}`);
    if (s.sackCount > 0) options.push("sack");
    const ack = (s.flags & ACK) === 0 ? null : (s.ack - p.peerSeq(0)) | 0;
    let text = write(s.flags, (s.seq - p.ourSeq(0)) | 0, ack, s.window, options);
    if (s.payloadLength > 0) text += ` and ${s.payloadLength} bytes`;
    all.push(text);
  }
  return all;
}

/** What the stack's timestamps are at time 0, from the last segment sent. */
function clockOf(p: ScriptedPeer): number | null {
  let clock: number | null = null;
  while (p.pending > 0) {
    const { segment, at } = p.next();
    if (segment.hasTimestamps) clock = (segment.tsVal - Math.floor(at)) | 0;
  }
  return clock;
}

/** A stack in the state, with nothing left to look at. */
export function reached(situation: Situation, role: Role): ScriptedPeer {
  const p = freshPeer();
  situation.reach(p, role);
  return p;
}

function connectionOf(p: ScriptedPeer): TcpConnection | undefined {
  return p.stack.connections()[0] as TcpConnection | undefined;
}

function stateOf(p: ScriptedPeer, before: Block): State {
  const c = connectionOf(p);
  if (c !== undefined) return c.state;
  const isBack = before.state === "LISTEN" || (before.state === "SYN-RECEIVED" && before.passive);
  return isBack && p.stack.listening().length > 0 ? "LISTEN" : "CLOSED";
}

function textOf(p: ScriptedPeer, before: number, from: number): string {
  if (p.received.length === before) return "";
  const bytes = p.received.subarray(before);
  const isRight = bytes.every((byte, i) => byte === ((from + i) & 0xff));
  return isRight ? `${from}:${from + bytes.length}` : `garbled, ${bytes.length} bytes`;
}

function heardBy(p: ScriptedPeer, wasAccepted: boolean): string[] {
  const heard = EVENTS.filter(([bit]) => (p.events & bit) !== 0).map(([, name]) => name);
  if (p.accepted && !wasAccepted) heard.push("established");
  if (p.received.length > 0 && p.accepted && !wasAccepted && !heard.includes("text"))
    heard.push("text");
  return heard.toSorted();
}

/** The connection's numbers, counted from both ISNs. */
export function numbersOf(p: ScriptedPeer): Pick<Outcome, "una" | "rcvNxt" | "wnd" | "held"> {
  const c = connectionOf(p);
  if (c === undefined) return { una: null, rcvNxt: null, wnd: null, held: 0 };
  const info = c.info();
  const has = c.state !== "SYN-SENT";
  const hasWindow = has && c.state !== "SYN-RECEIVED" && c.state !== "TIME-WAIT";
  return {
    una: (info.sndUna - p.ourSeq(0)) | 0,
    rcvNxt: has ? (info.rcvNxt - p.peerSeq(0)) | 0 : null,
    wnd: hasWindow ? info.sndWnd : null,
    held: info.outOfOrderBytes,
  };
}

function timerOf(c: TcpConnection | undefined): string {
  if (c === undefined) return "";
  const { state, timer, timerIn } = c.info();
  return state === "TIME-WAIT" ? `${timer} ${Math.ceil(timerIn / 1000)}` : timer;
}

function urgentOf(p: ScriptedPeer, c: TcpConnection | undefined): number | null {
  if (c === undefined || !p.accepted || c.urgentAhead === 0) return null;
  const fin = c.rcv.ended ? 1 : 0; // a number, but no octet to read
  return ((c.info().rcvNxt - fin - c.receiveQueued - p.peerSeq(0)) | 0) + c.urgentAhead;
}

export function outcomeOf(situation: Situation, role: Role, s: Segment): Outcome {
  const { block } = situation;
  const p = reached(situation, role);
  const clock = clockOf(p);
  const { iss } = p;
  const wasAccepted = p.accepted;
  const received = p.received.length;
  p.events = 0;
  const counted = new Map(p.stack.counters.entries());
  p.injects(toSegment(p, s));
  const sent = taken(p, clock);
  if (block.state === "TIME-WAIT" && p.iss !== iss && ((p.iss - iss) | 0) <= block.nxt) {
    sent.push("an ISS that is not above what was used"); // RFC 9293 §3.6.1, MAY-2
  }
  p.waits(AFTERWARDS);
  const later = taken(p, clock);
  const c = connectionOf(p);
  const first = block.state === "SYN-SENT" ? s.seq + 1 : block.rcvNxt;
  const counters: Record<string, number> = {};
  for (const [name, n] of p.stack.counters.entries()) {
    const more = n - (counted.get(name) ?? 0);
    if (more !== 0 && !ALWAYS.has(name)) counters[name] = more;
  }
  return {
    sent,
    later,
    state: stateOf(p, block),
    ...numbersOf(p),
    text: textOf(p, received, first),
    heard: heardBy(p, wasAccepted),
    error: p.accepted && !block.userGone ? (p.endpoint.error?.code ?? null) : null,
    urgent: block.userGone ? null : urgentOf(p, c),
    timer: timerOf(c),
    counters,
  };
}
