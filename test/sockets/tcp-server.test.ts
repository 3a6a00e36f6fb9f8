/** Listening, accepting, turning away and closing. */
import { once } from "node:events";

import { expect, test } from "vitest";

import type { TcpSocket } from "../../src/sockets/tcp-socket.ts";
import { CLIENT, fakeWorld, SERVER } from "./support/world.ts";

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test.each([
  ["port, host, backlog", [80, SERVER, 5]],
  ["port, backlog", [80, 5]],
  ["text port", ["80", SERVER]],
  ["options", [{ port: 80, host: SERVER, backlog: 5 }]],
])("listen takes %s", async (_name, args) => {
  const server = fakeWorld().server.createServer();
  let called = 0;
  server.listen(...args, () => called++);
  expect(called).toBe(0);
  await once(server, "listening");
  expect(called).toBe(1);
  expect(server.listening).toBe(true);
  expect(server.address()).toMatchObject({ family: "IPv4", port: 80 });
});

test("listen without a port draws one, and address tells it", async () => {
  const server = fakeWorld().server.createServer().listen();
  await once(server, "listening");
  expect(server.address()!.port).toBeGreaterThan(0);
  expect(server.address()!.address).toBe("0.0.0.0");
});

test("a taken port gives Node's EADDRINUSE error", async () => {
  const { server } = fakeWorld();
  server.createServer().listen(80, SERVER);
  const second = server.createServer().listen(80, SERVER);
  const [error] = (await once(second, "error")) as [Error];
  expect(error.message).toBe("listen EADDRINUSE: address already in use 192.0.2.2:80");
  expect(error).toMatchObject({ code: "EADDRINUSE", syscall: "listen", address: SERVER, port: 80 });
  expect(second.listening).toBe(false);
});

test("listening twice throws, closing what is not open tells so", async () => {
  const server = fakeWorld().server.createServer();
  const error = await new Promise((resolve) => server.close(resolve));
  expect(error).toMatchObject({ code: "ERR_SERVER_NOT_RUNNING" });
  server.listen(80);
  expect(() => server.listen(81)).toThrow(
    expect.objectContaining({ code: "ERR_SERVER_ALREADY_LISTEN" }),
  );
});

test.each([
  [[70_000], "ERR_SOCKET_BAD_PORT"],
  [[{}], "ERR_INVALID_ARG_VALUE"],
  [["/tmp/socket"], "ERR_INVALID_ARG_VALUE"],
  [[{ port: 1, ipv6Only: true }], "ERR_INVALID_ARG_VALUE"],
  [[{ port: 1, signal: {} }], "ERR_INVALID_ARG_TYPE"],
])("listen with %j throws %s", (args, code) => {
  const server = fakeWorld().server.createServer();
  expect(() => server.listen(...args)).toThrow(expect.objectContaining({ code }));
});

test("close waits for open connections, and no new ones come", async () => {
  const world = fakeWorld();
  const server = world.server.createServer().listen(80, SERVER);
  const socket = world.client.connect(80, SERVER);
  const [far] = (await once(server, "connection")) as [TcpSocket];
  expect(far.server).toBe(server);
  let closed = false;
  server.close(() => (closed = true));
  expect(server.listening).toBe(false);
  const refused = world.client.connect(80, SERVER);
  expect((await once(refused, "error"))[0]).toMatchObject({ code: "ECONNREFUSED" });
  expect(closed).toBe(false);
  const count = await new Promise((resolve) => server.getConnections((_e, n) => resolve(n)));
  expect(count).toBe(1);
  socket.end();
  far.resume();
  await once(server, "close");
  expect(closed).toBe(true);
});

test("above maxConnections a connection is dropped, and drop names both ends", async () => {
  const world = fakeWorld();
  const server = world.server.createServer().listen(80, SERVER);
  server.maxConnections = 1;
  const first = world.client.connect(80, SERVER);
  await once(server, "connection");
  const second = world.client.connect(80, SERVER);
  const [drop] = await once(server, "drop");
  expect(drop).toMatchObject({
    localAddress: SERVER,
    localPort: 80,
    localFamily: "IPv4",
    remoteAddress: CLIENT,
    remoteFamily: "IPv4",
  });
  second.resume();
  await once(second, "end");
  first.destroy();
});

test("pauseOnConnect delivers nothing before resume", async () => {
  const world = fakeWorld();
  const server = world.server.createServer({ pauseOnConnect: true }).listen(80, SERVER);
  const near = world.client.connect(80, SERVER);
  const [far] = (await once(server, "connection")) as [TcpSocket];
  near.write("x");
  for (let i = 0; i < 5; i++) await turn();
  expect(far.bytesRead).toBe(0);
  expect(far.isPaused()).toBe(true);
  far.resume();
  expect(String((await once(far, "data"))[0])).toBe("x");
});

test("an abort signal closes the server, also one that was aborted before", async () => {
  const controller = new AbortController();
  const { server } = fakeWorld();
  const one = server.createServer().listen({ port: 80, signal: controller.signal });
  await once(one, "listening");
  controller.abort();
  await once(one, "close");
  const two = server.createServer().listen({ port: 80, signal: AbortSignal.abort() });
  await once(two, "close");
  expect(two.listening).toBe(false);
});

test("connections can be iterated, and asyncDispose ends the iteration", async () => {
  const world = fakeWorld();
  const server = world.server.createServer().listen(80, SERVER);
  const seen: number[] = [];
  const loop = (async () => {
    for await (const socket of server) {
      seen.push(socket.remotePort!);
      socket.end();
      socket.resume();
      if (seen.length === 2) void server[Symbol.asyncDispose]();
    }
  })();
  for (let i = 0; i < 2; i++) world.client.connect(80, SERVER).resume();
  await loop;
  expect(seen).toHaveLength(2);
});

test("the host is held exactly while a referenced server listens", () => {
  const world = fakeWorld();
  const server = world.server.createServer().listen(80);
  expect(world.serverHost.refs).toBe(1);
  server.unref();
  expect(world.serverHost.refs).toBe(0);
  server.ref();
  expect(world.serverHost.refs).toBe(1);
  server.close();
  expect(world.serverHost.refs).toBe(0);
});
