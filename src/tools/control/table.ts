/** The connection table as text, in the habit of `ss -tin`. */
import { bytes } from "../observe/index.ts";
import { columns } from "./columns.ts";
import type { ConnectionRow, ConnectionTable, StackSummary } from "./requests.ts";

const SS_STATES: Readonly<Record<string, string>> = {
  ESTABLISHED: "ESTAB",
  "SYN-RECEIVED": "SYN-RECV",
};
const HEADINGS = ["State", "Recv-Q", "Send-Q", "Local Address:Port", "Peer Address:Port", ""];

export function tableText({ listeners, connections }: ConnectionTable): string {
  const rows: string[][] = [];
  const details: string[] = [];
  for (const l of listeners) {
    rows.push([
      "LISTEN",
      `${l.waiting}`,
      `${l.backlog}`,
      `${l.address}:${l.port}`,
      `0.0.0.0:*`,
      "",
    ]);
    details.push("");
  }
  for (const c of connections) {
    rows.push([
      SS_STATES[c.state] ?? c.state,
      `${c.receiveQueued}`,
      `${c.sendQueued}`,
      `${c.localAddress}:${c.localPort}`,
      `${c.remoteAddress}:${c.remotePort}`,
      timerText(c),
    ]);
    details.push(`\t ${detailText(c)}\n\t ${c.limit.text}`);
  }
  const lines = columns([HEADINGS, ...rows]);
  return lines
    .flatMap((line, i) => (i === 0 || details[i - 1] === "" ? [line] : [line, details[i - 1]!]))
    .join("\n");
}

/** ss's names: on is the retransmission timer, persist the zero window's, timewait 2 MSL. */
const TIMERS: Readonly<Record<string, string>> = {
  retransmit: "on",
  probe: "on",
  reordering: "on",
  "time-wait": "timewait",
};

function timerText({ timer, timerIn, retries, probes }: ConnectionRow): string {
  if (timer === "") return "";
  return `timer:(${TIMERS[timer] ?? timer},${span(timerIn)},${retries || probes})`;
}

/** As ss: `200ms`, `1.5sec`, `119min`. */
function span(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)}ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1).replace(/\.0$/, "")}sec`;
  return `${Math.round(ms / 60_000)}min`;
}

const ms = (value: number): string => `${Number(value.toFixed(3))}`;

const segments = (c: ConnectionRow, n: number): number => Math.floor(n / Math.max(1, c.sndMss));

/** `name:value`, nothing for 0. */
function some(name: string, value: number): string {
  return value > 0 ? `${name}:${value}` : "";
}

function detailText(c: ConnectionRow): string {
  const words = [
    ...agreedWords(c),
    ...timeWords(c),
    ...sizeWords(c),
    ...countWords(c),
    ...lossWords(c),
  ];
  return words.filter((word) => word !== "").join(" ");
}

const agreedWords = (c: ConnectionRow): string[] => [
  c.timestamps ? "ts" : "",
  c.sack ? "sack" : "",
  c.ecn ? (c.ecnSeen ? "ecn ecnseen" : "ecn") : "",
  c.congestionControl,
  c.sndWscale >= 0 ? `wscale:${c.sndWscale},${c.rcvWscale}` : "",
];

const timeWords = (c: ConnectionRow): string[] => [
  `rto:${ms(c.rto)}`,
  some("backoff", c.backoff),
  c.srtt > 0 ? `rtt:${ms(c.srtt)}/${ms(c.rttvar)}` : "",
  some("ato", Math.round(c.ato)),
];

const sizeWords = (c: ConnectionRow): string[] => [
  `mss:${c.sndMss} pmtu:${c.pmtu} rcvmss:${c.rcvMss} advmss:${c.advMss}`,
  `cwnd:${segments(c, c.cwnd)}`,
  c.ssthresh < 0x7fffffff ? `ssthresh:${segments(c, c.ssthresh)}` : "",
];

const countWords = (c: ConnectionRow): string[] => [
  // every byte that left, as ss has it
  some("bytes_sent", c.bytesSent + c.totalRetransmittedBytes),
  some("bytes_retrans", c.totalRetransmittedBytes),
  some("bytes_acked", c.bytesAcked),
  some("bytes_received", c.bytesReceived),
  `segs_out:${c.segsOut} segs_in:${c.segsIn}`,
  some("data_segs_out", c.dataSegsOut),
  some("data_segs_in", c.dataSegsIn),
  c.srtt > 0 ? `send ${rate((1000 * c.cwnd) / c.srtt)}` : "",
  `lastsnd:${Math.round(c.lastSent)} lastrcv:${Math.round(c.lastReceived)} lastack:${Math.round(c.lastHeard)}`,
  c.pacingRate > 0 ? `pacing_rate ${rate(c.pacingRate)}` : "",
  c.deliveryRate > 0 ? `delivery_rate ${rate(c.deliveryRate)}` : "",
];

/** Bytes a second as ss tells them: bits. */
const rate = (bytesPerSecond: number): string => `${Math.round(8 * bytesPerSecond)}bps`;

const lossWords = (c: ConnectionRow): string[] => [
  some("unacked", c.unackedSegments),
  c.retransmits > 0 ? `retrans:${c.resentSegments}/${c.retransmits}` : "",
  some("lost", c.lostSegments),
  some("sacked", c.sackedSegments),
  some("dsack_dups", c.dsackDuplicates),
  c.reorderingSeen ? "reord_seen:1" : "",
  `rcv_space:${c.receiveBuffer}`,
  some("rcv_ooopack", c.outOfOrderSegments),
  some("notsent", c.notSent),
  c.minRtt > 0 ? `minrtt:${ms(c.minRtt)}` : "",
  `snd_wnd:${c.sndWnd} rcv_wnd:${c.rcvWnd}`,
  c.recovery === "open" ? "" : c.recovery,
];

export function summaryText(s: StackSummary): string {
  const count = (state: string): number => s.states[state] ?? 0;
  const total = Object.values(s.states).reduce((sum, n) => sum + n, 0);
  const established = count("ESTABLISHED");
  const closed = total - established - count("SYN-RECEIVED") - count("SYN-SENT");
  const states = Object.entries(s.states)
    .toSorted(([, a], [, b]) => b - a)
    .map(([state, n]) => `  ${state.padEnd(14)}${n}`);
  return [
    `tuntcp ${s.version}, pid ${s.pid}, ${s.addresses.join(" ")} on ${s.tun}, up ${span(s.uptime)}`,
    `TCP:   ${total} (estab ${established}, closing ${closed}, timewait ${count("TIME-WAIT")}, listening ${s.listeners}), ${bytes(s.memory)} of memory`,
    ...states,
  ].join("\n");
}
