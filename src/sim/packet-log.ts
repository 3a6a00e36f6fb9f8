/**
 * The log of a run that nobody reads but its digest: for each packet that a link delivered or dropped the time, the link, what
 * became of it, its length and its headers. Two runs with equal digests did the same thing at the same time.
 */
import type { DropReason } from "../netem/link.ts";
import type { NetemPacket } from "../netem/packet.ts";
import { Sha256 } from "./sha256.ts";

const BUFFER = 65536;
/** Time (8), link (2), fate (1), bytes of headers (1), length (2). */
const FIXED = 14;
/** An IPv4 header with options, and one of TCP with options. */
const MOST = FIXED + 120;

const FATE: Readonly<Record<DropReason | "delivered", number>> = {
  delivered: 0,
  loss: 1,
  limit: 2,
  queue: 3,
  aqm: 4,
  cut: 5,
  mtu: 6,
};

export class PacketLog {
  /** Packets logged. */
  count = 0;
  private readonly hash = new Sha256();
  private readonly bytes = new Uint8Array(BUFFER);
  private readonly view: DataView = new DataView(this.bytes.buffer);
  private used = 0;

  record(link: number, fate: DropReason | "delivered", p: NetemPacket, now: number): void {
    if (this.used + MOST > BUFFER) this.flush();
    const { bytes, view } = this;
    const at = this.used;
    const headers = headerBytes(p);
    view.setFloat64(at, now, true);
    view.setUint16(at + 8, link, true);
    bytes[at + 10] = FATE[fate];
    bytes[at + 11] = headers;
    view.setUint16(at + 12, p.length, true);
    const { buffer } = p;
    // a loop is faster than a view and `set` for so few bytes
    for (let i = 0; i < headers; i++) bytes[at + FIXED + i] = buffer[i]!;
    this.used = at + FIXED + headers;
    this.count++;
  }

  /** Ends the log. */
  digest(): string {
    this.flush();
    return this.hash.digest();
  }

  private flush(): void {
    this.hash.update(this.bytes, 0, this.used);
    this.used = 0;
  }
}

/** IPv4 and TCP, as far as the bytes are what they seem: a link may have flipped some. */
function headerBytes(p: NetemPacket): number {
  const ip = (p.buffer[0]! & 15) * 4;
  const tcp = p.buffer[9] === 6 && ip + 13 < p.length ? (p.buffer[ip + 12]! >> 4) * 4 : 8;
  return Math.min(p.length, ip + tcp, 120);
}
