/**
 * From where a capture sees a connection. It sees each segment once, on its way: how long before it had left, and how long after
 * it arrives, is half of the shortest time in which that end answers.
 */
import { ACK, FIN, SYN } from "../../wire/tcp-segment.ts";
import { type Conversation, LOST, type Rung } from "./tracker.ts";

/** ms from the place of the capture to each end; NaN: nothing was answered from there. */
export interface Vantage {
  readonly toLeft: number;
  readonly toRight: number;
}

export function vantageOf(c: Pick<Conversation, "rungs">): Vantage {
  return { toLeft: answerTime(c.rungs, false) / 2, toRight: answerTime(c.rungs, true) / 2 };
}

const endOf = ({ seq, length, flags }: Rung): number =>
  seq + length + ((flags & SYN) !== 0 ? 1 : 0) + ((flags & FIN) !== 0 ? 1 : 0);

/** The least time from a segment of one end to its ACK, of what was sent once only (Karn). */
function answerTime(rungs: readonly Rung[], ofLeft: boolean): number {
  let least = NaN;
  let highest = -1;
  let timed: { readonly end: number; readonly time: number }[] = [];
  for (const rung of rungs) {
    if (rung.fromLeft === ofLeft) {
      const end = endOf(rung);
      if (end === rung.seq) continue;
      if (end > highest) timed.push({ end, time: rung.time });
      else timed = timed.filter((t) => t.end <= rung.seq);
      highest = Math.max(highest, end);
    } else if ((rung.flags & ACK) !== 0) {
      const newest = timed.findLast(({ end }) => end === rung.ack);
      if (newest !== undefined) {
        const time = rung.time - newest.time;
        least = Number.isNaN(least) ? time : Math.min(least, time);
      }
      timed = timed.filter(({ end }) => end > rung.ack);
    }
  }
  return least;
}

/**
 * Segments that were lost on their way, as it is said of them or by the look of it: what they carried was sent again, was not reported as a duplicate
 * (RFC 2883), and they passed nearer to their sender than to their receiver.
 */
export function seemLost(c: Pick<Conversation, "rungs">, at: Vantage): ReadonlySet<Rung> {
  const lost = new Set(c.rungs.filter(({ remark }) => remark.endsWith(LOST)));
  for (const ofLeft of [true, false]) {
    const [near, far] = ofLeft ? [at.toLeft, at.toRight] : [at.toRight, at.toLeft];
    if (near > far) continue;
    let flying: Rung[] = [];
    const gone: Rung[] = [];
    for (const rung of c.rungs) {
      if (rung.fromLeft === ofLeft) {
        const end = endOf(rung);
        if (end === rung.seq) continue;
        for (const old of flying) {
          if (old.seq >= rung.seq && endOf(old) <= end) gone.push(old);
        }
        flying = flying.filter((old) => !gone.includes(old));
        flying.push(rung);
      } else if ((rung.flags & ACK) !== 0) {
        flying = flying.filter((old) => endOf(old) > rung.ack);
        takeBack(gone, rung);
      }
    }
    for (const rung of gone) lost.add(rung);
  }
  return lost;
}

/** A D-SACK tells that the earlier copy had arrived. */
function takeBack(gone: Rung[], rung: Rung): void {
  const [, from = "", to = ""] = /\bsack (\d+):(\d+)/.exec(rung.options) ?? [];
  if (from === "" || Number(to) > rung.ack) return;
  const at = gone.findIndex((old) => old.seq >= Number(from) && endOf(old) <= Number(to));
  if (at >= 0) gone.splice(at, 1);
}
