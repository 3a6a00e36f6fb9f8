// Names taken out of node:net by an ES module, a class of one's own, and localhost by its name.
import net, { connect, createServer, Socket } from "node:net";
import { play } from "./roles.mjs";

class Client extends Socket {
  greet() {
    this.write("hello");
  }
}

function serve(host, port) {
  const server = createServer((socket) => {
    socket.once("data", (chunk) =>
      socket.end(`${String(chunk)} from ${socket.localAddress === socket.remoteAddress}`),
    );
  });
  return new Promise((resolve) => {
    server.listen({ port, host: host === "127.0.0.1" ? "localhost" : host }, () =>
      resolve({ port: server.address().port, close: () => server.close() }),
    );
  });
}

async function read(socket) {
  let text = "";
  for await (const chunk of socket) text += chunk;
  return text;
}

async function ask(host, port) {
  const local = host === "127.0.0.1";
  const one = connect(port, local ? "localhost" : host, () => one.write("hello"));
  console.log((await read(one)) === `hello from ${local}`);
  const two = new Client();
  two.connect(port, host, () => two.greet());
  console.log((await read(two)) === `hello from ${local}`, two instanceof net.Socket);
}

await play(serve, ask);
