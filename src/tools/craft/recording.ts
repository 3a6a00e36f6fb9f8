/** One TCP conversation out of a capture, seen from the end that opened it. */
import type { CapturedPacket } from "../../devices/pcap-reader.ts";
import {
  ACK,
  decode,
  FIN,
  formatIpv4,
  type IpFields,
  type Packet,
  SYN,
  type TcpFields,
} from "../../packet/index.ts";

export interface RecordedPacket {
  /** ms. */
  readonly time: number;
  /** Sent by the end that is played. */
  readonly ours: boolean;
  readonly ip: IpFields;
  readonly tcp: TcpFields;
  readonly payload: Uint8Array;
}

export interface Recorded {
  /** `192.0.2.1:1234 > 192.0.2.2:80`, from the end that is played. */
  readonly name: string;
  readonly packets: readonly RecordedPacket[];
  /** The other end: its ISN, its first timestamp (0 for none), how far its numbers go from the ISN, and 1 with its FIN. */
  readonly otherIss: number;
  readonly otherTsFirst: number;
  readonly otherReached: number;
  readonly otherFin: number;
}

export function segmentEnd(tcp: TcpFields, length: number): number {
  const { flags } = tcp;
  return tcp.seq + length + ((flags & SYN) !== 0 ? 1 : 0) + ((flags & FIN) !== 0 ? 1 : 0);
}

/**
 * The first conversation that begins with a SYN, where `port` is given the first with that port at the end that answers. One
 * line where there is none.
 */
export function recordingOf(
  captured: readonly CapturedPacket[],
  port: number | null,
): Recorded | string {
  const all = captured.map(({ time, packet }) => ({ time, packet: decode(packet) }));
  const first = all.find(
    ({ packet: { tcp } }) => opens(tcp) && (port === null || tcp!.destinationPort === port),
  );
  if (first === undefined) {
    return port === null
      ? "no TCP connection begins in it"
      : `no TCP connection to port ${port} begins in it`;
  }
  const ours = endsOf(first.packet, false);
  const packets = packetsOf(all, first);
  const others = packets.filter((p) => !p.ours);
  const synAck = others.find(({ tcp }) => (tcp.flags & SYN) !== 0);
  if (synAck === undefined) return `nobody answers the SYN of ${ours} in it`;
  const reach = (p: RecordedPacket): number =>
    (segmentEnd(p.tcp, p.payload.length) - synAck.tcp.seq) >>> 0;
  const reached = others.map(reach).filter((n) => n < 0x80000000);
  return {
    name: ours,
    packets,
    otherIss: synAck.tcp.seq,
    otherTsFirst: synAck.tcp.options.find((o) => o.kind === "TS")?.val ?? 0,
    otherReached: Math.max(0, ...reached),
    otherFin: others.some(({ tcp }) => (tcp.flags & FIN) !== 0) ? 1 : 0,
  };
}

interface Timed {
  readonly time: number;
  readonly packet: Packet;
}

/** From the SYN on, until its ports are used again. */
function packetsOf(all: readonly Timed[], first: Timed): RecordedPacket[] {
  const [ours, theirs] = [endsOf(first.packet, false), endsOf(first.packet, true)];
  const packets: RecordedPacket[] = [];
  for (const { time, packet } of all.slice(all.indexOf(first))) {
    const { ip, tcp, payload } = packet;
    if (ip === null || tcp === null) continue;
    const ends = endsOf(packet, false);
    if (ends !== ours && ends !== theirs) continue;
    const again = opens(tcp) && ends === ours && tcp.seq !== first.packet.tcp!.seq;
    if (again) break;
    packets.push({ time, ours: ends === ours, ip, tcp, payload });
  }
  return packets;
}

function opens(tcp: TcpFields | null): boolean {
  return tcp !== null && (tcp.flags & (SYN | ACK)) === SYN;
}

function endsOf({ ip, tcp }: Packet, turned: boolean): string {
  const source = `${formatIpv4(ip!.source)}:${tcp!.sourcePort}`;
  const destination = `${formatIpv4(ip!.destination)}:${tcp!.destinationPort}`;
  return turned ? `${destination} > ${source}` : `${source} > ${destination}`;
}
