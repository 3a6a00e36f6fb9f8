/** The options of a run: what a script's own lines and the command line say, the latter winning. */
import { type Ipv4Address, isUnicast, parseIpv4 } from "../wire/address.ts";
import type { ScriptOption } from "./ast.ts";
import { syntax, unsupported } from "./failure.ts";

export interface RunSettings {
  readonly localIp: Ipv4Address;
  readonly remoteIp: Ipv4Address;
  readonly bindPort: number;
  readonly connectPort: number;
  /** Microseconds. */
  readonly toleranceUsecs: number;
  readonly tolerancePercent: number;
  /** Microseconds of one tick; 0: timestamps that are sent are not compared. */
  readonly tsTickUsecs: number;
  readonly tsEcrScaled: boolean;
  readonly strictSegments: boolean;
  readonly mtu: number;
  /** Kinds of mismatch that are only warned of. */
  readonly nonFatal: ReadonlySet<"packet" | "syscall">;
  readonly dryRun: boolean;
  readonly verbose: boolean;
}

export const DEFAULT_RUN: RunSettings = {
  localIp: parseIpv4("192.168.0.1")!,
  remoteIp: parseIpv4("192.0.2.1")!,
  bindPort: 8080,
  connectPort: 8080,
  toleranceUsecs: 4000,
  tolerancePercent: 12.5,
  tsTickUsecs: 0,
  tsEcrScaled: false,
  strictSegments: false,
  mtu: 1500,
  nonFatal: new Set(),
  dryRun: false,
  verbose: false,
};

type Writable = { -readonly [K in keyof RunSettings]: RunSettings[K] };
type Reader = (to: Writable, value: string | null, line: number, name: string) => void;

const ignored: Reader = () => {};

function address(field: "localIp" | "remoteIp"): Reader {
  return (to, value, line, name) => {
    const ip = parseIpv4(value ?? "");
    if (ip === null || !isUnicast(ip))
      throw syntax(line, `--${name}=${value ?? ""}: expected an IPv4 address of a host`);
    to[field] = ip;
  };
}

function whole(field: NumberField, least: number, most: number): Reader {
  return (to, value, line, name) => {
    const n = /^\d+$/.test(value ?? "") ? Number(value) : NaN;
    if (!(n >= least && n <= most))
      throw syntax(line, `--${name}=${value ?? ""}: expected a whole number, ${least} to ${most}`);
    to[field] = n;
  };
}

type NumberField = {
  [K in keyof RunSettings]: number extends RunSettings[K] ? K : never;
}[keyof RunSettings];

function flag(field: "tsEcrScaled" | "strictSegments" | "dryRun" | "verbose"): Reader {
  return (to, value, line, name) => {
    if (value !== null && !["0", "1", "true", "false"].includes(value))
      throw syntax(line, `--${name}=${value}: expected nothing, 0 or 1`);
    to[field] = value !== "0" && value !== "false";
  };
}

const percent: Reader = (to, value, line, name) => {
  const n = /^\d*\.?\d+$/.test(value ?? "") ? Number(value) : NaN;
  if (!(n >= 0 && n <= 100)) throw syntax(line, `--${name}=${value ?? ""}: expected 0 to 100`);
  to.tolerancePercent = n;
};

const nonFatal: Reader = (to, value, line, name) => {
  const kinds = (value ?? "").split(",");
  for (const kind of kinds)
    if (kind !== "packet" && kind !== "syscall")
      throw syntax(line, `--${name}=${value ?? ""}: expected packet, syscall or both`);
  to.nonFatal = new Set(kinds as ("packet" | "syscall")[]);
};

const version: Reader = (_to, value, line, name) => {
  if (value !== "ipv4") throw unsupported(line, `--${name}=${value ?? ""}: this TCP is over IPv4`);
};

const refused: Reader = (_to, _value, line, name) => {
  throw unsupported(line, `--${name} is of a device that cuts segments, which is not here`);
};

const READERS: Readonly<Record<string, Reader>> = {
  ip_version: version,
  local_ip: address("localIp"),
  remote_ip: address("remoteIp"),
  gateway_ip: ignored,
  netmask_ip: ignored,
  bind_port: whole("bindPort", 1, 65535),
  connect_port: whole("connectPort", 1, 65535),
  tolerance_usecs: whole("toleranceUsecs", 0, 1e12),
  tolerance_percent: percent,
  tcp_ts_tick_usecs: whole("tsTickUsecs", 0, 1e6),
  tcp_ts_ecr_scaled: flag("tsEcrScaled"),
  strict_segments: flag("strictSegments"),
  mtu: whole("mtu", 68, 65535),
  mss: refused,
  speed: refused,
  define: ignored,
  code_command: ignored,
  code_format: ignored,
  code_sockopt: ignored,
  non_fatal: nonFatal,
  init_scripts: ignored,
  send_omit_free: ignored,
  is_anyip: ignored,
  verbose: flag("verbose"),
  debug: ignored,
  dry_run: flag("dryRun"),
};

/** Throws a DrillError; those of the command line have line 0. */
export function readRunSettings(
  script: readonly ScriptOption[],
  command: readonly ScriptOption[],
): RunSettings {
  const settings: Writable = { ...DEFAULT_RUN };
  for (const { name, value, line } of [...script, ...command]) {
    const read = Object.hasOwn(READERS, name) ? READERS[name] : undefined;
    if (read === undefined) throw unsupported(line, `unknown option --${name}`);
    read(settings, value, line, name);
  }
  if (settings.localIp === settings.remoteIp)
    throw syntax(script[0]?.line ?? 0, "local_ip and remote_ip are the same");
  return settings;
}

/** Names of the options that the language has, without their dashes. */
export const LANGUAGE_OPTIONS: readonly string[] = Object.keys(READERS);
