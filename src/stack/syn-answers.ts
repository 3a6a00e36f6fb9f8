/** What leaves before there is a connection: SYN-ACKs, from the SYN queue or as cookies, and ACKs that tell where the window is. */
import type { Instant } from "../base/time.ts";
import type { Ipv4Address } from "../wire/address.ts";
import { type SeqNum, seqAdd } from "../wire/seq.ts";
import { ACK, ECE, SYN, type TcpSegment } from "../wire/tcp-segment.ts";
import type { Tuning } from "../tcp/tuning.ts";
import type { Settings } from "../tcp/config.ts";
import type { IsnGenerator } from "../tcp/isn.ts";
import { advertisedMss } from "../tcp/mss.ts";
import { windowScaleFor } from "../tcp/options.ts";
import { createOutgoing, type Outgoing, resetOutgoing } from "../tcp/output/outgoing.ts";
import type { PathMtus } from "../tcp/path-mtu.ts";
import { timestampAt } from "../tcp/timestamps.ts";
import {
  agreedTo,
  givesCookie,
  type HalfOpen,
  hasEcn,
  hasSack,
  hasScaling,
  hasTimestamps,
  mssOnly,
} from "./half-open.ts";
import { COOKIE_BYTES, type FastOpenKeys } from "./fast-open-keys.ts";
import type { PacketOutput } from "./packet-output.ts";
import { timestampWithOptions } from "./syn-cookies.ts";

/** Told of each segment for a half-open entry before it is written. */
export type OnSent = (
  h: HalfOpen,
  segment: TcpSegment,
  remark: string | null,
  now: Instant,
) => void;

export class SynAnswers {
  private readonly settings: Settings;
  private readonly isn: IsnGenerator;
  private readonly output: PacketOutput;
  private readonly paths: PathMtus;
  private readonly keys: FastOpenKeys;
  private readonly onSent: OnSent;
  private readonly out: Outgoing = createOutgoing();

  constructor(
    settings: Settings,
    isn: IsnGenerator,
    output: PacketOutput,
    paths: PathMtus,
    keys: FastOpenKeys,
    onSent: OnSent,
  ) {
    this.settings = settings;
    this.isn = isn;
    this.output = output;
    this.paths = paths;
    this.keys = keys;
    this.onSent = onSent;
  }

  /** Bytes offered until the first ACK: what a window field can say unscaled. */
  window(tuning: Tuning | null): number {
    return Math.min(65535, tuning?.receiveBuffer ?? this.settings.tcp_rmem[1]);
  }

  synAck(h: HalfOpen, remark: string | null, now: Instant): void {
    const { tuning } = h.listener;
    this.compose(h.iss, h.irs, h.agreed, this.timestamp(h, now), h.tsRecent, tuning);
    const s = this.out.segment;
    s.flags = hasEcn(h.agreed) ? SYN | ACK | ECE : SYN | ACK;
    s.mss = this.mss(h.remote, tuning, now);
    // only the first has it (RFC 7413 §4.2.2): what does not pass is not to stand in the way
    if (givesCookie(h.agreed) && h.retries === 0) {
      this.keys.make(h.local, h.remote, now, s.cookie);
      s.fastOpen = COOKIE_BYTES;
    }
    this.emit(h, remark, now);
  }

  ack(h: HalfOpen, now: Instant): void {
    const { tuning } = h.listener;
    this.compose(seqAdd(h.iss, 1), h.irs, h.agreed, this.timestamp(h, now), h.tsRecent, tuning);
    const s = this.out.segment;
    s.flags = ACK;
    // the options of a SYN go, and its window, which is never scaled (RFC 7323 §2.2)
    if (s.windowScale > 0) s.window >>= s.windowScale;
    s.windowScale = -1;
    s.sackPermitted = false;
    this.emit(h, null, now);
  }

  /** The SYN-ACK whose ISS `iss` is a cookie; its timestamp carries the options that it agrees to. */
  cookie(syn: TcpSegment, iss: SeqNum, tuning: Tuning | null, now: Instant): void {
    const { destination: local, destinationPort, source: remote, sourcePort } = syn;
    const agreed = agreedTo(syn, this.settings);
    let flags = SYN | ACK;
    if (hasTimestamps(agreed)) {
      const scale = hasScaling(agreed) ? syn.windowScale : -1;
      const ecn = hasEcn(agreed);
      if (ecn) flags |= ECE;
      const clock = timestampWithOptions(timestampAt(0, now), scale, hasSack(agreed), ecn);
      const offset = this.isn.timestampOffset(local, destinationPort, remote, sourcePort);
      this.compose(iss, syn.seq, agreed, (clock + offset) | 0, syn.tsVal, tuning);
    } else {
      // nothing would bring the options back with the ACK: they are not agreed to (RFC 4987 §3.6)
      this.compose(iss, syn.seq, mssOnly(agreed), 0, 0, tuning);
    }
    this.out.segment.flags = flags;
    this.out.segment.mss = this.mss(remote, tuning, now);
    this.out.remark = "SYN cookie";
    this.output.bare(this.out, local, destinationPort, remote, sourcePort);
  }

  private mss(remote: Ipv4Address, tuning: Tuning | null, now: Instant): number {
    return Math.min(advertisedMss(this.paths.mtu(remote, now)), tuning?.maxSegment ?? Infinity);
  }

  private timestamp(h: HalfOpen, now: Instant): number {
    if (!hasTimestamps(h.agreed)) return 0;
    return timestampAt(this.isn.timestampOffset(h.local, h.localPort, h.remote, h.remotePort), now);
  }

  private compose(
    at: SeqNum,
    irs: SeqNum,
    agreed: number,
    tsVal: number,
    tsEcr: number,
    tuning: Tuning | null,
  ): void {
    resetOutgoing(this.out);
    const s = this.out.segment;
    s.seq = at;
    s.ack = seqAdd(irs, 1);
    s.window = this.window(tuning);
    this.out.ttl = tuning?.ttl ?? 0;
    this.out.typeOfService = tuning?.typeOfService ?? 0;
    // an answer carries an option only if the SYN had it (RFC 7323 §2.3, RFC 2018 §2)
    if (hasScaling(agreed)) {
      s.windowScale = windowScaleFor(tuning?.receiveBuffer ?? this.settings.tcp_rmem[2]);
    }
    s.sackPermitted = hasSack(agreed);
    s.hasTimestamps = hasTimestamps(agreed);
    s.tsVal = tsVal;
    s.tsEcr = tsEcr;
  }

  private emit(h: HalfOpen, remark: string | null, now: Instant): void {
    this.out.remark = remark;
    this.onSent(h, this.out.segment, remark, now);
    this.output.bare(this.out, h.local, h.localPort, h.remote, h.remotePort);
  }
}
