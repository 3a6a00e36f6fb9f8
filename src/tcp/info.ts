/**
 * A snapshot of a connection as plain data, in the manner of Linux's TCP_INFO: the names are its names where we mean the
 * same, and the unit stands at each. Where Linux counts segments (cwnd, unacked, sacked, lost) this counts bytes, and where
 * it counts microseconds, milliseconds with a fraction.
 */
import type { ErrorCode } from "../base/errors.ts";
import type { TcpState } from "./state.ts";

/** What `getTcpInfo()` returns. */
export interface TcpInfo {
  readonly state: TcpState;
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;

  /** Sequence variables, 0 .. 2^32-1. */
  readonly iss: number;
  readonly irs: number;
  readonly sndUna: number;
  readonly sndNxt: number;
  readonly rcvNxt: number;
  /** Window the peer offers from `sndUna` on, and ours from `rcvNxt` on; bytes, scaled (tcpi_snd_wnd, tcpi_rcv_wnd). */
  readonly sndWnd: number;
  readonly rcvWnd: number;

  /** Bytes of payload a segment to the peer carries, options taken off (tcpi_snd_mss). */
  readonly sndMss: number;
  /** Largest payload seen in one segment, bytes (tcpi_rcv_mss). */
  readonly rcvMss: number;
  /** The MSS option of our SYN, bytes; 0 before it (tcpi_advmss). */
  readonly advMss: number;
  /** Largest IPv4 packet in use toward the peer, bytes: what device and routers say, and what probing found. */
  readonly pmtu: number;
  /** The range in which a path MTU is searched for, bytes (RFC 4821): this much passes, no more than that may; 0 without. */
  readonly mtuSearchLow: number;
  readonly mtuSearchHigh: number;
  /** Shifts; -1 when not agreed. */
  readonly sndWscale: number;
  readonly rcvWscale: number;
  readonly timestamps: boolean;
  readonly sack: boolean;
  /** ECN is agreed on, and the peer's packets were ECN-capable at least once (TCPI_OPT_ECN, TCPI_OPT_ECN_SEEN). */
  readonly ecn: boolean;
  readonly ecnSeen: boolean;
  /** Data on the SYN was acknowledged, ours or the peer's (TCPI_OPT_SYN_DATA). */
  readonly synData: boolean;
  /** The IPv4 field of what is sent; the lower two bits are ECN's. */
  readonly typeOfService: number;

  /** ms; 0 before the first sample (tcpi_rtt, tcpi_rttvar, tcpi_min_rtt). */
  readonly srtt: number;
  readonly rttvar: number;
  readonly minRtt: number;
  /** ms that an ACK is put off for data to take it along; 0 before data came (tcpi_ato). */
  readonly ato: number;
  /** The round trip as a receiver sees it, ms; 0 before it was seen (tcpi_rcv_rtt). */
  readonly rcvRtt: number;
  /** ms, back-off included (tcpi_rto). */
  readonly rto: number;
  /** Doublings of the timeout, or of the time between window probes, in force (tcpi_backoff). */
  readonly backoff: number;
  /** Times the oldest data was sent again by timer; 0 when all goes well (tcpi_retransmits). */
  readonly retries: number;
  /** Keep-alive and window probes unanswered (tcpi_probes). */
  readonly probes: number;

  /** Bytes. ssthresh is 2^31-1 before the first loss. */
  readonly cwnd: number;
  readonly ssthresh: number;
  readonly congestionControl: string;
  readonly recovery: "open" | "recovery" | "loss";
  /** The same as Linux tells it (tcpi_ca_state): after an echo of congestion, and with duplicate ACKs or SACKed data, "open" is more. */
  readonly caState: "open" | "disorder" | "cwr" | "recovery" | "loss";
  /** Bytes/s that may leave, where they are spread over time; 0: at once (tcpi_pacing_rate). */
  readonly pacingRate: number;
  /** Bytes/s that the network delivered by the last ACK; 0 unless the congestion control wants to know (tcpi_delivery_rate). */
  readonly deliveryRate: number;
  /** The path was seen to reorder (tcpi_reord_seen > 0). */
  readonly reorderingSeen: boolean;
  /** Sequence numbers sent and not acknowledged; of these SACKed, and marked lost; believed to be in the network. Bytes. */
  readonly unacked: number;
  readonly sacked: number;
  readonly lost: number;
  readonly inFlight: number;

  /** The same in segments, as they left: under way, SACKed, lost, and sent again and not known to have arrived. */
  readonly unackedSegments: number;
  readonly sackedSegments: number;
  readonly lostSegments: number;
  readonly resentSegments: number;

  /** Bytes queued by the user and not yet acknowledged; of these never sent (tcpi_notsent_bytes); and how many may be. */
  readonly sendQueued: number;
  readonly notSent: number;
  readonly sendBuffer: number;
  /** Bytes in order that the user has not taken; bytes behind a hole; and how many this end will hold (tcpi_rcv_space). */
  readonly receiveQueued: number;
  readonly outOfOrderBytes: number;
  readonly receiveBuffer: number;
  /** Bytes to the peer's urgent mark from where the user has read. */
  readonly urgentAhead: number;

  /** Segments; one that the device cuts counts once. */
  readonly segsIn: number;
  readonly segsOut: number;
  /** Of these, those with payload; and those that came behind a hole (tcpi_rcv_ooopack). Forgotten in TIME-WAIT. */
  readonly dataSegsIn: number;
  readonly dataSegsOut: number;
  readonly outOfOrderSegments: number;
  /** Payload bytes: accepted in order, acknowledged by the peer, sent for the first time. */
  readonly bytesReceived: number;
  readonly bytesAcked: number;
  readonly bytesSent: number;
  /** Payload bytes that are known to be at the peer: acknowledged or SACKed (tcpi_delivered, which counts segments). */
  readonly delivered: number;
  /** Segments and payload bytes sent again since the start (tcpi_total_retrans, tcpi_bytes_retrans). */
  readonly retransmits: number;
  readonly totalRetransmittedBytes: number;
  /** Reports of duplicates received (tcpi_dsack_dups). */
  readonly dsackDuplicates: number;
  /** Segments acknowledged with an echo of congestion, and received with CE (tcpi_delivered_ce, tcpi_received_ce). */
  readonly deliveredCe: number;
  readonly receivedCe: number;

  /** ms since SYN, data or FIN last left, and since anything acceptable last came (tcpi_last_data_sent, tcpi_last_ack_recv). */
  readonly lastSent: number;
  readonly lastHeard: number;
  /** ms since payload last came (tcpi_last_data_recv). */
  readonly lastReceived: number;
  /** ms; 0: tcp_retries2 decides (TCP_USER_TIMEOUT, or agreed by RFC 5482). */
  readonly userTimeout: number;
  readonly keepAlive: boolean;
  /** What ICMP or silence said last; "" for nothing. */
  readonly softError: ErrorCode | "";
  /** The armed timer that runs out first ("retransmit", "probe" and "reordering" are one), "" for none; in how many ms. */
  readonly timer: string;
  readonly timerIn: number;
}
