/**
 * SYNs by the hundred thousand, each with all options, from one buffer that is written over: what is measured is the
 * stack. What it answers is counted, and the last answer can be read.
 */
import { type DeviceOffload, NO_OFFLOAD } from "../../src/base/device.ts";
import type { Instant } from "../../src/base/time.ts";
import type { Stack } from "../../src/stack/stack.ts";
import { ipv4, type Ipv4Address, parseIpv4 } from "../../src/wire/address.ts";
import { PROTO_TCP, writeIpv4 } from "../../src/wire/ipv4.ts";
import { seq } from "../../src/wire/seq.ts";
import { ACK, createTcpSegment, SYN, type TcpSegment } from "../../src/wire/tcp-segment.ts";
import { fillTcpChecksum, writeTcp } from "../../src/wire/tcp.ts";
import { readSegment } from "./two-stacks.ts";

/** 198.18.0.0/15, which is for benchmarks (RFC 2544): room for 131,072 clients. */
export const CLIENTS = parseIpv4("198.18.0.0")!;

export class CountingSender {
  readonly mtu = 1500;
  readonly offload: DeviceOffload = NO_OFFLOAD;
  readonly buffer: Uint8Array = new Uint8Array(65536);
  readonly offset = 0;
  sent = 0;
  private size = 0;

  reserve(): boolean {
    return true;
  }

  append(): void {
    throw new Error("nothing is appended without offload");
  }

  commit(used: number): void {
    this.size = used;
    this.sent++;
  }

  flush(): void {}

  /** The segment sent last. */
  last(): TcpSegment {
    return readSegment(this.buffer.slice(0, this.size));
  }
}

export class SynFlood {
  readonly sender: CountingSender = new CountingSender();
  private readonly packet: Uint8Array = new Uint8Array(80);
  private readonly segment: TcpSegment = createTcpSegment();
  private readonly to: Ipv4Address;
  private readonly port: number;

  constructor(to: Ipv4Address, port = 80) {
    this.to = to;
    this.port = port;
  }

  client(i: number): Ipv4Address {
    return ipv4(CLIENTS + 1 + (i % 131_000));
  }

  /** A SYN with MSS, and with `all` SACK, timestamps and window scale too. */
  syn(
    stack: Stack,
    from: Ipv4Address,
    port: number,
    isn: number,
    now: Instant,
    all = true,
  ): string | null {
    const s = this.segment;
    s.flags = SYN;
    s.seq = seq(isn);
    s.ack = seq(0);
    s.mss = 1460;
    s.windowScale = all ? 7 : -1;
    s.sackPermitted = all;
    s.hasTimestamps = all;
    s.tsVal = 1000;
    s.tsEcr = 0;
    return this.inject(stack, from, port, now);
  }

  /** An ACK without options. */
  ack(
    stack: Stack,
    from: Ipv4Address,
    port: number,
    at: number,
    ack: number,
    now: Instant,
  ): string | null {
    const s = this.segment;
    s.flags = ACK;
    s.seq = seq(at);
    s.ack = seq(ack);
    s.mss = 0;
    s.windowScale = -1;
    s.sackPermitted = false;
    s.hasTimestamps = false;
    return this.inject(stack, from, port, now);
  }

  private inject(stack: Stack, from: Ipv4Address, port: number, now: Instant): string | null {
    const s = this.segment;
    s.sourcePort = port;
    s.destinationPort = this.port;
    s.window = 65535;
    const length = writeTcp(this.packet, 20, s);
    writeIpv4(this.packet, 0, 20 + length, 0, 1, true, 64, PROTO_TCP, from, this.to);
    fillTcpChecksum(this.packet, 20, length, from, this.to);
    return stack.input(this.packet, 0, 20 + length, 0, now);
  }
}
