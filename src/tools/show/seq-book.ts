/** First sequence numbers of each direction of each connection, so that segments can be told relative to them. */
import { formatIpv4 } from "../../wire/address.ts";
import { type SeqNum, seqAdd, seqDiff } from "../../wire/seq.ts";
import { ACK, SYN, type TcpSegment } from "../../wire/tcp-segment.ts";
import { optionText } from "../observe/index.ts";
import type { SceneSegment } from "./record.ts";

type Numbers = Pick<
  SceneSegment,
  "flags" | "seq" | "length" | "ack" | "window" | "options" | "source" | "target"
>;

interface Direction {
  base: SeqNum;
  /** -1: no window scale. */
  shift: number;
}

export class SeqBook {
  private readonly known = new Map<string, Direction>();

  describe(s: TcpSegment): Numbers {
    const from = `${formatIpv4(s.source)}:${s.sourcePort}`;
    const to = `${formatIpv4(s.destination)}:${s.destinationPort}`;
    const [there, back] = [`${from} ${to}`, `${to} ${from}`];
    const isSyn = (s.flags & SYN) !== 0;
    if (isSyn && !this.known.has(there))
      this.known.set(there, { base: s.seq, shift: s.windowScale });
    const mine = this.known.get(there);
    const other = this.known.get(back);
    const scaled =
      !isSyn && mine !== undefined && other !== undefined && mine.shift >= 0 && other.shift >= 0;
    return {
      flags: s.flags,
      seq: seqDiff(s.seq, mine?.base ?? s.seq),
      length: s.payloadLength,
      ack: (s.flags & ACK) === 0 ? 0 : seqDiff(s.ack, other?.base ?? seqAdd(s.ack, -1)),
      window: s.window << (scaled ? mine.shift : 0),
      options: optionText(s, other?.base ?? null),
      source: from,
      target: to,
    };
  }
}
