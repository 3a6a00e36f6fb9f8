/** What moved between two looks at the connection table. */
import { bytes } from "../observe/index.ts";
import { columns } from "./columns.ts";
import type { ConnectionRow, ConnectionTable, StackSummary } from "./requests.ts";

export interface RateRow extends ConnectionRow {
  /** Bits a second since the look before: acknowledged by the peer, and received from it. */
  readonly sendRate: number;
  readonly receiveRate: number;
}

const keyOf = (c: ConnectionRow): string =>
  `${c.localAddress}:${c.localPort} ${c.remoteAddress}:${c.remotePort} ${c.iss}`;

/** `span`: ms between the looks. Those that move most come first. */
export function ratesOf(before: ConnectionTable, after: ConnectionTable, span: number): RateRow[] {
  const known = new Map(before.connections.map((c) => [keyOf(c), c]));
  const rate = (now: number, then: number): number =>
    span > 0 ? (Math.max(0, now - then) * 8000) / span : 0;
  const rows = after.connections.map((c) => {
    const old = known.get(keyOf(c));
    return {
      ...c,
      sendRate: rate(c.bytesAcked, old?.bytesAcked ?? 0),
      receiveRate: rate(c.bytesReceived, old?.bytesReceived ?? 0),
    };
  });
  return rows.toSorted((a, b) => total(b) - total(a) || a.remotePort - b.remotePort);
}

const total = (row: RateRow): number => row.sendRate + row.receiveRate;

/** `12.3M`: bits a second. */
export function rateText(bits: number): string {
  if (bits < 1000) return `${Math.round(bits)}`;
  const units = ["k", "M", "G", "T"];
  let value = bits / 1000;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${value < 99.95 ? value.toFixed(1) : Math.round(value)}${units[unit]}`;
}

const HEADINGS = [
  "STATE",
  "LOCAL",
  "PEER",
  "SEND",
  "RECV",
  "RTT",
  "CWND",
  "RETRANS",
  "WHY NOT FASTER",
];

/** Those of numbers. */
const RIGHT = new Set([3, 4, 5, 6, 7]);

/** Lines of at most `width` characters; as many connections as `height` leaves room for. */
export function topText(
  summary: StackSummary,
  rows: readonly RateRow[],
  width: number,
  height: number,
): string {
  const sum = (pick: (row: RateRow) => number): string =>
    rateText(rows.reduce((all, row) => all + pick(row), 0));
  const states = Object.entries(summary.states).map(([state, n]) => `${n} ${state}`);
  const head = [
    `tuntcp ${summary.version}  ${summary.addresses.join(" ")} on ${summary.tun}  up ${Math.round(summary.uptime / 1000)} s  ${bytes(summary.memory)}`,
    `${rows.length} connections: ${states.length === 0 ? "none" : states.join(", ")}`,
    `sending ${sum((r) => r.sendRate)}bit/s  receiving ${sum((r) => r.receiveRate)}bit/s  retransmitted ${summary.counters["TcpRetransSegs"] ?? 0} segments`,
    "",
  ];
  const room = Math.max(0, height - head.length - 2);
  const shown = rows.slice(0, room).map(cells);
  const lines = columns([HEADINGS, ...shown], RIGHT);
  const more = rows.length - shown.length;
  if (more > 0) lines.push(`… and ${more} more`);
  return [...head, ...lines].map((line) => line.slice(0, width)).join("\n");
}

function cells(row: RateRow): string[] {
  return [
    row.state,
    `${row.localAddress}:${row.localPort}`,
    `${row.remoteAddress}:${row.remotePort}`,
    rateText(row.sendRate),
    rateText(row.receiveRate),
    row.srtt > 0 ? `${row.srtt < 10 ? row.srtt.toFixed(1) : Math.round(row.srtt)}ms` : "-",
    `${Math.floor(row.cwnd / Math.max(1, row.sndMss))}`,
    `${row.retransmits}`,
    row.limit.text,
  ];
}
