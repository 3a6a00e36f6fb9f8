/** The block as plain data, for tests, tools and users; nothing else reaches into private fields. */
import type { Instant } from "../base/time.ts";
import { formatIpv4 } from "../wire/address.ts";
import { seqDiff, seqUnsigned } from "../wire/seq.ts";
import type { TcpInfo } from "./info.ts";
import { pipe } from "./loss.ts";
import type { Tcb } from "./tcb.ts";
import { TIMER_NAMES } from "./timers.ts";

export function snapshot(t: Tcb, now: Instant): TcpInfo {
  const first = t.timers.first();
  return {
    state: t.state,
    localAddress: formatIpv4(t.localAddress),
    localPort: t.localPort,
    remoteAddress: formatIpv4(t.remoteAddress),
    remotePort: t.remotePort,
    iss: seqUnsigned(t.snd.iss),
    irs: seqUnsigned(t.rcv.irs),
    sndUna: seqUnsigned(t.snd.una),
    sndNxt: seqUnsigned(t.snd.nxt),
    sndWnd: t.snd.wnd,
    rcvNxt: seqUnsigned(t.rcv.nxt),
    rcvWnd: Math.max(0, seqDiff(t.rcv.edge, t.rcv.nxt)),
    sndMss: t.snd.mss,
    rcvMss: t.rcv.mss,
    pmtu: t.pmtu,
    sndWscale: t.windowScaling ? t.snd.scale : -1,
    rcvWscale: t.windowScaling ? t.rcv.scale : -1,
    timestamps: t.timestamps,
    sack: t.sack,
    srtt: t.rtt.srtt,
    rttvar: t.rtt.rttvar,
    minRtt: t.rtt.samples === 0 ? 0 : t.rtt.minRtt,
    rto: t.rtt.current(t.env.settings.tcp_rto_max_ms),
    cwnd: t.cc?.cwnd ?? 0,
    ssthresh: t.cc?.ssthresh ?? 0,
    inFlight: pipe(t),
    congestionControl: t.cc?.name ?? "",
    recovery: t.recovery,
    sendQueued: t.sendBuffer.length,
    receiveQueued: t.receiveQueue.length,
    outOfOrderBytes: t.reassembly?.bytes ?? 0,
    segsIn: t.segsIn,
    segsOut: t.segsOut,
    bytesReceived: t.bytesReceived,
    bytesAcked: t.bytesAcked,
    bytesSent: t.bytesSent,
    retransmits: t.retransmits,
    totalRetransmittedBytes: t.retransmittedBytes,
    dsackDuplicates: 0,
    timer: first < 0 ? "" : TIMER_NAMES[first]!,
    timerIn: first < 0 ? 0 : Math.max(0, t.timers.deadline(first) - now),
  };
}
