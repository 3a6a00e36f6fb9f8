/**
 * What is under way, one record for each transmission: where it ends, when it last left (RFC 8985 §5.2), and whether it was
 * SACKed, counts as lost, or left again. The records cover [SND.UNA, SND.NXT) without gaps, in typed arrays, sorted by
 * sequence number: a block of an ACK is found by halving, and what is SACKed grows together, so that the cost is not that
 * of the window. A stack keeps a few of these for connections to borrow while data is outstanding (`SentRecordsPool`).
 */
import { invariant } from "../../base/errors.ts";
import { type SeqNum, seq, seqDiff, seqGeq, seqGt, seqLeq, seqLt } from "../../wire/seq.ts";
import type { AckNews } from "./ack-news.ts";
import { RecordArray, SACKED } from "./record-array.ts";
import { ResentQueue } from "./resent-queue.ts";

/** Counts as lost. */
const LOST = 2;
/** Sent again, and that copy counts as under way. */
const RESENT = 4;
/** Sent more than once: its ACK may be for either (Karn). */
const AGAIN = 8;
/** Was SACKed before a timeout, which forgets that: to hear it again is no news. */
const KNOWN = 16;

/** ms; so small that whole batches of them are nothing, and large enough for a double after years. */
const TICK: number = 2 ** -16;
/** Records beyond those of whole segments that a peer's odd SACK edges may cause (CVE-2019-11478). */
const SPARE = 512;

export class SentRecords extends RecordArray {
  private readonly queue: ResentQueue = new ResentQueue();
  /** Below it no original transmission may still come to be lost: SACKed, lost or sent again, all of them. */
  private settledTo: SeqNum = seq(0);
  /** Below it nothing lost waits to be sent again. */
  private waitingFrom: SeqNum = seq(0);
  /** Bytes SACKed, bytes lost, bytes sent again and under way, and those lost and not sent again. */
  sacked = 0;
  lost = 0;
  resent = 0;
  waiting = 0;
  /** Ranges that are SACKed. */
  ranges = 0;
  /** The highest byte SACKed plus one, while any is. */
  highest: SeqNum = seq(0);
  /** RACK.xmit_ts and RACK.end_seq: the newest transmission that was delivered (RFC 8985 §5.3). */
  rackTime: number = -Infinity;
  rackEnd: SeqNum = seq(0);
  /** When something left last. */
  private latest: number = -Infinity;

  /** [from, end) leaves for the first time; it follows what is held. */
  append(from: SeqNum, end: SeqNum, now: number): void {
    if (this.head === this.tail) this.begin(from);
    if (this.tail === this.ends.length) this.makeRoom();
    const i = this.tail++;
    this.leaves(now);
    this.ends[i] = end;
    this.times[i] = this.latest;
    this.flags[i] = 0;
  }

  /**
   * Sets `latest`. No two leave at the same moment, though a clock that is read once a batch says so: the order tells what is
   * lost. A moment that was returned would be boxed for each segment.
   */
  private leaves(now: number): void {
    if (now > this.latest) this.latest = now;
    else this.latest += TICK;
  }

  private begin(from: SeqNum): void {
    this.head = 0;
    this.tail = 0;
    this.start = from;
    this.settledTo = from;
    this.waitingFrom = from;
    this.highest = from;
    if (!this.queue.isEmpty) this.queue.clear();
  }

  /** As new, for another connection. */
  reset(): void {
    this.begin(seq(0));
    this.sacked = 0;
    this.lost = 0;
    this.resent = 0;
    this.waiting = 0;
    this.ranges = 0;
    this.rackTime = -Infinity;
    this.latest = -Infinity;
  }

  /** SND.UNA moved to `una`: forgets what lies below, and tells `news` what of it was delivered by that. */
  advance(una: SeqNum, news: AckNews): void {
    while (this.head < this.tail && seqLeq(this.ends[this.head]! as SeqNum, una)) {
      const i = this.head;
      const end = this.ends[i]! as SeqNum;
      const length = seqDiff(end, this.start);
      const flags = this.flags[i]!;
      if (flags === 0) news.deliver(length, this.times[i]!, end, false, this.isPassed(end));
      else this.forgetMarks(i, length, news);
      this.start = end;
      this.head++;
    }
    if (seqLt(this.settledTo, una)) this.settledTo = una; // never half of the number space behind
    if (this.head === this.tail || seqGeq(this.start, una)) return;
    const i = this.head;
    const part = seqDiff(una, this.start);
    this.start = una;
    const flags = this.flags[i]!;
    if ((flags & SACKED) !== 0) this.sacked -= part;
    else {
      this.uncount(flags, part);
      news.delivered += part;
    }
  }

  /** Something above was SACKed before. */
  private isPassed(end: SeqNum): boolean {
    return this.sacked > 0 && seqLt(end, this.highest);
  }

  private forgetMarks(i: number, length: number, news: AckNews): void {
    const flags = this.flags[i]!;
    if ((flags & SACKED) !== 0) {
      this.sacked -= length;
      this.ranges--;
    } else {
      this.tell(i, length, news);
      this.uncount(flags, length);
    }
  }

  private tell(i: number, length: number, news: AckNews): void {
    const flags = this.flags[i]!;
    const end = this.ends[i]! as SeqNum;
    if ((flags & KNOWN) !== 0) news.delivered += length;
    else news.deliver(length, this.times[i]!, end, (flags & AGAIN) !== 0, this.isPassed(end));
  }

  /** `n` bytes with these flags are no longer lost or under way again. */
  private uncount(flags: number, n: number): void {
    if ((flags & LOST) !== 0) {
      this.lost -= n;
      if ((flags & RESENT) === 0) this.waiting -= n;
    }
    if ((flags & RESENT) !== 0) this.resent -= n;
  }

  /** [left, right) is SACKed, within what is under way; returns how many bytes that is news of. `mss` bounds the records. */
  sack(left: SeqNum, right: SeqNum, mss: number, news: AckNews): number {
    let i = this.find(left);
    if (i < this.tail && seqLt(this.startOf(i), left)) {
      if ((this.flags[i]! & SACKED) === 0 && this.mayGrow(mss)) i = this.split(i, left);
      i++;
    }
    let fresh = 0;
    for (; i < this.tail && seqLt(this.startOf(i), right); i++) {
      if ((this.flags[i]! & SACKED) !== 0) continue;
      if (seqGt(this.ends[i]! as SeqNum, right)) {
        if (!this.mayGrow(mss)) break;
        i = this.split(i, right);
      }
      fresh += this.markSacked(i, news);
    }
    if (fresh > 0) this.joinAround(left, right);
    return fresh;
  }

  private mayGrow(mss: number): boolean {
    const span = seqDiff(this.ends[this.tail - 1]! as SeqNum, this.start);
    return this.tail - this.head < (2 * span) / mss + SPARE;
  }

  private markSacked(i: number, news: AckNews): number {
    const n = this.lengthOf(i);
    const flags = this.flags[i]!;
    this.tell(i, n, news);
    this.uncount(flags, n);
    this.flags[i] = (flags & ~(LOST | RESENT)) | SACKED;
    this.sacked += n;
    this.ranges++;
    const end = this.ends[i]! as SeqNum;
    if (this.sacked === n || seqGt(end, this.highest)) this.highest = end;
    return n;
  }

  /** What is SACKED in and beside [left, right) becomes one record for each range. */
  private joinAround(left: SeqNum, right: SeqNum): void {
    let i = Math.max(this.head, this.find(left) - 1);
    while (i < this.tail && seqLeq(this.startOf(i), right)) {
      if ((this.flags[i]! & SACKED) === 0) {
        i++;
        continue;
      }
      let last = i;
      while (last + 1 < this.tail && (this.flags[last + 1]! & SACKED) !== 0) last++;
      const end = this.ends[last]! as SeqNum;
      this.ranges -= last - i;
      this.join(i, last);
      i = this.find(end);
    }
  }

  private markLost(i: number, news: AckNews): void {
    const flags = this.flags[i]!;
    if ((flags & SACKED) !== 0 || (flags & (LOST | RESENT)) === LOST) return;
    const n = this.lengthOf(i);
    this.uncount(flags, n);
    this.flags[i] = (flags & ~RESENT) | LOST;
    this.lost += n;
    this.waiting += n;
    const from = this.startOf(i);
    if (this.waiting === n || seqLt(from, this.waitingFrom)) this.waitingFrom = from;
    news.lost += n;
    if ((flags & RESENT) === 0) return;
    news.lostAgain = Math.max(news.lostAgain, this.times[i]!);
    news.lostCopies++;
  }

  /** The segment at SND.UNA is lost. */
  markFirstLost(mss: number, news: AckNews): void {
    if (this.head === this.tail || (this.flags[this.head]! & SACKED) !== 0) return;
    const end = seq(this.start + mss);
    if (seqLt(end, this.ends[this.head]! as SeqNum)) this.split(this.head, end);
    this.markLost(this.head, news);
  }

  /** The original transmissions below `edge` are lost. */
  markLostBelow(edge: SeqNum, news: AckNews): void {
    let i = this.find(this.settledTo);
    for (; i < this.tail && seqLt(this.startOf(i), edge); i++) {
      if ((this.flags[i]! & RESENT) === 0) this.markLost(i, news);
    }
    this.settledTo = i < this.tail ? this.startOf(i) : (this.ends[this.tail - 1]! as SeqNum);
  }

  /**
   * RACK_detect_loss (RFC 8985 §6.2 step 5): what left before the newest delivered transmission, `span` ms ago or more, is
   * lost. Returns the moment at which the next of them will be, `Infinity` where none will. Originals left in the order of
   * their numbers and copies stand in a queue, so that each is looked at once.
   */
  markLostByTime(span: number, now: number, news: AckNews): number {
    if (this.head === this.tail) return Infinity;
    let next = Infinity;
    let i = this.find(this.settledTo);
    for (; i < this.tail; i++) {
      if ((this.flags[i]! & (SACKED | LOST | RESENT)) !== 0) continue;
      if (!this.isBeforeRack(i)) break;
      if (!isOver(this.times[i]!, span, now)) {
        next = this.times[i]! + span;
        break;
      }
      this.markLost(i, news);
    }
    this.settledTo = i < this.tail ? this.startOf(i) : (this.ends[this.tail - 1]! as SeqNum);
    const { queue } = this;
    while (!queue.isEmpty) {
      const wait = this.judgeCopy(queue.from, queue.end, queue.time, span, now, news);
      if (wait >= 0) return Math.min(next, wait);
      queue.shift();
    }
    return next;
  }

  /** Of one copy: -1 when nothing of it is left to look at, else the moment to look again, `Infinity` for unknown. */
  private judgeCopy(
    from: SeqNum,
    end: SeqNum,
    time: number,
    span: number,
    now: number,
    news: AckNews,
  ): number {
    for (let i = this.find(from); i < this.tail && seqLt(this.startOf(i), end); i++) {
      if ((this.flags[i]! & RESENT) === 0 || this.times[i] !== time) continue; // arrived, or left once more
      if (!this.isBeforeRack(i)) return Infinity;
      if (!isOver(time, span, now)) return time + span;
      this.markLost(i, news);
    }
    return -1;
  }

  private isBeforeRack(i: number): boolean {
    const time = this.times[i]!;
    return (
      time < this.rackTime ||
      (time === this.rackTime && seqLt(this.ends[i]! as SeqNum, this.rackEnd))
    );
  }

  /**
   * A timeout: nothing SACKed is believed any more (RFC 2018 §5.1), the first segment is lost, and of the others those that
   * left `age` ms ago or more (RFC 8985 §6.3).
   */
  timeOut(age: number, now: number, mss: number, news: AckNews): void {
    for (let i = this.head; i < this.tail; i++) {
      if ((this.flags[i]! & SACKED) !== 0) this.flags[i] = (this.flags[i]! & ~SACKED) | KNOWN;
    }
    this.sacked = 0;
    this.ranges = 0;
    this.settledTo = this.start;
    this.markFirstLost(mss, news);
    for (let i = this.head; i < this.tail; i++) {
      if (isOver(this.times[i]!, age, now)) this.markLost(i, news);
    }
  }

  /** What is not SACKed and begins below `edge` is lost, copies and all. */
  loseBelow(edge: SeqNum, news: AckNews): void {
    for (let i = this.head; i < this.tail && seqLt(this.startOf(i), edge); i++) {
      this.markLost(i, news);
    }
  }

  /** Nothing was lost after all. */
  unmarkLost(): void {
    for (let i = this.head; i < this.tail; i++) this.flags[i] = this.flags[i]! & ~LOST;
    this.lost = 0;
    this.waiting = 0;
    this.settledTo = this.start;
  }

  /** What was sent again was not taken: it waits once more. */
  loseResent(news: AckNews): void {
    for (let i = this.head; i < this.tail; i++) {
      if ((this.flags[i]! & RESENT) !== 0) this.markLost(i, news);
    }
  }

  /** RFC 6675 §4 IsLost: below it is lost what is not SACKed, as 3 ranges or more than 2 segments lie above; else SND.UNA. */
  lostEdge(mss: number): SeqNum {
    if (this.ranges < 3 && this.sacked <= 2 * mss) return this.start;
    let ranges = 0;
    let bytes = 0;
    for (let i = this.find(seq(this.highest - 1)); i >= this.head; i--) {
      if ((this.flags[i]! & SACKED) === 0) continue;
      ranges++;
      bytes += this.lengthOf(i);
      if (ranges >= 3 || bytes > 2 * mss) return this.startOf(i);
    }
    return this.start;
  }

  /** Something beyond `at` counts as lost. */
  isLostBeyond(at: SeqNum): boolean {
    for (let i = this.find(at); i < this.tail; i++) {
      if ((this.flags[i]! & LOST) !== 0) return true;
    }
    return false;
  }

  // --- what leaves again ----------------------------------------------------------------------------

  /** Where the first lost byte stands that waits to be sent again; `waiting` says whether there is one. */
  nextLost(): SeqNum {
    let i = this.find(this.waitingFrom);
    while (i < this.tail && (this.flags[i]! & (LOST | RESENT)) !== LOST) i++;
    invariant(i < this.tail, "bytes wait to be sent again, and no record");
    this.waitingFrom = this.startOf(i);
    return this.waitingFrom;
  }

  /** RFC 6675 §4 rule 3: the first hole below what is SACKed that did not leave again; null: none. */
  nextHole(): SeqNum | null {
    if (this.sacked === 0) return null;
    for (let i = this.find(this.settledTo); i < this.tail; i++) {
      if (!seqLt(this.startOf(i), this.highest)) return null;
      if ((this.flags[i]! & (SACKED | RESENT)) === 0) return this.startOf(i);
    }
    return null;
  }

  /** Each record: its bytes, and whether they are SACKed, lost, or under way again. */
  forEach(see: (bytes: number, sacked: boolean, lost: boolean, resent: boolean) => void): void {
    for (let i = this.head; i < this.tail; i++) {
      const flags = this.flags[i]!;
      see(this.lengthOf(i), (flags & SACKED) !== 0, (flags & LOST) !== 0, (flags & RESENT) !== 0);
    }
  }

  /** Where the last record begins. */
  get last(): SeqNum {
    return this.startOf(this.tail - 1);
  }

  /** How many bytes from `at` on are of one record. */
  rest(at: SeqNum): number {
    return seqDiff(this.ends[this.find(at)]! as SeqNum, at);
  }

  /** The last record is neither SACKed nor sent again. */
  get isTailOpen(): boolean {
    return (this.flags[this.tail - 1]! & (SACKED | RESENT)) === 0;
  }

  /** Where those end that share the fate of the byte `at`: lost and waiting, or just not SACKed; at most `limit`. */
  runEnd(at: SeqNum, limit: SeqNum): SeqNum {
    let i = this.find(at);
    const fate = this.flags[i]! & (SACKED | LOST | RESENT);
    while (i < this.tail && seqLt(this.ends[i]! as SeqNum, limit)) {
      if (i + 1 === this.tail || (this.flags[i + 1]! & (SACKED | LOST | RESENT)) !== fate) {
        return this.ends[i]! as SeqNum;
      }
      i++;
    }
    return limit;
  }

  /** [from, end), which is not SACKed, leaves again. */
  resend(from: SeqNum, end: SeqNum, now: number): void {
    this.leaves(now);
    const time = this.latest;
    let i = this.find(from);
    if (seqLt(this.startOf(i), from)) i = this.split(i, from) + 1;
    for (; i < this.tail && seqLt(this.startOf(i), end); i++) {
      if (seqLt(end, this.ends[i]! as SeqNum)) i = this.split(i, end);
      const n = this.lengthOf(i);
      const flags = this.flags[i]!;
      if ((flags & RESENT) === 0) {
        this.resent += n;
        if ((flags & LOST) !== 0) this.waiting -= n;
      }
      this.flags[i] = (flags & ~KNOWN) | RESENT | AGAIN;
      this.times[i] = time;
    }
    this.queue.push(from, end, time);
  }
}

/** `span` ms have passed since `time`; a timer's moment may be off by the last bit. */
function isOver(time: number, span: number, now: number): boolean {
  return now - time + 1e-6 >= span;
}
