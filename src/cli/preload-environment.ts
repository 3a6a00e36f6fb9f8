/** The device options of `tuntcp/register`: out of the environment, and into it for `tuntcp run`. */
import type { Command } from "commander";
import {
  checkAddress,
  checkDeviceOptions,
  type DeviceOptions,
  type RawDeviceOptions,
} from "./device-options.ts";
import { CommandFailure, usage } from "./failure.ts";

/** The device's name that means: within the process. */
export const LOOPBACK_DEVICE = "loopback";
/** "PID NAME": the process that has opened the TUN, for those that it starts. */
export const OWNER = "TUNTCP_OWNER";

const NAMES: Readonly<Record<string, string>> = {
  tun: "TUNTCP_DEVICE",
  address: "TUNTCP_ADDRESS",
  host: "TUNTCP_HOST",
  mtu: "TUNTCP_MTU",
  configure: "TUNTCP_CONFIGURE",
  offload: "TUNTCP_OFFLOAD",
  set: "TUNTCP_SET",
  capture: "TUNTCP_CAPTURE",
  impair: "TUNTCP_IMPAIR",
  control: "TUNTCP_CONTROL",
};
/** Between settings, some of which have spaces. */
const SEPARATOR = ";";

const DEFAULTS: RawDeviceOptions = {
  tun: "tuntcp0",
  address: "192.0.2.2/24",
  host: "192.0.2.1",
  mtu: "1500",
  configure: true,
  offload: "auto",
  set: [],
};

export interface PreloadOptions extends DeviceOptions {
  readonly loopback: boolean;
  /** Null: the loopback device's own. */
  readonly loopbackMtu: number | null;
  /** Beside 127.0.0.1. */
  readonly loopbackAddress: string | null;
}

/** Those that were given on the command line, as variables. */
export function toEnvironment(command: Command): Record<string, string> {
  const variables: Record<string, string> = {};
  const options = command.opts<Record<string, unknown>>();
  for (const [key, name] of Object.entries(NAMES)) {
    if (command.getOptionValueSource(key) !== "cli") continue;
    const value = options[key];
    variables[name] = Array.isArray(value) ? value.join(SEPARATOR) : String(value);
  }
  return variables;
}

/** Throws a CommandFailure that names the variable. */
export function fromEnvironment(env: Readonly<Record<string, string | undefined>>): PreloadOptions {
  const given: Record<string, string> = {};
  for (const [key, name] of Object.entries(NAMES)) {
    const value = env[name];
    if (value !== undefined && value !== "") given[key] = value;
  }
  try {
    return checkPreloadOptions({
      ...DEFAULTS,
      ...given,
      configure: switchOf(given["configure"] ?? "true"),
      set: (given["set"] ?? "").split(SEPARATOR).filter((setting) => setting.trim() !== ""),
    });
  } catch (error) {
    throw error instanceof CommandFailure ? namingVariable(error) : error;
  }
}

/** The option that it begins with as the variable that it came from. */
export function namingVariable({ exitCode, message }: CommandFailure): CommandFailure {
  const line = message.replace(/^--([a-z]+)/, (flag, key: string) => NAMES[key] ?? flag);
  return new CommandFailure(exitCode, line);
}

function switchOf(text: string): boolean {
  if (/^(1|true|yes|on)$/i.test(text)) return true;
  if (/^(0|false|no|off)$/i.test(text)) return false;
  throw usage(`--configure ${text}: true or false`);
}

/** As `checkDeviceOptions`; the loopback device has no kernel's end. */
export function checkPreloadOptions(raw: RawDeviceOptions): PreloadOptions {
  if (raw.capture === "-") throw usage("--capture -: stdout is the program's; name a file");
  const loopback = raw.tun === LOOPBACK_DEVICE;
  const { address, host } = DEFAULTS;
  const options = checkDeviceOptions(loopback ? { ...raw, address, host } : raw);
  if (loopback) checkAddress(raw.address);
  return {
    ...options,
    loopback,
    loopbackMtu: raw.mtu === DEFAULTS.mtu ? null : options.mtu,
    loopbackAddress: raw.address === DEFAULTS.address ? null : raw.address,
  };
}
