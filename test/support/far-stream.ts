/**
 * A connection that sends gigabytes in a moment: 64 KiB a segment, of which only the headers are looked at, each acknowledged
 * at once. For what is said of numbers that may have gone round since.
 */
import { readI32, readU16 } from "../../src/base/bytes.ts";
import { RX_CHECKSUM_GOOD } from "../../src/base/device.ts";
import { seededRng } from "../../src/base/rng.ts";
import { after, type Instant, instantOf } from "../../src/base/time.ts";
import { Stack } from "../../src/stack/stack.ts";
import type { Settings } from "../../src/tcp/config.ts";
import type { Endpoint } from "../../src/tcp/endpoint.ts";
import { PROTO_TCP, writeIpv4 } from "../../src/wire/ipv4.ts";
import { seq, type SeqNum, seqAdd, seqMax } from "../../src/wire/seq.ts";
import { ACK, createTcpSegment, SYN } from "../../src/wire/tcp-segment.ts";
import { writeTcp } from "../../src/wire/tcp.ts";
import { OURS, PEER } from "./scripted-peer.ts";

export const MSS = 1460;
const CHUNK = new Uint8Array(65_536);

/** A segment of ours. */
export interface Left {
  readonly seq: SeqNum;
  readonly length: number;
  readonly flags: number;
  readonly tos: number;
}

export class FarStream {
  readonly stack: Stack;
  readonly endpoint: Endpoint;
  readonly ourPort = 50000;
  readonly peerPort = 80;
  /** What left since it was last emptied. */
  left: Left[] = [];
  private now: Instant = instantOf(0);
  /** SND.NXT. */
  private nxt: SeqNum = seq(0);

  /** `ecn`: both ends agree to it. */
  constructor(settings: Partial<Settings>, ecn: boolean) {
    this.stack = new Stack({
      addresses: [{ address: OURS, prefix: 24 }],
      rng: seededRng(1),
      now: this.now,
      sender: this.sender(),
      settings: { tcp_congestion_control: "reno", tcp_sack: 0, ...settings },
    });
    const ports = { remotePort: this.peerPort, localPort: this.ourPort };
    this.endpoint = this.stack.connect({ remoteAddress: PEER, ...ports, owner: null });
    this.settle();
    this.packet(SYN | ACK | (ecn ? 0x40 : 0));
  }

  private sender(): ConstructorParameters<typeof Stack>[0]["sender"] {
    const buffer = new Uint8Array(65_600);
    let payload = 0;
    return {
      mtu: MSS + 40,
      offload: { checksum: true, tso: true },
      buffer,
      offset: 0,
      reserve: () => {
        payload = 0;
        return true;
      },
      append: (_chunk, from, to) => (payload += to - from),
      commit: (used) => {
        const headers = 20 + (buffer[32]! >> 4) * 4;
        const length = payload + used - headers;
        const flags = readU16(buffer, 32) & 0x1ff;
        const at = seq(readI32(buffer, 24));
        this.left.push({ seq: at, length, flags, tos: buffer[1]! });
        const end = seqAdd(at, length + ((flags & SYN) === 0 ? 0 : 1));
        this.nxt = (flags & SYN) === 0 ? seqMax(this.nxt, end) : end;
      },
      flush: () => {},
    };
  }

  get time(): number {
    return this.now;
  }

  /** Absolute number of what is `relative` bytes from SND.NXT. */
  ourSeq(relative: number): SeqNum {
    return seqAdd(this.nxt, relative);
  }

  /** Of all that left, but for its last `behind` bytes. */
  acknowledges(behind = 0, flags = 0): this {
    return this.packet(ACK | flags, behind);
  }

  private packet(flags: number, behind = 0): this {
    const s = createTcpSegment();
    s.sourcePort = this.peerPort;
    s.destinationPort = this.ourPort;
    s.seq = seq((flags & SYN) === 0 ? 1 : 0);
    s.ack = seqAdd(this.nxt, -behind);
    s.flags = flags;
    s.window = 65535;
    if ((flags & SYN) !== 0) {
      s.mss = MSS;
      s.windowScale = 7;
    }
    const bytes = new Uint8Array(100);
    const total = 20 + writeTcp(bytes, 20, s);
    writeIpv4(bytes, 0, total, 0, 1, true, 64, PROTO_TCP, PEER, OURS);
    this.stack.input(bytes, 0, total, RX_CHECKSUM_GOOD, this.now);
    return this.settle();
  }

  settle(): this {
    this.stack.poll(this.now);
    return this;
  }

  waits(ms: number): this {
    this.now = after(this.now, ms);
    return this.settle();
  }

  writes(bytes: number): this {
    for (let n = bytes; n > 0; n -= CHUNK.length) this.endpoint.send(CHUNK.subarray(0, n));
    return this.settle();
  }

  /** `bytes` and all before them are sent and acknowledged, a millisecond for each window. */
  streams(bytes: number): this {
    for (let n = 0; n < bytes; n += 16 * CHUNK.length) {
      this.writes(16 * CHUNK.length);
      while (this.endpoint.sendQueued > 0) {
        this.now = after(this.now, 1);
        this.left = [];
        this.acknowledges();
      }
    }
    this.left = [];
    return this;
  }
}
