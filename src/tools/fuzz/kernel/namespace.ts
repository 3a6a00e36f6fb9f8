/** Makes the network namespace that this process is in ready: nothing but a TUN, and a kernel without what depends on time. */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import type { TunDevice } from "../../../devices/tun.ts";
import { openTun } from "../../../devices/tun.ts";

/** As ours is asked with, in ours.ts. */
const SYSCTLS: Readonly<Record<string, string>> = {
  tcp_congestion_control: "cubic",
  tcp_fastopen: "0",
  tcp_rfc1337: "1",
  tcp_ecn: "2",
  // answers to what is out of the window are not rationed
  tcp_invalid_ratelimit: "0",
  tcp_comp_sack_nr: "0",
  tcp_autocorking: "0",
  tcp_no_metrics_save: "1",
  tcp_max_syn_backlog: "65536",
  icmp_ratelimit: "0",
};

export const KERNEL_ADDRESS = "192.0.2.1";
const PEERS = "198.51.100.0/24";

/** Throws where this is not a namespace of its own. */
export function prepare(): TunDevice {
  const listed = ip(["-o", "link", "show"]).trim().split("\n");
  if (listed.length > 1) throw new Error("the namespace is not empty");
  ip(["link", "set", "lo", "up"]);
  for (const [name, value] of Object.entries(SYSCTLS)) {
    const file = `/proc/sys/net/ipv4/${name}`;
    try {
      if (readFileSync(file, "utf8").trim() !== value) writeFileSync(file, value);
    } catch {
      // an older kernel: what it does instead is told by the comparison
    }
  }
  writeFileSync("/proc/sys/net/core/somaxconn", "65536");
  writeFileSync("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
  const tun = openTun({ name: "oracle0", offload: "off" });
  ip(["addr", "add", `${KERNEL_ADDRESS}/24`, "dev", tun.name]);
  ip(["link", "set", tun.name, "up", "txqueuelen", "10000"]);
  ip(["route", "add", PEERS, "dev", tun.name]);
  return tun;
}

function ip(args: readonly string[]): string {
  return execFileSync("ip", args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}
