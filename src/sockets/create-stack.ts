/** A stack as a program holds it: device, addresses, settings and `net`, the module shaped like `node:net`. */
import type { Device } from "../base/device.ts";
import { StackError } from "../base/errors.ts";
import { Driver } from "../runtime/driver.ts";
import type { Stack } from "../stack/stack.ts";
import type { Settings } from "../tcp/config.ts";
import type { ControllerKind } from "../tcp/congestion/controller.ts";
import type { TcpTrace } from "../tcp/trace.ts";
import { type Cidr, parseCidr } from "../wire/address.ts";
import type { SocketHost } from "./host.ts";
import { createNet, type NetModule } from "./net.ts";

/** What a stack is made from. */
export interface CreateStackOptions {
  readonly device: Device;
  /** The stack's own addresses with prefix lengths, `"192.0.2.2/24"`; the first is the default source. */
  readonly address: string | readonly string[];
  /** Connections to, and from, every other host's address too: what stands in for all hosts beyond the device. Default: false. */
  readonly anyAddress?: boolean;
  /** Under Linux's names: `{ tcp_keepalive_time: 60 }`. */
  readonly settings?: Partial<Settings>;
  readonly trace?: TcpTrace | null;
  /** Congestion controllers of the program's own, for `tcp_congestion_control` and sockets to name. */
  readonly congestionControls?: readonly ControllerKind[];
}

/** A stack as a program holds it. */
export interface UserStack {
  readonly net: NetModule;
  readonly core: Stack;
  readonly settings: Settings;
  readonly device: Device;
  /** What sockets of another shape stand on, as those of `net` do. */
  readonly host: SocketHost;
  /** Told once when the device is gone for good. */
  readonly onDeviceLost: (listener: (error: Error) => void) => void;
  /** RST to whoever is still connected, then the device; afterwards nothing keeps the process alive. */
  readonly close: () => Promise<void>;
}

/** A stack on a device, with sockets for a program. Throws a StackError (EINVAL) for an address that is none. */
export function createStack(options: CreateStackOptions): UserStack {
  const texts = typeof options.address === "string" ? [options.address] : options.address;
  const addresses = texts.map(addressOf);
  if (addresses.length === 0) throw new StackError("EINVAL", "a stack needs an address");
  const driver = new Driver({
    device: options.device,
    addresses,
    anyAddress: options.anyAddress === true,
    ...(options.settings === undefined ? {} : { settings: options.settings }),
    ...(options.trace === undefined ? {} : { trace: options.trace }),
    congestionControls: options.congestionControls ?? [],
  });
  return {
    net: createNet(driver),
    core: driver.stack,
    settings: driver.stack.settings,
    device: options.device,
    host: driver,
    onDeviceLost(listener) {
      driver.onLost = listener;
    },
    close: () => driver.close(),
  };
}

function addressOf(text: string): Cidr {
  const cidr = parseCidr(text);
  if (cidr === null) {
    throw new StackError(
      "EINVAL",
      `${text} is not an address with a prefix length, as 192.0.2.2/24 is`,
    );
  }
  return cidr;
}
