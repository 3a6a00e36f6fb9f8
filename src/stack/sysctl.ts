/**
 * The table of settings: unit, range and meaning of each name, and the reading of `KEY=VALUE` as a user types it. A mistake
 * is answered with one line that names the nearest known setting, as these names are typed from memory.
 */
import { nearest } from "../base/nearest.ts";
import type { Settings } from "../tcp/config.ts";
import { KIND_NAMES } from "../tcp/congestion/kinds.ts";

export type SettingName = keyof Settings;

export interface SettingInfo {
  readonly name: SettingName;
  /** "1" for a plain count or a switch. */
  readonly unit: string;
  readonly kind: "number" | "numbers" | "word";
  /** How many numbers; 1 unless `kind` is "numbers". */
  readonly arity: number;
  readonly least: number;
  readonly most: number;
  /** The words that `kind` "word" may be. */
  readonly words: readonly string[];
  readonly doc: string;
}

export type SettingValue = Settings[SettingName];

/** `settings` has the one setting in it, to be merged with others. */
export type ParsedSetting =
  | {
      readonly ok: true;
      readonly name: SettingName;
      readonly value: SettingValue;
      readonly settings: Partial<Settings>;
    }
  | { readonly ok: false; readonly error: string };

type Row = Omit<SettingInfo, "name">;

const GIB = 1073741824;
/** As `sysctl` prints it; a second key behind a comma, the one before, is not known here. */
const FAST_OPEN_KEY = /^(?:[0-9a-f]{1,8}(?:-[0-9a-f]{1,8}){3})?$/i;
const NO_WORDS: readonly string[] = [];

function number(unit: string, least: number, most: number, doc: string): Row {
  return { unit, kind: "number", arity: 1, least, most, words: NO_WORDS, doc };
}

function flag(doc: string): Row {
  return number("1", 0, 1, doc);
}

function numbers(unit: string, arity: number, least: number, most: number, doc: string): Row {
  return { unit, kind: "numbers", arity, least, most, words: NO_WORDS, doc };
}

function word(words: readonly string[], doc: string): Row {
  return { unit: "name", kind: "word", arity: 1, least: 0, most: 0, words, doc };
}

/** A record, so that a setting without a row does not compile. */
const ROWS: Readonly<Record<SettingName, Row>> = {
  tcp_syn_retries: number("1", 0, 127, "SYN retransmissions before connect fails"),
  tcp_synack_retries: number("1", 0, 127, "SYN-ACK retransmissions before a half-open ends"),
  tcp_syncookies: number("1", 0, 2, "0 off, 1 when the SYN queue is full, 2 always"),
  tcp_max_syn_backlog: number("1", 1, 1048576, "half-open connections of a listener"),
  somaxconn: number("1", 1, 1048576, "upper bound of a listener's backlog"),
  tcp_abort_on_overflow: flag("a full accept queue answers with RST"),
  tcp_fin_timeout: number("s", 1, 86400, "time of a closed connection in FIN-WAIT-2"),
  tcp_tw_reuse: flag("a newer SYN or open may take over TIME-WAIT (RFC 6191)"),
  tcp_max_tw_buckets: number(
    "1",
    0,
    16777216,
    "connections held in TIME-WAIT; then the oldest ends",
  ),
  tcp_keepalive_time: number("s", 1, 2147483, "idle time before the first keep-alive"),
  tcp_keepalive_intvl: number("s", 1, 2147483, "time between keep-alives"),
  tcp_keepalive_probes: number("1", 1, 127, "keep-alives without answer until the end"),
  tcp_retries1: number("1", 0, 255, "retransmissions until a soft error is told (R1)"),
  tcp_retries2: number("1", 1, 255, "retransmissions until the connection fails (R2)"),
  tcp_orphan_retries: number("1", 0, 255, "the same for a connection no user holds"),
  tcp_window_scaling: flag("window scaling (RFC 7323)"),
  tcp_timestamps: flag("timestamps (RFC 7323)"),
  tcp_sack: flag("selective acknowledgement (RFC 2018)"),
  tcp_dsack: flag("reports of duplicates (RFC 2883)"),
  tcp_ecn: number("1", 0, 2, "0 off, 1 ask and answer, 2 answer"),
  tcp_ecn_fallback: flag("a SYN that asked for ECN is repeated without"),
  tcp_fastopen: number("1", 0, 0xfff, "bits: 1 client, 2 server, 4 and 0x200 without cookie"),
  tcp_fastopen_key: word([""], "key of Fast Open cookies, a-b-c-d in hexadecimal"),
  tcp_fastopen_blackhole_timeout_sec: number("s", 0, 86400, "pause after a black hole; 0 none"),
  tcp_congestion_control: word(KIND_NAMES, "congestion control of new connections"),
  tcp_initial_cwnd: number("segments", 1, 100, "first congestion window (RFC 6928)"),
  tcp_rmem: numbers("bytes", 3, 1024, GIB, "receive buffer: least, at start, most"),
  tcp_wmem: numbers("bytes", 3, 1024, GIB, "send buffer: least, at start, most"),
  tcp_mem: numbers("bytes", 3, 65536, 1024 * GIB, "all buffers: no pressure, pressure, cap"),
  tcp_max_orphans: number("1", 0, 16777216, "connections that no user holds any more"),
  tcp_mtu_probing: number("1", 0, 2, "0 off, 1 when a black hole shows, 2 always (RFC 4821)"),
  tcp_base_mss: number("bytes", 48, 65495, "MSS where the search for a path MTU begins"),
  tcp_mtu_probe_floor: number("bytes", 28, 65495, "least MSS that a black hole leads to"),
  tcp_probe_interval: number("s", 300, 86400, "time between searches for a path MTU"),
  tcp_probe_threshold: number("bytes", 1, 65535, "a range narrower than this is not searched"),
  min_pmtu: number("bytes", 68, 65535, "no smaller path MTU is believed"),
  mtu_expires: number("s", 300, 86400, "time that a path MTU learnt is kept"),
  tcp_rfc1337: flag("a RST does not end TIME-WAIT (RFC 1337)"),
  tcp_challenge_ack_limit: number(
    "1",
    1,
    2147483647,
    "challenge ACKs of a connection in an interval",
  ),
  tcp_challenge_ack_interval: number("ms", 1, 86400000, "the interval that counts them"),
  tcp_challenge_ack_rate: number("1/s", 1, 2147483647, "challenge ACKs of the whole stack"),
  tcp_reset_rate: number("1/s", 1, 2147483647, "RSTs to segments of no connection"),
  tcp_rto_min_ms: number("ms", 1, 120000, "least retransmission timeout"),
  tcp_rto_max_ms: number("ms", 1000, 120000, "greatest retransmission timeout"),
  tcp_delack_min_ms: number("ms", 0, 499, "delay of an ACK; below 500 by RFC 9293 §3.8.6.3"),
  tcp_early_retrans: number("1", 0, 4, "tail-loss probes; 0 off, 3 on"),
  tcp_recovery: number("1", 0, 7, "bits: 1 RACK, 2 fixed reordering window, 4 no threshold"),
  tcp_frto: number("1", 0, 2, "detection of spurious timeouts; 0 off"),
  tcp_slow_start_after_idle: flag("the congestion window restarts after idling"),
  tcp_pacing_ca_ratio: number("%", 0, 1000, "rate of a window that opens at once; 0: unpaced"),
  tcp_min_snd_mss: number("bytes", 28, 65495, "no smaller MSS is believed"),
  tcp_notsent_lowat: number("bytes", 1, 4294967295, "unsent bytes that hold a writer back"),
  ip_local_port_range: numbers("port", 2, 1, 65535, "first and last ephemeral port"),
  ip_default_ttl: number("hops", 1, 255, "TTL of what is sent"),
  accept_source_route: flag("packets with a source route are taken"),
  ipfrag_high_thresh: number("bytes", 65536, GIB, "cap of all fragments held"),
  ipfrag_time: number("s", 1, 120, "time a datagram waits for its fragments"),
  icmp_ratelimit: number("ms", 0, 2147483647, "time between ICMP errors to one peer; 0 no limit"),
  tcp_msl: number("s", 1, 120, "segment lifetime; TIME-WAIT lasts twice that"),
};

export const SETTING_NAMES: readonly SettingName[] = Object.keys(ROWS) as SettingName[];

/** Names that are refused with a reason, as guides of old still tell people to set them. */
const REFUSED: ReadonlyMap<string, string> = new Map([
  [
    "tcp_tw_recycle",
    "tcp_tw_recycle is refused: it broke clients behind one NAT, whose timestamps differ; Linux removed it in 4.12",
  ],
]);

/** What the table says of a setting; null when there is none of that name. */
export function settingInfo(name: string): SettingInfo | null {
  return isName(name) ? { name, ...ROWS[name] } : null;
}

/** Reads `KEY=VALUE`; `net.ipv4.`, `net.ipv4.route.` or `net.core.` before the name is accepted, as sysctl prints it. */
export function parseSetting(text: string): ParsedSetting {
  const equals = text.indexOf("=");
  if (equals < 0) return bad(`${quoted(text)} is not KEY=VALUE`);
  const name = text
    .slice(0, equals)
    .trim()
    .replace(/^net\.(?:ipv4|core)\.(?:route\.)?/, "");
  const refusal = REFUSED.get(name);
  if (refusal !== undefined) return bad(refusal);
  if (!isName(name))
    return bad(`no setting ${quoted(name)}; did you mean ${nearest(name, SETTING_NAMES)}?`);
  const value = readValue(ROWS[name], text.slice(equals + 1).trim());
  if (value === null || !fits(ROWS[name], value)) return bad(describe(name));
  return { ok: true, name, value, settings: { [name]: value } };
}

/** One line on the first setting that is out of its range or of the wrong form; null when all are good. */
export function checkSettings(settings: Partial<Settings>): string | null {
  for (const [name, value] of Object.entries(settings)) {
    const refusal = REFUSED.get(name);
    if (refusal !== undefined) return refusal;
    if (!isName(name))
      return `no setting ${quoted(name)}; did you mean ${nearest(name, SETTING_NAMES)}?`;
    if (value !== undefined && !fits(ROWS[name], value)) return describe(name);
  }
  return null;
}

/** A value as `sysctl` prints it. */
export function formatSetting(settings: Settings, name: SettingName): string {
  const value = settings[name];
  return typeof value === "object" ? value.join(" ") : String(value);
}

/** Whether a congestion control is given as the path of a module, which somebody has to load. */
export function isModulePath(text: string): boolean {
  return /\.[cm]?[jt]s$/.test(text);
}

function isName(name: string): name is SettingName {
  return Object.hasOwn(ROWS, name);
}

function bad(error: string): ParsedSetting {
  return { ok: false, error };
}

/** In plain ASCII, so that a line break or an escape in what was typed stays out of our one line. */
function quoted(text: string): string {
  const short = text.length > 64 ? `${text.slice(0, 64)}...` : text;
  return JSON.stringify(short).replaceAll(/[^ -~]/g, "?");
}

function readValue(row: Row, text: string): SettingValue | null {
  if (row.kind === "word") return isWord(row, text) ? text : null;
  const parts = text.split(/\s*,\s*|\s+/);
  // decimal digits only: Number() would take "", "0x10" and "1e9" as well
  if (parts.length !== row.arity || !parts.every((part) => /^\d{1,15}$/.test(part))) return null;
  const values = parts.map(Number);
  return (row.kind === "numbers" ? values : values[0]!) as SettingValue;
}

function isWord(row: Row, text: string): boolean {
  if (row === ROWS.tcp_fastopen_key) return FAST_OPEN_KEY.test(text);
  return row.words.includes(text) || isModulePath(text);
}

/** Takes unknown, as a program without types may hand in anything. */
function fits(row: Row, value: unknown): boolean {
  // a stack may have been given further ones, and says itself which it knows
  if (row === ROWS.tcp_fastopen_key) return typeof value === "string" && isWord(row, value);
  if (row.kind === "word") return typeof value === "string";
  if (row.kind === "number") return inRange(row, value);
  if (!Array.isArray(value) || value.length !== row.arity) return false;
  return value.every((n, i) => inRange(row, n) && (i === 0 || n >= value[i - 1]));
}

function inRange(row: Row, n: unknown): boolean {
  return Number.isInteger(n) && (n as number) >= row.least && (n as number) <= row.most;
}

/** What a setting wants, as an error. */
function describe(name: SettingName): string {
  const { kind, arity, least, most, unit, words } = ROWS[name];
  if (name === "tcp_fastopen_key")
    return `${name} is four numbers of 32 bits in hexadecimal: a-b-c-d`;
  if (kind === "word")
    return `${name} is one of: ${words.join(", ")}, or a module's path (./mine.ts)`;
  const of = unit === "1" ? "" : ` (${unit})`;
  return kind === "number"
    ? `${name} is a whole number from ${least} to ${most}${of}`
    : `${name} is ${arity} whole numbers from ${least} to ${most}${of}, none less than the one before`;
}
