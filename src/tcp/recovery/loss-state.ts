/** What a connection remembers once anything was SACKed, lost, or sent a second time; most never need it. */
import { type SeqNum, seq } from "../../wire/seq.ts";
import type { Tcb } from "../tcb.ts";

export class LossState {
  // RACK's reordering window (RFC 8985 §5.3)
  reorderingSeen = false;
  /** RACK.reo_wnd_mult and RACK.reo_wnd_persist, the latter in recoveries. */
  windowFactor = 1;
  factorPersists = 0;
  /** RACK.dsack_round: until SND.UNA is there, further D-SACKs belong to the same round trip. */
  duplicateRound: SeqNum | null = null;
  /** The moment at which the reordering timer is wanted. */
  reorderAt: number = Infinity;

  // proportional rate reduction (RFC 9937 §6), bytes
  prrDelivered = 0;
  prrOut = 0;
  recoverFlight = 0;
  /** What may be in the network by it. */
  prrWindow = 0;
  /**
   * Without SACK, after recovery: what may be in flight, until it has grown to the congestion window, lest all of that leave
   * at once (RFC 6582 §3.2).
   */
  burstLimit: number = Infinity;
  /** When the congestion window was lowered last in this episode: copies from before are no second loss. */
  reducedAt = 0;

  // tail loss probe (RFC 8985 §7.2)
  /** TLP.end_seq; null: none is outstanding. */
  probeEnd: SeqNum | null = null;
  /** TLP.is_retrans. */
  probeAgain = false;
  /** Bytes outstanding when it left. */
  probeFlight = 0;
  /** RTT samples when it left: the next one needs another. */
  probeSamples = -1;
  /** A probe is to leave with the next transmission. */
  probeOwed = false;

  /** One rescue an episode (RFC 6675 §4). */
  rescued = false;

  // undoing what was needless (RFC 3522, RFC 4015, and by D-SACK)
  /** The last reduction of the congestion window may still turn out needless. */
  mayUndo = false;
  /** SND.UNA at that moment; D-SACKs of what lies below say nothing of it. */
  undoFrom: SeqNum = seq(0);
  /** Bytes sent again since and not reported as duplicates; -1: none was sent. */
  undoBytes = -1;
  /** Timestamp of the first copy. */
  firstCopy = 0;
  copied = false;

  /** F-RTO (RFC 5682): 0 off; 1 after the timeout; 2 new data left to see what its ACK is. */
  spuriousStep: 0 | 1 | 2 = 0;
  /** Segments that step may send. */
  newSegments = 0;

  /** D-SACK blocks received. */
  duplicates = 0;
}

/** What is repaired now was not lost to congestion: no window is lowered, and none to be taken back. */
export function beginRepair(t: Tcb): void {
  const l = lossState(t);
  l.mayUndo = false;
  l.spuriousStep = 0;
  l.probeEnd = null;
  l.probeOwed = false;
  l.reorderAt = Infinity;
}

export function lossState(t: Tcb): LossState {
  t.losses ??= new LossState();
  return t.losses;
}
