/** The stack's own addresses: what is for us, whose packets are believed, and which source to use. */
import { StackError } from "../base/errors.ts";
import type { Ipv4Header } from "../wire/ipv4.ts";
import {
  type Cidr,
  formatIpv4,
  inPrefix,
  type Ipv4Address,
  isLoopback,
  isSubnetBroadcast,
  isUnicast,
} from "../wire/address.ts";

/** Addresses of a stack. */
export class LocalAddresses {
  readonly all: readonly Cidr[];
  /** Every host's address is taken for ours, too. */
  readonly any: boolean;

  constructor(all: readonly Cidr[], any: boolean = false) {
    this.all = all;
    this.any = any;
  }

  /** The own address with its prefix, null when it is not ours. */
  own(a: Ipv4Address): Cidr | null {
    for (const own of this.all) if (own.address === a) return own;
    return null;
  }

  /**
   * Why a packet is not to be taken, null when it is: not for us, or from nobody that could have sent it
   * (RFC 1122 §3.2.1.3, RFC 9293 §3.9.2.3, MUST-57, MUST-63). Such packets are dropped silently.
   */
  refuse(h: Ipv4Header): string | null {
    const own = this.own(h.destination);
    if (own === null && !this.adopts(h.destination)) return "not for us";
    const local = own !== null && isLoopback(own.address);
    const { source } = h;
    if (!isUnicast(source) || (isLoopback(source) && !local)) return "bad source";
    if (own !== null && isSubnetBroadcast(source, own)) return "bad source";
    return !local && this.own(source) !== null ? "our own source" : null;
  }

  /** By `any`: what a host beyond the device may have. */
  private adopts(a: Ipv4Address): boolean {
    if (!this.any || !isUnicast(a) || isLoopback(a)) return false;
    for (const own of this.all) if (isSubnetBroadcast(a, own)) return false;
    return true;
  }

  /** Throws EADDRNOTAVAIL for an address that is not the stack's. */
  checkOwn(address: Ipv4Address): Cidr {
    const own = this.own(address);
    if (own === null) {
      if (this.adopts(address)) return { address, prefix: 32 };
      const text = formatIpv4(address);
      throw new StackError("EADDRNOTAVAIL", `${text} is not an address of this stack`);
    }
    return own;
  }

  /** The source for packets to `remote`: what was asked for, if it is ours. Throws where `remote` is no host (MUST-46). */
  toReach(remote: Ipv4Address, asked: Ipv4Address | undefined): Ipv4Address {
    const own = this.checkOwn(asked ?? this.sourceFor(remote));
    if (!isUnicast(remote) || isSubnetBroadcast(remote, own)) {
      throw new StackError("ENETUNREACH", `${formatIpv4(remote)} is not the address of a host`);
    }
    return own.address;
  }

  /** The address whose prefix holds the destination, else the first (MUST-44). */
  sourceFor(remote: Ipv4Address): Ipv4Address {
    for (const own of this.all) if (inPrefix(remote, own)) return own.address;
    return this.all[0]!.address;
  }
}
