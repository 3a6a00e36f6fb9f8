/**
 * The states of the grid, each with the numbers that its connection must have, and how to bring the stack there by segments
 * and user calls. Our data: 100 bytes acknowledged and, where it can be, 20 that are not.
 */
import { ScriptedPeer } from "../support/scripted-peer.ts";
import type { Block } from "./model.ts";

export type Role = "server" | "client";

export interface Situation {
  readonly name: string;
  /** What else is to be known of it. */
  readonly about: string;
  /** Those that must behave alike. */
  readonly roles: readonly Role[];
  readonly block: Block;
  reach(p: ScriptedPeer, role: Role): void;
}

const BUFFER = 4096;
/** What the peer offers until the segment of the cell. */
const OFFERED = 3000;
const TS_RECENT = 1000;
const TS = `<TS val ${TS_RECENT} ecr 0>`;

export function freshPeer(): ScriptedPeer {
  return new ScriptedPeer({ settings: { tcp_rmem: [BUFFER, BUFFER, BUFFER] }, watched: false });
}

const NEW: Block = {
  state: "ESTABLISHED",
  passive: false,
  listener: false,
  userGone: false,
  una: 101,
  nxt: 121,
  wnd: OFFERED,
  wl1: 1,
  wl2: 101,
  maxWnd: OFFERED,
  dataEnd: 121,
  finSent: false,
  rcvNxt: 1,
  edge: 1 + BUFFER,
  buffer: BUFFER,
  unread: 0,
  lastAckSent: 1,
  timestamps: false,
  tsRecent: 0,
};

/** ESTABLISHED, 100 bytes of ours acknowledged. */
function open(p: ScriptedPeer, role: Role, ts = ""): void {
  const options = ts === "" ? "<mss 1000>" : `<mss 1000,${ts.slice(1)}`;
  if (role === "server") {
    p.listens().sends(`S 0:0(0) win ${OFFERED} ${options}`).next();
    p.sends(`. 1:1(0) ack 1 win ${OFFERED} ${ts}`.trim());
  } else {
    p.connects().next();
    p.sends(`S. 0:0(0) ack 1 win ${OFFERED} ${options}`).next();
  }
  p.aged().writes(100).sees("P. 1:101(100) ack 1");
  p.sends(`. 1:1(0) ack 101 win ${OFFERED} ${ts}`.trim());
}

function end(p: ScriptedPeer): void {
  p.endpoint.shutdown();
  p.settle();
}

function leave(p: ScriptedPeer): void {
  p.endpoint.close();
  p.settle();
}

/** The peer fills the window, and the user does not read. */
function fill(p: ScriptedPeer, form: string): void {
  p.reads = false;
  p.sends(form).next();
}

const BOTH: readonly Role[] = ["server", "client"];
const FIN_WAIT_1 = { ...NEW, state: "FIN-WAIT-1", nxt: 122, finSent: true } as const;
const FIN_WAIT_2 = {
  ...NEW,
  state: "FIN-WAIT-2",
  una: 102,
  nxt: 102,
  wl2: 102,
  dataEnd: 101,
  finSent: true,
} as const;
const CLOSE_WAIT = { ...NEW, state: "CLOSE-WAIT", rcvNxt: 2, lastAckSent: 2 } as const;
const TIME_WAIT = { ...FIN_WAIT_2, state: "TIME-WAIT", rcvNxt: 2, lastAckSent: 2 } as const;
const SHUT = { rcvNxt: 1 + BUFFER, lastAckSent: 1 + BUFFER, unread: BUFFER } as const;
const FULL = `P. 1:${1 + BUFFER}(${BUFFER}) ack 101 win ${OFFERED}`;

function toFinWait1(p: ScriptedPeer, role: Role): void {
  open(p, role);
  p.writes(20).next();
  end(p);
}

function toFinWait2(p: ScriptedPeer, role: Role, ts = ""): void {
  open(p, role, ts);
  end(p);
  p.sends(`. 1:1(0) ack 102 win ${OFFERED} ${ts}`.trim());
}

function toCloseWait(p: ScriptedPeer, role: Role): void {
  open(p, role);
  p.writes(20).next();
  p.sends(`F. 1:1(0) ack 101 win ${OFFERED}`);
}

function toTimeWait(p: ScriptedPeer, role: Role, ts = ""): void {
  toFinWait2(p, role, ts);
  p.sends(`F. 1:1(0) ack 102 win ${OFFERED} ${ts}`.trim()).waits(1000);
}

const EARLY: readonly Situation[] = [
  {
    name: "CLOSED",
    about: "nobody listens",
    roles: ["server"],
    block: { ...NEW, state: "CLOSED", una: 0, nxt: 0, rcvNxt: 0, edge: 0 },
    reach: (p) => void (p.ourPort = 81),
  },
  {
    name: "LISTEN",
    about: "",
    roles: ["server"],
    block: { ...NEW, state: "LISTEN", listener: true, una: 0, nxt: 0, rcvNxt: 0, edge: 0 },
    reach: (p) => void p.listens(),
  },
  {
    name: "SYN-SENT",
    about: "",
    roles: ["client"],
    block: { ...NEW, state: "SYN-SENT", una: 0, nxt: 1, dataEnd: 1, wnd: 0, maxWnd: 0 },
    reach: (p) => void p.connects(),
  },
  {
    name: "SYN-RECEIVED, passive open",
    about: "the peer's SYN came to a listener and had the number 0",
    roles: ["server"],
    block: {
      ...NEW,
      state: "SYN-RECEIVED",
      passive: true,
      listener: true,
      una: 0,
      nxt: 1,
      dataEnd: 1,
    },
    reach: (p) => void p.listens().sends(`S 0:0(0) win ${OFFERED} <mss 1000>`),
  },
  {
    name: "SYN-RECEIVED, simultaneous open",
    about: "the peer's SYN crossed ours and had the number 0",
    roles: ["client"],
    block: { ...NEW, state: "SYN-RECEIVED", una: 0, nxt: 1, dataEnd: 1 },
    reach: (p) => void p.connects().sends(`S 0:0(0) win ${OFFERED} <mss 1000>`),
  },
];

const LATER: readonly Situation[] = [
  {
    name: "ESTABLISHED",
    about: "20 bytes of ours are not acknowledged",
    roles: BOTH,
    block: NEW,
    reach: (p, role) => {
      open(p, role);
      p.writes(20);
    },
  },
  {
    name: "FIN-WAIT-1",
    about: "20 bytes of ours and our FIN are not acknowledged",
    roles: BOTH,
    block: FIN_WAIT_1,
    reach: toFinWait1,
  },
  {
    name: "FIN-WAIT-1, user gone",
    about: "as before, but the user called CLOSE and reads no more",
    roles: BOTH,
    block: { ...FIN_WAIT_1, userGone: true },
    reach: (p, role) => {
      open(p, role);
      p.writes(20).next();
      leave(p);
    },
  },
  {
    name: "FIN-WAIT-2",
    about: "everything of ours is acknowledged",
    roles: BOTH,
    block: FIN_WAIT_2,
    reach: toFinWait2,
  },
  {
    name: "FIN-WAIT-2, user gone",
    about: "as before, but the user called CLOSE and reads no more",
    roles: BOTH,
    block: { ...FIN_WAIT_2, userGone: true },
    reach: (p, role) => {
      open(p, role);
      leave(p);
      p.sends(`. 1:1(0) ack 102 win ${OFFERED}`);
    },
  },
  {
    name: "CLOSE-WAIT",
    about: "20 bytes of ours are not acknowledged; the peer's FIN had the number NXT-1",
    roles: BOTH,
    block: CLOSE_WAIT,
    reach: toCloseWait,
  },
  {
    name: "CLOSING",
    about: "20 bytes of ours and our FIN are not acknowledged; the peer's FIN had the number NXT-1",
    roles: BOTH,
    block: { ...CLOSE_WAIT, state: "CLOSING", nxt: 122, finSent: true },
    reach: (p, role) => {
      toFinWait1(p, role);
      p.sends(`F. 1:1(0) ack 101 win ${OFFERED}`);
    },
  },
  {
    name: "LAST-ACK",
    about: "20 bytes of ours and our FIN are not acknowledged; the peer's FIN had the number NXT-1",
    roles: BOTH,
    block: { ...CLOSE_WAIT, state: "LAST-ACK", nxt: 122, finSent: true },
    reach: (p, role) => {
      toCloseWait(p, role);
      end(p);
    },
  },
  {
    name: "TIME-WAIT, server",
    about: "since one second; a listener is there; the peer's FIN had the number NXT-1",
    roles: ["server"],
    block: { ...TIME_WAIT, listener: true },
    reach: toTimeWait,
  },
  {
    name: "TIME-WAIT, client",
    about: "since one second; nobody listens; the peer's FIN had the number NXT-1",
    roles: ["client"],
    block: TIME_WAIT,
    reach: toTimeWait,
  },
];

const SPECIAL: readonly Situation[] = [
  {
    name: "ESTABLISHED, window zero",
    about: "the receive buffer is full; 20 bytes of ours are not acknowledged",
    roles: BOTH,
    block: { ...NEW, ...SHUT },
    reach: (p, role) => {
      open(p, role);
      fill(p, FULL);
      p.writes(20);
    },
  },
  {
    name: "FIN-WAIT-1, window zero",
    about: "the receive buffer is full; 20 bytes of ours and our FIN are not acknowledged",
    roles: ["server"],
    block: { ...FIN_WAIT_1, ...SHUT },
    reach: (p, role) => {
      open(p, role);
      fill(p, FULL);
      p.writes(20).next();
      end(p);
    },
  },
  {
    name: "FIN-WAIT-2, window zero",
    about: "the receive buffer is full; everything of ours is acknowledged",
    roles: ["client"],
    block: { ...FIN_WAIT_2, ...SHUT },
    reach: (p, role) => {
      toFinWait2(p, role);
      fill(p, FULL.replace("101", "102"));
    },
  },
  {
    name: "CLOSE-WAIT, window zero",
    about: "the receive buffer was filled by text and the FIN had the last number of the window",
    roles: ["server"],
    block: { ...CLOSE_WAIT, ...SHUT, unread: BUFFER - 1 },
    reach: (p, role) => {
      open(p, role);
      p.reads = false;
      p.writes(20).next();
      p.sends(`F. 1:${BUFFER}(${BUFFER - 1}) ack 101 win ${OFFERED}`);
    },
  },
  {
    name: "ESTABLISHED, timestamps",
    about: `20 bytes of ours are not acknowledged; TS.Recent is ${TS_RECENT}`,
    roles: ["server"],
    block: { ...NEW, timestamps: true, tsRecent: TS_RECENT },
    reach: (p, role) => {
      open(p, role, TS);
      p.writes(20);
    },
  },
  {
    name: "TIME-WAIT, timestamps",
    about: `since one second; a listener is there; the peer's FIN had the number NXT-1; TS.Recent is ${TS_RECENT}`,
    roles: ["server"],
    block: { ...TIME_WAIT, listener: true, timestamps: true, tsRecent: TS_RECENT },
    reach: (p, role) => toTimeWait(p, role, TS),
  },
];

export const SITUATIONS: readonly Situation[] = [...EARLY, ...LATER, ...SPECIAL];
