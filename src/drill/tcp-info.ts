/** The names of `%{ }%` blocks: Linux's TCP_INFO out of what an endpoint tells of itself, and its constants. */
import type { TcpInfo } from "../tcp/info.ts";
import type { TcpState } from "../tcp/state.ts";

const STATES: Readonly<Record<TcpState, number>> = {
  ESTABLISHED: 1,
  "SYN-SENT": 2,
  "SYN-RECEIVED": 3,
  "FIN-WAIT-1": 4,
  "FIN-WAIT-2": 5,
  "TIME-WAIT": 6,
  CLOSED: 7,
  "CLOSE-WAIT": 8,
  "LAST-ACK": 9,
  LISTEN: 10,
  CLOSING: 11,
};

const CONSTANTS: ReadonlyMap<string, number> = new Map([
  ["TCP_ESTABLISHED", 1],
  ["TCP_SYN_SENT", 2],
  ["TCP_SYN_RECV", 3],
  ["TCP_FIN_WAIT1", 4],
  ["TCP_FIN_WAIT2", 5],
  ["TCP_TIME_WAIT", 6],
  ["TCP_CLOSE", 7],
  ["TCP_CLOSE_WAIT", 8],
  ["TCP_LAST_ACK", 9],
  ["TCP_LISTEN", 10],
  ["TCP_CLOSING", 11],
  ["TCP_CA_Open", 0],
  ["TCP_CA_Disorder", 1],
  ["TCP_CA_CWR", 2],
  ["TCP_CA_Recovery", 3],
  ["TCP_CA_Loss", 4],
  ["TCPI_OPT_TIMESTAMPS", 1],
  ["TCPI_OPT_SACK", 2],
  ["TCPI_OPT_WSCALE", 4],
  ["TCPI_OPT_ECN", 8],
  ["TCPI_OPT_ECN_SEEN", 16],
  ["TCPI_OPT_SYN_DATA", 32],
]);

const CA_STATES: readonly string[] = ["open", "disorder", "cwr", "recovery", "loss"];

/** Microseconds, as Linux keeps them. */
function us(ms: number): number {
  return Math.round(ms * 1000);
}

function optionBits(i: TcpInfo): number {
  return (
    (i.timestamps ? 1 : 0) |
    (i.sack ? 2 : 0) |
    (i.sndWscale >= 0 ? 4 : 0) |
    (i.ecn ? 8 : 0) |
    (i.ecnSeen ? 16 : 0) |
    (i.synData ? 32 : 0)
  );
}

const FIELDS: Readonly<Record<string, (i: TcpInfo) => number>> = {
  state: (i) => STATES[i.state],
  ca_state: (i) => CA_STATES.indexOf(i.caState),
  retransmits: (i) => i.retries,
  probes: (i) => i.probes,
  backoff: (i) => i.backoff,
  options: optionBits,
  snd_wscale: (i) => Math.max(0, i.sndWscale),
  rcv_wscale: (i) => Math.max(0, i.rcvWscale),
  rto: (i) => us(i.rto),
  ato: (i) => us(i.ato),
  snd_mss: (i) => i.sndMss,
  rcv_mss: (i) => i.rcvMss,
  unacked: (i) => i.unackedSegments,
  sacked: (i) => i.sackedSegments,
  lost: (i) => i.lostSegments,
  retrans: (i) => i.resentSegments,
  advmss: (i) => i.advMss,
  pmtu: (i) => i.pmtu,
  // whole segments: what is left over of the window sends nothing
  snd_cwnd: (i) => Math.floor(i.cwnd / Math.max(1, i.sndMss)),
  snd_ssthresh: (i) =>
    i.ssthresh >= 0x7fffffff ? 0x7fffffff : Math.floor(i.ssthresh / Math.max(1, i.sndMss)),
  rtt: (i) => us(i.srtt),
  rttvar: (i) => us(i.rttvar),
  min_rtt: (i) => (i.minRtt === 0 ? 0xffffffff : us(i.minRtt)),
  rcv_rtt: (i) => us(i.rcvRtt),
  rcv_space: (i) => i.receiveBuffer,
  rcv_ssthresh: (i) => i.rcvWnd,
  total_retrans: (i) => i.retransmits,
  bytes_acked: (i) => i.bytesAcked,
  bytes_received: (i) => i.bytesReceived,
  bytes_sent: (i) => i.bytesSent + i.totalRetransmittedBytes,
  bytes_retrans: (i) => i.totalRetransmittedBytes,
  segs_out: (i) => i.segsOut,
  segs_in: (i) => i.segsIn,
  data_segs_out: (i) => i.dataSegsOut,
  data_segs_in: (i) => i.dataSegsIn,
  notsent_bytes: (i) => i.notSent,
  delivered_ce: (i) => i.deliveredCe,
  pacing_rate: (i) => Math.round(i.pacingRate),
  delivery_rate: (i) => Math.round(i.deliveryRate),
  reord_seen: (i) => (i.reorderingSeen ? 1 : 0),
  dsack_dups: (i) => i.dsackDuplicates,
  rcv_ooopack: (i) => i.outOfOrderSegments,
  snd_wnd: (i) => i.sndWnd,
  rcv_wnd: (i) => i.rcvWnd,
  last_data_sent: (i) => Math.floor(i.lastSent),
  last_data_recv: (i) => Math.floor(i.lastReceived),
  last_ack_recv: (i) => Math.floor(i.lastHeard),
};

/** What a name stands for while `info` is the snapshot; undefined for what is no such name. Null: there is no connection yet. */
export function infoValue(name: string, info: TcpInfo | null, state: number): number | undefined {
  const constant = CONSTANTS.get(name);
  if (constant !== undefined) return constant;
  if (!name.startsWith("tcpi_")) return undefined;
  const short = name.slice(5);
  const field = Object.hasOwn(FIELDS, short) ? FIELDS[short]! : undefined;
  if (field === undefined) return undefined;
  if (info === null) return short === "state" ? state : 0;
  return field(info);
}
