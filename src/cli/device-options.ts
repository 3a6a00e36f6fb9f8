/** The device options that every command shares: their flags, and their meaning once checked. */
import type { Command } from "commander";
import type { OffloadMode } from "../devices/tun.ts";
import {
  IMPAIRMENT_WORDS,
  type ImpairmentSpec,
  parseImpairment,
} from "../devices/impairment-spec.ts";
import { parseSetting } from "../stack/sysctl.ts";
import type { Settings } from "../tcp/config.ts";
import {
  type Cidr,
  formatIpv4,
  inPrefix,
  type Ipv4Address,
  isUnicast,
  parseCidr,
  parseIpv4,
} from "../wire/address.ts";
import { usage } from "./failure.ts";

export interface RawDeviceOptions {
  readonly tun: string;
  readonly address: string;
  readonly host: string;
  readonly mtu: string;
  readonly configure: boolean;
  readonly offload: string;
  readonly set: readonly string[];
  readonly capture?: string;
  readonly qlog?: string;
  readonly impair?: string;
  readonly control?: string;
  readonly rootless?: boolean;
}

export interface DeviceOptions {
  readonly tun: string;
  readonly address: Cidr;
  readonly addressText: string;
  readonly host: Ipv4Address;
  readonly mtu: number;
  readonly configure: boolean;
  readonly offload: OffloadMode;
  readonly settings: Partial<Settings>;
  readonly capture: string | null;
  /** The folder for event logs. */
  readonly qlog: string | null;
  readonly impairment: ImpairmentSpec | null;
  /** Null: where the TUN's name says. */
  readonly control: string | null;
  readonly rootless: boolean;
}

function collect(value: string, all: readonly string[]): string[] {
  return [...all, value];
}

export function addDeviceOptions(command: Command): Command {
  return command
    .option("--tun <name>", "TUN device; created where it does not exist", "tuntcp0")
    .option("--address <a.b.c.d/len>", "the stack's own address", "192.0.2.2/24")
    .option("--host <a.b.c.d>", "the kernel's address at the other end", "192.0.2.1")
    .option("--mtu <n>", "largest IPv4 packet, 68 to 65535", "1500")
    .option("--no-configure", "touch neither addresses nor link state")
    .option(
      "--offload <mode>",
      "auto takes what the kernel grants, checksum leaves cutting to us, off is a plain device",
      "auto",
    )
    .option("--set <key=value>", "a setting by its sysctl name; repeatable", collect, [])
    .option("--capture <file>", "write what passes as pcapng (- for stdout)")
    .option("--qlog <folder>", "write the events of each connection to a file of its own there")
    .option(
      "--impair <spec>",
      `a bad network, such as loss=1%,delay=20ms; in. or out. before a word means one way. The words: ${IMPAIRMENT_WORDS}`,
    )
    .option(
      "--control <path>",
      "the socket that ss and top talk to; default: by the TUN's name, in the user's runtime folder",
    )
    .option("--rootless", "run in a new user and network namespace, without root");
}

/** Checks everything before anything is touched; throws a CommandFailure with one line. */
export function checkDeviceOptions(raw: RawDeviceOptions): DeviceOptions {
  if (!/^[^\s/]{1,15}$/.test(raw.tun) || raw.tun === "." || raw.tun === "..") {
    throw usage(
      `--tun ${raw.tun}: an interface name is 1 to 15 characters without spaces and slashes`,
    );
  }
  const { offload } = raw;
  if (offload !== "auto" && offload !== "checksum" && offload !== "off") {
    throw usage(`--offload ${offload}: auto, checksum or off`);
  }
  const address = checkAddress(raw.address);
  return {
    tun: raw.tun,
    address,
    addressText: raw.address,
    host: checkHost(raw.host, address),
    mtu: checkMtu(raw.mtu),
    configure: raw.configure,
    offload,
    settings: checkSettings(raw.set),
    capture: raw.capture ?? null,
    qlog: raw.qlog ?? null,
    impairment: checkImpairment(raw.impair),
    control: raw.control ?? null,
    rootless: raw.rootless === true,
  };
}

export function checkAddress(text: string): Cidr {
  const address = parseCidr(text);
  if (address !== null && isUnicast(address.address)) return address;
  throw usage(`--address ${text}: give a host's address with its prefix length, as 192.0.2.2/24`);
}

function checkHost(text: string, stack: Cidr): Ipv4Address {
  const host = parseIpv4(text);
  if (host === null || !isUnicast(host)) {
    throw usage(`--host ${text}: give an IPv4 address, as 192.0.2.1`);
  }
  if (host === stack.address) {
    throw usage(`--host ${text}: the kernel's end needs an address other than the stack's`);
  }
  if (!inPrefix(host, stack)) {
    throw usage(
      `--host ${text}: not within ${formatIpv4(stack.address)}/${stack.prefix}, so the kernel would not find the stack`,
    );
  }
  return host;
}

function checkMtu(text: string): number {
  const mtu = Number(text);
  if (/^\d+$/.test(text) && mtu >= 68 && mtu <= 65535) return mtu;
  throw usage(`--mtu ${text}: a number from 68 (the least of IPv4) to 65535`);
}

function checkSettings(texts: readonly string[]): Partial<Settings> {
  let settings: Partial<Settings> = {};
  for (const text of texts) {
    const parsed = parseSetting(text);
    if (!parsed.ok) throw usage(`--set ${parsed.error}`);
    settings = { ...settings, ...parsed.settings };
  }
  return settings;
}

function checkImpairment(text: string | undefined): ImpairmentSpec | null {
  if (text === undefined) return null;
  const spec = parseImpairment(text);
  if (typeof spec === "string") throw usage(`--impair ${spec}`);
  return spec;
}
