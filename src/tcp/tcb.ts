/**
 * The transmission control block (RFC 9293 §3.3.1): all that one connection remembers, as plain data, every
 * field set at creation. What happens to it is in the files of `input/`, `output/` and timeouts.ts.
 */
import type { Failure } from "../base/errors.ts";
import { type Instant, instantOf, NEVER } from "../base/time.ts";
import type { Ipv4Address } from "../wire/address.ts";
import { type SeqNum, seq } from "../wire/seq.ts";
import type { Settings } from "./config.ts";
import type { CongestionController } from "./congestion/controller.ts";
import type { Validation } from "./congestion/validation.ts";
import type { EcnState } from "./ecn.ts";
import type { DeliveryRate } from "./delivery-rate.ts";
import type { Endpoint, EndpointOwner } from "./endpoint.ts";
import type { FastOpenServers, FastOpenState } from "./fast-open.ts";
import type { Pace } from "./output/pacing.ts";
import { type MemoryAccount, NOT_CHARGED } from "./memory.ts";
import type { MtuSearch } from "./mtu-search.ts";
import type { PathMtus } from "./path-mtu.ts";
import type { Reassembly } from "./reassembly.ts";
import { type ReceiveArena, ReceiveQueue } from "./receive-queue.ts";
import type { LossState } from "./recovery/loss-state.ts";
import type { SentRecordsPool } from "./recovery/records-pool.ts";
import type { SentRecords } from "./recovery/sent-records.ts";
import { RttEstimator } from "./rtt.ts";
import { SendBuffer } from "./send-buffer.ts";
import type { SendMemory } from "./send-memory.ts";
import type { TcpState } from "./state.ts";
import { TimerTable } from "./timers.ts";
import type { Tuning } from "./tuning.ts";
import type { TcpTrace } from "./trace.ts";

/** The congestion controllers that a stack knows, by name. */
export interface ControllerFactory {
  /** EINVAL for a name that nobody has. */
  check(name: string): void;
  /** Bytes all. */
  create(name: string, mss: number, cwnd: number, ssthresh: number): CongestionController;
}

/** What the connections of one stack share. */
export interface TcpEnvironment {
  readonly settings: Settings;
  readonly arena: ReceiveArena;
  /** Rewound after each poll. */
  readonly lentArena: ReceiveArena;
  readonly sendMemory: SendMemory;
  readonly sentRecords: SentRecordsPool;
  /** Comes and goes while the stack runs. */
  trace: TcpTrace | null;
  readonly paths: PathMtus;
  readonly fastOpens: FastOpenServers;
  /** Counts by name (nstat's where one exists); `n` instead of one. */
  count(name: string, n?: number): void;
  /** A user call left something to do: the stack will poll. */
  mark(tcb: Tcb): void;
  /** One more challenge ACK within the stack's own limit. */
  mayChallenge(now: Instant): boolean;
  readonly memory: MemoryAccount;
  readonly congestionControls: ControllerFactory;
}

export interface SendVars {
  iss: SeqNum;
  una: SeqNum;
  /** The highest sequence number sent, plus one. */
  nxt: SeqNum;
  /** Bytes, scaled. */
  wnd: number;
  wl1: SeqNum;
  wl2: SeqNum;
  /** The largest window the peer ever offered (RFC 5961 §5.2). */
  maxWnd: number;
  /** Payload bytes a segment carries, options taken off (RFC 6691). */
  mss: number;
  /** As the peer's MSS option said; 536 without one (MUST-15). */
  peerMss: number;
  /** Shift of the windows the peer sends; 0 when not agreed. */
  scale: number;
  /** Sequence number of the first byte in `buffer`. */
  bufferSeq: SeqNum;
  /** The user has ended the stream. */
  finQueued: boolean;
  finSent: boolean;
  /** The user wants to hear when there is room. */
  wantRoom: boolean;
  /** The end of the last segment sent that was not full: Linux's snd_sml. */
  shortEnd: SeqNum;
  /** Bytes that may be queued. */
  limit: number;
  /** Bytes not yet sent from which on a writer is held back. */
  notSentLowat: number;
  /** When a segment last left. */
  lastSent: Instant;
  /** SND.UP, the octet after the last urgent one (RFC 9293 §3.8.5), while it is pending. */
  urgent: SeqNum;
  urgentPending: boolean;
}

export interface RecvVars {
  irs: SeqNum;
  nxt: SeqNum;
  /** Right edge offered, never moved left (SHLD-14). */
  edge: SeqNum;
  scale: number;
  /** Bytes this end will hold for the user. */
  buffer: number;
  /** The window is no larger, bytes; it grows with what arrives (Linux's rcv_ssthresh). */
  ssthresh: number;
  /** Largest segment seen: what two of call for an ACK. */
  mss: number;
  /** Payload bytes accepted since the last ACK. */
  unacked: number;
  /** ACKs that still leave at once, as the peer's slow start waits for them. */
  quickAcks: number;
  /** Data answers what comes, and takes its ACK along. */
  interactive: boolean;
  /** How long an ACK may wait, ms, from the spacing of the text (Linux's ato); 0 before there was any. */
  delay: number;
  lastText: Instant;
  /** Sequence number of the peer's FIN once it was seen. */
  finSeq: SeqNum;
  finSeen: boolean;
  /** The FIN was reached: nothing more comes. */
  ended: boolean;
  /** Last.ACK.sent (RFC 7323 §4.3). */
  lastAckSent: SeqNum;
  /** Urgent pointer, the octet after (RFC 9293 §3.8.5). */
  urgent: SeqNum;
  urgentPending: boolean;
  /** When a segment last came. */
  lastHeard: Instant;
  /** Auto-tuning: bytes the user took in this epoch, and when it began. */
  taken: number;
  epoch: Instant;
  /** The round trip as a receiver sees it, in eighths of a ms, and the timestamp whose echo was measured last. */
  rtt8: number;
  rttEcho: number;
}

/** ACK owed: none, by the delayed timer, now. */
export const ACK_NONE = 0;
export const ACK_DELAYED = 1;
export const ACK_NOW = 2;

export type Recovery = "open" | "recovery" | "loss";

export class Tcb {
  readonly env: TcpEnvironment;
  state: TcpState = "CLOSED";
  readonly localAddress: Ipv4Address;
  readonly localPort: number;
  readonly remoteAddress: Ipv4Address;
  readonly remotePort: number;
  owner: EndpointOwner | null = null;
  /** The user closed it for good: nobody reads any more. */
  orphan = false;
  error: Failure | null = null;
  softError: Failure | null = null;
  /** Events not yet told. */
  events = 0;
  /** In the stack's list of connections with something to do. */
  marked = false;
  /** The stack may forget it. */
  dead = false;
  /** In TIME-WAIT, and the stack keeps only numbers of it: nothing is owed any more. */
  frozen = false;
  readonly snd: SendVars;
  readonly rcv: RecvVars;
  readonly sendBuffer: SendBuffer;
  readonly receiveQueue: ReceiveQueue = new ReceiveQueue();
  reassembly: Reassembly | null = null;
  readonly timers: TimerTable = new TimerTable();
  readonly rtt: RttEstimator = new RttEstimator();
  /** Null until both SYNs have told the segment size. */
  cc: CongestionController | null = null;
  /** Its name, set or to be. */
  congestionControl: string;
  /** What is under way; null with nothing outstanding. */
  sent: SentRecords | null = null;
  /** Of recovery; null until something was SACKed, lost or sent again. */
  losses: LossState | null = null;
  /** Bytes marked lost that the congestion controller has not heard of. */
  newlyLost = 0;
  /** What says whether the window is used (RFC 7661); null while that does not matter. */
  validation: Validation | null = null;
  /** Of `bytesSent`, those to here left in an initial or restart window; a loss there made the next one small (RFC 6928 §2). */
  firstWindowEnd = 0;
  smallRestart = false;
  /** Samples of the rate at which the network delivers, for a controller that wants them. */
  rate: DeliveryRate | null = null;
  /** What spreads data over time; null: whatever the window allows leaves. */
  pace: Pace | null = null;
  /** SND.NXT when the last round trip began. */
  roundEnd: SeqNum;
  /** Largest IPv4 packet toward the peer, as device and routers say. */
  pmtu: number;
  /** The MSS option of our SYN; 0 before it. */
  advMss = 0;
  /** When `pmtu` is to be asked for again, and `PathMtus.epoch` when it was. */
  pmtuExpires: Instant = NEVER;
  pathEpoch = 0;
  /** Largest packet sent by this `pmtu` and the number behind its data, and largest acknowledged (RFC 5927 §7.2). */
  largestSent = 0;
  largestSeq: SeqNum;
  largestAcked = 0;
  /** What a message said that is to be believed after a timeout only; 0: none. */
  pendingMtu = 0;
  pendingMtuSeq: SeqNum;
  /** Probing for a larger or a passable size (RFC 4821). */
  mtuSearch: MtuSearch | null = null;
  /** The episode of recovery is the repair of a lost probe. */
  repairsProbe = false;
  /** Bytes of IP options on each packet: a source route's. */
  ipOptionBytes = 0;
  /** Null: as the settings say. */
  tuning: Tuning | null = null;
  noDelay = false;
  /** A short segment waits for more. */
  corked = false;
  /** The user takes what is lent: see {@link Endpoint.lends}. */
  lends = false;
  keepAlive = false;
  /** Set by the user; the timer follows at the next poll, which knows the time. */
  keepAliveChanged = false;
  /** ms. */
  keepAliveIdle: number;
  keepAliveInterval: number;
  keepAliveProbes: number;
  /** Probes unanswered. */
  probesSent = 0;
  /** ms; 0: none of its own. */
  userTimeout = 0;
  /** Set by the user, not agreed by RFC 5482. */
  userTimeoutFixed = false;
  /** ADV_UTO and REMOTE_UTO of RFC 5482, seconds; 0: none. */
  userTimeoutOffered = 0;
  userTimeoutRemote = 0;
  /** The option is to go with the next segment. */
  userTimeoutOwed = false;
  userTimeoutChanged = false;
  /** DSCP in the upper six bits (RFC 2474); the lower two are ECN's. */
  typeOfService = 0;
  /** False: soft errors are noted and not told (SHLD-20). */
  tellsSoftErrors = true;
  // options agreed
  timestamps = false;
  sack = false;
  windowScaling = false;
  ecn: EcnState | null = null;
  fastOpen: FastOpenState | null = null;
  tsRecent = 0;
  tsRecentAt: Instant = instantOf(0);
  tsOffset = 0;
  // output owed
  ack: number = ACK_NONE;
  /** Duplicate ACKs owed beside the one of `ack`: each out-of-order segment draws one. */
  duplicateAcks = 0;
  /** What was received twice, for the first SACK block of the next segment (RFC 2883); none while both are equal. */
  dsackLeft: SeqNum = seq(0);
  dsackRight: SeqNum = seq(0);
  /** A RST to send before dying. */
  resetOwed = false;
  /** SYN, SYN-ACK: (again). */
  synOwed = false;
  /** Keep-alive or window probe to send. */
  probeOwed = false;
  // loss recovery
  recovery: Recovery = "open";
  recoveryPoint: SeqNum;
  dupAcks = 0;
  /** Retransmissions that the window of congestion does not hold back. */
  forceRetransmit = 0;
  /** Until SND.UNA moves nothing else leaves (RFC 1191 §6.4). */
  onlyForced = false;
  partialAcks = 0;
  /** Window inflation by duplicate ACKs (RFC 5681 §3.2), bytes. */
  inflation = 0;
  /** What TIMER_RETRANSMIT waits for (retransmit-timer.ts), and when the retransmission timeout is, whatever that be. */
  guard = 0;
  rtoAt: Instant = NEVER;
  /** Times the same data was sent again by timer. */
  retries = 0;
  /** When the retransmission of the oldest data began; for the user timeout. */
  stalledSince: Instant = instantOf(0);
  persistBackoff = 0;
  /** The override timer ran out: what fits a small window leaves though it is short. */
  forcedRoom = false;
  /** A segment is being timed: its last byte, and when it left; off by Karn's rule. */
  timing = false;
  /** With none being timed: a timestamp gives a sample only if it acknowledges more than this. */
  timedSeq: SeqNum;
  timedAt: Instant = instantOf(0);
  /** Segments of new data that left in a row. */
  burst = 0;
  /** The most bytes outstanding since SND.UNA passed `usageEnd`, and SND.NXT when they were. */
  mostFlight = 0;
  usageEnd: SeqNum;
  /** The congestion window was what stopped the last transmission. */
  cwndLimited = false;
  // RFC 5961 §7: challenge ACKs of this connection
  challenges = 0;
  challengeEpoch: Instant = instantOf(0);
  /** Bytes that the stack's memory is charged with for this connection, while it stands in the table. */
  charged: number = NOT_CHARGED;
  /** Among the orphans that the stack counts. */
  countedOrphan = false;
  /** Counted among those whose peer takes nothing. */
  countedStuck = false;
  // statistics
  segsIn = 0;
  segsOut = 0;
  dataSegsIn = 0;
  dataSegsOut = 0;
  outOfOrderSegments = 0;
  bytesReceived = 0;
  bytesAcked = 0;
  bytesSent = 0;
  retransmits = 0;
  retransmittedBytes = 0;
  /** The listener that it came from, until accepted. */
  listener: unknown = null;

  constructor(
    env: TcpEnvironment,
    localAddress: Ipv4Address,
    localPort: number,
    remoteAddress: Ipv4Address,
    remotePort: number,
    iss: SeqNum,
    pmtu: number,
    now: Instant,
  ) {
    this.env = env;
    this.sendBuffer = new SendBuffer(env.sendMemory);
    this.localAddress = localAddress;
    this.localPort = localPort;
    this.remoteAddress = remoteAddress;
    this.remotePort = remotePort;
    this.pmtu = pmtu;
    this.stalledSince = now;
    const s = env.settings;
    this.congestionControl = s.tcp_congestion_control;
    this.keepAliveIdle = s.tcp_keepalive_time * 1000;
    this.keepAliveInterval = s.tcp_keepalive_intvl * 1000;
    this.keepAliveProbes = s.tcp_keepalive_probes;
    this.roundEnd = iss;
    this.recoveryPoint = iss;
    this.usageEnd = iss;
    this.timedSeq = iss;
    this.largestSeq = iss;
    this.pendingMtuSeq = iss;
    this.pathEpoch = env.paths.epoch;
    const zero = seq(0);
    this.snd = {
      iss,
      una: iss,
      nxt: iss,
      wnd: 0,
      wl1: zero,
      wl2: zero,
      maxWnd: 0,
      mss: 536,
      peerMss: 536,
      scale: 0,
      bufferSeq: seq(iss + 1),
      finQueued: false,
      finSent: false,
      wantRoom: false,
      shortEnd: iss,
      limit: s.tcp_wmem[1],
      notSentLowat: s.tcp_notsent_lowat,
      lastSent: now,
      urgent: iss,
      urgentPending: false,
    };
    this.rcv = {
      irs: zero,
      nxt: zero,
      edge: zero,
      scale: 0,
      buffer: s.tcp_rmem[1],
      ssthresh: 65535,
      mss: 536,
      unacked: 0,
      quickAcks: 0,
      interactive: false,
      delay: 0,
      finSeq: zero,
      finSeen: false,
      ended: false,
      lastAckSent: zero,
      urgent: zero,
      urgentPending: false,
      lastHeard: now,
      lastText: now,
      taken: 0,
      epoch: now,
      rtt8: 0,
      rttEcho: 0,
    };
  }

  /** The connection as its user sees it; the one class that extends this one. */
  asEndpoint(): Endpoint {
    return this as unknown as Endpoint;
  }
}
