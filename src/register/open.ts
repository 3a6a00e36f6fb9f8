/** From the environment to the stack that the program runs on. */
import { lineOf } from "../base/errors.ts";
import { CapturedDevice } from "../devices/capture.ts";
import { loopback } from "../devices/loopback.ts";
import { systemClock } from "../runtime/system.ts";
import { openControl } from "../cli/control-socket.ts";
import { CommandFailure, EXIT_FAILED } from "../cli/failure.ts";
import { load, openStack, wrap } from "../cli/open-stack.ts";
import { LOOPBACK_DEVICE, type PreloadOptions } from "../cli/preload-environment.ts";
import { version } from "../cli/version.ts";
import { handlersOf } from "../tools/control/requests.ts";
import { createStack, type UserStack } from "../sockets/create-stack.ts";

export interface Opened {
  readonly stack: UserStack;
  /** At once: what the machine was given is taken back, and files are whole. */
  readonly restore: () => void;
}

/** Throws a CommandFailure. */
export async function open(options: PreloadOptions): Promise<Opened> {
  if (!options.loopback) {
    const stack = await openStack(options);
    return { stack, restore: stack.restore };
  }
  const { loopbackMtu, loopbackAddress } = options;
  const inner = loopback(loopbackMtu === null ? {} : { mtu: loopbackMtu });
  const device = wrap(inner, options, true);
  const loaded = await load(options);
  const addresses = ["127.0.0.1/8"];
  if (loopbackAddress !== null) addresses.push(loopbackAddress);
  const stack = createStack({ device, address: addresses, ...loaded });
  const control = options.control === null ? null : await controlOf(stack, options.control);
  const restore = (): void => {
    control?.close();
    if (device instanceof CapturedDevice) device.finish();
  };
  return { stack, restore };
}

async function controlOf(stack: UserStack, path: string): ReturnType<typeof openControl> {
  const now = systemClock.now.bind(systemClock);
  try {
    const tun = LOOPBACK_DEVICE;
    const controlled = { core: stack.core, version: version(), tun, now };
    return await openControl(path, tun, handlersOf(controlled));
  } catch (error) {
    throw new CommandFailure(EXIT_FAILED, lineOf(error));
  }
}
