/**
 * IPv4 on the way in (RFC 791, RFC 1122 §3.2): which packets are for this stack, fragments put together, ICMP answered; TCP
 * goes on to the stack. The ECN field stays as it came, or as the fragments' fields make it (RFC 3168 §5.3).
 */
import type { PacketRemark } from "../base/device.ts";
import type { Instant } from "../base/time.ts";
import {
  createIpv4Header,
  type Ipv4Header,
  PROTO_ICMP,
  PROTO_TCP,
  readIpv4,
} from "../wire/ipv4.ts";
import type { Settings } from "../tcp/config.ts";
import type { Counters } from "./counters.ts";
import { ECHO_REQUEST, type IcmpHandler } from "./icmp.ts";
import type { LocalAddresses } from "./local-addresses.ts";
import { FragmentReassembler } from "./reassembly.ts";
import type { SourceRoutes } from "./source-routes.ts";

/** By codepoint; packets that are not ECN-capable are the rest of IpInReceives. */
const ECN_COUNTERS = ["", "IpExtInECT1Pkts", "IpExtInECT0Pkts", "IpExtInCEPkts"] as const;

export interface IpInputParts {
  readonly addresses: LocalAddresses;
  readonly counters: Counters;
  readonly settings: Settings;
  readonly routes: SourceRoutes;
  readonly icmp: IcmpHandler;
  /** `length` bytes at `offset` behind the header `h`; `flags` as the device gave them. */
  readonly onTcp: (
    h: Ipv4Header,
    buffer: Uint8Array,
    offset: number,
    length: number,
    flags: number,
    now: Instant,
  ) => PacketRemark;
}

export class IpInput {
  /** Of the packet in hand. */
  readonly header: Ipv4Header = createIpv4Header();
  private readonly p: IpInputParts;
  private readonly fragments: FragmentReassembler;

  constructor(parts: IpInputParts) {
    this.p = parts;
    this.fragments = new FragmentReassembler({
      highThreshBytes: parts.settings.ipfrag_high_thresh,
      timeoutMs: parts.settings.ipfrag_time * 1000,
    });
  }

  packet(
    buffer: Uint8Array,
    offset: number,
    length: number,
    flags: number,
    now: Instant,
  ): PacketRemark {
    const h = this.header;
    const { addresses, counters, icmp, routes } = this.p;
    counters.add("IpInReceives");
    const bad = readIpv4(buffer, offset, length, h);
    if (bad !== null) {
      if (bad === "bad-ip-option" && addresses.refuse(h) === null) {
        icmp.badOption(h, buffer, offset, now);
      }
      return counters.drop("IpInHdrErrors", bad);
    }
    if ((h.tos & 3) !== 0) counters.add(ECN_COUNTERS[h.tos & 3]!);
    const refused = addresses.refuse(h);
    if (refused !== null) return counters.drop("IpInAddrErrors", refused);
    if (h.sourceRoute && routes.refuses(h, buffer)) {
      return counters.drop("IpInAddrErrors", "source route");
    }
    if (h.moreFragments || h.fragmentOffset > 0) return this.fragment(buffer, offset, now);
    // with DF the identification means nothing (RFC 6864 §4.1)
    if (!h.dontFragment) this.fragments.release(h);
    const at = offset + h.headerLength;
    const size = h.totalLength - h.headerLength;
    switch (h.protocol) {
      case PROTO_TCP:
        return this.p.onTcp(h, buffer, at, size, flags, now);
      case PROTO_ICMP:
        if (this.isStrangersPing(buffer, at))
          return counters.drop("IcmpInIgnored", "ping for another");
        return icmp.input(h, buffer, at, size, now);
      default:
        icmp.protocolUnreachable(h, buffer, offset, now);
        return counters.drop("IpInUnknownProtos", "protocol");
    }
  }

  /** Of a host that the stack stands in for: it does not know whether there is one. */
  private isStrangersPing(buffer: Uint8Array, at: number): boolean {
    const { addresses } = this.p;
    if (!addresses.any || buffer[at] !== ECHO_REQUEST) return false;
    return addresses.own(this.header.destination) === null;
  }

  private fragment(buffer: Uint8Array, offset: number, now: Instant): PacketRemark {
    const h = this.header;
    const { counters } = this.p;
    const at = offset + h.headerLength;
    this.expire(now); // the missing piece comes too late, however late the poll is
    const result = this.fragments.add(h, buffer, at, h.totalLength - h.headerLength, now);
    if (result.datagram !== null) {
      counters.add("IpReasmOKs");
      return this.packet(result.datagram, 0, result.datagram.length, 0, now);
    }
    if (result.dropped !== null) return counters.drop("IpReasmFails", result.dropped);
    return null;
  }

  /** Gives up datagrams whose time is over. */
  expire(now: Instant): void {
    if (this.fragments.nextDeadline() > now) return;
    for (const first of this.fragments.advance(now)) {
      this.p.counters.add("IpReasmTimeout");
      this.p.icmp.reassemblyTimeout(first, now);
    }
  }

  nextDeadline(): Instant {
    return this.fragments.nextDeadline();
  }
}
