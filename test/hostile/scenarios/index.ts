/** Every row's scenario, by where it can be driven. */
import type { Settings } from "../../../src/tcp/config.ts";
import type { Scenario } from "../support/world.ts";
import { BLIND, BLIND_INSIDE } from "./blind.ts";
import { CONGESTION } from "./congestion.ts";
import { FRAGMENTS, FRAGMENTS_IN_TIME } from "./fragments.ts";
import { HANDSHAKE } from "./handshake.ts";
import { ICMP_ROWS } from "./icmp.ts";
import { INSIDE, INSIDE_IN_TIME } from "./inside.ts";
import { IPV4 } from "./ipv4.ts";
import { RESOURCES, RESOURCES_IN_TIME } from "./resources.ts";
import { HANDLERS } from "./sockets.ts";
import { STREAM, STREAM_IN_TIME } from "./stream.ts";
import { TCP_HEADER } from "./tcp-header.ts";

/** From outside: in memory and through a TUN. */
export const OUTSIDE: Readonly<Record<string, Scenario>> = {
  ...IPV4,
  ...FRAGMENTS,
  ...TCP_HEADER,
  ...HANDSHAKE,
  ...BLIND,
  ...RESOURCES,
  ...CONGESTION,
  ...STREAM,
  ...ICMP_ROWS,
  ...INSIDE,
};

/** Only in memory: long times, a failing device, or a look inside. */
export const IN_MEMORY: Readonly<Record<string, Scenario>> = {
  ...FRAGMENTS_IN_TIME,
  ...BLIND_INSIDE,
  ...RESOURCES_IN_TIME,
  ...STREAM_IN_TIME,
  ...INSIDE_IN_TIME,
  ...HANDLERS,
};

/** Rows about processes and interfaces: in process.test.ts, H143 in tun.test.ts. */
export const OF_PROCESSES: readonly string[] = ["H142", "H143", "H145", "H150", "H151"];

/** Settings that a row needs. */
export const SETTINGS: Readonly<Record<string, Partial<Settings>>> = {
  // what leaves is to be the answer to what came, and not a probe of the tail
  H037: { tcp_early_retrans: 0 },
  H092: { tcp_early_retrans: 0 },
};
