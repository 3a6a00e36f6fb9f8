/** SACK blocks of an ACK, at the data sender (RFC 2018 §5, RFC 2883 §5). */
import { type SeqNum, seqDiff, seqGeq, seqGt, seqLeq, seqLt } from "../../wire/seq.ts";
import type { TcpSegment } from "../../wire/tcp-segment.ts";
import type { Tcb } from "../tcb.ts";
import { news } from "./ack-news.ts";
import { lossState } from "./loss-state.ts";

const left = (s: TcpSegment, i: number): SeqNum => s.sack[2 * i]! as SeqNum;
const right = (s: TcpSegment, i: number): SeqNum => s.sack[2 * i + 1]! as SeqNum;

/** Marks what valid blocks say; each bad one is ignored by itself. */
export function readSackBlocks(t: Tcb, s: TcpSegment): void {
  const first = isDuplicateReport(s) ? 1 : 0;
  if (first === 1) noteDuplicateReport(t, s);
  const { sent, snd } = t;
  if (sent === null) return;
  // the lowest first: a hole that is filled by the same ACK as what lies above is no sign of reordering
  sort(s, first);
  for (let i = first; i < s.sackCount; i++) {
    const from = left(s, i);
    const to = right(s, i);
    // what begins at SND.UNA would have been acknowledged: it is a lie that would open the congestion window
    if (!seqLt(from, to) || seqLeq(from, snd.una) || seqGt(to, snd.nxt)) continue;
    if (seqDiff(to, from) > seqDiff(snd.nxt, snd.una)) continue;
    sent.sack(from, to, snd.mss, news);
  }
}

/** RFC 2883 §4: the first block lies below the ACK of the same segment, or within the second block. */
function isDuplicateReport(s: TcpSegment): boolean {
  const from = left(s, 0);
  const to = right(s, 0);
  if (!seqLt(from, to)) return false;
  if (seqLeq(to, s.ack)) return true;
  return s.sackCount > 1 && seqGeq(from, left(s, 1)) && seqLeq(to, right(s, 1));
}

/** Of what never left twice the network made two: no reason to think anything. */
function noteDuplicateReport(t: Tcb, s: TcpSegment): void {
  const from = left(s, 0);
  const to = right(s, 0);
  const { snd } = t;
  if (seqGt(to, snd.nxt) || seqDiff(s.ack, from) > snd.maxWnd) return;
  t.env.count(seqLeq(to, s.ack) ? "TcpExtTCPDSACKRecv" : "TcpExtTCPDSACKOfoRecv");
  const l = lossState(t);
  l.duplicates++;
  if (l.duplicates > t.retransmits) return;
  news.duplicate = seqDiff(to, from);
  news.duplicateEnd = to;
}

/** At most four. */
function sort(s: TcpSegment, first: number): void {
  const { sack } = s;
  for (let i = first + 1; i < s.sackCount; i++) {
    for (let k = i; k > first && seqLt(left(s, k), left(s, k - 1)); k--) {
      const from = sack[2 * k]!;
      const to = sack[2 * k + 1]!;
      sack[2 * k] = sack[2 * k - 2]!;
      sack[2 * k + 1] = sack[2 * k - 1]!;
      sack[2 * k - 2] = from;
      sack[2 * k - 1] = to;
    }
  }
}
