/**
 * The kernel's end of a TUN: address, MTU, queue and link state. What is already as asked is left alone, and only what
 * we set is taken back.
 */
import {
  formatIpv4,
  inPrefix,
  type Cidr,
  type Ipv4Address,
  parseIpv4,
} from "../../wire/address.ts";
import { ip, type LinkFacts, links, operstate } from "./ip.ts";

export interface HostEnd {
  readonly name: string;
  /** The stack's address and the prefix both ends share. */
  readonly stack: Cidr;
  readonly host: Ipv4Address;
  readonly mtu: number;
  /** Bytes that a peer may have under way toward us. */
  readonly window: number;
}

/** One line when the addresses cannot be used here, null when they can. `ignore` is the TUN itself. */
export function addressClash(end: HostEnd): string | null {
  for (const link of links()) {
    for (const { local, prefixlen } of link.addresses) {
      const address = parseIpv4(local)!;
      if (address === end.stack.address) {
        return `${local} belongs to ${link.ifname} of this machine: choose another --address`;
      }
      if (link.ifname === end.name) continue;
      const theirs: Cidr = { address, prefix: prefixlen };
      if (inPrefix(end.stack.address, theirs) || inPrefix(address, end.stack)) {
        return `${formatIpv4(end.stack.address)}/${end.stack.prefix} overlaps ${local}/${prefixlen} of ${link.ifname}: choose another --address and --host`;
      }
    }
  }
  return null;
}

export function findLink(name: string): LinkFacts | null {
  return links().find((link) => link.ifname === name) ?? null;
}

/**
 * The queue toward us holds a whole window in packets of the MTU: at 1000 packets a window of 4 MiB is not dropped
 * at MTU 1500, but would be at 576.
 */
function queueLength(end: HostEnd): number {
  return Math.max(1000, Math.ceil((end.window / Math.max(end.mtu - 40, 1)) * 1.1));
}

/** How often it is asked, each time some ms; a link that is not up by then comes up in its own time. */
const LOOKS = 200;

/** Until the kernel has seen the carrier: before, it drops what it sends, and the first SYN comes a second later. */
function awaitCarrier(name: string): void {
  for (let n = 0; n < LOOKS && operstate(name) === "DOWN"; n++);
}

/** Makes the kernel's end as asked; what it returns takes back what was changed. Throws an IpError. */
export function configure(end: HostEnd, before: LinkFacts | null): () => void {
  const { name } = end;
  const now = findLink(name);
  if (now === null) throw new Error(`${name} is gone`);
  const undo: (readonly string[])[] = [];
  const host = formatIpv4(end.host);
  if (!now.addresses.some((a) => a.local === host && a.prefixlen === end.stack.prefix)) {
    const address = `${host}/${end.stack.prefix}`;
    ip(["addr", "add", address, "dev", name]);
    undo.push(["addr", "del", address, "dev", name]);
  }
  if (now.mtu !== end.mtu) ip(["link", "set", "dev", name, "mtu", String(end.mtu)]);
  if (before !== null && before.mtu !== end.mtu) {
    undo.push(["link", "set", "dev", name, "mtu", String(before.mtu)]);
  }
  const queue = queueLength(end);
  if (now.txqlen < queue) {
    ip(["link", "set", "dev", name, "txqueuelen", String(queue)]);
    undo.push(["link", "set", "dev", name, "txqueuelen", String(now.txqlen)]);
  }
  if (!now.flags.includes("UP")) {
    ip(["link", "set", "dev", name, "up"]);
    undo.push(["link", "set", "dev", name, "down"]);
    awaitCarrier(name);
  }
  // a device that we created goes with its descriptor, and all of this with it
  return () => {
    if (before === null) return;
    for (const args of undo.toReversed()) {
      try {
        ip(args);
      } catch {
        // somebody else changed it meanwhile, or it is gone: nothing of ours is left
      }
    }
  };
}
