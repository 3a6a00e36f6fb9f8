/** RFC 9293 §3.10.7.4, first to fourth check, with RFC 7323, 6191, 1337 and 5961: is the segment to be looked at, RST, SYN. */
import { ACK, diff, FIN, RST, segLen, SYN } from "./model.ts";
import {
  acceptable,
  challenge,
  close,
  type Context,
  count,
  ENDING,
  has,
  OTHER,
  RECEIVING,
  restart,
  type Rule,
  synAck,
} from "./rule.ts";

const isAcceptable = ({ b, s }: Context): boolean => {
  if (acceptable(b, s.seq, segLen(s))) return true;
  const isShut = diff(b.edge, b.rcvNxt) <= 0;
  return isShut && s.seq === b.rcvNxt && (has(s, ACK) || has(s, RST));
};

/** Without a block yet: answered by the listener, with a limit of its own. */
const isHalfOpen = ({ b }: Context): boolean => b.state === "SYN-RECEIVED" && b.passive;
/** The distance is this stack's choice: retransmissions and probes lie nearer. */
const isFar = ({ b, s }: Context): boolean =>
  Math.abs(diff(s.seq, b.rcvNxt)) > Math.max(b.buffer, 65535);

/** RFC 6191 §2. */
function isNewer({ b, s }: Context): boolean {
  if (!b.listener || !has(s, SYN) || has(s, ACK) || has(s, RST)) return false;
  const above = diff(s.seq, b.rcvNxt - 1) > 0;
  if (s.tsVal === null) return above;
  return s.tsVal > b.tsRecent || (s.tsVal === b.tsRecent && above);
}

const FIRST: readonly Rule[] = [
  {
    name: "tw-syn",
    from: "RFC 6191 §2; RFC 9293 §3.6.1 (MAY-2)",
    says: "a SYN above the last number used, or with a newer timestamp, opens a new connection",
    states: ["TIME-WAIT"],
    when: isNewer,
    effect: (c) => {
      synAck(c, c.s.seq);
      c.b.state = "SYN-RECEIVED";
      c.b.passive = true;
      c.b.una = 0;
      c.b.nxt = 1;
      c.b.rcvNxt = c.s.seq + 1;
      count(c, "TcpExtTWRecycled");
    },
    stops: true,
  },
  {
    name: "no-ts",
    from: "RFC 7323 §3.2",
    says: "timestamps were agreed and the segment has none: dropped (but RST, and SYN, which RFC 5961 §4.2 answers)",
    states: OTHER,
    when: ({ b, s }) => b.timestamps && s.tsVal === null && !has(s, RST) && !has(s, SYN),
    effect: (c) => count(c, "dropped: no timestamp"),
    stops: true,
  },
  {
    name: "paws",
    from: "RFC 7323 §5.3 R1",
    says: "an older timestamp, not on a RST: an ACK, dropped",
    states: OTHER,
    when: ({ b, s }) =>
      b.timestamps && s.tsVal !== null && !has(s, RST) && diff(s.tsVal, b.tsRecent) < 0,
    effect: (c) => {
      if (has(c.s, SYN)) challenge(c);
      c.ackNow = true;
      count(c, "TcpExtPAWSEstab", "dropped: PAWS");
    },
    stops: true,
  },
  {
    name: "syn-again",
    from: "RFC 9293 §3.8.1; docs/departures.md",
    says: "the peer's SYN comes again: so does our SYN-ACK",
    states: ["SYN-RECEIVED"],
    when: ({ b, s }) => has(s, SYN) && !has(s, ACK) && !has(s, RST) && s.seq === b.rcvNxt - 1,
    effect: (c) => {
      synAck(c, c.s.seq);
      count(c, "dropped: SYN repeated");
    },
    stops: true,
  },
  {
    name: "syn-both",
    from: "RFC 9293 §3.5 (MUST-10)",
    says: "after a simultaneous open the SYN of the peer's SYN-ACK is one that was counted: only what follows it is looked at",
    states: ["SYN-RECEIVED"],
    when: ({ b, s }) =>
      !b.passive && has(s, SYN) && has(s, ACK) && !has(s, RST) && s.seq === b.rcvNxt - 1,
    effect: (c) => {
      c.s.seq += 1;
      c.s.flags &= ~SYN;
    },
    stops: false,
  },
  {
    name: "win-rst",
    from: "RFC 9293 §3.10.7.4, first; RFC 5961 §3.2",
    says: "a RST outside of the window is dropped",
    states: OTHER,
    when: (c) => !isAcceptable(c) && has(c.s, RST),
    effect: (c) => count(c, "TcpExtTCPOutOfWindow", "dropped: reset outside the window"),
    stops: true,
  },
  {
    name: "tw-fin",
    from: "RFC 9293 §3.10.7.4, fifth, TIME-WAIT",
    says: "the peer's FIN comes again: an ACK, and 2 MSL begin anew",
    states: ["TIME-WAIT"],
    when: (c) =>
      !isAcceptable(c) &&
      has(c.s, FIN) &&
      has(c.s, ACK) &&
      !has(c.s, SYN) &&
      c.s.seq + c.s.length === c.b.rcvNxt - 1,
    effect: (c) => {
      c.ackNow = true;
      restart(c);
      count(c, "TcpExtTCPOutOfWindow", "dropped: outside the window");
    },
    stops: true,
  },
  {
    name: "win-syn",
    from: "RFC 5961 §4.2",
    says: "a SYN outside of the window: a challenge ACK, as within it; dropped",
    states: OTHER,
    when: (c) => !isAcceptable(c) && has(c.s, SYN) && !isHalfOpen(c),
    effect: (c) => {
      challenge(c);
      count(c, "TcpExtTCPOutOfWindow", "dropped: outside the window");
    },
    stops: true,
  },
  {
    name: "win-far",
    from: "RFC 9293 §3.10.7.4, first; RFC 5961 §7",
    says: "further from RCV.NXT than 65535 and RCV.BUFF: a guess, whose ACK is limited as challenge ACKs are; dropped",
    states: OTHER,
    when: (c) => !isAcceptable(c) && isFar(c) && !isHalfOpen(c),
    effect: (c) => {
      challenge(c);
      count(c, "TcpExtTCPOutOfWindow", "dropped: outside the window");
    },
    stops: true,
  },
  {
    name: "win",
    from: "RFC 9293 §3.10.7.4, first; §3.4",
    says: "outside of the window: an ACK, dropped",
    states: OTHER,
    when: (c) => !isAcceptable(c),
    effect: (c) => {
      c.ackNow = true;
      count(c, "TcpExtTCPOutOfWindow", "dropped: outside the window");
    },
    stops: true,
  },
];

const isExact = ({ b, s }: Context): boolean => has(s, RST) && s.seq === b.rcvNxt;

const SECOND: readonly Rule[] = [
  {
    name: "rfc1337",
    from: "RFC 1337 §3 (F1); docs/departures.md",
    says: "a RST does not end TIME-WAIT",
    states: ["TIME-WAIT"],
    when: ({ s }) => has(s, RST),
    effect: (c) => count(c, "dropped: reset in TIME-WAIT"),
    stops: true,
  },
  {
    name: "rst-blind",
    from: "RFC 5961 §3.2; RFC 9293 §3.10.7.4, second",
    says: "a RST in the window that is not at RCV.NXT: a challenge ACK, dropped",
    states: OTHER,
    when: (c) => has(c.s, RST) && !isExact(c),
    effect: (c) => {
      challenge(c);
      count(c, "dropped: reset not at RCV.NXT");
    },
    stops: true,
  },
  {
    name: "rst-listen",
    from: "RFC 9293 §3.10.7.4, second, SYN-RECEIVED (MUST-11); RFC 4022 tcpAttemptFails",
    says: "after a passive open back to LISTEN; no user hears of it",
    states: ["SYN-RECEIVED"],
    when: (c) => isExact(c) && c.b.passive,
    effect: (c) => {
      c.b.state = "LISTEN";
      count(c, "TcpAttemptFails", "TcpExtEmbryonicRsts");
    },
    stops: true,
  },
  {
    name: "rst-refused",
    from: "RFC 9293 §3.10.7.4, second, SYN-RECEIVED (MUST-11); RFC 4022 tcpAttemptFails",
    says: "after an active open the connection is refused",
    states: ["SYN-RECEIVED"],
    when: isExact,
    effect: (c) => {
      close(c, "ECONNREFUSED");
      count(c, "TcpAttemptFails");
    },
    stops: true,
  },
  {
    name: "rst",
    from: "RFC 9293 §3.10.7.4, second; RFC 4022 tcpEstabResets",
    says: "a RST at RCV.NXT: the connection is reset; counted from ESTABLISHED and CLOSE-WAIT",
    states: [...RECEIVING, "CLOSE-WAIT"],
    when: isExact,
    effect: (c) => {
      if (c.b.state === "ESTABLISHED" || c.b.state === "CLOSE-WAIT") count(c, "TcpEstabResets");
      close(c, "ECONNRESET");
    },
    stops: true,
  },
  {
    name: "rst-last",
    from: "RFC 9293 §3.10.7.4, second, CLOSING and LAST-ACK",
    says: "a RST at RCV.NXT: CLOSED without an error",
    states: ENDING,
    when: isExact,
    effect: (c) => close(c, null),
    stops: true,
  },
];

const FOURTH: readonly Rule[] = [
  {
    name: "syn-listen",
    from: "RFC 9293 §3.10.7.4, fourth, SYN-RECEIVED; RFC 4022 tcpAttemptFails",
    says: "a SYN after a passive open: back to LISTEN",
    states: ["SYN-RECEIVED"],
    when: ({ b, s }) => b.passive && has(s, SYN),
    effect: (c) => {
      c.b.state = "LISTEN";
      count(c, "TcpAttemptFails", "dropped: SYN in SYN-RECEIVED");
    },
    stops: true,
  },
  {
    name: "syn",
    from: "RFC 5961 §4.2; RFC 9293 §3.10.7.4, fourth",
    says: "a SYN: a challenge ACK, dropped",
    states: OTHER,
    when: ({ s }) => has(s, SYN),
    effect: (c) => {
      challenge(c);
      count(c, "dropped: SYN on a live connection");
    },
    stops: true,
  },
];

export const CHECK_RULES: readonly Rule[] = [...FIRST, ...SECOND, ...FOURTH];
