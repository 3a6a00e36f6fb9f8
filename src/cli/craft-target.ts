/** Where crafted packets go: our own stack in memory, or the other end of a TUN. */
import { lineOf } from "../base/errors.ts";
import { impairDevice } from "../devices/impair.ts";
import { openTun } from "../devices/tun.ts";
import { systemClock } from "../runtime/system.ts";
import { hostAddressFault, memoryTarget, type Target, tunTarget } from "../tools/craft/index.ts";
import { configure } from "../tools/netconfig/configure.ts";
import { formatIpv4 } from "../wire/address.ts";
import type { DeviceOptions } from "./device-options.ts";
import { CommandFailure, EXIT_FAILED, usage } from "./failure.ts";
import { hostLinks } from "./host-links.ts";
import { checkHost, explain, hostEnd, load } from "./open-stack.ts";

/** Throws a CommandFailure. */
export async function openMemory(
  options: DeviceOptions,
  services: readonly string[],
): Promise<Target> {
  const { settings } = await load(options);
  const { impairment } = options;
  try {
    return await memoryTarget({
      address: options.addressText,
      peer: formatIpv4(options.host),
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
export function openTunTarget(options: DeviceOptions): Target {
  const links = hostLinks();
  const fault = hostAddressFault(options.address.address, links);
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
    device: impairment === null ? tun : impairDevice(tun, impairment, { clock: systemClock }),
    name: `the kernel through ${options.tun}`,
    address: formatIpv4(options.host),
    peer: formatIpv4(options.address.address),
    links,
    undo,
  });
}
