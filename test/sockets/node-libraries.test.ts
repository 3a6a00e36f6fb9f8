/** Node's own http, https and tls over our sockets, as users will run them. */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import tls from "node:tls";

import { afterAll, expect, test } from "vitest";

import type { TcpSocket } from "../../src/sockets/tcp-socket.ts";
import { makeCertificates } from "../support/certificate.ts";
import { realWorld, SERVER } from "./support/world.ts";

const { folder, remove } = makeCertificates();
const key = readFileSync(join(folder, "key.pem"), "utf8");
const cert = readFileSync(join(folder, "cert.pem"), "utf8");
afterAll(remove);

async function body(request: http.ClientRequest): Promise<string> {
  const [response] = (await once(request, "response")) as [http.IncomingMessage];
  let all = "";
  for await (const chunk of response) all += String(chunk);
  return all;
}

function answer(request: http.IncomingMessage, response: http.ServerResponse): void {
  let size = 0;
  request.on("data", (chunk: Buffer) => (size += chunk.length));
  request.on("end", () => response.end(`${request.method} ${request.url} ${size}`));
}

test("http serves and asks over our sockets, with a body larger than all buffers", async () => {
  const world = realWorld();
  const web = http.createServer(answer);
  const server = world.server.createServer((socket) => web.emit("connection", socket));
  server.listen(80, SERVER);
  const request = http.request({
    method: "POST",
    path: "/big",
    createConnection: () => world.client.connect(80, SERVER),
  });
  request.end(Buffer.alloc(1_000_000));
  expect(await body(request)).toBe("POST /big 1000000");
});

test("a keep-alive agent uses one of our connections for several requests", async () => {
  const world = realWorld();
  const web = http.createServer(answer);
  const server = world.server.createServer((socket) => web.emit("connection", socket));
  server.listen(80, SERVER);
  let connections = 0;
  server.on("connection", () => connections++);
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  Object.assign(agent, { createConnection: () => world.client.connect(80, SERVER) });
  for (const path of ["/1", "/2", "/3"]) {
    expect(await body(http.get({ host: SERVER, path, agent }))).toBe(`GET ${path} 0`);
  }
  expect(connections).toBe(1);
  agent.destroy();
});

test("a request that times out and is destroyed ends its socket", async () => {
  const world = realWorld();
  world.server.createServer(() => {}).listen(80, SERVER);
  let socket!: TcpSocket;
  const request = http.get({
    timeout: 30,
    createConnection: ({ timeout }) =>
      (socket = world.client.connect({ port: 80, host: SERVER, timeout })),
  });
  request.on("error", () => {});
  await once(request, "timeout");
  request.destroy();
  await once(socket, "close");
  expect(socket.destroyed).toBe(true);
});

test("tls runs over our sockets on both sides, the connection open or still opening", async () => {
  const world = realWorld();
  const context = tls.createSecureContext({ key, cert });
  world.server
    .createServer((socket) => {
      const secure = new tls.TLSSocket(socket, { isServer: true, secureContext: context });
      secure.pipe(secure);
    })
    .listen(443, SERVER);
  for (const wait of [true, false]) {
    const socket = world.client.connect(443, SERVER);
    if (wait) await once(socket, "connect");
    const secure = tls.connect({ socket, ca: cert, servername: "peer.example" });
    await once(secure, "secureConnect");
    expect(secure.authorized).toBe(true);
    secure.write("over tls");
    expect(String((await once(secure, "data"))[0])).toBe("over tls");
    secure.end();
    await once(secure, "close");
  }
});

test("https serves and asks over our sockets", async () => {
  const world = realWorld();
  const web = https.createServer({ key, cert }, answer);
  world.server.createServer((socket) => web.emit("connection", socket)).listen(443, SERVER);
  const request = https.request({
    method: "PUT",
    path: "/x",
    createConnection: () =>
      tls.connect({
        socket: world.client.connect(443, SERVER),
        ca: cert,
        servername: "peer.example",
      }) as Duplex,
  });
  request.end(Buffer.alloc(300_000));
  expect(await body(request)).toBe("PUT /x 300000");
});
