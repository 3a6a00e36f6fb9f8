/** Takes what the stack sends, packet for packet or joined to what the script calls one. */
import { ACK, RST, SYN, URG } from "../wire/tcp-segment.ts";
import type { PacketAction } from "./ast.ts";
import { compare } from "./compare.ts";
import type { Connections } from "./connections.ts";
import type { FieldDifference } from "./failure.ts";
import type { RunSettings } from "./options.ts";
import { seenText } from "./print-packet.ts";
import { readPacketSeen, type SeenPacket, type SeenTcp } from "./seen-packet.ts";
import type { TimeWindow } from "./timing.ts";
import type { World } from "./world.ts";

/** Microseconds that a packet may be late and is still taken, to tell how late. */
const PATIENCE = 2e6;
/** CWR is the first part's, the other flags are the last's. */
const CWR = 0x80;
const SAME = SYN | RST | ACK | URG;

/** What is left out of the comparison. */
export interface Ignored {
  readonly ignorePsh: boolean;
  readonly ignoreEcr: boolean;
}

export interface Taken {
  readonly differences: FieldDifference[];
  /** As the script would write it. */
  readonly text: string;
  readonly at: number;
}

export class Outbound {
  private readonly world: World;
  private readonly connections: Connections;
  private readonly run: RunSettings;
  private readonly ignored: Ignored;
  /** Looked at and not taken. */
  private held: SeenPacket | null = null;

  constructor(world: World, connections: Connections, run: RunSettings, ignored: Ignored) {
    this.world = world;
    this.connections = connections;
    this.run = run;
    this.ignored = ignored;
  }

  /** The next packet of the connection against `expected`; null: none came in time. */
  take(expected: PacketAction, window: TimeWindow): Taken | null {
    const limit = window.high + window.tolerance + PATIENCE;
    const first = this.next(limit);
    if (first === null) return null;
    const seen = this.run.strictSegments ? first : this.joined(first, expected, limit);
    const flow = this.connections.flow!;
    const { body } = expected;
    if (body.protocol === "tcp" && seen.protocol === "tcp" && (body.flags & seen.flags & SYN) !== 0)
      flow.stackSyn(body.seq, seen.seq);
    const { toleranceUsecs, tolerancePercent, tsTickUsecs } = this.run;
    const differences = compare(expected, seen, {
      flow,
      ...this.ignored,
      tick: tsTickUsecs,
      timestampTolerance: Math.max(toleranceUsecs, (tolerancePercent / 100) * this.world.now),
    });
    return { differences, text: seenText(seen, flow, expected), at: seen.at };
  }

  /** What is left of the connection, as the script would write it. */
  rest(): string[] {
    const left: string[] = [];
    for (;;) {
      const seen = this.queued();
      if (seen === null) return left;
      left.push(seenText(seen, this.connections.flow!, null));
    }
  }

  /** Those of other connections are thrown away unseen. */
  private queued(): SeenPacket | null {
    if (this.held !== null) {
      const { held } = this;
      this.held = null;
      return held;
    }
    for (;;) {
      const packet = this.world.sent.shift();
      if (packet === undefined) return null;
      const seen = readPacketSeen(packet);
      if (this.connections.owns(seen)) return seen;
    }
  }

  /** Lets time go on until there is one; null when it would pass `limit`, or nothing is left to happen. */
  private next(limit: number): SeenPacket | null {
    for (;;) {
      const seen = this.queued();
      if (seen !== null) return seen;
      const { next } = this.world;
      if (next > limit || next === Infinity) return null;
      this.world.step();
    }
  }

  /** Consecutive segments as the one that the script expects, until its length is reached. */
  private joined(first: SeenPacket, { body }: PacketAction, limit: number): SeenPacket {
    if (body.protocol !== "tcp" || first.protocol !== "tcp") return first;
    if (first.length === 0 || first.seq !== this.connections.flow!.ourSeq(body.seq, body.flags))
      return first;
    let whole = first;
    while (whole.length < body.length) {
      const next = this.next(limit);
      if (next === null) return whole;
      if (next.protocol !== "tcp" || !continues(whole, next, first.length)) {
        this.held = next;
        return whole;
      }
      const flags = (next.flags & ~CWR) | (first.flags & CWR);
      const fault = whole.fault || next.fault;
      whole = { ...next, flags, fault, seq: first.seq, length: whole.length + next.length };
    }
    return whole;
  }
}

/** `size`: of each part but the last. */
function continues(whole: SeenTcp, next: SeenTcp, size: number): boolean {
  const kinds = (s: SeenTcp): string => s.options.map((option) => option.kind).join();
  return (
    whole.length % size === 0 &&
    next.length > 0 &&
    next.length <= size &&
    ((whole.seq + whole.length) | 0) === next.seq &&
    whole.ack === next.ack &&
    whole.window === next.window &&
    whole.urgent === next.urgent &&
    (whole.flags & SAME) === (next.flags & SAME) &&
    kinds(whole) === kinds(next)
  );
}
