/** The events of the grid: kinds of segment, and the places of SEG.SEQ, SEG.ACK and SEG.TSval around each edge. */
import { ACK, type Block, CWR, diff, ECE, FIN, PSH, RST, type Segment, SYN, URG } from "./model.ts";

/** Bytes of text on a short segment; the places below are chosen so that it ends at each edge. */
export const TEXT = 10;
const FAR = 2 ** 30;
/** SEG.WND: another than was offered before, so that it shows whether SND.WND took it. */
const WINDOW = 2000;

export interface Kind {
  readonly name: string;
  readonly flags: number;
  readonly length?: number;
  readonly urgent?: number;
}

export const KINDS: readonly Kind[] = [
  { name: "no flags", flags: 0 },
  { name: "text", flags: PSH, length: TEXT },
  { name: "URG", flags: URG, urgent: 5 },
  { name: "FIN", flags: FIN },
  { name: "SYN", flags: SYN },
  { name: "SYN + text", flags: SYN, length: TEXT },
  { name: "SYN,FIN", flags: SYN | FIN },
  { name: "SYN,RST", flags: SYN | RST },
  { name: "RST", flags: RST },
  { name: "ACK", flags: ACK },
  { name: "ACK + text", flags: ACK | PSH, length: TEXT },
  { name: "ACK + 5000 bytes", flags: ACK, length: 5000 },
  { name: "URG,ACK", flags: ACK | URG, urgent: 5 },
  { name: "URG,ACK + text", flags: ACK | URG | PSH, length: TEXT, urgent: 15 },
  { name: "FIN,ACK", flags: FIN | ACK },
  { name: "FIN,ACK + text", flags: FIN | ACK | PSH, length: TEXT },
  { name: "SYN,ACK", flags: SYN | ACK },
  { name: "SYN,FIN,URG,ACK + text", flags: SYN | FIN | URG | ACK, length: TEXT, urgent: 15 },
  { name: "RST,ACK", flags: RST | ACK },
  { name: "RST,ACK + text", flags: RST | ACK, length: TEXT },
  {
    name: "every flag + text",
    flags: FIN | SYN | RST | PSH | ACK | URG | ECE | CWR,
    length: TEXT,
    urgent: 15,
  },
];

export interface Place {
  readonly name: string;
  readonly at: number;
}

/** The first name of each number: at window 0 and with nothing unacknowledged, edges fall together. */
function distinct(places: readonly Place[]): Place[] {
  return places.filter((p, i) => places.findIndex((q) => diff(p.at, q.at) === 0) === i);
}

export function seqPlaces(b: Block): Place[] {
  const { rcvNxt: nxt, edge } = b;
  if (b.state === "CLOSED" || b.state === "LISTEN" || b.state === "SYN-SENT") {
    return [
      { name: "0", at: 0 },
      { name: "1", at: 1 },
      { name: "2^30", at: FAR },
    ];
  }
  // one state shows from where on a number is far off
  const showsFar = b.state === "ESTABLISHED" && edge !== nxt && !b.timestamps;
  const far = showsFar ? [-65536, -65535, 65535, 65536] : [];
  return distinct([
    { name: "NXT", at: nxt },
    { name: "NXT+WND", at: edge },
    ...far.map((n) => ({ name: `NXT${n < 0 ? "" : "+"}${n}`, at: nxt + n })),
    { name: "NXT-2^30", at: nxt - FAR },
    { name: "NXT-11", at: nxt - TEXT - 1 },
    { name: "NXT-10", at: nxt - TEXT },
    { name: "NXT-1", at: nxt - 1 },
    { name: "NXT+1", at: nxt + 1 },
    { name: "NXT+WND-10", at: edge - TEXT },
    { name: "NXT+WND-1", at: edge - 1 },
    { name: "NXT+2^30", at: nxt + FAR },
  ]).toSorted((a, c) => a.at - c.at);
}

export function ackPlaces(b: Block, flags: number): Place[] {
  if ((flags & ACK) === 0) return [{ name: "", at: 0 }];
  const { una, nxt, maxWnd } = b;
  if (b.state === "CLOSED" || b.state === "LISTEN") {
    return [
      { name: "0", at: 0 },
      { name: "1", at: 1 },
      { name: "2^30", at: FAR },
    ];
  }
  const all = distinct([
    { name: "UNA", at: una },
    { name: "NXT", at: nxt },
    { name: "UNA-MAX-1", at: una - maxWnd - 1 },
    { name: "UNA-MAX", at: una - maxWnd },
    { name: "UNA-1", at: una - 1 },
    { name: "UNA+1", at: una + 1 },
    { name: "NXT-1", at: nxt - 1 },
    { name: "NXT+1", at: nxt + 1 },
    { name: "NXT+2^30", at: nxt + FAR },
  ]).toSorted((a, c) => a.at - c.at);
  // a live connection looks at SYN and RST before it looks at the ACK: three places, to see that it does
  const early = (flags & (SYN | RST)) !== 0 && b.state !== "SYN-SENT" && b.state !== "SYN-RECEIVED";
  const few = new Set(["UNA-MAX-1", "UNA", "NXT", "NXT+1"]);
  return early || b.timestamps ? all.filter((p) => few.has(p.name)) : all;
}

/** Timestamps around TS.Recent where they were agreed; else none. */
export function tsPlaces(b: Block): (Place & { readonly val: number | null })[] {
  if (!b.timestamps) return [{ name: "", at: 0, val: null }];
  return [
    { name: "none", at: 0, val: null },
    { name: "RECENT-1", at: 0, val: b.tsRecent - 1 },
    { name: "RECENT", at: 0, val: b.tsRecent },
    { name: "RECENT+1", at: 0, val: b.tsRecent + 1 },
  ];
}

/** One cell's event, with the names of its places. */
export interface Event {
  readonly kind: Kind;
  readonly seq: string;
  readonly ack: string;
  readonly ts: string;
  readonly segment: Segment;
}

export function eventsFor(b: Block): Event[] {
  return KINDS.flatMap((kind) =>
    tsPlaces(b).flatMap((ts) =>
      ackPlaces(b, kind.flags).flatMap((ack) =>
        seqPlaces(b).map((place) => ({
          kind,
          seq: place.name,
          ack: ack.name,
          ts: ts.name,
          segment: {
            flags: kind.flags,
            seq: place.at,
            length: kind.length ?? 0,
            ack: ack.at,
            window: WINDOW,
            urgent: kind.urgent ?? 0,
            tsVal: ts.val,
          },
        })),
      ),
    ),
  );
}
