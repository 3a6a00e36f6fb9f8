/** examples/minimal-http.mjs on the sockets of a stack: keep-alive, pipelining, its end, and what it refuses. */
import { once } from "node:events";
import http from "node:http";
import type { Server, Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import { loopback } from "../../src/devices/loopback.ts";
import { createStack, type UserStack } from "../../src/sockets/create-stack.ts";

interface Example {
  readonly minimalHttp: (net: unknown) => Server;
}

let stack: UserStack | null = null;

afterEach(async () => {
  await stack?.close();
  stack = null;
});

async function connected(): Promise<Socket> {
  const url = new URL("../../examples/minimal-http.mjs", import.meta.url);
  const { minimalHttp } = (await import(url.href)) as Example;
  stack = createStack({ device: loopback(), address: "127.0.0.1/8" });
  const server = minimalHttp(stack.net);
  server.listen(80);
  await once(server, "listening");
  const socket = stack.net.connect(80, "127.0.0.1") as unknown as Socket;
  socket.on("error", () => {}); // the stack's end resets what is open
  await once(socket, "connect");
  return socket;
}

async function untilEnd(socket: Socket): Promise<string> {
  let text = "";
  socket.setEncoding("latin1").on("data", (chunk: string) => (text += chunk));
  await once(socket, "end");
  return text;
}

const count = (text: string, what: string): number => text.split(what).length - 1;
const GET = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
const LAST = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

test("Node's http client gets 128 bytes, twice over one connection", async () => {
  const socket = await connected();
  const agent = Object.assign(new http.Agent({ keepAlive: true, maxSockets: 1 }), {
    createConnection: () => socket,
  });
  for (let i = 0; i < 2; i++) {
    const request = http.get({ host: "x", agent });
    const [response] = (await once(request, "response")) as [http.IncomingMessage];
    let body = "";
    response.setEncoding("latin1").on("data", (chunk: string) => (body += chunk));
    await once(response, "end");
    expect(response.statusCode).toBe(200);
    expect(body).toHaveLength(128);
    expect(request.reusedSocket).toBe(i === 1);
  }
  agent.destroy();
});

test("requests in one packet are all answered, and the last one ends the connection", async () => {
  const socket = await connected();
  socket.write(GET.repeat(50) + LAST + GET);
  const text = await untilEnd(socket);
  expect(count(text, "HTTP/1.1 200 OK")).toBe(51);
  expect(count(text, "Connection: close")).toBe(1);
  expect(text.length - text.lastIndexOf("\r\n\r\n") - 4).toBe(128);
});

test("a request is answered when its last byte has come, wherever it was cut", async () => {
  const socket = await connected();
  let text = "";
  socket.setEncoding("latin1").on("data", (chunk: string) => (text += chunk));
  for (const byte of GET.slice(0, -1)) {
    socket.write(byte);
    await new Promise(setImmediate);
  }
  expect(text).toBe("");
  socket.write("\n");
  await once(socket, "data");
  expect(count(text, "200 OK")).toBe(1);
  socket.destroy();
});

test("what is no GET is refused, and a request without end is cut off", async () => {
  const socket = await connected();
  socket.write(`${GET}POST / HTTP/1.1\r\n\r\n`);
  const text = await untilEnd(socket);
  expect(count(text, "200 OK")).toBe(1);
  expect(text).toContain("405 Method Not Allowed");
  await stack?.close();
  const other = await connected();
  other.write(`GET /${"x".repeat(20_000)}`);
  await once(other, "close");
});
