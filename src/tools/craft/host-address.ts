/** Addresses that this machine has: what comes back to one of them its kernel answers itself. */
import { networkInterfaces } from "node:os";
import { formatIpv4, isLoopback, type Ipv4Address } from "../../wire/address.ts";

/** The interface that has the address, null where none has. */
export function ownerOf(address: Ipv4Address): string | null {
  if (isLoopback(address)) return "lo";
  const text = formatIpv4(address);
  for (const [name, addresses] of Object.entries(networkInterfaces())) {
    if (addresses?.some((a) => a.family === "IPv4" && a.address === text) === true) return name;
  }
  return null;
}

/** One line on why nothing may be sent in the name of `address`; null where it may. */
export function hostAddressFault(address: Ipv4Address): string | null {
  const owner = ownerOf(address);
  if (owner === null) return null;
  return `${formatIpv4(address)} belongs to this machine (${owner}), whose kernel would answer for it: send from an address that nobody here has, as 192.0.2.2, or in a namespace`;
}
