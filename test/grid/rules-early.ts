/** CLOSED, LISTEN and SYN-SENT: RFC 9293 §3.10.7.1 to §3.10.7.3, in the order of the text. */
import { ACK, diff, FIN, RST, segLen, SYN, write } from "./model.ts";
import { close, count, has, resetFromAck, type Rule, synAck, takeWindow } from "./rule.ts";

const CLOSED: readonly Rule[] = [
  {
    name: "closed-rst",
    from: "RFC 9293 §3.10.7.1",
    says: "a RST for no connection is discarded",
    states: ["CLOSED"],
    when: (c) => has(c.s, RST),
    effect: (c) => count(c, "TcpInRsts"),
    stops: true,
  },
  {
    name: "closed-ack",
    from: "RFC 9293 §3.10.7.1",
    says: "with ACK: <SEQ=SEG.ACK><CTL=RST>",
    states: ["CLOSED"],
    when: (c) => has(c.s, ACK),
    effect: resetFromAck,
    stops: true,
  },
  {
    name: "closed",
    from: "RFC 9293 §3.10.7.1",
    says: "without ACK: <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK>",
    states: ["CLOSED"],
    when: () => true,
    effect: (c) => {
      c.o.sent.push(write(RST | ACK, 0, c.s.seq + segLen(c.s), 0));
      c.letters = "Q";
      count(c, "TcpOutRsts");
    },
    stops: true,
  },
];

const LISTEN: readonly Rule[] = [
  {
    name: "listen-rst",
    from: "RFC 9293 §3.10.7.2, first",
    says: "a RST is ignored",
    states: ["LISTEN"],
    when: (c) => has(c.s, RST),
    effect: (c) => count(c, "TcpInRsts"),
    stops: true,
  },
  {
    name: "listen-ack",
    from: "RFC 9293 §3.10.7.2, second",
    says: "any ACK is bad: <SEQ=SEG.ACK><CTL=RST>",
    states: ["LISTEN"],
    when: (c) => has(c.s, ACK),
    effect: resetFromAck,
    stops: true,
  },
  {
    name: "listen-syn",
    from: "RFC 9293 §3.10.7.2, third",
    says: "<SEQ=ISS><ACK=SEG.SEQ+1><CTL=SYN,ACK>; text and FIN are not taken, and come again (docs/departures.md)",
    states: ["LISTEN"],
    when: (c) => has(c.s, SYN),
    effect: (c) => {
      synAck(c, c.s.seq);
      c.b.state = "SYN-RECEIVED";
      c.b.passive = true;
      c.b.una = 0;
      c.b.nxt = 1;
      c.b.rcvNxt = c.s.seq + 1;
    },
    stops: true,
  },
  {
    name: "listen-other",
    from: "RFC 9293 §3.10.7.2, fourth",
    says: "anything else is dropped",
    states: ["LISTEN"],
    when: () => true,
    effect: (c) => count(c, "TcpInErrs"),
    stops: true,
  },
];

const SYN_SENT: readonly Rule[] = [
  {
    name: "sent-ack-rst",
    from: "RFC 9293 §3.10.7.3, first",
    says: "SEG.ACK =< ISS or > SND.NXT with RST: dropped",
    states: ["SYN-SENT"],
    when: ({ b, s }) =>
      has(s, ACK) && has(s, RST) && (diff(s.ack, 0) <= 0 || diff(s.ack, b.nxt) > 0),
    effect: (c) => count(c, "dropped: reset with a wrong ACK"),
    stops: true,
  },
  {
    name: "sent-ack",
    from: "RFC 9293 §3.10.7.3, first",
    says: "SEG.ACK =< ISS or > SND.NXT: <SEQ=SEG.ACK><CTL=RST>, dropped",
    states: ["SYN-SENT"],
    when: ({ b, s }) => has(s, ACK) && (diff(s.ack, 0) <= 0 || diff(s.ack, b.nxt) > 0),
    effect: resetFromAck,
    stops: true,
  },
  {
    name: "sent-rst",
    from: "RFC 9293 §3.10.7.3, second",
    says: "a RST with an ACK of our SYN refuses the connection",
    states: ["SYN-SENT"],
    when: ({ s }) => has(s, RST) && has(s, ACK),
    effect: (c) => {
      count(c, "TcpAttemptFails");
      close(c, "ECONNREFUSED");
    },
    stops: true,
  },
  {
    name: "sent-rst-blind",
    from: "RFC 5961 §3.2, RFC 9293 §3.10.7.3, second",
    says: "a RST without ACK is dropped",
    states: ["SYN-SENT"],
    when: ({ s }) => has(s, RST),
    effect: (c) => count(c, "dropped: reset without ACK"),
    stops: true,
  },
  {
    name: "sent-nosyn",
    from: "RFC 9293 §3.10.7.3, fifth",
    says: "neither SYN nor RST: dropped",
    states: ["SYN-SENT"],
    when: ({ s }) => !has(s, SYN),
    effect: (c) => count(c, "dropped: no SYN"),
    stops: true,
  },
  {
    name: "sent-syn",
    from: "RFC 9293 §3.10.7.3, fourth",
    says: "a SYN that crosses ours: <SEQ=ISS><ACK=RCV.NXT><CTL=SYN,ACK>; text and FIN are not taken, and come again (docs/departures.md)",
    states: ["SYN-SENT"],
    when: ({ s }) => !has(s, ACK),
    effect: (c) => {
      const { b, s } = c;
      synAck(c, s.seq);
      b.state = "SYN-RECEIVED";
      b.rcvNxt = s.seq + 1;
      if (s.length > 0 || has(s, FIN)) count(c, "dropped: text on a SYN that crossed ours");
    },
    stops: true,
  },
  {
    name: "sent-synack",
    from: "RFC 9293 §3.10.7.3, fourth",
    says: "ESTABLISHED, an ACK leaves; URG, text and FIN are looked at from the sixth check on",
    states: ["SYN-SENT"],
    when: () => true,
    effect: (c) => {
      const { b, s } = c;
      b.state = "ESTABLISHED";
      b.una = s.ack;
      b.rcvNxt = s.seq + 1;
      b.edge = b.rcvNxt + b.buffer;
      takeWindow(c);
      c.letters = "wn";
      c.o.heard.push("established");
      s.seq += 1;
      c.ackNow = true;
      c.next = "urg";
    },
    stops: false,
  },
];

export const EARLY_RULES: readonly Rule[] = [...CLOSED, ...LISTEN, ...SYN_SENT];
