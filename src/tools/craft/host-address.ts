/** Addresses that this machine has: what comes back to one of them its kernel answers itself. */
import { formatIpv4, isLoopback, type Ipv4Address } from "../../wire/address.ts";

/** An interface of the machine with its IPv4 addresses. */
export interface HostLink {
  readonly ifname: string;
  readonly addresses: readonly { readonly local: string }[];
}

/** One line on why nothing may be sent in the name of `address`; null where it may. */
export function hostAddressFault(address: Ipv4Address, links: readonly HostLink[]): string | null {
  const text = formatIpv4(address);
  const has = (link: HostLink): boolean => link.addresses.some(({ local }) => local === text);
  const owner = isLoopback(address) ? "lo" : links.find(has)?.ifname;
  if (owner === undefined) return null;
  return `${text} belongs to this machine (${owner}), whose kernel would answer for it: send from an address that nobody here has (--address, --peer), or in a namespace (--rootless)`;
}
