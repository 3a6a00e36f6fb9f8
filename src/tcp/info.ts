/** A snapshot of a connection as plain data, in the manner of Linux's TCP_INFO, units in the names' comments. */
import type { TcpState } from "./state.ts";

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
  /** Bytes, scaled. */
  readonly sndWnd: number;
  readonly rcvNxt: number;
  /** Bytes, scaled. */
  readonly rcvWnd: number;
  /** Bytes of payload a segment, options taken off. */
  readonly sndMss: number;
  readonly rcvMss: number;
  readonly pmtu: number;
  /** -1 when not agreed. */
  readonly sndWscale: number;
  readonly rcvWscale: number;
  readonly timestamps: boolean;
  readonly sack: boolean;
  /** ms; 0 before the first sample. */
  readonly srtt: number;
  readonly rttvar: number;
  readonly minRtt: number;
  readonly rto: number;
  /** Bytes. */
  readonly cwnd: number;
  readonly ssthresh: number;
  readonly inFlight: number;
  readonly congestionControl: string;
  readonly recovery: "open" | "recovery" | "loss";
  readonly sendQueued: number;
  readonly receiveQueued: number;
  readonly outOfOrderBytes: number;
  readonly segsIn: number;
  readonly segsOut: number;
  readonly bytesReceived: number;
  readonly bytesAcked: number;
  readonly bytesSent: number;
  readonly retransmits: number;
  readonly totalRetransmittedBytes: number;
  readonly dsackDuplicates: number;
  /** The armed timer that runs out first, and in how many ms. */
  readonly timer: string;
  readonly timerIn: number;
}
