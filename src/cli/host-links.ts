/** The interfaces of this machine and their addresses. */
import { networkInterfaces } from "node:os";
import type { HostLink } from "../tools/craft/index.ts";
import { IpError, links } from "../tools/netconfig/ip.ts";

/** Without the command `ip` only those that are up and running are known. */
export function hostLinks(): readonly HostLink[] {
  try {
    return links();
  } catch (error) {
    if (!(error instanceof IpError)) throw error;
    return Object.entries(networkInterfaces()).map(([ifname, addresses]) => ({
      ifname,
      addresses: (addresses ?? []).map(({ address }) => ({ local: address })),
    }));
  }
}
