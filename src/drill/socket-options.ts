/** The options of a socket: what values Linux takes, what it gives back, and what the endpoint is told. */
import type { Endpoint } from "../tcp/endpoint.ts";
import type { Settings } from "../tcp/config.ts";
import type { Tuning } from "../tcp/tuning.ts";

export const SOL_SOCKET = 1;
export const SOL_TCP = 6;
export const SOL_IP = 0;

interface IntegerOption {
  readonly level: number;
  readonly number: number;
  readonly name: string;
  /** Outside of it: EINVAL. */
  readonly least: number;
  readonly most: number;
  /** What a set value becomes when it is read back. */
  readonly kept?: (value: number) => number;
  readonly initial: number | ((settings: Settings) => number);
}

const ANY_LEAST = -2147483648;
const ANY_MOST = 2147483647;

function flag(level: number, number: number, name: string): IntegerOption {
  const kept = (value: number): number => (value === 0 ? 0 : 1);
  return { level, number, name, least: ANY_LEAST, most: ANY_MOST, kept, initial: 0 };
}

function integer(
  level: number,
  number: number,
  name: string,
  least: number,
  most: number,
  initial: IntegerOption["initial"],
  kept?: (value: number) => number,
): IntegerOption {
  return { level, number, name, least, most, initial, ...(kept === undefined ? {} : { kept }) };
}

/** Seconds become a count of SYN-ACKs, 1, 3, 7 ... seconds, and are read back so. */
function deferred(seconds: number): number {
  if (seconds <= 0) return 0;
  let total = 1;
  for (let timeout = 1; total < seconds && timeout < 64;) {
    timeout = Math.min(timeout * 2, 120);
    total += timeout;
  }
  return total;
}

/** Linux's SOCK_MIN_SNDBUF and SOCK_MIN_RCVBUF, and what it doubles. */
const doubled =
  (least: number) =>
  (value: number): number =>
    Math.max(least, 2 * value);

const LINGER2_MOST = 120;
const DONT = 0;
const PROBE = 3;

function half(n: number | undefined): number | undefined {
  return n === undefined ? undefined : n >> 1;
}

/** The seconds of TCP_DEFER_ACCEPT, 1, 3, 7 ..., as a count of SYN-ACKs. */
function rounds(seconds: number | undefined): number | undefined {
  if (seconds === undefined) return undefined;
  return seconds === 0 ? 0 : Math.ceil(Math.log2(seconds + 1));
}

const INTEGERS: readonly IntegerOption[] = [
  flag(SOL_SOCKET, 2, "SO_REUSEADDR"),
  flag(SOL_SOCKET, 15, "SO_REUSEPORT"),
  flag(SOL_SOCKET, 9, "SO_KEEPALIVE"),
  flag(SOL_SOCKET, 10, "SO_OOBINLINE"),
  integer(SOL_SOCKET, 7, "SO_SNDBUF", 0, ANY_MOST / 2, (s) => s.tcp_wmem[1], doubled(4608)),
  integer(SOL_SOCKET, 8, "SO_RCVBUF", 0, ANY_MOST / 2, (s) => s.tcp_rmem[1], doubled(2304)),
  flag(SOL_TCP, 1, "TCP_NODELAY"),
  integer(SOL_TCP, 2, "TCP_MAXSEG", 88, 32767, 536),
  flag(SOL_TCP, 3, "TCP_CORK"),
  integer(SOL_TCP, 4, "TCP_KEEPIDLE", 1, 32767, (s) => s.tcp_keepalive_time),
  integer(SOL_TCP, 5, "TCP_KEEPINTVL", 1, 32767, (s) => s.tcp_keepalive_intvl),
  integer(SOL_TCP, 6, "TCP_KEEPCNT", 1, 127, (s) => s.tcp_keepalive_probes),
  integer(SOL_TCP, 7, "TCP_SYNCNT", 1, 127, (s) => s.tcp_syn_retries),
  integer(
    SOL_TCP,
    8,
    "TCP_LINGER2",
    ANY_LEAST,
    ANY_MOST,
    (s) => s.tcp_fin_timeout,
    (n) => (n < 0 || n > LINGER2_MOST ? -1 : n),
  ),
  integer(SOL_TCP, 9, "TCP_DEFER_ACCEPT", ANY_LEAST, ANY_MOST, 0, deferred),
  { ...flag(SOL_TCP, 12, "TCP_QUICKACK"), initial: 1 },
  integer(SOL_TCP, 18, "TCP_USER_TIMEOUT", 0, ANY_MOST, 0),
  integer(SOL_TCP, 23, "TCP_FASTOPEN", 0, ANY_MOST, 0),
  integer(SOL_TCP, 25, "TCP_NOTSENT_LOWAT", 0, ANY_MOST, 0),
  flag(SOL_TCP, 30, "TCP_FASTOPEN_CONNECT"),
  integer(SOL_TCP, 36, "TCP_INQ", 0, 1, 0),
  integer(SOL_IP, 1, "IP_TOS", 0, 255, 0, (n) => n & 0xfc),
  integer(SOL_IP, 2, "IP_TTL", 1, 255, (s) => s.ip_default_ttl),
  integer(SOL_IP, 10, "IP_MTU_DISCOVER", 0, 3, 1),
];

export type OptionName =
  | "SO_REUSEADDR"
  | "SO_KEEPALIVE"
  | "SO_SNDBUF"
  | "SO_RCVBUF"
  | "TCP_NODELAY"
  | "TCP_MAXSEG"
  | "TCP_CORK"
  | "TCP_KEEPIDLE"
  | "TCP_KEEPINTVL"
  | "TCP_KEEPCNT"
  | "TCP_SYNCNT"
  | "TCP_LINGER2"
  | "TCP_DEFER_ACCEPT"
  | "TCP_QUICKACK"
  | "TCP_USER_TIMEOUT"
  | "TCP_FASTOPEN"
  | "TCP_NOTSENT_LOWAT"
  | "TCP_FASTOPEN_CONNECT"
  | "TCP_INQ"
  | "IP_TOS"
  | "IP_TTL"
  | "IP_MTU_DISCOVER";

export function findOption(level: number, number: number): IntegerOption | undefined {
  return INTEGERS.find((o) => o.level === level && o.number === number);
}

const KEEP_ALIVE: ReadonlySet<OptionName> = new Set([
  "SO_KEEPALIVE",
  "TCP_KEEPIDLE",
  "TCP_KEEPINTVL",
  "TCP_KEEPCNT",
]);
const TUNED: ReadonlySet<OptionName> = new Set([
  "SO_SNDBUF",
  "SO_RCVBUF",
  "TCP_SYNCNT",
  "TCP_LINGER2",
  "IP_TTL",
  "IP_MTU_DISCOVER",
]);

export interface Linger {
  readonly on: boolean;
  /** Seconds. */
  readonly seconds: number;
}

export class SocketOptions {
  /** As they are read back; only what was set. */
  private readonly values: Map<string, number>;
  private readonly settings: Settings;
  linger: Linger = { on: false, seconds: 0 };
  congestion: string | null = null;

  constructor(settings: Settings, values: ReadonlyMap<string, number> = new Map()) {
    this.settings = settings;
    this.values = new Map(values);
  }

  /** What a child of a listener begins with. */
  inherited(): SocketOptions {
    const child = new SocketOptions(this.settings, this.values);
    child.linger = this.linger;
    child.congestion = this.congestion;
    return child;
  }

  get(name: OptionName): number {
    const value = this.values.get(name);
    if (value !== undefined) return value;
    const option = INTEGERS.find((o) => o.name === name)!;
    return typeof option.initial === "number" ? option.initial : option.initial(this.settings);
  }

  isSet(name: OptionName): boolean {
    return this.values.has(name);
  }

  /** The name of an error, or null. */
  set(option: IntegerOption, value: number): string | null {
    if (value < option.least || value > option.most) return "EINVAL";
    this.values.set(option.name, option.kept === undefined ? value : option.kept(value));
    return null;
  }

  /** All that was set, for a connection that begins. */
  apply(e: Endpoint): void {
    for (const name of this.values.keys()) this.tell(e, name as OptionName);
    if (this.congestion !== null) e.setCongestionControl(this.congestion);
  }

  /** One that was just set. */
  tell(e: Endpoint, name: OptionName): void {
    const n = this.get(name);
    const tellers: Partial<Record<OptionName, () => void>> = {
      TCP_NODELAY: () => e.setNoDelay(n === 1),
      TCP_QUICKACK: () => e.setQuickAck(n === 1),
      TCP_CORK: () => e.setCork(n === 1),
      TCP_USER_TIMEOUT: () => e.setUserTimeout(n),
      TCP_NOTSENT_LOWAT: () => e.setNotSentLowat(n === 0 ? this.settings.tcp_notsent_lowat : n),
      IP_TOS: () => e.setTypeOfService(n),
    };
    const teller = tellers[name];
    if (teller !== undefined) teller();
    else if (KEEP_ALIVE.has(name)) this.tellKeepAlive(e);
    else if (TUNED.has(name)) e.tune(this.tuning());
  }

  private tellKeepAlive(e: Endpoint): void {
    e.setKeepAlive(
      this.get("SO_KEEPALIVE") === 1,
      this.get("TCP_KEEPIDLE") * 1000,
      this.get("TCP_KEEPINTVL") * 1000,
      this.get("TCP_KEEPCNT"),
    );
  }

  /** What was set of what the stack takes at the beginning of a connection, and some of it later. */
  tuning(): Tuning {
    const set = (name: OptionName): number | undefined => this.values.get(name);
    const found: Record<keyof Tuning, unknown> = {
      // kept doubled, as it is read back
      receiveBuffer: half(set("SO_RCVBUF")),
      sendBuffer: half(set("SO_SNDBUF")),
      maxSegment: set("TCP_MAXSEG"),
      synRetries: set("TCP_SYNCNT"),
      finTimeout: set("TCP_LINGER2"),
      deferAccept: rounds(set("TCP_DEFER_ACCEPT")),
      ttl: set("IP_TTL"),
      typeOfService: set("IP_TOS"),
      ignoresPathMtu: [DONT, PROBE].includes(this.get("IP_MTU_DISCOVER")),
    };
    const entries = Object.entries(found).filter(([, value]) => value !== undefined);
    return Object.fromEntries(entries) as Tuning;
  }
}
