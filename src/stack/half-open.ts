/**
 * A connection under way to ESTABLISHED as its listener remembers it: what the SYN said and what the SYN-ACK said, and
 * no more, so that a flood of SYNs fills little (RFC 4987 §3.4). Everything else follows from the settings and the ACK.
 */
import { type Instant, NEVER } from "../base/time.ts";
import type { Ipv4Address } from "../wire/address.ts";
import type { SeqNum } from "../wire/seq.ts";
import { CWR, ECE, SYN, type TcpSegment } from "../wire/tcp-segment.ts";
import type { Settings } from "../tcp/config.ts";
import { asksForEcn } from "../tcp/ecn.ts";
import type { ListenerImpl } from "./listener.ts";
import type { WheelEntry } from "./timer-wheel.ts";

// What both ends agree on, in one small integer: the peer's MSS in the lowest 16 bits, its window scale in the next four.
const MSS_MASK = 0xffff;
const SCALE_SHIFT = 16;
const SCALE_MASK = 15;
const NO_SCALE = 15;
const SACK = 1 << 20;
const TIMESTAMPS = 1 << 21;
const ECN = 1 << 22;
/** A Fast Open cookie is to be given. */
const COOKIE = 1 << 23;
/** Above it, in an entry: how often the SYN-ACK went out again by timer. */
const RETRIES_SHIFT = 24;

/** What a SYN asks for as far as the settings let us agree to it. */
export function agreedTo(o: TcpSegment, settings: Settings): number {
  const scaling = o.windowScale >= 0 && settings.tcp_window_scaling !== 0;
  let agreed = o.mss | ((scaling ? o.windowScale : NO_SCALE) << SCALE_SHIFT);
  if (o.sackPermitted && settings.tcp_sack !== 0) agreed |= SACK;
  if (o.hasTimestamps && settings.tcp_timestamps !== 0) agreed |= TIMESTAMPS;
  if (asksForEcn(o, settings.tcp_ecn)) agreed |= ECN;
  return agreed;
}

export function mssOnly(agreed: number): number {
  return (agreed & MSS_MASK) | (NO_SCALE << SCALE_SHIFT);
}

export function hasScaling(agreed: number): boolean {
  return ((agreed >> SCALE_SHIFT) & SCALE_MASK) !== NO_SCALE;
}

export function hasSack(agreed: number): boolean {
  return (agreed & SACK) !== 0;
}

export function hasTimestamps(agreed: number): boolean {
  return (agreed & TIMESTAMPS) !== 0;
}

export function withCookie(agreed: number): number {
  return agreed | COOKIE;
}

export function givesCookie(agreed: number): boolean {
  return (agreed & COOKIE) !== 0;
}

export function hasEcn(agreed: number): boolean {
  return (agreed & ECN) !== 0;
}

/** The SYN again, in `o`, as far as it was agreed to. */
export function writeAgreed(agreed: number, o: TcpSegment): void {
  o.flags = hasEcn(agreed) ? SYN | ECE | CWR : SYN;
  o.mss = agreed & MSS_MASK;
  o.windowScale = hasScaling(agreed) ? (agreed >> SCALE_SHIFT) & SCALE_MASK : -1;
  o.sackPermitted = hasSack(agreed);
  o.hasTimestamps = hasTimestamps(agreed);
}

/** Bytes of an entry and its place in the table, measured (test/stack/syn-queue-memory.test.ts). */
export const HALF_OPEN_COST = 200;

/** Numbers are small integers but for the deadline: a field that holds a fraction costs a heap number beside the object. */
export class HalfOpen implements WheelEntry {
  readonly local: Ipv4Address;
  readonly remote: Ipv4Address;
  /** The local port above the remote one. */
  readonly ports: number;
  readonly iss: SeqNum;
  readonly irs: SeqNum;
  agreed: number;
  readonly listener: ListenerImpl;
  tsRecent: number;
  /** When a segment that was not the ACK was last answered, ms modulo 2^32. */
  answeredAt: number;
  wheelDeadline: Instant = NEVER;
  wheelNext: WheelEntry | null = null;
  wheelPrev: WheelEntry | null = null;
  wheelSlot = -1;

  constructor(
    listener: ListenerImpl,
    local: Ipv4Address,
    remote: Ipv4Address,
    ports: number,
    iss: SeqNum,
    irs: SeqNum,
    agreed: number,
    tsRecent: number,
    answeredAt: number,
  ) {
    this.listener = listener;
    this.local = local;
    this.remote = remote;
    this.ports = ports;
    this.iss = iss;
    this.irs = irs;
    this.agreed = agreed;
    this.tsRecent = tsRecent;
    this.answeredAt = answeredAt;
  }

  /** Times the SYN-ACK went out again by timer; at most 127. */
  get retries(): number {
    return this.agreed >> RETRIES_SHIFT;
  }

  countRetry(): void {
    this.agreed += 1 << RETRIES_SHIFT;
  }

  get localPort(): number {
    return this.ports >>> 16;
  }

  get remotePort(): number {
    return this.ports & 0xffff;
  }
}
