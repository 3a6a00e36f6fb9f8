/** From a segment record to a packet in the device's queue: headers, payload by copy or by reference, checksum. */
import type { DeviceOffload, PacketRemark, PacketSender } from "../base/device.ts";
import type { Ipv4Address } from "../wire/address.ts";
import { IPV4_HEADER, PROTO_ICMP, PROTO_TCP, writeIpv4, writeIpv4Options } from "../wire/ipv4.ts";
import { writeU16 } from "../base/bytes.ts";
import { checksum } from "../wire/checksum.ts";
import { writeIcmp } from "../wire/icmpv4.ts";
import type { SourceRoute } from "../wire/source-route.ts";
import { ACK, RST, segmentLength, type TcpSegment } from "../wire/tcp-segment.ts";
import { fillTcpChecksum, fillTcpPseudoSum, tcpHeaderLength, writeTcp } from "../wire/tcp.ts";
import { seq, seqAdd } from "../wire/seq.ts";
import { createOutgoing, type Outgoing, resetOutgoing } from "../tcp/output/outgoing.ts";
import type { Settings } from "../tcp/config.ts";
import type { Tcb } from "../tcp/tcb.ts";
import type { Counters } from "./counters.ts";
import type { SourceRoutes } from "./source-routes.ts";

/** Where a stack sends to. */
export type StackSender = PacketSender & { readonly mtu: number; readonly offload: DeviceOffload };

/**
 * Payload in bytes from which it goes by reference where the device completes the checksum. Measured with the TUN
 * (native-notes/README.md): below, one copy from here is 2 to 13 % cheaper than handing pieces over; from here on gathering pays.
 */
const GATHER_FROM = 4096;
/** An IPv4 packet's most, less the headers of TCP with all options. */
const MAX_OFFLOAD_PAYLOAD = 65535 - 20 - 60;

export class PacketOutput {
  readonly sender: StackSender;
  private readonly counters: Counters;
  private readonly ttl: number;
  private readonly routes: SourceRoutes;
  private readonly mayReset: () => boolean;
  private readonly scratch: Outgoing = createOutgoing();

  constructor(
    sender: StackSender,
    counters: Counters,
    settings: Settings,
    routes: SourceRoutes,
    mayReset: () => boolean,
  ) {
    this.mayReset = mayReset;
    this.sender = sender;
    this.counters = counters;
    this.ttl = settings.ip_default_ttl;
    this.routes = routes;
  }

  /** Most payload one segment of a connection may have; devices cut and sum behind a header of 20 bytes only. */
  maxPayload(t: Tcb): number {
    return this.sender.offload.tso && t.ipOptionBytes === 0 ? MAX_OFFLOAD_PAYLOAD : t.snd.mss;
  }

  /** Room for a packet of `size` bytes, flushing once when the queue is full. */
  private room(size: number): boolean {
    if (this.sender.reserve(size)) return true;
    this.sender.flush();
    if (this.sender.reserve(size)) return true;
    this.counters.add("IpOutDiscards");
    return false;
  }

  segment(t: Tcb, out: Outgoing): void {
    const s = out.segment;
    s.sourcePort = t.localPort;
    s.destinationPort = t.remotePort;
    const route = t.ipOptionBytes === 0 ? null : this.routeOf(t);
    const headers = ipLength(route) + tcpHeaderLength(s);
    const { length } = out;
    const offload = this.sender.offload;
    const gather = offload.checksum && length >= GATHER_FROM && route === null;
    if (!this.room(gather ? headers : headers + length)) return;
    const { buffer, offset } = this.sender;
    if (length > 0) {
      if (gather) t.sendBuffer.appendTo(out.offset, length, this.sender);
      else t.sendBuffer.copyTo(out.offset, length, buffer, offset + headers);
    }
    const used = gather ? headers : headers + length;
    const cut = length > t.snd.mss && !out.whole ? t.snd.mss : 0;
    this.finish(
      s,
      t.typeOfService | out.ecn,
      t.tuning === null ? this.ttl : (t.tuning.ttl ?? this.ttl),
      t.localAddress,
      t.remoteAddress,
      route,
      headers - ipLength(route) + length,
      used,
      cut,
      out.remark,
    );
  }

  private routeOf(t: Tcb): SourceRoute | null {
    return this.routes.find(t.localAddress, t.localPort, t.remoteAddress, t.remotePort);
  }

  /** A segment without payload, of no connection or of one that is not yet whole. */
  bare(
    out: Outgoing,
    local: Ipv4Address,
    localPort: number,
    remote: Ipv4Address,
    remotePort: number,
  ): void {
    const s = out.segment;
    s.sourcePort = localPort;
    s.destinationPort = remotePort;
    const { routes } = this;
    const route = routes.isEmpty ? null : routes.find(local, localPort, remote, remotePort);
    const tcpLength = tcpHeaderLength(s);
    const size = ipLength(route) + tcpLength;
    if (!this.room(size)) return;
    const ttl = out.ttl === 0 ? this.ttl : out.ttl;
    this.finish(s, out.typeOfService, ttl, local, remote, route, tcpLength, size, 0, out.remark);
  }

  /** A RST by the exact rule (RFC 9293 §3.10.7.1), made from the segment that drew it, while there are not too many. */
  reset(cause: TcpSegment): void {
    if (!this.mayReset()) {
      this.counters.add("TcpExtTCPResetSkipped");
      return;
    }
    const out = this.scratch;
    resetOutgoing(out);
    const s = out.segment;
    s.window = 0;
    if ((cause.flags & ACK) !== 0) {
      s.seq = cause.ack;
      s.ack = seq(0);
      s.flags = RST;
    } else {
      s.seq = seq(0);
      s.ack = seqAdd(cause.seq, segmentLength(cause));
      s.flags = RST | ACK;
    }
    this.counters.add("TcpOutRsts");
    this.bare(out, cause.destination, cause.destinationPort, cause.source, cause.sourcePort);
  }

  private finish(
    s: TcpSegment,
    tos: number,
    ttl: number,
    local: Ipv4Address,
    remote: Ipv4Address,
    route: SourceRoute | null,
    tcpLength: number,
    used: number,
    cut: number,
    remark: PacketRemark,
  ): void {
    const { buffer, offset, offload } = this.sender;
    writeIpv4(
      buffer,
      offset,
      IPV4_HEADER + tcpLength,
      tos,
      0,
      true,
      ttl,
      PROTO_TCP,
      local,
      route === null ? remote : route.firstHop,
    );
    if (route !== null) writeIpv4Options(buffer, offset, route.option);
    const at = offset + ipLength(route);
    writeTcp(buffer, at, s);
    // the sum names the destination, not the next hop (RFC 1122 §4.1.3.4), nor does a device look behind IP options
    const offloaded = offload.checksum && route === null;
    if (offloaded) fillTcpPseudoSum(buffer, at, tcpLength, local, remote);
    else fillTcpChecksum(buffer, at, tcpLength, local, remote);
    this.counters.add("TcpOutSegs");
    this.sender.commit(used, offloaded, cut, remark);
  }

  /** An ICMP message, in fragments where it is larger than the MTU (`identification` then tells them apart). */
  icmp(
    source: Ipv4Address,
    destination: Ipv4Address,
    type: number,
    code: number,
    rest: number,
    body: Uint8Array,
    from: number,
    to: number,
    identification: number,
  ): void {
    const message = new Uint8Array(8 + to - from);
    writeIcmp(message, 0, type, code, rest, body, from, to);
    const step = (this.sender.mtu - IPV4_HEADER) & ~7;
    const whole = message.length + IPV4_HEADER <= this.sender.mtu;
    for (let at = 0; at < message.length; at += step) {
      const end = whole ? message.length : Math.min(message.length, at + step);
      const size = IPV4_HEADER + end - at;
      if (!this.room(size)) return;
      const { buffer, offset } = this.sender;
      writeIpv4(
        buffer,
        offset,
        size,
        0,
        identification,
        whole,
        this.ttl,
        PROTO_ICMP,
        source,
        destination,
      );
      if (!whole) {
        // offset in units of 8 bytes, MF on all but the last; then the header's sum anew
        writeU16(buffer, offset + 6, (at >> 3) | (end < message.length ? 0x2000 : 0));
        writeU16(buffer, offset + 10, 0);
        writeU16(buffer, offset + 10, checksum(buffer, offset, offset + IPV4_HEADER));
      }
      buffer.set(message.subarray(at, end), offset + IPV4_HEADER);
      this.sender.commit(size, false, 0, null);
      if (whole) break;
    }
    this.counters.add("IcmpOutMsgs");
  }
}

/** Of the IP header with the options that a route takes. */
function ipLength(route: SourceRoute | null): number {
  return route === null ? IPV4_HEADER : IPV4_HEADER + route.option.length;
}
