/** Marks of packets that links dropped or delivered with CE, put to the flow whose sender they come from. */
import { readI32, readU16 } from "../base/bytes.ts";
import type { NetemPacket } from "../netem/packet.ts";
import type { MarkKind } from "./record.ts";
import type { FlowStats } from "./flow-stats.ts";

const CE = 3;
const TCP = 6;

export class PacketMarks {
  private readonly flows: readonly FlowStats[];

  constructor(flows: readonly FlowStats[]) {
    this.flows = flows.filter((flow) => flow.plan.marks);
  }

  dropped(p: NetemPacket, now: number): void {
    this.mark("dropped", p, now);
  }

  delivered(p: NetemPacket, now: number): void {
    if ((p.buffer[1]! & CE) === CE) this.mark("ce", p, now);
  }

  private mark(kind: MarkKind, p: NetemPacket, now: number): void {
    const b = p.buffer;
    const ip = (b[0]! & 15) * 4;
    if (b[9] !== TCP || p.length < ip + 20) return;
    const [source, target] = [readI32(b, 12), readI32(b, 16)];
    const [sourcePort, targetPort] = [readU16(b, ip), readU16(b, ip + 2)];
    const payload = p.length - ip - (b[ip + 12]! >> 4) * 4;
    for (const flow of this.flows) {
      const t = flow.sender;
      if (t === null || t.localAddress !== source || t.remoteAddress !== target) continue;
      if (t.localPort !== sourcePort || t.remotePort !== targetPort) continue;
      const from = ((readI32(b, ip + 4) - t.snd.iss) | 0) - 1;
      flow.mark(kind, from, from + Math.max(0, payload), now);
      return;
    }
  }
}
