/** The block as plain data, for tests, tools and users; nothing else reaches into private fields. */
import { elapsed, type Instant } from "../base/time.ts";
import { formatIpv4 } from "../wire/address.ts";
import { seqDiff, seqUnsigned } from "../wire/seq.ts";
import type { TcpInfo } from "./info.ts";
import { flightSize, inNetwork } from "./flight.ts";
import { pathMtu } from "./mss.ts";
import { unsent } from "./output/send-policy.ts";
import { countSegments } from "./recovery/count-segments.ts";
import { GUARD_NAMES } from "./retransmit-timer.ts";
import type { Tcb } from "./tcb.ts";
import { TIMER_NAMES, TIMER_RETRANSMIT } from "./timers.ts";
import { urgentAhead } from "./urgent.ts";

export function snapshot(t: Tcb, now: Instant): TcpInfo {
  return {
    state: t.state,
    localAddress: formatIpv4(t.localAddress),
    localPort: t.localPort,
    remoteAddress: formatIpv4(t.remoteAddress),
    remotePort: t.remotePort,
    ...sequence(t),
    ...agreed(t),
    ...path(t),
    ...congestion(t),
    ...queues(t),
    ...counts(t),
    ...times(t, now),
    softError: t.softError?.code ?? "",
  };
}

const sequence = (t: Tcb) => ({
  iss: seqUnsigned(t.snd.iss),
  irs: seqUnsigned(t.rcv.irs),
  sndUna: seqUnsigned(t.snd.una),
  sndNxt: seqUnsigned(t.snd.nxt),
  rcvNxt: seqUnsigned(t.rcv.nxt),
  sndWnd: t.snd.wnd,
  rcvWnd: Math.max(0, seqDiff(t.rcv.edge, t.rcv.nxt)),
});

const agreed = (t: Tcb) => ({
  sndMss: t.snd.mss,
  rcvMss: t.rcv.mss,
  advMss: t.advMss,
  sndWscale: t.windowScaling ? t.snd.scale : -1,
  rcvWscale: t.windowScaling ? t.rcv.scale : -1,
  timestamps: t.timestamps,
  sack: t.sack,
  ecn: t.ecn !== null && t.ecn.agreed,
  ecnSeen: t.ecn !== null && t.ecn.seen,
  synData: t.fastOpen !== null && t.fastOpen.accepted,
  typeOfService: t.typeOfService,
});

const path = (t: Tcb) => ({
  pmtu: pathMtu(t),
  mtuSearchLow: t.mtuSearch?.low ?? 0,
  mtuSearchHigh: t.mtuSearch?.high ?? 0,
  srtt: t.rtt.srtt,
  rttvar: t.rtt.rttvar,
  ato: t.rcv.delay,
  rcvRtt: t.rcv.rtt8 / 8,
  minRtt: t.rtt.samples === 0 ? 0 : t.rtt.minRtt,
  rto: t.rtt.current(t.env.settings.tcp_rto_max_ms),
  backoff: Math.max(t.rtt.backoff, t.persistBackoff),
});

const congestion = (t: Tcb) => ({
  cwnd: t.cc?.cwnd ?? 0,
  ssthresh: t.cc?.ssthresh ?? 0,
  congestionControl: t.cc?.name ?? "",
  recovery: t.recovery,
  caState: caState(t),
  // bytes/ms inside
  pacingRate: 1000 * (t.cc?.pacingRate ?? t.pace?.rate ?? 0),
  deliveryRate: 1000 * (t.rate?.latest ?? 0),
  reorderingSeen: t.losses?.reorderingSeen ?? false,
});

function caState(t: Tcb): TcpInfo["caState"] {
  if (t.recovery !== "open") return t.recovery;
  if (t.ecn !== null && t.ecn.reduced) return "cwr";
  return t.dupAcks > 0 || (t.sent !== null && t.sent.sacked > 0) ? "disorder" : "open";
}

const queues = (t: Tcb) => ({
  unacked: flightSize(t),
  sacked: t.sent?.sacked ?? 0,
  lost: t.sent?.lost ?? 0,
  inFlight: inNetwork(t),
  ...countSegments(t.sent, t.snd.mss),
  sendQueued: t.sendBuffer.length,
  notSent: Math.max(0, unsent(t)),
  sendBuffer: t.snd.limit,
  receiveQueued: t.receiveQueue.length,
  outOfOrderBytes: t.reassembly?.bytes ?? 0,
  receiveBuffer: t.rcv.buffer,
  urgentAhead: urgentAhead(t),
});

const counts = (t: Tcb) => ({
  retries: t.retries,
  probes: t.probesSent,
  segsIn: t.segsIn,
  segsOut: t.segsOut,
  dataSegsIn: t.dataSegsIn,
  dataSegsOut: t.dataSegsOut,
  outOfOrderSegments: t.outOfOrderSegments,
  bytesReceived: t.bytesReceived,
  bytesAcked: t.bytesAcked,
  bytesSent: t.bytesSent,
  delivered: t.bytesAcked + (t.sent?.sacked ?? 0),
  retransmits: t.retransmits,
  totalRetransmittedBytes: t.retransmittedBytes,
  dsackDuplicates: t.losses?.duplicates ?? 0,
  deliveredCe: t.ecn?.deliveredCe ?? 0,
  receivedCe: t.ecn?.receivedCe ?? 0,
});

function times(t: Tcb, now: Instant) {
  const first = t.timers.first();
  return {
    lastSent: elapsed(t.snd.lastSent, now),
    lastHeard: elapsed(t.rcv.lastHeard, now),
    lastReceived: elapsed(t.rcv.lastText, now),
    userTimeout: t.userTimeout,
    keepAlive: t.keepAlive,
    timer:
      first < 0 ? "" : first === TIMER_RETRANSMIT ? GUARD_NAMES[t.guard]! : TIMER_NAMES[first]!,
    timerIn: first < 0 ? 0 : Math.max(0, t.timers.deadline(first) - now),
  };
}
