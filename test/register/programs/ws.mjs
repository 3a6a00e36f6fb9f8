import { createServer } from "node:http";
import { once } from "node:events";
import { WebSocket, WebSocketServer } from "ws";
import { listening, play } from "./roles.mjs";

const server = createServer();
new WebSocketServer({ server }).on("connection", (socket) => {
  socket.on("message", (data, binary) => socket.send(data, { binary }));
});

async function ask(host, port) {
  const socket = new WebSocket(`ws://${host}:${port}/`);
  await once(socket, "open");
  socket.send("text");
  console.log(String((await once(socket, "message"))[0]));
  socket.send(Buffer.alloc(1_000_000, 7));
  const [data, binary] = await once(socket, "message");
  console.log(
    data.length,
    data.every((byte) => byte === 7),
    binary,
  );
  socket.ping("are you there");
  console.log(String((await once(socket, "pong"))[0]));
  socket.close(4000, "done");
  const [code, reason] = await once(socket, "close");
  console.log(code, String(reason));
  const refused = new WebSocket(`ws://${host}:1/`);
  console.log((await once(refused, "error"))[0].code);
}

await play(async (host, port) => await listening(server, host, port), ask);
