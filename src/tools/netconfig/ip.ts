/** The `ip` command of iproute2, arguments as arrays, answers as JSON: what we do, a user can repeat by hand. */
import { execFileSync } from "node:child_process";

export interface LinkAddress {
  readonly local: string;
  readonly prefixlen: number;
}

export interface LinkFacts {
  readonly ifname: string;
  readonly flags: readonly string[];
  readonly mtu: number;
  readonly txqlen: number;
  readonly addresses: readonly LinkAddress[];
}

export class IpError extends Error {
  readonly code: "ENOENT" | "FAILED";

  constructor(code: "ENOENT" | "FAILED", message: string) {
    super(message);
    this.name = "IpError";
    this.code = code;
  }
}

/** Runs `ip ARGS`; throws an IpError of one line. */
export function ip(args: readonly string[]): string {
  try {
    return execFileSync("ip", args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  } catch (error) {
    const failed = error as { code?: string; stderr?: string };
    if (failed.code === "ENOENT") {
      throw new IpError("ENOENT", "the command ip is missing: install iproute2");
    }
    const why = (failed.stderr ?? "").trim().split("\n").pop() ?? "";
    throw new IpError("FAILED", `ip ${args.join(" ")}: ${why}`);
  }
}

interface RawLink {
  ifname: string;
  flags?: string[];
  mtu?: number;
  txqlen?: number;
  addr_info?: { family: string; local: string; prefixlen: number }[];
}

/** All interfaces of this network namespace with their IPv4 addresses. */
export function links(): LinkFacts[] {
  const raw = JSON.parse(ip(["-j", "addr", "show"])) as RawLink[];
  return raw.map((link) => ({
    ifname: link.ifname,
    flags: link.flags ?? [],
    mtu: link.mtu ?? 0,
    txqlen: link.txqlen ?? 0,
    addresses: (link.addr_info ?? [])
      .filter((a) => a.family === "inet")
      .map((a) => ({ local: a.local, prefixlen: a.prefixlen })),
  }));
}

/** `UP`, `UNKNOWN` or `DOWN`: RFC 2863's, as the kernel has it once it has acted on it. */
export function operstate(name: string): string {
  const [link] = JSON.parse(ip(["-j", "link", "show", "dev", name])) as { operstate?: string }[];
  return link?.operstate ?? "UNKNOWN";
}
