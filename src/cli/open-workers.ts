/** From checked options to a pool of workers on one TUN, and all of it taken back. */
import { lineOf } from "../base/errors.ts";
import { openTunQueues, type TunQueues } from "../devices/tun-queues.ts";
import { systemClock } from "../runtime/system.ts";
import type { Place } from "../tools/control/metrics.ts";
import { handlersOfPool, poolSummary } from "../tools/control/of-workers.ts";
import { configure } from "../tools/netconfig/configure.ts";
import { type PoolEvents, WorkerPool } from "../tools/workers/pool.ts";
import { openToLook } from "./control-socket.ts";
import type { DeviceOptions } from "./device-options.ts";
import { CommandFailure, EXIT_FAILED } from "./failure.ts";
import { checkHost, explain, hostEnd, load, openQlogFolder } from "./open-stack.ts";
import { version } from "./version.ts";

export interface OpenedWorkers {
  readonly pool: WorkerPool;
  readonly queues: TunQueues;
  finish(graceMs: number): Promise<void>;
}

/** Every worker listens when it resolves. Nothing is left behind when it throws (a CommandFailure). */
export async function openWorkers(
  options: DeviceOptions,
  count: number,
  services: readonly string[],
  events: PoolEvents,
  metrics: Place | null = null,
): Promise<OpenedWorkers> {
  await load(options); // each worker does so again; what is wrong is said here
  const end = hostEnd(options);
  const before = options.configure ? checkHost(end) : null;
  const queues = open(options, count);
  let undo = (): void => {};
  let blind = (): void => {};
  const { settings, qlog } = options;
  if (qlog !== null) openQlogFolder(qlog).close(); // each worker does so again; what is wrong is said here
  const plan = { address: options.addressText, settings, services, qlog };
  const pool = new WorkerPool(queues, plan, events);
  try {
    if (options.configure) undo = configure(end, before);
    await pool.start();
    blind = await watch(pool, queues, options, metrics);
  } catch (error) {
    await pool.finish(0);
    undo();
    throw error instanceof CommandFailure ? error : new CommandFailure(EXIT_FAILED, lineOf(error));
  }
  const finish = async (graceMs: number): Promise<void> => {
    blind();
    await pool.finish(graceMs);
    undo();
  };
  return { pool, queues, finish };
}

function watch(
  pool: WorkerPool,
  queues: TunQueues,
  options: DeviceOptions,
  metrics: Place | null,
): Promise<() => void> {
  const now = systemClock.now.bind(systemClock);
  const tun = queues.queues[0]!.tun.name;
  const { addressText: address, control } = options;
  const controlled = { pool, version: version(), tun, address, began: now(), now };
  const handlers = handlersOfPool(controlled);
  return openToLook({ control, metrics, tun, handlers, summary: () => poolSummary(controlled) });
}

function open(options: DeviceOptions, count: number): TunQueues {
  try {
    return openTunQueues({ name: options.tun, mtu: options.mtu, offload: options.offload }, count);
  } catch (error) {
    throw explain(error, options);
  }
}
