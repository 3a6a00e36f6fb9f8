/** `tuntcp show TOPIC --tun`: a scene against the kernel, in real time, through a TUN that is made for it. */
import { lineOf } from "../base/errors.ts";
import type { NetModule } from "../sockets/net.ts";
import { systemClock } from "../runtime/system.ts";
import { WatchedDevice } from "../tools/observe/watched-device.ts";
import {
  KERNEL_SCENES,
  KERNEL_SETTINGS,
  kernelJson,
  kernelSvg,
  kernelText,
  KernelWorld,
  NOT_WITH_THE_KERNEL,
  playWithKernel,
  type Scene,
} from "../tools/show/index.ts";
import { checkDeviceOptions } from "./device-options.ts";
import { CommandFailure, EXIT_FAILED, usage } from "./failure.ts";
import { openStack } from "./open-stack.ts";
import { runRootless } from "./rootless.ts";
import type { ShowOptions } from "./show.ts";
import { stdoutOf, writeOut } from "./stdout.ts";
import { screen } from "./trace.ts";

const OURS = "192.0.2.2";
const KERNELS = "192.0.2.1";

export async function showWithKernel(scene: Scene, options: ShowOptions): Promise<void> {
  if (options.html !== undefined) throw usage("--html: goes with scenes between two stacks");
  const { topic } = scene;
  if (!Object.hasOwn(KERNEL_SCENES, topic))
    throw usage(`show ${topic} --tun: not with the kernel: ${NOT_WITH_THE_KERNEL[topic]}`);
  if (options.rootless === true) {
    process.exitCode = await runRootless();
    return;
  }
  const device = checkDeviceOptions({
    tun: typeof options.tun === "string" ? options.tun : "tuntcp0",
    address: `${OURS}/24`,
    host: KERNELS,
    mtu: "1500",
    configure: true,
    offload: "off",
    set: ["tcp_timestamps=0", ...(KERNEL_SETTINGS[topic] ?? [])],
  });
  let world: KernelWorld | null = null;
  const stack = await openStack(device, {
    around: (inner) => new WatchedDevice(inner, (...seen) => world?.watch(...seen) ?? false),
  });
  try {
    const net: NetModule = stack.net;
    world = new KernelWorld(net, OURS, KERNELS, () => systemClock.now());
    const played = await playWithKernel(scene, world);
    if (options.svg !== undefined) writeOut("--svg", options.svg, kernelSvg(played));
    const taker = stdoutOf(options, ["svg", "html", "json"]);
    if (taker === "json") process.stdout.write(`${JSON.stringify(kernelJson(played), null, 2)}\n`);
    else if (taker === null) process.stdout.write(kernelText(played, screen(false)));
  } catch (error) {
    if (error instanceof CommandFailure) throw error;
    throw new CommandFailure(EXIT_FAILED, `show ${topic} --tun: ${lineOf(error)}`);
  } finally {
    await stack.close();
  }
}
