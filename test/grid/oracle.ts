/** Runs a segment through the rules: what the RFCs say must follow. Knows nothing of the code under test. */
import { ACK, type Block, diff, type Outcome, type Segment, write } from "./model.ts";
import type { Context, Rule } from "./rule.ts";
import { ACCEPTED_RULES } from "./rules-accepted.ts";
import { CHECK_RULES } from "./rules-checks.ts";
import { EARLY_RULES } from "./rules-early.ts";

export const RULES: readonly Rule[] = [...EARLY_RULES, ...CHECK_RULES, ...ACCEPTED_RULES];

/** Bytes of text on the largest segment to the peer. */
const MSS = 1000;

export interface Expectation {
  readonly outcome: Outcome;
  /** What a cell of the page says. */
  readonly code: string;
  /** Names of the rules that applied, in order. */
  readonly rules: readonly string[];
}

export function expectationOf(block: Block, segment: Segment): Expectation {
  const b = { ...block };
  const o: Outcome = {
    sent: [],
    later: [],
    state: b.state,
    una: null,
    rcvNxt: null,
    wnd: null,
    held: 0,
    text: "",
    heard: [],
    error: null,
    urgent: null,
    timer: b.state === "TIME-WAIT" ? "time-wait 59" : "",
    counters: {},
  };
  const c: Context = {
    b,
    s: { ...segment },
    first: segment,
    o,
    ackNow: false,
    ackLater: false,
    challenge: false,
    cut: false,
    next: null,
    letters: "",
  };
  const rules: string[] = [];
  for (const rule of RULES) {
    if (c.next !== null && rule.name !== c.next) continue;
    c.next = null;
    if (!rule.states.includes(b.state) || !rule.when(c)) continue;
    rule.effect(c);
    rules.push(rule.name);
    if (rule.stops) break;
  }
  const stop = RULES.find((r) => r.name === rules.at(-1))!;
  answer(c, block);
  finish(c, block);
  return { outcome: o, code: codeOf(c, block, stop), rules };
}

/** `<SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>`, and the window. */
function answer(c: Context, before: Block): void {
  const { b, o } = c;
  if (b.state === "CLOSED" || b.state === "LISTEN") return;
  if (!c.ackNow && !c.ackLater) return;
  // text that completes a passive open is read once the connection was accepted
  const waits = before.passive && c.ackNow && o.heard.includes("established");
  if (waits) b.unread = diff(b.rcvNxt, before.rcvNxt);
  moveEdge(b);
  (c.ackNow ? o.sent : o.later).push(ackOf(b));
  if (!c.ackNow) o.counters["TcpExtDelayedACKs"] = 1;
  if (!waits) return;
  b.unread = 0;
  const isLow = diff(b.edge, b.rcvNxt) <= b.buffer / 2;
  if (moveEdge(b) && isLow) o.sent.push(ackOf(b));
}

/** RFC 9293 §3.8.6.2.2: the edge moves when that is worthwhile. */
function moveEdge(b: Block): boolean {
  const possible = b.rcvNxt + b.buffer - b.unread;
  const isWorthwhile = diff(possible, b.edge) >= Math.min(b.buffer / 2, MSS);
  if (isWorthwhile) b.edge = possible;
  return isWorthwhile;
}

function ackOf(b: Block): string {
  const options = b.timestamps ? [`TS ecr ${b.tsRecent}`] : [];
  return write(ACK, b.nxt, b.rcvNxt, Math.max(0, diff(b.edge, b.rcvNxt)), options);
}

function finish(c: Context, before: Block): void {
  const { b, o } = c;
  o.state = b.state;
  o.heard.sort();
  if (before.userGone) {
    o.heard = o.heard.filter((e) => e === "closed" || e === "FIN acknowledged");
    o.urgent = null;
    o.error = null;
  }
  if (b.state === "CLOSED" || b.state === "LISTEN") {
    o.timer = "";
    o.urgent = null;
    return;
  }
  // what the user has read past is no news
  if (o.urgent !== null && diff(o.urgent, b.rcvNxt - b.unread) <= 0) o.urgent = null;
  o.una = b.una | 0;
  if (b.state !== "SYN-SENT") o.rcvNxt = b.rcvNxt | 0;
  if (b.state !== "SYN-SENT" && b.state !== "SYN-RECEIVED" && b.state !== "TIME-WAIT")
    o.wnd = b.wnd;
  if (b.state === "TIME-WAIT") return;
  if (b.state === "SYN-RECEIVED" && b.passive) o.timer = "";
  else if (b.una !== b.nxt) o.timer = "retransmit";
  else if (b.state === "FIN-WAIT-2" && b.userGone) o.timer = "time-wait";
  else o.timer = "";
}

const SHORT: Readonly<Record<string, string>> = {
  "SYN-RECEIVED": "SR",
  ESTABLISHED: "ES",
  "FIN-WAIT-2": "F2",
  "CLOSE-WAIT": "CW",
  CLOSING: "CG",
  "TIME-WAIT": "TW",
  CLOSED: "CD",
  LISTEN: "LI",
};

/** Reply, effects, new state, and the rule that ended it where that one dropped the segment or is peculiar. */
function codeOf(c: Context, before: Block, stop: Rule): string {
  let code = c.letters;
  if (c.o.sent.length > 0 && c.ackNow) code = (c.challenge ? "C" : "A") + code;
  else if (c.o.later.length > 0) code = `d${code}`;
  if (c.b.state !== before.state) code += `>${SHORT[c.b.state]}`;
  if (c.o.error !== null) code += "!";
  if (code === "") code = "-";
  return stop.stops ? `${code} ${stop.name}` : code;
}
