/** The settings of a stack, under the names that Linux users know (sysctl net.ipv4.*), with unit and reason. */

/** Under the names of Linux's `net.ipv4.*`. */
export interface Settings {
  /** SYN retransmissions; one more than Linux, as MUST-23 asks for 180 s. */
  readonly tcp_syn_retries: number;
  readonly tcp_synack_retries: number;
  /** 0 off, 1 when the SYN queue is full, 2 always. */
  readonly tcp_syncookies: number;
  /** Half-open connections a listener keeps. */
  readonly tcp_max_syn_backlog: number;
  /** Upper bound of a listener's backlog. */
  readonly somaxconn: number;
  /** 1: a full accept queue answers with RST. */
  readonly tcp_abort_on_overflow: number;
  /** Seconds that a closed connection waits in FIN-WAIT-2. */
  readonly tcp_fin_timeout: number;
  /** 1: a SYN proven newer (RFC 6191), or with timestamps an open of ours, may take over a connection in TIME-WAIT. */
  readonly tcp_tw_reuse: number;
  /** Connections held in TIME-WAIT; beyond that the oldest ends early. */
  readonly tcp_max_tw_buckets: number;
  /** Seconds (RFC 9293 MUST-28: 2 hours at least). */
  readonly tcp_keepalive_time: number;
  /** Seconds. */
  readonly tcp_keepalive_intvl: number;
  readonly tcp_keepalive_probes: number;
  /** Retransmissions until a soft error is told (R1, SHLD-10). */
  readonly tcp_retries1: number;
  /** Retransmissions until the connection fails (R2, SHLD-11): 15 are about 924 s. */
  readonly tcp_retries2: number;
  /** The same for a connection that no user holds. */
  readonly tcp_orphan_retries: number;
  readonly tcp_window_scaling: number;
  readonly tcp_timestamps: number;
  readonly tcp_sack: number;
  readonly tcp_dsack: number;
  /** 0 off, 1 ask and answer, 2 answer. */
  readonly tcp_ecn: number;
  /** 1: a SYN that asked for ECN is repeated without (RFC 3168 §6.1.1.1). */
  readonly tcp_ecn_fallback: number;
  /** Bits: 1 client, 2 server, 4 client without a cookie, 0x200 server without one, 0x400 all listeners. */
  readonly tcp_fastopen: number;
  /** Of the cookies that a server gives: four numbers of 32 bits in hexadecimal, a-b-c-d; "": one of its own, which changes. */
  readonly tcp_fastopen_key: string;
  /** Seconds without Fast Open after a connection of it fell silent, doubled each time; 0: none. */
  readonly tcp_fastopen_blackhole_timeout_sec: number;
  /** cubic, reno, bbr, or another that the stack was given. */
  readonly tcp_congestion_control: string;
  /** Segments (RFC 6928). */
  readonly tcp_initial_cwnd: number;
  /** Receive buffer in bytes: least, at start, most. */
  readonly tcp_rmem: readonly [number, number, number];
  /** Send buffer in bytes: least, at start, most. */
  readonly tcp_wmem: readonly [number, number, number];
  /** Bytes of all connections: no pressure below, pressure above, cap. */
  readonly tcp_mem: readonly [number, number, number];
  /** Connections that no user holds any more and that still send; beyond, they are reset. */
  readonly tcp_max_orphans: number;
  /** 0 off, 1 when a black hole shows, 2 always (RFC 4821). */
  readonly tcp_mtu_probing: number;
  /** Bytes of text: where that search begins, and what a black hole makes of the MSS. */
  readonly tcp_base_mss: number;
  /** Bytes of text: below this no black hole makes the MSS. */
  readonly tcp_mtu_probe_floor: number;
  /** Seconds from the end of one search to the next (RFC 4821 §7.3: 5 minutes at least). */
  readonly tcp_probe_interval: number;
  /** Bytes: a range narrower than this is not searched. */
  readonly tcp_probe_threshold: number;
  /** Bytes: no smaller path MTU is believed (route.min_pmtu). */
  readonly min_pmtu: number;
  /** Seconds that a path MTU learnt is kept (route.mtu_expires; RFC 1191 §6.3: 5 minutes at least). */
  readonly mtu_expires: number;
  /** 1: a RST does not end TIME-WAIT (RFC 1337 F1). Deviation from RFC 9293 §3.10.7.4. */
  readonly tcp_rfc1337: number;
  /** Challenge ACKs of one connection in an interval (RFC 5961 §7). */
  readonly tcp_challenge_ack_limit: number;
  /** That interval, ms. Ours; RFC 5961 §7 wants it to be set. */
  readonly tcp_challenge_ack_interval: number;
  /** Challenge ACKs a second of the whole stack, on average. Ours: Linux's name for it is the one above. */
  readonly tcp_challenge_ack_rate: number;
  /** RSTs a second to segments of no connection, on average: from half to one and a half of it. Ours: Linux has no limit. */
  readonly tcp_reset_rate: number;
  /** ms. Deviation: RFC 6298 §2.4 says 1000; 200 is Linux's. */
  readonly tcp_rto_min_ms: number;
  /** ms; RFC 6298 §2.5: 60 s at least. */
  readonly tcp_rto_max_ms: number;
  /** ms that an ACK is delayed (MUST-40: below 500). */
  readonly tcp_delack_min_ms: number;
  /** 0 off, 3 or 4: tail loss probes (RFC 8985 §7). */
  readonly tcp_early_retrans: number;
  /** Bits: 1 RACK (RFC 8985 §6), else RFC 6675; 2 its reordering window does not adapt; 4 nor is it 0 after three SACKed. */
  readonly tcp_recovery: number;
  /** 0 off: F-RTO (RFC 5682). */
  readonly tcp_frto: number;
  /** 1: the congestion window restarts after idling (RFC 5681 §4.1). */
  readonly tcp_slow_start_after_idle: number;
  /** Percent of a window a round trip, at which a wide window is spread that opens at once; 0: all of it leaves. */
  readonly tcp_pacing_ca_ratio: number;
  /** Bytes: no smaller MSS is believed (CVE-2019-11479). */
  readonly tcp_min_snd_mss: number;
  /** Bytes not yet sent above which a writer is held back. */
  readonly tcp_notsent_lowat: number;
  /** First and last ephemeral port; wider than Linux's, as RFC 6056 §3.2 asks. */
  readonly ip_local_port_range: readonly [number, number];
  readonly ip_default_ttl: number;
  /** 1: packets with a source route are taken, and answered along it turned round. Off: RFC 7126 §4.3 advises so. */
  readonly accept_source_route: number;
  /** Bytes that fragments may hold. */
  readonly ipfrag_high_thresh: number;
  /** Seconds a datagram waits for its fragments. */
  readonly ipfrag_time: number;
  /** ms between ICMP errors to one peer, on average. */
  readonly icmp_ratelimit: number;
  /** Seconds; TIME-WAIT lasts twice that. Deviation: RFC 9293 §3.4.2 says 120. */
  readonly tcp_msl: number;
}

/** What holds where nothing is said. */
export const DEFAULT_SETTINGS: Settings = {
  tcp_syn_retries: 7,
  tcp_synack_retries: 5,
  tcp_syncookies: 1,
  tcp_max_syn_backlog: 1024,
  somaxconn: 4096,
  tcp_abort_on_overflow: 0,
  tcp_fin_timeout: 60,
  tcp_tw_reuse: 1,
  tcp_max_tw_buckets: 262144,
  tcp_keepalive_time: 7200,
  tcp_keepalive_intvl: 75,
  tcp_keepalive_probes: 10,
  tcp_retries1: 3,
  tcp_retries2: 15,
  tcp_orphan_retries: 8,
  tcp_window_scaling: 1,
  tcp_timestamps: 1,
  tcp_sack: 1,
  tcp_dsack: 1,
  tcp_ecn: 2,
  tcp_ecn_fallback: 1,
  tcp_fastopen: 1,
  tcp_fastopen_key: "",
  tcp_fastopen_blackhole_timeout_sec: 0,
  tcp_congestion_control: "cubic",
  tcp_initial_cwnd: 10,
  tcp_rmem: [4096, 131072, 6291456],
  tcp_wmem: [4096, 262144, 4194304],
  tcp_mem: [268435456, 402653184, 536870912],
  tcp_max_orphans: 16384,
  tcp_mtu_probing: 1,
  tcp_base_mss: 1024,
  tcp_mtu_probe_floor: 48,
  tcp_probe_interval: 600,
  tcp_probe_threshold: 8,
  min_pmtu: 552,
  mtu_expires: 600,
  tcp_rfc1337: 1,
  tcp_challenge_ack_limit: 10,
  tcp_challenge_ack_interval: 5000,
  tcp_challenge_ack_rate: 1000,
  tcp_reset_rate: 600,
  tcp_rto_min_ms: 200,
  tcp_rto_max_ms: 120000,
  tcp_delack_min_ms: 40,
  tcp_early_retrans: 3,
  tcp_recovery: 1,
  tcp_frto: 2,
  tcp_slow_start_after_idle: 1,
  tcp_pacing_ca_ratio: 120,
  tcp_min_snd_mss: 48,
  tcp_notsent_lowat: 4294967295,
  ip_local_port_range: [16384, 65535],
  ip_default_ttl: 64,
  accept_source_route: 0,
  ipfrag_high_thresh: 4194304,
  ipfrag_time: 30,
  icmp_ratelimit: 1000,
  tcp_msl: 30,
};
