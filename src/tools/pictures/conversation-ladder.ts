/** A connection that was only watched, as a ladder with both time lines; where flight times come from is said below it. */
import {
  type Conversation,
  fold,
  type Rung,
  seemLost,
  segmentLabels,
  type Vantage,
  vantageOf,
} from "../observe/index.ts";
import { RST } from "../../wire/tcp-segment.ts";
import type { Ladder, LadderSegment, LadderState } from "./figure.ts";

/** `all`: fold nothing. `limit`: so many segments, what follows is summed up. */
export function conversationLadder(
  c: Conversation,
  all: boolean,
  limit: number = Infinity,
): Ladder {
  const at = vantageOf(c);
  const lost = seemLost(c, at);
  const times = new Times(c.rungs[0], at, lost);
  const shown: Rung[] = [];
  const gaps: { before: number; text: string }[] = [];
  for (const part of fold(c.rungs, all, limit)) {
    if (typeof part === "string") gaps.push({ before: shown.length, text: part });
    else shown.push(part);
  }
  const segments = shown.map((rung) => segmentOf(rung, c.rungs[0]!.time, times));
  const states = { left: statesOf(c, true, times), right: statesOf(c, false, times) };
  const remarks = [flightRemark(at)];
  if (lost.size > 0) remarks.push("Crossed out: sent again, so lost, by the look of it.");
  return { left: c.left, right: c.right, segments, states, gaps, remarks };
}

/** When segments left and arrived, counted from the first one's leaving. */
class Times {
  private readonly toLeft: number;
  private readonly toRight: number;
  private readonly lost: ReadonlySet<Rung>;
  private readonly start: number;

  constructor(first: Rung | undefined, { toLeft, toRight }: Vantage, lost: ReadonlySet<Rung>) {
    this.toLeft = toLeft || 0;
    this.toRight = toRight || 0;
    this.lost = lost;
    this.start =
      first === undefined ? 0 : first.time - (first.fromLeft ? this.toLeft : this.toRight);
  }

  sent({ time, fromLeft }: Rung): number {
    return time - (fromLeft ? this.toLeft : this.toRight) - this.start;
  }

  arrived(rung: Rung): number | null {
    if (this.lost.has(rung)) return null;
    return rung.time + (rung.fromLeft ? this.toRight : this.toLeft) - this.start;
  }
}

/** A capture has no flight times; where they come from is said. */
function flightRemark({ toLeft, toRight }: Vantage): string {
  const told = (ms: number): string => (Number.isNaN(ms) ? "0 (unknown)" : ms.toFixed(3));
  return `Flight times are half the shortest answers seen from where was captured: ${told(toLeft)} ms to the left end, ${told(toRight)} ms to the right one.`;
}

function segmentOf(rung: Rung, first: number, times: Times): LadderSegment {
  const { fromLeft, flags, remark, time } = rung;
  const again = remark.includes("retransmission");
  return {
    sent: times.sent(rung),
    arrived: times.arrived(rung),
    fromLeft,
    time: (time - first).toFixed(3),
    labels: segmentLabels(rung),
    look: (flags & RST) !== 0 ? "reset" : again ? "again" : "plain",
    notes: [],
  };
}

/** A sender's state changes as its segment leaves; a receiver's as one arrives, and what is lost waits for the next. */
function statesOf(c: Conversation, ofLeft: boolean, times: Times): LadderState[] {
  let last: string = ofLeft ? c.leftAtFirst : c.rightAtFirst;
  const states: LadderState[] = [{ at: -1, state: last }];
  for (const rung of c.rungs) {
    const state = ofLeft ? rung.left : rung.right;
    const at = rung.fromLeft === ofLeft ? times.sent(rung) : times.arrived(rung);
    if (state === last || at === null) continue;
    last = state;
    states.push({ at, state });
  }
  return states;
}
