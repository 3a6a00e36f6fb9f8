/** What a pool of workers answers over the control socket: all of its stacks as one. */
import type { Instant } from "../../base/time.ts";
import { limitOf } from "../observe/index.ts";
import type { StackReport, WorkerPool } from "../workers/index.ts";
import type { ConnectionTable, StackSummary } from "./requests.ts";
import type { Handlers } from "./server.ts";

export interface ControlledPool {
  readonly pool: WorkerPool;
  readonly version: string;
  readonly tun: string;
  /** `192.0.2.2/24`. */
  readonly address: string;
  readonly began: Instant;
  readonly now: () => Instant;
}

export function handlersOfPool(controlled: ControlledPool): Handlers {
  const { pool } = controlled;
  const end = async (
    how: "close" | "abort",
    { local, remote }: Readonly<Record<string, unknown>>,
  ): Promise<void> => {
    const named = { how, local: String(local), remote: String(remote) };
    if (await pool.end(named)) return;
    throw new Error(`no connection from ${named.local} to ${named.remote}`);
  };
  return {
    connections: async () => table(await pool.report()),
    summary: () => poolSummary(controlled),
    close: (request) => end("close", request),
    abort: (request) => end("abort", request),
    watch() {
      throw new Error("segments are told of one stack: serve without --workers, or --capture");
    },
  };
}

function table({ listeners, connections }: StackReport): ConnectionTable {
  return { listeners, connections: connections.map((c) => ({ ...c, limit: limitOf(c) })) };
}

export async function poolSummary(c: ControlledPool): Promise<StackSummary> {
  const { listeners, connections, memory, counters } = await c.pool.report();
  const states: Record<string, number> = {};
  for (const { state } of connections) states[state] = (states[state] ?? 0) + 1;
  return {
    version: c.version,
    pid: process.pid,
    tun: c.tun,
    addresses: [c.address],
    uptime: c.now() - c.began,
    states,
    listeners: listeners.length,
    memory,
    counters,
  };
}
