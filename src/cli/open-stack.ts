/** From checked options to a running stack: capture file, TUN, kernel's end, impairment; and all of it taken back. */
import { lineOf } from "../base/errors.ts";
import { CapturedDevice, captureDevice } from "../devices/capture.ts";
import { impairDevice } from "../devices/impair.ts";
import { LiveLink } from "../devices/live-link.ts";
import { isSystemError, NativeLayerError } from "../devices/native-binding.ts";
import { openTun, type TunDevice } from "../devices/tun.ts";
import type { Device } from "../base/device.ts";
import { systemClock } from "../runtime/system.ts";
import { createStack, type UserStack } from "../sockets/create-stack.ts";
import { DEFAULT_SETTINGS } from "../tcp/config.ts";
import type { TcpTrace } from "../tcp/trace.ts";
import { type LoadedSettings, loadSettings } from "../tools/congestion-control/index.ts";
import type { Place } from "../tools/control/metrics.ts";
import { handlersOf, summary } from "../tools/control/requests.ts";
import { addressClash, configure, findLink, type HostEnd } from "../tools/netconfig/configure.ts";
import { IpError } from "../tools/netconfig/ip.ts";
import { qlog, QlogFolder } from "../tools/qlog/index.ts";
import { openToLook } from "./control-socket.ts";
import type { DeviceOptions } from "./device-options.ts";
import { CommandFailure, EXIT_FAILED, EXIT_MACHINE, usage } from "./failure.ts";
import { version } from "./version.ts";

export interface OpenedStack extends UserStack {
  readonly tun: TunDevice;
  /** At once, for a process that ends: all of `close` but the connections and the device. */
  readonly restore: () => void;
  /** Where the link can be changed and watched; null where nobody asked for it. */
  readonly link: LiveLink | null;
}

/** What a command asks for besides the options of its device. */
export interface Openings {
  readonly trace?: TcpTrace | null;
  readonly metrics?: Place | null;
  /** The stack stands in for every address. */
  readonly anyAddress?: boolean;
  /** The link can be changed and watched. */
  readonly live?: boolean;
  /** Stands between the stack and all else. */
  readonly around?: (device: Device) => Device;
}

/** Nothing is left behind when it throws (a CommandFailure). */
export async function openStack(
  options: DeviceOptions,
  { trace = null, metrics = null, anyAddress = false, live = false, around }: Openings = {},
): Promise<OpenedStack> {
  const loaded = await load(options);
  const end = hostEnd(options);
  const before = options.configure ? checkHost(end) : null;
  const tun = open(options);
  let undo = (): void => {};
  try {
    if (options.configure) undo = configure(end, before);
    const link = live ? new LiveLink(tun, { clock: systemClock }) : null;
    link?.impair(options.impairment);
    // a live link is made bad by itself
    const wrapped =
      link === null ? wrap(tun, options) : wrap(link, { ...options, impairment: null });
    const device = around === undefined ? wrapped : around(wrapped);
    const stack = createStack({
      device,
      address: options.addressText,
      anyAddress,
      ...loaded,
      trace,
    });
    const endLogs = logEvents(stack, options.qlog);
    const blind = await watch(stack, tun.name, options, metrics);
    const close = async (): Promise<void> => {
      blind();
      await stack.close();
      endLogs();
      undo();
    };
    const restore = (): void => {
      blind();
      endLogs();
      if (device instanceof CapturedDevice) device.finish();
      undo();
    };
    return { ...stack, tun, link, close, restore };
  } catch (error) {
    undo();
    void tun.close();
    if (error instanceof CommandFailure) throw error;
    throw new CommandFailure(EXIT_FAILED, lineOf(error));
  }
}

/** An event log for each connection, until the function that is returned is called. */
function logEvents(stack: UserStack, path: string | null): () => void {
  if (path === null) return () => {};
  const folder = openQlogFolder(path);
  const end = qlog(stack, folder.open);
  return () => {
    end();
    folder.close();
  };
}

/** A failure to write is told once, and the stack goes on. */
export function openQlogFolder(path: string): QlogFolder {
  const line = (error: unknown): string => `--qlog ${path}: ${lineOf(error)}`;
  try {
    return new QlogFolder(path, (error) => process.stderr.write(`tuntcp: ${line(error)}\n`));
  } catch (error) {
    throw usage(line(error));
  }
}

/** How others look into it: closed with it, and the stack with them when they fail. */
async function watch(
  stack: UserStack,
  tun: string,
  options: DeviceOptions,
  metrics: Place | null,
): Promise<() => void> {
  const now = systemClock.now.bind(systemClock);
  const controlled = { core: stack.core, version: version(), tun, now };
  const began = now();
  try {
    return await openToLook({
      control: options.control,
      metrics,
      tun,
      handlers: handlersOf(controlled),
      summary: () => summary(controlled, now() - began),
    });
  } catch (error) {
    await stack.close();
    throw error;
  }
}

/** The user's own congestion control, before anything is touched. */
export async function load(options: DeviceOptions): Promise<LoadedSettings> {
  try {
    return await loadSettings(options.settings);
  } catch (error) {
    throw usage(`--set tcp_congestion_control: ${lineOf(error)}`);
  }
}

/** The kernel's end of the TUN, as the options ask for it. */
export function hostEnd(options: DeviceOptions): HostEnd {
  const settings = { ...DEFAULT_SETTINGS, ...options.settings };
  return {
    name: options.tun,
    stack: options.address,
    host: options.host,
    mtu: options.mtu,
    window: settings.tcp_rmem[2],
  };
}

export function checkHost(end: HostEnd): ReturnType<typeof findLink> {
  try {
    const clash = addressClash(end);
    if (clash !== null) throw new CommandFailure(EXIT_FAILED, clash);
    return findLink(end.name);
  } catch (error) {
    if (error instanceof IpError) {
      const code = error.code === "ENOENT" ? EXIT_MACHINE : EXIT_FAILED;
      throw new CommandFailure(code, error.message);
    }
    throw error;
  }
}

function open(options: DeviceOptions): TunDevice {
  // a bit is flipped, and a packet lost, as a link would do it: so packets must be whole
  const offload = options.impairment === null ? options.offload : "off";
  try {
    return openTun({ name: options.tun, mtu: options.mtu, offload });
  } catch (error) {
    throw explain(error, options);
  }
}

/** One line for what the device's opening threw, and the exit code. */
export function explain(error: unknown, options: DeviceOptions): CommandFailure {
  const { tun } = options;
  if (error instanceof NativeLayerError) {
    return new CommandFailure(EXIT_MACHINE, `${lineOf(error)}; 'tuntcp doctor' says what to do`);
  }
  if (!isSystemError(error)) return new CommandFailure(EXIT_FAILED, lineOf(error));
  switch (error.code) {
    case "EACCES":
      return new CommandFailure(
        EXIT_MACHINE,
        `/dev/net/tun may not be opened by this user (EACCES): as root, chmod 666 /dev/net/tun`,
      );
    case "EPERM":
      return new CommandFailure(
        EXIT_MACHINE,
        `no right to open the TUN ${tun} (${error.code}): let root make one for you (ip tuntap add dev ${tun} mode tun user $USER), or run with --rootless`,
      );
    case "ENOENT":
    case "ENODEV":
    case "ENXIO":
      return new CommandFailure(
        EXIT_MACHINE,
        `/dev/net/tun is missing here: load the module (modprobe tun)`,
      );
    case "EBUSY":
      return new CommandFailure(
        EXIT_FAILED,
        `the TUN ${tun} is in use by another program: choose another with --tun`,
      );
    case "EINVAL":
      return new CommandFailure(
        EXIT_FAILED,
        `${tun} cannot be opened as a TUN (EINVAL): another kind of interface has the name, or its multi_queue flag differs; choose another with --tun`,
      );
    default:
      return new CommandFailure(EXIT_FAILED, `the TUN ${tun} cannot be opened: ${lineOf(error)}`);
  }
}

/** `looped`: what is sent comes back. */
export function wrap(inner: Device, options: DeviceOptions, looped = false): Device {
  const device =
    options.impairment === null
      ? inner
      : impairDevice(inner, options.impairment, { clock: systemClock });
  if (options.capture === null) return device;
  try {
    return captureDevice(device, options.capture, systemClock, looped);
  } catch (error) {
    throw usage(`--capture ${options.capture}: ${lineOf(error)}`);
  }
}
