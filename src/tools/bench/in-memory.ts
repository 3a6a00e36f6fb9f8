/** Bulk between two stacks of one process: what the stack itself costs, without a kernel. */
import type { Socket } from "node:net";
import type { NetLike } from "./plan.ts";

const BLOCK = 256 * 1024;

/** Gbit/s from `client` to `server`, measured where the bytes arrive. */
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
