/**
 * A small model of TCP, written as a table out of RFC 9293 §3.10.7, RFC 5961 and RFC 7323: in each state, for each class of
 * segment, which states may follow and what may be answered. It knows nothing of the code that it judges.
 */
import { STATES, type TcpState } from "../tcp/state.ts";

export { STATES };

/** What a segment is, by its flags: the first of these that it has. `none`: no ACK either. `broken`: no right segment at all. */
export const KINDS = ["RST", "SYN", "SYN-ACK", "none", "FIN", "text", "ACK", "broken"] as const;
/** One of {@link KINDS}. */
export type Kind = (typeof KINDS)[number];

/** Where it lies: at RCV.NXT, within the window behind it, begun before and reaching into it, all before, or beyond. */
export const PLACES = ["at", "ahead", "across", "before", "beyond"] as const;
/** One of {@link PLACES}. */
export type Place = (typeof PLACES)[number];

/** What it acknowledges: less than SND.UNA, SND.UNA, more, more than SND.NXT, or nothing. */
export const ACKS = ["old", "same", "new", "future", "-"] as const;
/** One of {@link ACKS}. */
export type Ack = (typeof ACKS)[number];

/** What is answered at once: nothing, a segment that is neither RST nor SYN, a RST, a SYN with ACK. */
export const NOTHING = 1;
/** A segment that is neither RST nor SYN. */
export const SEGMENT = 2;
/** A RST. */
export const RESET = 4;
/** A SYN with ACK. */
export const SYN_ACK = 8;

/** What else decides. */
export interface Circumstances {
  /** The user ended the stream, and our FIN has not left. */
  readonly queued: boolean;
  /** Nobody reads any more. */
  readonly orphan: boolean;
  /** SYN cookies may be about. */
  readonly cookies: boolean;
  /** It acknowledges our FIN. */
  readonly acksFin: boolean;
  /** A FIN without text, and nothing of the connection's makes it doubtful. */
  readonly plainFin: boolean;
  /** The SYN of the connection once more. */
  readonly sameSyn: boolean;
}

type When = keyof Circumstances;

/** A rule: what may follow, for some classes of segments in some states. */
export interface Row {
  readonly in: readonly TcpState[];
  readonly kinds: readonly Kind[];
  readonly places: readonly Place[];
  readonly acks: readonly Ack[];
  readonly when?: When;
  /** Empty: the state it is in. CLOSED stands for LISTEN, too, where somebody listens. */
  readonly to: readonly TcpState[];
  /** Bits, any of which may be. */
  readonly answers: number;
  /** SND.UNA and RCV.NXT stay as they are. */
  readonly still: boolean;
}

const ANY_PLACE: readonly Place[] = PLACES;
const ANY_ACK: readonly Ack[] = ACKS;
const OUTSIDE: readonly Place[] = ["before", "beyond"];
const WITH_ACK: readonly Kind[] = ["FIN", "text", "ACK"];
const LATER: readonly TcpState[] = STATES.slice(4);
const LATER_OR_SAME: readonly TcpState[] = ["CLOSED", ...STATES.slice(3)];
const ALIVE: readonly TcpState[] = STATES.slice(3);

type Parts = Pick<Row, "in" | "kinds" | "answers"> & Partial<Row>;

function row(parts: Parts): Row {
  return { places: ANY_PLACE, acks: ANY_ACK, to: [], still: false, ...parts };
}

/** The first row that fits counts. */
export const TABLE: readonly Row[] = [
  row({ in: STATES, kinds: ["broken"], answers: NOTHING, still: true }),

  // CLOSED (§3.10.7.1)
  row({ in: ["CLOSED"], kinds: ["RST"], answers: NOTHING }),
  row({ in: ["CLOSED"], kinds: KINDS, answers: RESET }),

  // LISTEN (§3.10.7.2)
  row({ in: ["LISTEN"], kinds: ["RST", "none"], answers: NOTHING }),
  row({
    in: ["LISTEN"],
    kinds: ["SYN"],
    to: ["LISTEN", "SYN-RECEIVED"],
    // with Fast Open its text is read at once, and the window told (RFC 7413)
    answers: SYN_ACK | SEGMENT | NOTHING,
  }),
  row({
    in: ["LISTEN"],
    kinds: WITH_ACK,
    when: "cookies",
    to: ["LISTEN", "ESTABLISHED", "CLOSE-WAIT"],
    answers: RESET | SEGMENT | NOTHING,
  }),
  row({ in: ["LISTEN"], kinds: KINDS, answers: RESET }),

  // SYN-SENT (§3.10.7.3)
  row({ in: ["SYN-SENT"], kinds: ["RST"], acks: ["new"], to: ["CLOSED"], answers: NOTHING }),
  row({ in: ["SYN-SENT"], kinds: ["RST"], answers: NOTHING, still: true }),
  row({
    in: ["SYN-SENT"],
    kinds: KINDS,
    acks: ["old", "same", "future"],
    answers: RESET,
    still: true,
  }),
  row({
    in: ["SYN-SENT"],
    kinds: ["SYN-ACK"],
    when: "queued",
    to: ["ESTABLISHED", "FIN-WAIT-1", "CLOSE-WAIT", "LAST-ACK"],
    answers: SEGMENT,
  }),
  row({
    in: ["SYN-SENT"],
    kinds: ["SYN-ACK"],
    to: ["ESTABLISHED", "CLOSE-WAIT"],
    answers: SEGMENT,
  }),
  row({ in: ["SYN-SENT"], kinds: ["SYN"], to: ["SYN-RECEIVED"], answers: SYN_ACK }),
  row({ in: ["SYN-SENT"], kinds: KINDS, answers: NOTHING, still: true }),

  // a SYN in TIME-WAIT that is newer (§3.6.1, MAY-2, RFC 6191), else a challenge ACK
  row({
    in: ["TIME-WAIT"],
    kinds: ["SYN"],
    to: ["TIME-WAIT", "SYN-RECEIVED", "CLOSED"],
    answers: SYN_ACK | SEGMENT | NOTHING,
  }),

  // SYN-RECEIVED: the SYN again, and the other half of SYNs that crossed
  row({
    in: ["SYN-RECEIVED"],
    kinds: ["SYN"],
    when: "sameSyn",
    answers: SYN_ACK | NOTHING,
    still: true,
  }),
  row({
    in: ["SYN-RECEIVED"],
    kinds: ["SYN-ACK"],
    acks: ["new"],
    when: "sameSyn",
    to: [
      "SYN-RECEIVED",
      "ESTABLISHED",
      "CLOSE-WAIT",
      "FIN-WAIT-1",
      "LAST-ACK",
      "CLOSED",
      "TIME-WAIT",
    ],
    // a RST where it brings text and the user is gone (SHLD-3)
    answers: SEGMENT | RESET | NOTHING,
  }),
  row({
    in: ["SYN-RECEIVED"],
    kinds: ["SYN-ACK"],
    when: "sameSyn",
    // text behind the SYN that reaches into the window makes it one of the fourth check
    to: ["SYN-RECEIVED", "CLOSED", "TIME-WAIT"],
    answers: SEGMENT | RESET | SYN_ACK | NOTHING,
    still: true,
  }),

  // first check: acceptability; a RST outside is silent
  row({ in: ALIVE, kinds: ["RST"], places: OUTSIDE, answers: NOTHING, still: true }),
  row({ in: ALIVE, kinds: KINDS, places: OUTSIDE, answers: SEGMENT | NOTHING, still: true }),

  // second check: RST at RCV.NXT only (RFC 5961 §3.2); in TIME-WAIT as RFC 1337 says
  row({
    in: ["TIME-WAIT"],
    kinds: ["RST"],
    to: ["TIME-WAIT", "CLOSED"],
    answers: SEGMENT | NOTHING,
    still: true,
  }),
  // the connection whose place a newer SYN took goes on in TIME-WAIT
  row({
    in: ["SYN-RECEIVED"],
    kinds: ["RST"],
    places: ["at"],
    to: ["CLOSED", "TIME-WAIT"],
    answers: NOTHING,
  }),
  row({ in: ALIVE, kinds: ["RST"], places: ["at"], to: ["CLOSED"], answers: NOTHING }),
  row({ in: ALIVE, kinds: ["RST"], answers: SEGMENT | NOTHING, still: true }),

  // fourth check: SYN (RFC 5961 §4.2); one that was opened passively goes back to LISTEN
  row({
    in: ["SYN-RECEIVED"],
    kinds: ["SYN", "SYN-ACK"],
    to: ["SYN-RECEIVED", "CLOSED", "TIME-WAIT"],
    answers: SEGMENT | NOTHING,
    still: true,
  }),
  row({ in: LATER, kinds: ["SYN", "SYN-ACK"], answers: SEGMENT | NOTHING, still: true }),

  // fifth check: ACK
  row({ in: ALIVE, kinds: ["none"], answers: NOTHING, still: true }),
  row({
    in: ["SYN-RECEIVED"],
    kinds: WITH_ACK,
    acks: ["old", "same", "future"],
    answers: RESET,
    still: true,
  }),
  // nobody will read it: RST (§3.6.1, SHLD-3)
  row({
    in: ["SYN-RECEIVED", "ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2"],
    kinds: ["text", "FIN"],
    acks: ["old", "same", "new"],
    when: "orphan",
    to: LATER_OR_SAME,
    answers: RESET | SEGMENT | NOTHING,
  }),
  row({
    in: ["SYN-RECEIVED"],
    kinds: WITH_ACK,
    when: "queued",
    to: ["ESTABLISHED", "CLOSE-WAIT", "FIN-WAIT-1", "LAST-ACK", "CLOSING"],
    answers: SEGMENT | NOTHING,
  }),
  row({
    in: ["SYN-RECEIVED"],
    kinds: WITH_ACK,
    // an accept queue that is full makes it stay
    to: ["SYN-RECEIVED", "ESTABLISHED", "CLOSE-WAIT"],
    answers: SEGMENT | NOTHING,
  }),
  row({ in: LATER, kinds: WITH_ACK, acks: ["future"], answers: SEGMENT | NOTHING, still: true }),

  // seventh and eighth check: text and FIN, and what an ACK of our FIN does
  row({
    in: ["ESTABLISHED"],
    kinds: ["FIN"],
    places: ["at"],
    acks: ["same", "new"],
    when: "plainFin",
    to: ["CLOSE-WAIT", "LAST-ACK"],
    answers: SEGMENT,
  }),
  row({
    in: ["FIN-WAIT-2"],
    kinds: ["FIN"],
    places: ["at"],
    acks: ["same", "new"],
    when: "plainFin",
    to: ["TIME-WAIT"],
    answers: SEGMENT,
  }),
  row({
    in: ["ESTABLISHED"],
    kinds: WITH_ACK,
    when: "queued",
    to: ["ESTABLISHED", "FIN-WAIT-1", "CLOSE-WAIT", "LAST-ACK"],
    answers: SEGMENT | NOTHING,
  }),
  row({ in: ["ESTABLISHED"], kinds: ["ACK"], answers: SEGMENT | NOTHING }),
  row({
    in: ["ESTABLISHED"],
    kinds: WITH_ACK,
    places: ["ahead"],
    answers: SEGMENT | NOTHING,
  }),
  row({
    in: ["ESTABLISHED"],
    kinds: WITH_ACK,
    to: ["ESTABLISHED", "CLOSE-WAIT"],
    answers: SEGMENT | NOTHING,
  }),
  row({
    in: ["FIN-WAIT-1"],
    kinds: WITH_ACK,
    when: "acksFin",
    to: ["FIN-WAIT-2", "TIME-WAIT"],
    answers: SEGMENT | NOTHING,
  }),
  row({ in: ["FIN-WAIT-1"], kinds: ["ACK"], answers: SEGMENT | NOTHING }),
  row({
    in: ["FIN-WAIT-1"],
    kinds: WITH_ACK,
    to: ["FIN-WAIT-1", "CLOSING"],
    answers: SEGMENT | NOTHING,
  }),
  row({ in: ["FIN-WAIT-2"], kinds: ["ACK"], answers: SEGMENT | NOTHING }),
  row({
    in: ["FIN-WAIT-2"],
    kinds: WITH_ACK,
    to: ["FIN-WAIT-2", "TIME-WAIT"],
    answers: SEGMENT | NOTHING,
  }),
  row({
    in: ["CLOSE-WAIT"],
    kinds: WITH_ACK,
    when: "queued",
    to: ["CLOSE-WAIT", "LAST-ACK"],
    answers: SEGMENT | NOTHING,
  }),
  row({ in: ["CLOSE-WAIT"], kinds: WITH_ACK, answers: SEGMENT | NOTHING }),
  row({
    in: ["CLOSING"],
    kinds: WITH_ACK,
    when: "acksFin",
    to: ["TIME-WAIT"],
    answers: SEGMENT | NOTHING,
  }),
  row({ in: ["CLOSING"], kinds: WITH_ACK, answers: SEGMENT | NOTHING }),
  row({
    in: ["LAST-ACK"],
    kinds: WITH_ACK,
    when: "acksFin",
    to: ["CLOSED"],
    answers: SEGMENT | NOTHING,
  }),
  row({ in: ["LAST-ACK"], kinds: WITH_ACK, answers: SEGMENT | NOTHING }),
  row({ in: ["TIME-WAIT"], kinds: WITH_ACK, answers: SEGMENT | NOTHING }),
];

// --- cells: one for each state, kind, place and ack -------------------------------------------------

const PLACE_COUNT = PLACES.length;
const ACK_COUNT = ACKS.length;
const KIND_COUNT = KINDS.length;
/** Cells of the table: every state with every class of segment. */
export const CELLS: number = STATES.length * KIND_COUNT * PLACE_COUNT * ACK_COUNT;

/** The number of a cell, by the indices of its state and class. */
export function cellOf(state: number, kind: number, place: number, ack: number): number {
  return ((state * KIND_COUNT + kind) * PLACE_COUNT + place) * ACK_COUNT + ack;
}

/** The rows that a cell's segments may be judged by, in their order, by index into {@link TABLE}. */
export const ROWS: readonly (readonly number[])[] = Array.from({ length: CELLS }, (_, cell) => {
  const { state, kind, place, ack } = describeCell(cell);
  const fits = (r: Row): boolean =>
    r.in.includes(state) &&
    r.kinds.includes(kind) &&
    r.places.includes(place) &&
    r.acks.includes(ack);
  return TABLE.flatMap((r, i) => (fits(r) ? [i] : []));
});

/** A state and a class of segment. */
export interface Cell {
  readonly state: TcpState;
  readonly kind: Kind;
  readonly place: Place;
  readonly ack: Ack;
}

/** What a number of {@link cellOf} stands for. */
export function describeCell(cell: number): Cell {
  return {
    ack: ACKS[cell % ACK_COUNT]!,
    place: PLACES[Math.floor(cell / ACK_COUNT) % PLACE_COUNT]!,
    kind: KINDS[Math.floor(cell / (ACK_COUNT * PLACE_COUNT)) % KIND_COUNT]!,
    state: STATES[Math.floor(cell / (ACK_COUNT * PLACE_COUNT * KIND_COUNT))]!,
  };
}

/** Whether there can be such a segment in such a state; what cannot be is counted under a cell that can. */
export function isPossible(cell: number): boolean {
  const { state, kind, place, ack } = describeCell(cell);
  if (kind === "broken") return place === "at" && ack === "-";
  if (state === "CLOSED" || state === "LISTEN") return place === "at" && ack === "-";
  if (state === "SYN-SENT") return isPossibleAnswer(kind, place, ack);
  // what is refused before the ACK is looked at is one cell whatever it acknowledges
  const isLooked = state === "SYN-RECEIVED" && kind === "SYN-ACK";
  if (!WITH_ACK.includes(kind) && !isLooked) return ack === "-";
  if (ack === "-") return false;
  // nothing of ours is under way
  if (ack === "new" && (state === "FIN-WAIT-2" || state === "TIME-WAIT")) return false;
  // what has no length does not reach across
  return kind !== "ACK" || place !== "across";
}

function isPossibleAnswer(kind: Kind, place: Place, ack: Ack): boolean {
  if (place !== "at" || ack === "old") return false;
  if (kind === "RST") return true;
  return (kind === "SYN-ACK" || WITH_ACK.includes(kind)) === (ack !== "-");
}
