/** The sender's scoreboard at work: what an ACK with SACK blocks costs while much is held, lost or under way. */
import { AckNews } from "../../tcp/recovery/ack-news.ts";
import { SentRecords } from "../../tcp/recovery/sent-records.ts";
import { RttEstimator } from "../../tcp/rtt.ts";
import { type SeqNum, seq, seqAdd } from "../../wire/seq.ts";

const MSS = 1448;
/** ms: RACK finds nothing lost, so that the window stays as it is. */
const NEVER_OLD = 1e12;

export interface Scoreboard {
  readonly sent: SentRecords;
  readonly news: AckNews;
  /** Two segments leave, and an ACK of two older ones comes with three SACK blocks, of which the first is new. */
  readonly ack: () => number;
}

/** Every other one of `2 * ranges` segments in flight is SACKed, and stays so while the window moves on. */
export function createScoreboard(ranges: number): Scoreboard {
  const sent = new SentRecords();
  const news = new AckNews();
  const estimate = new RttEstimator();
  let una: SeqNum = seq(0);
  let next: SeqNum = una;
  let now = 0;
  const leave = (): void => {
    sent.append(next, seqAdd(next, MSS), now);
    next = seqAdd(next, MSS);
  };
  /** The upper one of the pair that lies `pairs` below the end. */
  const sackPair = (pairs: number): void => {
    const end = seqAdd(next, -2 * MSS * pairs);
    sent.sack(seqAdd(end, -MSS), end, MSS, news);
  };
  news.begin(now, estimate, Infinity, una);
  for (let i = 0; i < ranges; i++) {
    leave();
    leave();
    sackPair(0);
  }
  const ack = (): number => {
    now += 0.01;
    leave();
    leave();
    una = seqAdd(una, 2 * MSS);
    news.begin(now, estimate, Infinity, una);
    sent.advance(una, news);
    sackPair(2);
    sackPair(1);
    sackPair(0);
    sent.markLostByTime(NEVER_OLD, now, news);
    return news.delivered;
  };
  return { sent, news, ack };
}
