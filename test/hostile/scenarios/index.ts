/** Every row's scenario, by where it is driven. */
import type { Scenario } from "../support/world.ts";
import { BLIND } from "./blind.ts";
import { CONGESTION } from "./congestion.ts";
import { FRAGMENTS } from "./fragments.ts";
import { HANDSHAKE } from "./handshake.ts";
import { ICMP_ROWS } from "./icmp.ts";
import { INSIDE } from "./inside.ts";
import { INTERFACE } from "./interface.ts";
import { IPV4 } from "./ipv4.ts";
import { MEMORY_CAP } from "./memory-cap.ts";
import { RESOURCES } from "./resources.ts";
import { ENDS, HANDLERS } from "./sockets.ts";
import { STREAM } from "./stream.ts";
import { TCP_HEADER } from "./tcp-header.ts";

/** From outside: in memory and through a TUN, in tun.test.ts. */
export const OUTSIDE: Readonly<Record<string, Scenario>> = {
  ...IPV4,
  ...FRAGMENTS,
  ...TCP_HEADER,
  ...HANDSHAKE,
  ...BLIND,
  ...RESOURCES,
  ...MEMORY_CAP,
  ...CONGESTION,
  ...STREAM,
  ...ICMP_ROWS,
  ...INSIDE,
  ...INTERFACE,
  ...HANDLERS,
};

/** In memory here; what their stimulus is no packet can be, and process.test.ts has it through a TUN. */
export const IN_MEMORY: Readonly<Record<string, Scenario>> = { ...ENDS };

/** Through a TUN in process.test.ts: `tuntcp serve`, signals, and the kernel's own programs as peers. */
export const OF_PROCESSES: readonly string[] = ["H142", "H145", "H150", "H151", "H155"];
