// A listener that leads to a Unix socket: TCP in front, whatever serves there behind.
import net from "node:net";
import { listening } from "./roles.mjs";

export async function relay(path, host, port) {
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    const behind = net.connect({ path, allowHalfOpen: true });
    socket.pipe(behind).pipe(socket);
    socket.on("error", () => behind.destroy());
    behind.on("error", () => socket.destroy());
  });
  return await listening(server, host, port);
}
