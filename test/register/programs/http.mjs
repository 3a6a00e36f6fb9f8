// node:http: a keep-alive agent, a body in chunks, an upgrade, the global fetch; the order of requests over one connection.
import http from "node:http";
import { listening, play } from "./roles.mjs";

const server = http.createServer((request, response) => {
  let size = 0;
  request.on("data", (chunk) => (size += chunk.length));
  request.on("end", () => response.end(`${request.method} ${request.url} ${size}`));
});
server.on("upgrade", (request, socket) => {
  socket.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n");
  socket.pipe(socket);
});
let connections = 0;
server.on("connection", () => connections++);

function request(options, body) {
  return new Promise((resolve, reject) => {
    const asked = http.request(options, async (response) => {
      let text = "";
      for await (const chunk of response) text += chunk;
      resolve({ status: response.statusCode, text, reused: asked.reusedSocket });
    });
    asked.on("error", reject);
    asked.end(body);
  });
}

async function ask(host, port) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  for (const path of ["/1", "/2", "/3"]) {
    const { status, text, reused } = await request({ host, port, path, agent });
    console.log(status, text, reused);
  }
  agent.destroy();
  const body = Buffer.alloc(3_000_000);
  console.log((await request({ host, port, method: "PUT", path: "/big" }, body)).text);
  const upgraded = await new Promise((resolve) => {
    http
      .request({ host, port, headers: { Connection: "Upgrade", Upgrade: "echo" } })
      .on("upgrade", (response, socket) => resolve(socket))
      .end();
  });
  upgraded.end("echoed");
  for await (const chunk of upgraded) console.log(String(chunk));
  const fetched = await fetch(`http://${host}:${port}/fetched`, { method: "POST", body: "12345" });
  console.log(fetched.status, await fetched.text());
  const refused = await fetch(`http://${host}:2/`).catch((error) => error);
  console.log(refused.cause.code);
}

await play(async (host, port) => await listening(server, host, port), ask);
if (connections > 0) console.log("connections", connections);
