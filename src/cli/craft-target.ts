/** Where crafted packets go: our own stack in memory, or the other end of a TUN. */
import { lineOf } from "../base/errors.ts";
import { impairDevice } from "../devices/impair.ts";
import { isSystemError } from "../devices/native-binding.ts";
import { openLink, openTun, type TunDevice } from "../devices/tun.ts";
import { systemClock } from "../runtime/system.ts";
import { hostAddressFault, memoryTarget, type Target, tunTarget } from "../tools/craft/index.ts";
import { configure } from "../tools/netconfig/configure.ts";
import { formatIpv4, ipv4, type Ipv4Address } from "../wire/address.ts";
import type { DeviceOptions } from "./device-options.ts";
import { CommandFailure, EXIT_FAILED, EXIT_MACHINE, usage } from "./failure.ts";
import { hostLinks } from "./host-links.ts";
import { checkHost, explain, hostEnd, load } from "./open-stack.ts";

/** Throws a CommandFailure. */
export async function openMemory(
  options: DeviceOptions,
  peer: Ipv4Address | null,
  services: readonly string[],
): Promise<Target> {
  const { settings } = await load(options);
  const { impairment } = options;
  try {
    return await memoryTarget({
      address: options.addressText,
      peer: formatIpv4(peer ?? options.host),
      mtu: options.mtu,
      settings: settings ?? {},
      services,
      wrap: (device) =>
        impairment === null ? device : impairDevice(device, impairment, { clock: systemClock }),
    });
  } catch (error) {
    throw usage(lineOf(error));
  }
}

/** The stack in memory is on the side of `--address`; here that is ours, and the kernel has `--host`. */
export function openTunTarget(options: DeviceOptions, peer: Ipv4Address | null): Target {
  const links = hostLinks();
  const own = peer ?? options.address.address;
  const fault = hostAddressFault(own, links);
  if (fault !== null) throw new CommandFailure(EXIT_FAILED, fault);
  const end = hostEnd(options);
  const before = options.configure ? checkHost(end) : null;
  let tun;
  try {
    tun = openTun({ name: options.tun, mtu: options.mtu, offload: "off" });
  } catch (error) {
    throw explain(error, options);
  }
  let undo = (): void => {};
  try {
    if (options.configure) undo = configure(end, before);
  } catch (error) {
    void tun.close();
    throw new CommandFailure(EXIT_FAILED, lineOf(error));
  }
  const { impairment } = options;
  return tunTarget({
    mtu: options.mtu,
    device: impairment === null ? tun : impairDevice(tun, impairment, { clock: systemClock }),
    name: `the kernel through ${options.tun}`,
    address: formatIpv4(options.host),
    peer: formatIpv4(own),
    links,
    undo,
  });
}

/** The stack that is attached to the TUN `name`, at `--address`; `peer` is who talks to it. */
export function openIntoTarget(
  options: DeviceOptions,
  name: string,
  peer: Ipv4Address | null,
): Target {
  const links = hostLinks();
  const own = peer ?? ipv4(options.address.address + 1);
  const fault = hostAddressFault(own, links);
  if (fault !== null) throw new CommandFailure(EXIT_FAILED, fault);
  const link = links.find(({ ifname }) => ifname === name);
  if (link === undefined) {
    throw new CommandFailure(
      EXIT_FAILED,
      `--into ${name}: there is no such interface; 'tuntcp serve --tun ${name}' makes it`,
    );
  }
  let device: TunDevice;
  try {
    device = openLink(name);
  } catch (error) {
    throw explainLink(error, name, options);
  }
  const { impairment } = options;
  return tunTarget({
    mtu: "mtu" in link ? Number(link.mtu) : options.mtu,
    device: impairment === null ? device : impairDevice(device, impairment, { clock: systemClock }),
    name: `the stack on ${name}`,
    address: formatIpv4(options.address.address),
    peer: formatIpv4(own),
    links,
    undo: () => {},
  });
}

function explainLink(error: unknown, name: string, options: DeviceOptions): CommandFailure {
  if (isSystemError(error) && (error.code === "EPERM" || error.code === "EACCES")) {
    return new CommandFailure(
      EXIT_MACHINE,
      `--into ${name}: no right to send on the kernel's side of it (${error.code}): CAP_NET_RAW is needed, as root has it`,
    );
  }
  return explain(error, options);
}
