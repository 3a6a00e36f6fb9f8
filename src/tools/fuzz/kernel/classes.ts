/**
 * Where Linux and this stack answer differently, and why that is no fault of either: each difference has a name, and one without a name is
 * a failure. docs/kernel-oracle.md has the same names for reading.
 */
import { ACK, FIN, RST, SYN } from "../../../fuzz/peer.ts";
import type { Answer, PacketFacts } from "./answer.ts";

export type Field =
  "syns" | "resets" | "sent" | "acked" | "finSent" | "repeated" | "sacks" | "heard";

export interface Earlier {
  readonly facts: PacketFacts | null;
  readonly state: string;
  /** Of the packet to Linux, whose numbers count from what Linux said. */
  readonly theirs: PacketFacts | null;
}

export interface Context {
  readonly field: Field;
  /** Before the step, on our side. */
  readonly state: string;
  readonly facts: PacketFacts | null;
  /** Of the packets of earlier steps, and states before them. */
  readonly earlier: readonly Earlier[];
  readonly ours: Answer;
  readonly theirs: Answer;
  /** What programs heard, where that is the field. */
  readonly heard: { readonly ours: string; readonly theirs: string };
}

export interface DifferenceClass {
  readonly name: string;
  readonly why: string;
  /** After it the two are no longer in the same state, and what they say cannot be compared. */
  readonly ends: boolean;
  readonly is: (c: Context) => boolean;
}

/** ms of a timestamp that are no clock's. */
const FAR = 1_000_000;
const ENDED = ["CLOSE-WAIT", "CLOSING", "LAST-ACK"];
/** Text although the peer's FIN was taken. */
const isOver = (state: string, f: PacketFacts): boolean => ENDED.includes(state) && f.length > 0;
const CONTROL = ACK | RST | SYN;
/** Has all of these flags. */
const has = (facts: PacketFacts | null, bits: number): boolean =>
  facts !== null && (facts.flags & bits) === bits;

/** A packet of this step or an earlier one is so. */
const ever = (c: Context, test: (facts: PacketFacts, state: string) => boolean): boolean =>
  [...c.earlier, c].some(({ facts, state }) => facts !== null && test(facts, state));

const wasIn = (c: Context, state: string): boolean =>
  c.state === state || c.earlier.some((e) => e.state === state);

/** A timestamp that PAWS refuses. */
const isOld = (f: PacketFacts): boolean => f.stamps === "there" && f.stampStep < 0;

/** Nothing was sent of it, or it was and is forgotten: SND.UNA =< SEG.ACK =< SND.NXT does not hold. */
const isOddAck = (f: PacketFacts): boolean => f.ackFromUna < 0 || f.ackFromNext > 0;

const isTouching = (f: PacketFacts): boolean => (f.end === 0 && f.seq < 0) || f.seq === f.edge;

const only = (ours: number, theirs: number, a: number, b: number): boolean =>
  ours === a && theirs === b;

export const CLASSES: readonly DifferenceClass[] = [
  {
    name: "missing timestamp",
    why: "Where timestamps were agreed on, a segment without is dropped (RFC 7323 §3.2, SHOULD); Linux takes it.",
    ends: true,
    is: (c) => ever(c, (f) => f.stamps === "missing" && (f.flags & RST) === 0),
  },
  {
    name: "SYN in a hurry",
    why: "After an unacceptable ACK in SYN-SENT Linux sends its SYN again at once; RFC 9293 §3.10.7.3 asks for the RST only.",
    ends: false,
    is: (c) =>
      c.field === "syns" &&
      wasIn(c, "SYN-SENT") &&
      c.ours.syns.length === 0 &&
      c.theirs.syns.every((s) => s.startsWith("SYN again")),
  },
  {
    name: "options of a crossed SYN-ACK",
    why: "When SYNs cross, our SYN-ACK has the options that both offered (RFC 7323 §2.2); Linux repeats all it offered.",
    ends: false,
    is: (c) =>
      c.field === "syns" &&
      c.ours.syns.length > 0 &&
      c.theirs.syns.length > 0 &&
      [...c.ours.syns, ...c.theirs.syns].some((s) => s.includes("ack IRS+1 again")) &&
      withoutOptions(c.ours.syns) === withoutOptions(c.theirs.syns),
  },
  {
    name: "form of a reset",
    why: "A connection that ends with a RST: ours says SND.NXT and RCV.NXT, Linux, which has forgotten it, makes the RST from the segment (RFC 9293 §3.5.2).",
    ends: false,
    is: (c) => c.field === "resets" && c.ours.resets.length === 1 && c.theirs.resets.length === 1,
  },
  {
    name: "ACKs in TIME-WAIT",
    why: "Linux acknowledges in TIME-WAIT all that is not exactly at RCV.NXT; ours only what takes up a number or lies outside of the window (RFC 9293 §3.10.7.4).",
    ends: false,
    is: (c) => c.field === "repeated" && c.state === "TIME-WAIT",
  },
  {
    name: "SYN at RCV.NXT in TIME-WAIT",
    why: "A SYN at RCV.NXT lies behind all that was used, and ours begins anew (RFC 9293 §3.6.1); Linux wants one number more.",
    ends: true,
    is: (c) => c.state === "TIME-WAIT" && has(c.facts, SYN) && c.facts!.seq === 0,
  },
  {
    name: "SYN with FIN",
    why: "A SYN that has a FIN opens a connection here, and the FIN has to come again (RFC 9293 §3.10.7.2); Linux drops it.",
    ends: true,
    is: (c) => has(c.facts, SYN | FIN) || ever(c, (f) => has(f, SYN | FIN)),
  },
  {
    name: "SYN in SYN-RECEIVED",
    why: "A SYN in the window goes back to LISTEN without a word (RFC 9293 §3.10.7.4, fourth); Linux sends a RST.",
    ends: true,
    is: (c) => c.field === "resets" && c.state === "SYN-RECEIVED" && has(c.facts, SYN),
  },
  {
    name: "bad ACK in SYN-RECEIVED first",
    why: "Linux looks at SEG.ACK in SYN-RECEIVED before it looks at SEG.SEQ and timestamps, and answers with a RST; RFC 9293 §3.10.7.4 has the window first, with an ACK.",
    ends: false,
    is: (c) =>
      (c.field === "resets" || c.field === "repeated" || c.field === "sacks") &&
      c.state === "SYN-RECEIVED" &&
      c.ours.resets.length === 0 &&
      c.theirs.resets.length === 1 &&
      c.facts !== null,
  },
  {
    name: "PAWS and old ACKs",
    why: "An ACK without text whose timestamp is a little old is taken for one that was overtaken, and dropped silently by Linux; ours answers with an ACK (RFC 7323 §5.3, R1).",
    ends: false,
    is: (c) =>
      c.field === "repeated" &&
      c.facts !== null &&
      isOld(c.facts) &&
      c.facts.length === 0 &&
      only(c.ours.repeated, c.theirs.repeated, 1, 0),
  },
  {
    name: "RST with another's timestamp in SYN-RECEIVED",
    why: "A RST needs no right timestamp (RFC 7323 §5.2), so that one in the window is challenged here; Linux drops it silently where PAWS or its check of TSecr refuses it.",
    ends: false,
    is: (c) =>
      c.field === "repeated" &&
      c.state === "SYN-RECEIVED" &&
      has(c.facts, RST) &&
      c.facts!.stamps === "there" &&
      only(c.ours.repeated, c.theirs.repeated, 1, 0),
  },
  {
    name: "counted from another ACK",
    why: "Where an ACK came later from one of the two, the peer's next numbers, counted from it, are others.",
    ends: true,
    is: (c) =>
      [...c.earlier, { facts: c.facts, theirs: c.theirs.facts }].some(
        ({ facts, theirs }) =>
          facts !== null &&
          theirs !== null &&
          facts.seq === theirs.seq &&
          facts.number !== theirs.number,
      ),
  },
  {
    name: "neither ACK nor RST nor SYN",
    why: "Linux drops a segment without any of these flags before it looks at anything else; RFC 9293 §3.10.7.4 has the window and PAWS first, with an ACK.",
    ends: false,
    is: (c) =>
      (c.field === "repeated" || c.field === "sacks") &&
      c.facts !== null &&
      (c.facts.flags & CONTROL) === 0,
  },
  {
    name: "SACK of a FIN, and D-SACK",
    why: "Linux puts the number of a FIN that waits into SACK blocks, and reports duplicates of FINs and of segments whose ACK it refuses; ours reports text it has taken (RFC 2018, RFC 2883: a receiver's choice).",
    ends: false,
    is: (c) => c.field === "sacks",
  },
  {
    name: "malformed options",
    why: "A segment with options of impossible lengths is dropped and counted here; Linux reads what it can of them.",
    ends: true,
    is: (c) => ever(c, (f) => f.malformed),
  },
  {
    name: "SYN again after SYNs crossed",
    why: "The peer's SYN, come again, draws the SYN-ACK again here (docs/departures.md); Linux answers with an ACK.",
    ends: false,
    is: (c) =>
      (c.field === "syns" || c.field === "repeated") &&
      c.state === "SYN-RECEIVED" &&
      has(c.facts, SYN) &&
      c.ours.syns.length === 1 &&
      c.theirs.repeated === 1,
  },
  {
    name: "RST at the FIN",
    why: "After the peer's FIN Linux takes a RST at the FIN's own number, as some stacks send it; RFC 5961 §3.2 wants RCV.NXT.",
    ends: true,
    is: (c) =>
      ever(
        c,
        (f, state) =>
          (f.flags & RST) !== 0 &&
          f.seq === -1 &&
          ["CLOSE-WAIT", "CLOSING", "LAST-ACK"].includes(state),
      ),
  },
  {
    name: "RST at the end of SACKed text",
    why: "Linux takes a RST at the highest number that it has SACKed, too; RFC 5961 §3.2 wants RCV.NXT.",
    ends: true,
    is: (c) =>
      wasSacked(c) &&
      ever(c, (f) => (f.flags & RST) !== 0 && f.seq > 0) &&
      /ECONNRESET|EPIPE/.test(c.heard.theirs),
  },
  {
    name: "text behind the FIN",
    why: "After the peer's FIN ours acknowledges what comes behind it, as any segment out of the window; Linux passes over it.",
    ends: false,
    is: (c) =>
      c.field === "repeated" &&
      ["CLOSE-WAIT", "CLOSING", "LAST-ACK"].includes(c.state) &&
      c.facts !== null &&
      c.facts.end > 0,
  },
  {
    name: "duplicate ACK beside text",
    why: "Text that comes out of order and lets text of ours go draws that text and a duplicate ACK here, as a segment with text is none (RFC 5681 §2); with Linux the text says all.",
    ends: false,
    is: (c) =>
      c.field === "repeated" &&
      c.facts !== null &&
      c.facts.seq > 0 &&
      c.facts.length > 0 &&
      c.facts.ackFromUna > 0 &&
      only(c.ours.repeated, c.theirs.repeated, 1, 0),
  },
  {
    name: "touching the window from outside",
    why: "A segment that ends at RCV.NXT, or begins at RCV.NXT+RCV.WND, is outside (RFC 9293 §3.4) and draws an ACK, a RST none; Linux takes it for one inside.",
    ends: false,
    is: (c) => c.field === "repeated" && c.facts !== null && isTouching(c.facts),
  },
  {
    name: "ACK of a segment that touches the window",
    why: "As above; and Linux goes by what it acknowledges.",
    ends: true,
    is: (c) => ever(c, (f) => isTouching(f) && (f.flags & ACK) !== 0 && f.ackFromNext <= 0),
  },
  {
    name: "windows of different size",
    why: "What lies far ahead is in one window and not in the other.",
    ends: true,
    is: (c) => ever(c, (f) => f.end > 60_000),
  },
  {
    name: "text across the FIN",
    why: "Text that a peer sends behind its own FIN contradicts it: ours goes by the FIN, Linux by what came first, or with a RST once the FIN was taken.",
    ends: true,
    is: (c) =>
      ever(c, (f, state) => (f.flags & FIN) !== 0 && (f.seq > 0 || isOver(state, f))) ||
      (c.theirs.resets.length === 1 &&
        ["CLOSE-WAIT", "CLOSING", "LAST-ACK", "TIME-WAIT"].includes(c.state) &&
        c.facts !== null &&
        c.facts.length > 0),
  },
  {
    name: "TIME-WAIT comes back",
    why: "When a RST ends a connection in SYN-RECEIVED that took the place of one in TIME-WAIT, that one goes on here; Linux has forgotten it.",
    ends: true,
    is: (c) => c.state === "TIME-WAIT" && c.earlier.some((e) => e.state === "SYN-RECEIVED"),
  },
  {
    name: "SYN with timestamps in TIME-WAIT",
    why: "A SYN with timestamps opens anew where the connection before had none (RFC 6191 §2), or an older one; Linux wants a SEG.SEQ behind it, and has learnt timestamps from segments that ours refused.",
    ends: true,
    is: (c) =>
      c.state === "TIME-WAIT" &&
      has(c.facts, SYN) &&
      (c.facts!.stamps === "none" || ever(c, (f) => Math.abs(f.stampStep) > FAR)),
  },
  {
    name: "across the edge of the window",
    why: "Ours takes of a segment what lies in the window (RFC 9293 §3.10.7.4); Linux since 6.16 drops one that ends beyond it.",
    ends: true,
    is: (c) => ever(c, (f) => f.seq < f.edge && f.end > f.edge),
  },
  {
    name: "window of a crossed open",
    why: "When SYNs cross and the peer's has no window scale, Linux shifts its window all the same, and offers less than it has.",
    ends: true,
    is: (c) =>
      wasIn(c, "SYN-RECEIVED") &&
      [c.theirs.facts, ...c.earlier.map((e) => e.theirs)].some((f) => f !== null && f.edge < 256),
  },
  {
    name: "reset in CLOSE-WAIT",
    why: "Linux tells a program of a RST in CLOSE-WAIT by EPIPE when it next writes; ours says ECONNRESET at once.",
    ends: false,
    is: (c) =>
      c.field === "heard" &&
      wasIn(c, "CLOSE-WAIT") &&
      c.heard.ours.replace("ECONNRESET", "") === c.heard.theirs.replace("EPIPE", ""),
  },
  {
    name: "ACK that was still due",
    why: "The connection ended before a delayed ACK was sent.",
    ends: false,
    is: (c) => c.field === "acked" && (c.state === "LISTEN" || c.state === "CLOSED"),
  },
  {
    name: "ACK of what was never sent",
    why: "Ours takes an ACK for an old one down to SND.UNA - MAX.SND.WND (RFC 5961 §5.2); Linux since 6.7 refuses numbers that it never sent. Where SYNs cross it takes an ACK of its ISN for that of its SYN.",
    ends: true,
    is: (c) => ever(c, (f) => f.ackFromIsn <= 0 && (f.flags & ACK) !== 0),
  },
  {
    name: "rationed answers in SYN-RECEIVED",
    why: "A half-open connection draws one answer now and then here, as whoever sends has not shown its address; Linux has no such limit for connections that never were.",
    ends: false,
    is: (c) =>
      (c.field === "repeated" || c.field === "syns") &&
      c.state === "SYN-RECEIVED" &&
      c.ours.repeated + c.ours.syns.length === 0 &&
      c.theirs.repeated + c.theirs.syns.length > 0 &&
      c.theirs.syns.every((s) => s.includes("again")),
  },
  {
    name: "window of an older segment",
    why: "SND.WL1 decides which window is the newest (RFC 9293 §3.10.7.4); Linux goes by what acknowledges more, and lets no window shrink otherwise.",
    ends: true,
    is: (c) => c.field === "sent" && ever(c, (f) => f.window < 65535),
  },
  {
    name: "text on a SYN-ACK",
    why: "Text on a SYN-ACK in SYN-SENT is taken here (RFC 9293 §3.10.7.3); Linux waits for it to come again.",
    ends: true,
    is: (c) => ever(c, (f, state) => state === "SYN-SENT" && has(f, SYN) && f.length > 0),
  },
  {
    name: "how much leaves at once",
    why: "An ACK that says nothing new lets a segment more go here (RFC 3042), and what the window allows leaves at once; Linux holds back behind its small queues, and counts fewer ACKs as duplicates.",
    ends: true,
    is: (c) =>
      (c.field === "sent" || c.field === "finSent") &&
      c.theirs.sent > 0 &&
      c.ours.sent > c.theirs.sent,
  },
  {
    name: "room for SACK blocks",
    why: "While it has something to SACK ours leaves room for as many blocks as fit on each segment with text, Linux for those there are.",
    ends: true,
    is: (c) => c.field === "sent" && c.ours.sacks > 0,
  },
  {
    name: "small segment behind full ones",
    why: "Nagle's rule holds a segment that is not full while anything is unacknowledged (RFC 9293 §3.7.4); Linux only while another small one is (Minshall's variant).",
    ends: true,
    is: (c) => c.field === "sent" && c.ours.sent < c.theirs.sent && c.ours.sent > 0,
  },
  {
    name: "SYN again, with an old timestamp",
    why: "In SYN-RECEIVED a SYN that PAWS refuses draws nothing here; Linux sends its SYN-ACK again.",
    ends: false,
    is: (c) =>
      c.field === "syns" && c.state === "SYN-RECEIVED" && has(c.facts, SYN) && isOld(c.facts!),
  },
  {
    name: "TSecr of a handshake",
    why: "Since 6.14 Linux refuses an ACK of its SYN-ACK that echoes a later timestamp, such as that of an ACK it sent in between.",
    ends: true,
    is: (c) =>
      c.earlier.some((e) => e.state === "SYN-RECEIVED") &&
      ever(c, (f) => f.stamps === "there") &&
      ((c.heard.ours.includes('"open":true') && c.heard.theirs.includes('"open":false')) ||
        (c.state === "SYN-RECEIVED" && c.ours.resets.length > c.theirs.resets.length)),
  },
  {
    name: "orphan in FIN-WAIT-2",
    why: "Linux keeps of a connection in FIN-WAIT-2 that its program has closed as little as of one in TIME-WAIT, and answers as there.",
    ends: true,
    is: (c) =>
      ever(c, (f, state) => state === "FIN-WAIT-2" && isOddAck(f)) ||
      (c.state === "FIN-WAIT-2" && c.theirs.resets.length === 1 && c.ours.resets.length === 0) ||
      (c.state === "FIN-WAIT-2" && has(c.facts, RST) && c.field === "repeated"),
  },
];

/** Something waits out of order. */
const wasSacked = (c: Context): boolean => ever(c, (f) => f.seq > 0 && f.end > f.seq);

function withoutOptions(syns: readonly string[]): string {
  return [...new Set(syns.map((s) => s.replace(/ <.*/, "")))].join();
}
