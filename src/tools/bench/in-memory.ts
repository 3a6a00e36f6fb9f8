/** Bulk between two stacks of one process: what the stack itself costs, without a kernel. */
import type { Socket } from "node:net";
import { createPair } from "../../devices/pair.ts";
import { createStack } from "../../sockets/create-stack.ts";
import { ask, startChild } from "./child.ts";
import type { NetLike } from "./plan.ts";

const BLOCK = 256 * 1024;

export interface PairQuestion {
  readonly mtu: number;
  readonly checksums: boolean;
  readonly seconds: number;
}

export interface PairResult {
  /** Gbit/s. */
  readonly rate: number;
  /** Share of a core. */
  readonly cpu: number;
}

/**
 * In a process with nothing else in it: V8 sets the bounds of its collector by what the first collection left, and beside the
 * whole command it went through the old generation three times as often, for 9 instead of 16 Gbit/s.
 */
export async function pairInChild(question: PairQuestion): Promise<PairResult> {
  const child = startChild("./in-memory-main", import.meta.url);
  try {
    return (await ask(child, question)) as PairResult;
  } finally {
    if (child.connected) child.disconnect();
  }
}

/** In that process. */
export async function pairHere({ mtu, checksums, seconds }: PairQuestion): Promise<PairResult> {
  const [a, b] = createPair({ mtu, offload: { checksum: !checksums, tso: false } });
  const left = createStack({ device: a, address: "192.0.2.1/24" });
  const right = createStack({ device: b, address: "192.0.2.2/24" });
  const before = process.cpuUsage();
  const began = performance.now();
  const server = right.net as unknown as NetLike;
  const rate = await inMemoryBulk(left.net, server, "192.0.2.2", seconds);
  const used = process.cpuUsage(before);
  const cpu = (used.user + used.system) / 1000 / (performance.now() - began);
  await Promise.all([left.close(), right.close()]);
  return { rate, cpu };
}

/** Gbit/s from `client` to `server`, measured where the bytes arrive; scripts/allocations.mjs profiles it, too. */
export async function inMemoryBulk(
  client: { connect(port: number, host: string): Socket },
  server: NetLike,
  host: string,
  seconds: number,
): Promise<number> {
  let bytes = 0;
  const listener = server.createServer({}, (socket) => {
    socket.on("data", (chunk: Buffer) => (bytes += chunk.length)).on("error", () => {});
  });
  await new Promise<void>((resolve) => void listener.listen(9, resolve));
  const socket = client.connect(9, host);
  const block = Buffer.alloc(BLOCK);
  const more = (): void => {
    while (!socket.destroyed && socket.write(block));
  };
  socket
    .on("connect", more)
    .on("drain", more)
    .on("error", () => {});
  await pause(seconds * 250);
  const [before, began] = [bytes, performance.now()];
  await pause(seconds * 1000);
  const rate = ((bytes - before) * 8) / (performance.now() - began) / 1e6;
  socket.destroy();
  listener.close();
  return rate;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms));
}
