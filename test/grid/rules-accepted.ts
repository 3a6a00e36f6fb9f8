/** RFC 9293 §3.10.7.4, fifth to eighth check: ACK, URG, text, FIN, of a segment cut to the window. */
import { SYNCHRONIZED } from "../support/states.ts";
import { ACK, diff, FIN, RST, URG, segLen, write } from "./model.ts";
import {
  acknowledge,
  challenge,
  close,
  type Context,
  count,
  ENDING,
  has,
  OTHER,
  RECEIVING,
  resetFromAck,
  restart,
  type Rule,
  takeWindow,
  timeWait,
} from "./rule.ts";

/** RFC 9293 §3.10.7.4: only what lies within the window is looked at. */
function trim(c: Context): void {
  const { b, s } = c;
  const old = diff(b.rcvNxt, s.seq);
  if (old > 0) {
    if (old > s.length) s.flags &= ~FIN;
    s.length = Math.max(0, s.length - old);
    s.seq = b.rcvNxt;
  }
  const over = diff(s.seq + s.length, b.edge);
  if (over > 0 && s.length > 0) {
    c.cut = true;
    s.length = Math.max(0, s.length - over);
    s.flags &= ~FIN;
  }
}

const isNewAck = ({ b, s }: Context): boolean => has(s, ACK) && diff(s.ack, b.una) > 0;
const endsOurs = (c: Context): boolean => c.b.finSent && c.s.ack === c.b.nxt && isNewAck(c);

const FIFTH: readonly Rule[] = [
  {
    name: "noack",
    from: "RFC 9293 §3.10.7.4, fifth",
    says: "without ACK: dropped",
    states: OTHER,
    when: ({ s }) => !has(s, ACK),
    effect: (c) => count(c, "dropped: no ACK"),
    stops: true,
  },
  {
    name: "ack-rst",
    from: "RFC 9293 §3.10.7.4, fifth, SYN-RECEIVED",
    says: "not SND.UNA < SEG.ACK =< SND.NXT: <SEQ=SEG.ACK><CTL=RST>",
    states: ["SYN-RECEIVED"],
    when: ({ b, s }) => diff(s.ack, b.una) <= 0 || diff(s.ack, b.nxt) > 0,
    effect: resetFromAck,
    stops: true,
  },
  {
    name: "ack-blind",
    from: "RFC 5961 §5.2 (MAY-12); RFC 9293 §3.10.7.4, fifth",
    says: "not SND.UNA-MAX.SND.WND =< SEG.ACK =< SND.NXT: an ACK, dropped",
    states: SYNCHRONIZED,
    when: ({ b, s }) => diff(s.ack, b.una - b.maxWnd) < 0 || diff(s.ack, b.nxt) > 0,
    effect: (c) => {
      challenge(c);
      count(c, "dropped: unacceptable ACK");
    },
    stops: true,
  },
  {
    name: "ts",
    from: "RFC 7323 §4.3, §5.2; docs/departures.md",
    says: "TS.Recent is taken from a segment at or below Last.ACK.sent whose ACK is acceptable",
    states: OTHER,
    when: ({ b, s }) => b.timestamps && s.tsVal !== null && diff(s.seq, b.lastAckSent) <= 0,
    effect: (c) => void (c.b.tsRecent = c.s.tsVal!),
    stops: false,
  },
  {
    name: "trim",
    from: "RFC 9293 §3.10.7.4, first; docs/departures.md",
    says: "what lies outside of the window is cut off; a FIN that is the first thing beyond it is not",
    states: OTHER,
    when: () => true,
    effect: trim,
    stops: false,
  },
  {
    name: "ack-open",
    from: "RFC 9293 §3.10.7.4, fifth, SYN-RECEIVED",
    says: "ESTABLISHED; the window is this segment's",
    states: ["SYN-RECEIVED"],
    when: () => true,
    effect: (c) => {
      c.b.state = "ESTABLISHED";
      takeWindow(c);
      c.b.una = c.s.ack;
      c.letters = "wn";
      c.o.heard.push("established");
      if (c.b.passive) count(c, "TcpPassiveOpens");
    },
    stops: false,
  },
  {
    name: "tw-text",
    from: "RFC 9293 §3.10.7.4, fifth, TIME-WAIT",
    says: "what takes up a number is acknowledged, and 2 MSL begin anew",
    states: ["TIME-WAIT"],
    when: ({ s }) => segLen(s) > 0,
    effect: (c) => {
      c.ackNow = true;
      restart(c);
    },
    stops: true,
  },
  {
    name: "tw",
    from: "RFC 9293 §3.10.7.4, fifth, TIME-WAIT",
    says: "nothing is left to be acknowledged: ignored",
    states: ["TIME-WAIT"],
    when: () => true,
    effect: () => {},
    stops: true,
  },
  {
    name: "fin-acked",
    from: "RFC 9293 §3.10.7.4, fifth",
    says: "the ACK of our FIN: FIN-WAIT-1 to FIN-WAIT-2",
    states: ["FIN-WAIT-1"],
    when: endsOurs,
    effect: (c) => {
      acknowledge(c);
      c.b.state = "FIN-WAIT-2";
      c.o.heard.push("FIN acknowledged");
    },
    stops: false,
  },
  {
    name: "closing",
    from: "RFC 9293 §3.10.7.4, fifth, CLOSING",
    says: "the ACK of our FIN: TIME-WAIT",
    states: ["CLOSING"],
    when: endsOurs,
    effect: (c) => {
      acknowledge(c);
      c.o.heard.push("FIN acknowledged");
      timeWait(c);
    },
    stops: true,
  },
  {
    name: "last-ack",
    from: "RFC 9293 §3.10.7.4, fifth, LAST-ACK",
    says: "the ACK of our FIN: CLOSED",
    states: ["LAST-ACK"],
    when: endsOurs,
    effect: (c) => {
      acknowledge(c);
      c.o.heard.push("FIN acknowledged");
      close(c, null);
    },
    stops: true,
  },
  {
    name: "ack",
    from: "RFC 9293 §3.10.7.4, fifth",
    says: "SND.UNA < SEG.ACK =< SND.NXT: SND.UNA moves",
    states: SYNCHRONIZED,
    when: isNewAck,
    effect: acknowledge,
    stops: false,
  },
  {
    name: "wl",
    from: "RFC 9293 §3.10.7.4, fifth",
    says: "SND.UNA =< SEG.ACK, and SND.WL1 < SEG.SEQ, or SND.WL1 = SEG.SEQ and SND.WL2 =< SEG.ACK: SND.WND is taken",
    states: SYNCHRONIZED,
    when: ({ b, s }) =>
      has(s, ACK) &&
      diff(s.ack, b.una) >= 0 &&
      (diff(b.wl1, s.seq) < 0 || (b.wl1 === s.seq && diff(b.wl2, s.ack) <= 0)),
    effect: takeWindow,
    stops: false,
  },
  {
    name: "cut",
    from: "RFC 9293 §3.10.7.4, first; §3.8.6.1",
    says: "something was cut off at the right edge: an ACK says where it is",
    states: SYNCHRONIZED,
    when: (c) => c.cut,
    effect: (c) => void (c.ackNow = true),
    stops: false,
  },
];

const SIXTH_TO_EIGHTH: readonly Rule[] = [
  {
    name: "urg",
    from: "RFC 9293 §3.10.7.4, sixth; §3.8.5 (MUST-32, MUST-66)",
    says: "SEG.SEQ + SEG.UP is ahead of RCV.NXT: the user hears of it",
    states: RECEIVING,
    when: ({ b, first }) => has(first, URG) && diff(first.seq + first.urgent, b.rcvNxt) > 0,
    effect: (c) => {
      c.o.urgent = c.first.seq + c.first.urgent;
      c.o.heard.push("urgent");
      c.letters += "u";
    },
    stops: false,
  },
  {
    name: "gone",
    from: "RFC 9293 §3.6.1 (SHLD-3), §3.10.5",
    says: "text that nobody will read: <SEQ=SEG.ACK><CTL=RST>, CLOSED",
    states: ["FIN-WAIT-1", "FIN-WAIT-2"],
    when: ({ b, s }) => b.userGone && s.length > 0,
    effect: (c) => {
      c.o.sent.push(write(RST, c.s.ack, null, 0));
      c.ackNow = false;
      c.letters += "X";
      close(c, "ECONNABORTED");
      count(c, "TcpOutRsts", "TcpExtTCPAbortOnData");
    },
    stops: true,
  },
  {
    name: "late",
    from: "RFC 9293 §3.10.7.4, sixth, seventh and eighth",
    says: "text and FIN after the peer's FIN are ignored",
    states: ENDING,
    when: ({ s }) => segLen(s) > 0,
    effect: (c) => {
      if (c.s.length > 0) count(c, "dropped: text after FIN");
    },
    stops: true,
  },
  {
    name: "text",
    from: "RFC 9293 §3.10.7.4, seventh; §3.8.6.3 (SHLD-18, SHLD-19)",
    says: "text at RCV.NXT goes to the user; the ACK is delayed, unless it is two full segments or a connection's first text",
    states: RECEIVING,
    when: ({ b, s }) => s.length > 0 && s.seq === b.rcvNxt,
    effect: (c) => {
      const { b, s, o } = c;
      const isFirst = b.dataEnd === 1; // the others' quick ACKs are used up
      b.rcvNxt += s.length;
      o.text = `${s.seq}:${b.rcvNxt}`;
      o.heard.push("text");
      c.letters += "t";
      if (s.length >= 2 * 1000 || isFirst) c.ackNow = true;
      else c.ackLater = true;
    },
    stops: false,
  },
  {
    name: "hole",
    from: "RFC 9293 §3.10.7.4, seventh (SHLD-31); RFC 5681 §4.2",
    says: "text behind a hole is kept; an ACK at once",
    states: RECEIVING,
    when: ({ b, s }) => s.length > 0 && diff(s.seq, b.rcvNxt) > 0,
    effect: (c) => {
      c.o.held = c.s.length;
      c.ackNow = true;
      c.letters += "k";
      count(c, "TcpExtTCPOFOQueue");
    },
    stops: false,
  },
  {
    name: "fin",
    from: "RFC 9293 §3.10.7.4, eighth",
    says: "a FIN at RCV.NXT is acknowledged and the user hears of it: CLOSE-WAIT, CLOSING or TIME-WAIT",
    states: RECEIVING,
    when: ({ b, s }) => has(s, FIN) && s.seq + s.length === b.rcvNxt,
    effect: (c) => {
      const { b, o } = c;
      b.rcvNxt += 1;
      c.ackNow = true;
      c.letters += "f";
      o.heard.push("end");
      if (b.state === "ESTABLISHED") b.state = "CLOSE-WAIT";
      else if (b.state === "FIN-WAIT-1") b.state = "CLOSING";
      else timeWait(c);
    },
    stops: true,
  },
  {
    name: "fin-hole",
    from: "RFC 9293 §3.10.7.4, eighth; RFC 5681 §4.2",
    says: "a FIN behind a hole waits for what is before it; an ACK at once",
    states: RECEIVING,
    when: ({ s }) => has(s, FIN),
    effect: (c) => void (c.ackNow = true),
    stops: true,
  },
];

export const ACCEPTED_RULES: readonly Rule[] = [...FIFTH, ...SIXTH_TO_EIGHTH];
