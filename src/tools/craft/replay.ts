/**
 * Plays one end of a captured conversation to a live stack. Its sequence numbers stay; what refers to the other end's (acks, SACK
 * blocks, echoed timestamps) is moved to the numbers that the live stack has. A segment leaves when the stack has sent what it
 * acknowledges, and then after the pause that the capture shows.
 */
import { ACK, type Packet, SYN, type TcpFields, type TcpOption } from "../../packet/index.ts";
import { type Recorded, type RecordedPacket, segmentEnd } from "./recording.ts";
import type { Wire } from "./wire.ts";

export interface ReplayOptions {
  /** ms that a segment waits at most for what it acknowledges. */
  readonly patience: number;
  /** 2 halves the pauses of the capture; 0 leaves them out. */
  readonly pace: number;
  /** Of the stack; null: as captured. */
  readonly port: number | null;
}

export interface ReplayResult {
  readonly sent: number;
  /** Segments that left although the stack had not sent what they acknowledge. */
  readonly early: number;
  /** Bytes of text of the other end: in the capture, and now. */
  readonly recordedBytes: number;
  readonly liveBytes: number;
}

/** The live end, seen from outside. */
class LiveEnd {
  iss: number | null = null;
  reset = false;
  tsFirst = 0;
  tsLast = 0;
  /** From the ISN. */
  reached = 0;
  #wake: () => void = () => {};

  sees({ tcp, payload }: Packet): void {
    if (tcp === null) return;
    if ((tcp.flags & 4) !== 0) this.reset = true;
    if ((tcp.flags & SYN) !== 0) this.iss ??= tcp.seq;
    const stamp = tcp.options.find((o) => o.kind === "TS");
    if (stamp !== undefined) {
      if (this.tsFirst === 0) this.tsFirst = stamp.val;
      this.tsLast = stamp.val;
    }
    if (this.iss !== null) {
      const end = (segmentEnd(tcp, payload.length) - this.iss) >>> 0;
      if (end < 0x80000000 && end > this.reached) this.reached = end;
    }
    this.#wake();
  }

  /** Resolves with whether it came true in time. */
  async until(wire: Wire, ms: number, what: () => boolean): Promise<boolean> {
    const end = wire.now() + ms;
    while (!what()) {
      const left = end - wire.now();
      if (left <= 0 || this.reset) return what();
      await new Promise<void>((resolve) => {
        const cancel = wire.after(left, resolve);
        this.#wake = (): void => {
          cancel();
          resolve();
        };
      });
      this.#wake = () => {};
    }
    return true;
  }
}

/** Why it could not go on, or what was done. */
export async function replay(
  wire: Wire,
  recorded: Recorded,
  addresses: Pick<NonNullable<Packet["ip"]>, "source" | "destination">,
  options: ReplayOptions,
): Promise<ReplayResult | string> {
  const live = new LiveEnd();
  let sent = 0;
  let early = 0;
  wire.onHeard = (packet) => live.sees(packet);
  const { packets } = recorded;
  for (const [i, step] of packets.entries()) {
    if (!step.ours) continue;
    if ((step.tcp.flags & ACK) !== 0) {
      const there = await live.until(wire, options.patience, () => reaches(live, recorded, step));
      if (live.iss === null) return noConnection(live, options.patience);
      if (!there) early++;
    }
    const gap =
      i === 0 || options.pace === 0 ? 0 : (step.time - packets[i - 1]!.time) / options.pace;
    if (gap > 0) await new Promise<void>((resolve) => void wire.after(gap, resolve));
    wire.send(rebased(step, recorded, live, addresses, options.port));
    sent++;
  }
  const done = (): boolean => live.reached >= recorded.otherReached;
  await live.until(wire, options.patience, done);
  return {
    sent,
    early,
    recordedBytes: Math.max(0, recorded.otherReached - 1 - recorded.otherFin),
    liveBytes: Math.max(0, live.reached - 1 - (done() ? recorded.otherFin : 0)),
  };
}

function noConnection(live: LiveEnd, patience: number): string {
  return live.reset
    ? "the stack answered the SYN with RST: is something listening on that port?"
    : `the stack did not answer the SYN within ${patience} ms`;
}

function reaches(live: LiveEnd, recorded: Recorded, step: RecordedPacket): boolean {
  return live.iss !== null && live.reached >= (step.tcp.ack - recorded.otherIss) >>> 0;
}

function rebased(
  step: RecordedPacket,
  recorded: Recorded,
  live: LiveEnd,
  addresses: Pick<NonNullable<Packet["ip"]>, "source" | "destination">,
  port: number | null,
): Packet {
  const by = ((live.iss ?? 0) - recorded.otherIss) | 0;
  const tcp: TcpFields = {
    ...step.tcp,
    destinationPort: port ?? step.tcp.destinationPort,
    // what the network card fills in is missing in many captures
    checksum: null,
    options: step.tcp.options.map((o) => rebasedOption(o, by, recorded, live)),
  };
  if ((tcp.flags & ACK) !== 0) tcp.ack = (tcp.ack + by) >>> 0;
  return {
    ip: { ...step.ip, ...addresses, totalLength: null, checksum: null },
    tcp,
    icmp: null,
    payload: step.payload,
    trailer: new Uint8Array(0),
  };
}

function rebasedOption(o: TcpOption, by: number, recorded: Recorded, live: LiveEnd): TcpOption {
  if (o.kind === "sack") {
    return { ...o, blocks: o.blocks.map(([l, r]) => [(l + by) >>> 0, (r + by) >>> 0] as const) };
  }
  if (o.kind !== "TS" || o.ecr === 0) return o;
  // never later than what the stack has said
  const age = (o.ecr - recorded.otherTsFirst) | 0;
  const ecr = (live.tsFirst + age) | 0;
  return { ...o, ecr: (((ecr - live.tsLast) | 0) > 0 ? live.tsLast : ecr) >>> 0 };
}
