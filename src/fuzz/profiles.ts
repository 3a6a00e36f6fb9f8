/** The stacks that inputs can ask for: settings, and what kind of device the packets go through. */
import { type DeviceOffload, NO_OFFLOAD } from "../base/device.ts";
import type { Settings } from "../tcp/config.ts";

/** What a stack under test is like. */
export interface Profile {
  readonly name: string;
  readonly settings: Partial<Settings>;
  readonly offload: DeviceOffload;
  readonly mtu: number;
  /** Packets that come before the stack is polled. */
  readonly batch: number;
  /** The device lends its memory until the end of the batch, or for good. */
  readonly lends: boolean;
  readonly keeps: boolean;
  /** Every so many-th packet finds the device's queue full; 0: none. */
  readonly full: number;
}

const PLAIN = {
  settings: {},
  offload: NO_OFFLOAD,
  mtu: 1500,
  batch: 1,
  lends: false,
  keeps: false,
  full: 0,
} as const;

const ALL_OFFLOADS: DeviceOffload = { checksum: true, tso: true };

/** Stacks that an input chooses from, by the number in its head. */
export const PROFILES: readonly Profile[] = [
  { ...PLAIN, name: "plain" },
  { ...PLAIN, name: "no timestamps", settings: { tcp_timestamps: 0 } },
  { ...PLAIN, name: "no SACK", settings: { tcp_sack: 0, tcp_congestion_control: "reno" } },
  {
    ...PLAIN,
    name: "small buffers",
    settings: { tcp_rmem: [2048, 4096, 8192], tcp_wmem: [2048, 4096, 8192] },
  },
  { ...PLAIN, name: "SYN cookies", settings: { tcp_syncookies: 2 } },
  { ...PLAIN, name: "ECN", settings: { tcp_ecn: 1 } },
  {
    ...PLAIN,
    name: "old recovery",
    settings: { tcp_recovery: 0, tcp_early_retrans: 0, tcp_frto: 0, tcp_dsack: 0 },
  },
  { ...PLAIN, name: "paced", settings: { tcp_congestion_control: "bbr" }, mtu: 576 },
  {
    ...PLAIN,
    name: "path MTU search",
    settings: { tcp_mtu_probing: 2, tcp_base_mss: 512, tcp_probe_interval: 300 },
    mtu: 4000,
  },
  { ...PLAIN, name: "Fast Open", settings: { tcp_fastopen: 3 } },
  {
    ...PLAIN,
    name: "TIME-WAIT by the book",
    settings: { tcp_tw_reuse: 0, tcp_rfc1337: 0, tcp_window_scaling: 0 },
  },
  { ...PLAIN, name: "little memory", settings: { tcp_mem: [65536, 81920, 98304] } },
  {
    ...PLAIN,
    name: "impatient",
    settings: {
      tcp_retries2: 3,
      tcp_orphan_retries: 1,
      tcp_syn_retries: 1,
      tcp_synack_retries: 1,
      tcp_fin_timeout: 5,
      tcp_keepalive_time: 10,
      tcp_keepalive_intvl: 1,
      tcp_keepalive_probes: 2,
      tcp_msl: 1,
    },
  },
  {
    ...PLAIN,
    name: "short queues",
    settings: {
      tcp_max_syn_backlog: 2,
      somaxconn: 1,
      tcp_abort_on_overflow: 1,
      tcp_syncookies: 0,
      tcp_max_tw_buckets: 1,
      tcp_max_orphans: 1,
    },
  },
  { ...PLAIN, name: "offloads", offload: ALL_OFFLOADS, mtu: 9000, batch: 3, lends: true },
  {
    ...PLAIN,
    name: "busy device",
    settings: { accept_source_route: 1, ipfrag_high_thresh: 65_536 },
    keeps: true,
    batch: 2,
    full: 5,
  },
];
