/** From checked options to a pool of workers on one TUN, and all of it taken back. */
import { lineOf } from "../base/errors.ts";
import { openTunQueues, type TunQueues } from "../devices/tun-queues.ts";
import { configure } from "../tools/netconfig/configure.ts";
import { type PoolEvents, WorkerPool } from "../tools/workers/pool.ts";
import type { DeviceOptions } from "./device-options.ts";
import { CommandFailure, EXIT_FAILED } from "./failure.ts";
import { checkHost, explain, hostEnd, load, openQlogFolder } from "./open-stack.ts";

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
): Promise<OpenedWorkers> {
  await load(options); // each worker does so again; what is wrong is said here
  const end = hostEnd(options);
  const before = options.configure ? checkHost(end) : null;
  const queues = open(options, count);
  let undo = (): void => {};
  const { settings, qlog } = options;
  if (qlog !== null) openQlogFolder(qlog).close(); // each worker does so again; what is wrong is said here
  const plan = { address: options.addressText, settings, services, qlog };
  const pool = new WorkerPool(queues, plan, events);
  try {
    if (options.configure) undo = configure(end, before);
    await pool.start();
  } catch (error) {
    await pool.finish(0);
    undo();
    throw error instanceof CommandFailure ? error : new CommandFailure(EXIT_FAILED, lineOf(error));
  }
  const finish = async (graceMs: number): Promise<void> => {
    await pool.finish(graceMs);
    undo();
  };
  return { pool, queues, finish };
}

function open(options: DeviceOptions, count: number): TunQueues {
  try {
    return openTunQueues({ name: options.tun, mtu: options.mtu, offload: options.offload }, count);
  } catch (error) {
    throw explain(error, options);
  }
}
