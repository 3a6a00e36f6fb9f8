/** What a socket makes of an endpoint: events and their order, back-pressure, errors, options. */
import { once } from "node:events";
import net from "node:net";
import { constants } from "node:os";

import type { Readable } from "node:stream";
import { expect, test, vi } from "vitest";

import { instantOf } from "../../src/base/time.ts";
import type { ConnectRequest, StackLike } from "../../src/sockets/host.ts";
import { createNet } from "../../src/sockets/net.ts";
import { formatIpv4 } from "../../src/wire/address.ts";
import type { SocketOptions } from "../../src/sockets/arguments.ts";
import type { ServerOptions } from "../../src/sockets/tcp-server.ts";
import type { TcpSocket } from "../../src/sockets/tcp-socket.ts";
import type { FakeEndpoint } from "./support/fake-stack.ts";
import { BUFFER, FakeNetwork } from "./support/fake-stack.ts";
import type { World } from "./support/world.ts";
import { CLIENT, fakeWorld, SERVER } from "./support/world.ts";

const PORT = 80;

async function pair(
  world: World,
  options: SocketOptions = {},
  serverOptions: ServerOptions = {},
): Promise<{ near: TcpSocket; far: TcpSocket }> {
  const server = world.server.createServer(serverOptions).listen(PORT, SERVER);
  const near = world.client.connect({ ...options, port: PORT, host: SERVER });
  const [far] = (await once(server, "connection")) as [TcpSocket];
  if (near.connecting) await once(near, "connect");
  server.close();
  return { near, far };
}

function record(socket: TcpSocket): string[] {
  const log: string[] = [];
  for (const name of ["lookup", "connectionAttempt", "connect", "ready", "end", "finish"]) {
    socket.on(name, () => log.push(name));
  }
  socket.on("data", () => log.push("data"));
  socket.on("error", (error: NodeJS.ErrnoException) => log.push(`error ${error.code}`));
  socket.on("close", (hadError) => log.push(`close ${String(hadError)}`));
  return log;
}

async function text(socket: TcpSocket): Promise<string> {
  let all = "";
  for await (const chunk of socket as Readable) all += String(chunk);
  return all;
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await turn();
}

test("an open is told the time, as nothing may have happened for long", async () => {
  const host = new FakeNetwork().host(CLIENT);
  const told: unknown[] = [];
  const stack: StackLike = {
    ...host.stack,
    connect(request, now) {
      told.push(now);
      return host.stack.connect(request);
    },
  };
  const { connect: open } = createNet({ ...host, stack, time: () => instantOf(42) });
  await once(open(PORT, SERVER), "error"); // nobody listens there
  expect(told).toEqual([42]);
});

test("a socket is an instance of net.Socket and of its module's Socket", async () => {
  const world = fakeWorld();
  const { near, far } = await pair(world);
  expect(near).toBeInstanceOf(net.Socket);
  expect(far).toBeInstanceOf(net.Socket);
  expect(far).toBeInstanceOf(world.server.Socket);
  near.destroy();
  far.destroy();
});

test("events of a connection by name come in Node's order", async () => {
  const world = fakeWorld();
  const server = world.server
    .createServer((socket) => {
      socket.end("hello");
      socket.resume();
    })
    .listen(PORT);
  const socket = world.client.connect({
    port: PORT,
    host: "peer.example",
    lookup: (_name, _options, done) => setImmediate(() => done(null, SERVER, 4)),
  });
  const log = record(socket);
  await once(socket, "close");
  server.close();
  expect(log).toEqual([
    "lookup",
    "connectionAttempt",
    "connect",
    "ready",
    "data",
    "end",
    "finish",
    "close false",
  ]);
});

test("bytes arrive whole and are counted at both ends", async () => {
  const { near, far } = await pair(fakeWorld());
  near.write("abc");
  near.write(Buffer.from("def"));
  near.end("ghi", "latin1");
  far.end();
  near.resume();
  expect(await text(far)).toBe("abcdefghi");
  expect(near.bytesWritten).toBe(9);
  expect(far.bytesRead).toBe(9);
});

test("what is written before the connection stands is sent once it does", async () => {
  const world = fakeWorld();
  const got = new Promise<string>((resolve) => {
    world.server.createServer((socket) => resolve(text(socket))).listen(PORT);
  });
  const socket = world.client.connect(PORT, SERVER);
  socket.write("early ");
  socket.end("bird");
  expect(socket.pending).toBe(true);
  expect(socket.readyState).toBe("opening");
  expect(socket.bytesWritten).toBe(10);
  expect(await got).toBe("early bird");
});

test("a buffer may be reused as soon as its write's callback came", async () => {
  const { near, far } = await pair(fakeWorld());
  const bytes = Buffer.from("first");
  near.write(bytes, () => bytes.fill("x"));
  near.end();
  expect(await text(far)).toBe("first");
});

test("sendByReference hands the user's own memory to the connection", async () => {
  const { near, far } = await pair(fakeWorld(), { sendByReference: true });
  const bytes = Buffer.from("first");
  near.write(bytes);
  bytes.fill("x");
  near.end();
  expect(await text(far)).toBe("xxxxx");
});

test("a paused reader fills the buffers and then stops the writer, and resuming frees it", async () => {
  const { near, far } = await pair(fakeWorld());
  far.pause();
  let drained = 0;
  near.on("drain", () => drained++);
  const block = Buffer.alloc(8192, 7);
  let written = 0;
  while (near.write(block)) {
    written += block.length;
    await turn();
    expect(written).toBeLessThan(20 * BUFFER);
  }
  await turns(5);
  const before = drained;
  expect(near.writableNeedDrain).toBe(true);
  far.resume();
  await once(near, "drain");
  expect(drained).toBe(before + 1);
  near.end();
  await once(far, "end");
  expect(far.bytesRead).toBe(written + block.length);
});

test("a write far larger than the send buffer goes in pieces and calls back when all is taken", async () => {
  const { near, far } = await pair(fakeWorld());
  let total = 0;
  far.on("data", (chunk: Buffer) => (total += chunk.length));
  const big = Buffer.alloc(20 * BUFFER + 123, 1);
  await new Promise<void>((resolve, reject) => {
    near.write(big, (error) => (error ? reject(error) : resolve()));
  });
  near.end();
  await once(far, "end");
  expect(total).toBe(big.length);
});

test("with allowHalfOpen our side stays open after the peer's end", async () => {
  const { near, far } = await pair(fakeWorld(), {}, { allowHalfOpen: true });
  near.end("question");
  expect(await text(far).catch(String)).toBe("question");
  const other = await pair(fakeWorld(), {}, { allowHalfOpen: true });
  other.near.end();
  other.far.resume();
  await once(other.far, "end");
  await turns(3);
  expect(other.far.writable).toBe(true);
  expect(other.far.readyState).toBe("writeOnly");
  other.far.end("answer");
  expect(await text(other.near)).toBe("answer");
});

test("without allowHalfOpen a write after the peer's end fails with EPIPE", async () => {
  const { near, far } = await pair(fakeWorld());
  near.end();
  far.on("error", () => {});
  far.resume();
  await once(far, "end");
  const told = new Promise((resolve) => far.write("late", resolve));
  expect(await told).toMatchObject({ code: "EPIPE" });
});

test("a refused connection gives Node's error, then close with hadError", async () => {
  const socket = fakeWorld().client.connect(81, SERVER);
  const log = record(socket);
  const closed = new Promise((resolve) => socket.once("close", resolve));
  const [error] = (await once(socket, "error")) as [NodeJS.ErrnoException];
  expect(error.message).toBe("connect ECONNREFUSED 192.0.2.2:81");
  expect(error).toMatchObject({
    code: "ECONNREFUSED",
    errno: -constants.errno.ECONNREFUSED,
    syscall: "connect",
    address: SERVER,
    port: 81,
  });
  await closed;
  expect(log).toEqual(["connectionAttempt", "error ECONNREFUSED", "close true"]);
});

test("resetAndDestroy makes the peer's socket fail with read ECONNRESET", async () => {
  const { near, far } = await pair(fakeWorld());
  const failed = once(far, "error");
  near.resetAndDestroy();
  const [error] = (await failed) as [NodeJS.ErrnoException];
  expect(error.message).toBe("read ECONNRESET");
  expect(error).toMatchObject({ code: "ECONNRESET", syscall: "read" });
});

test("destroying with unread bytes below closes the endpoint, which resets", async () => {
  const { near, far } = await pair(fakeWorld(), {}, { pauseOnConnect: true });
  near.write(Buffer.alloc(BUFFER));
  await turns(4);
  const failed = once(near, "error");
  far.destroy();
  expect((await failed)[0]).toMatchObject({ code: "ECONNRESET" });
});

test("a write under way when the connection dies calls back with the error", async () => {
  const { near, far } = await pair(fakeWorld(), {}, { pauseOnConnect: true });
  near.on("error", () => {});
  const done = new Promise((resolve) => {
    near.write(Buffer.alloc(8 * BUFFER), resolve);
  });
  await turns(4);
  far.resetAndDestroy();
  expect(await done).toMatchObject({ code: "ECONNRESET", syscall: "write" });
});

test("addresses, ports and families name both ends", async () => {
  const { near, far } = await pair(fakeWorld());
  expect(near.remoteAddress).toBe(SERVER);
  expect(near.remotePort).toBe(PORT);
  expect(near.remoteFamily).toBe("IPv4");
  expect(far.remoteAddress).toBe(CLIENT);
  expect(far.address()).toEqual({ address: SERVER, family: "IPv4", port: PORT });
  expect(new (fakeWorld().client.Socket)().address()).toEqual({});
  near.destroy();
});

test("an idle socket emits timeout, stays open, and traffic starts the time anew", async () => {
  const { near, far } = await pair(fakeWorld());
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  try {
    near.setTimeout(60);
    expect(near.timeout).toBe(60);
    let told = 0;
    near.on("timeout", () => told++);
    near.resume();
    vi.advanceTimersByTime(35);
    far.write("x");
    await once(near, "data");
    vi.advanceTimersByTime(59);
    expect(told).toBe(0);
    vi.advanceTimersByTime(1);
    expect(told).toBe(1);
    expect(near.destroyed).toBe(false);
  } finally {
    vi.useRealTimers();
    near.destroy();
  }
});

test("options asked for before the connection stands reach the endpoint", async () => {
  const world = fakeWorld();
  world.server
    .createServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: 500 })
    .listen(PORT);
  const socket = new world.client.Socket();
  socket.setNoDelay();
  socket.setKeepAlive({ enable: true, initialDelay: 1000, interval: 2000, count: 3 });
  socket.connect(PORT, SERVER);
  await once(socket, "connect");
  await turn();
  const [near, far] = world.network.endpoints as [FakeEndpoint, FakeEndpoint];
  expect(near.calls).toEqual(["noDelay true", "keepAlive true 1000 2000 3"]);
  expect(far.calls).toEqual(["noDelay true", "keepAlive true 500 undefined undefined"]);
  socket.destroy();
});

test("an abort signal ends a connection with AbortError", async () => {
  const controller = new AbortController();
  const world = fakeWorld();
  world.server.createServer().listen(PORT);
  const socket = world.client.connect({ port: PORT, host: SERVER, signal: controller.signal });
  const failed = once(socket, "error");
  controller.abort(new Error("enough"));
  expect((await failed)[0]).toMatchObject({ name: "AbortError", code: "ABORT_ERR" });
});

test("a connect listener added to an open socket is served on the next tick", async () => {
  const { near } = await pair(fakeWorld());
  let count = 0;
  near.once("connect", () => count++);
  expect(count).toBe(0);
  await turn();
  expect(count).toBe(1);
  expect(near.listenerCount("connect")).toBe(0);
  near.destroy();
});

test("the host is held exactly while a referenced socket lives", async () => {
  const world = fakeWorld();
  const { near, far } = await pair(world);
  expect(world.clientHost.refs).toBe(1);
  near.unref();
  expect(world.clientHost.refs).toBe(0);
  near.ref();
  near.ref();
  expect(world.clientHost.refs).toBe(1);
  near.end();
  near.resume();
  far.resume();
  await Promise.all([once(near, "close"), once(far, "close")]);
  await turns(3);
  expect(world.clientHost.refs).toBe(0);
  expect(world.serverHost.refs).toBe(0);
});

test.each([
  [[70_000], "ERR_SOCKET_BAD_PORT"],
  [[{}], "ERR_MISSING_ARGS"],
  [[], "ERR_MISSING_ARGS"],
  [["/tmp/socket"], "ERR_INVALID_ARG_VALUE"],
  [[{ port: true }], "ERR_INVALID_ARG_TYPE"],
  [[{ port: 1, lookup: 1 }], "ERR_INVALID_ARG_TYPE"],
  [[{ port: 1, localAddress: "here" }], "ERR_INVALID_IP_ADDRESS"],
  [[{ port: 1, sourceRoute: "192.0.2.9" }], "ERR_INVALID_ARG_VALUE"],
  [[{ port: 1, sourceRoute: ["192.0.2.9", "here"] }], "ERR_INVALID_ARG_VALUE"],
])("connect with %j throws %s", (args, code) => {
  const connect = fakeWorld().client.connect as (...args: unknown[]) => unknown;
  expect(() => connect(...args)).toThrow(expect.objectContaining({ code }));
});

test("a source route goes to the stack with the open [MUST-51]", async () => {
  const w = fakeWorld();
  const asked: ConnectRequest[] = [];
  const { stack } = w.clientHost;
  const connect = stack.connect.bind(stack);
  stack.connect = (request) => {
    asked.push(request);
    return connect(request);
  };
  const server = w.server.createServer().listen(PORT, SERVER);
  const route = ["192.0.2.9", "198.51.100.7"];
  const near = w.client.connect({ port: PORT, host: SERVER, sourceRoute: route });
  await once(near, "connect");
  expect(asked.map((r) => r.sourceRoute?.map(formatIpv4))).toEqual([route]);
  near.destroy();
  server.close();
});

test("every method of the running Node's net.Socket is ours or knowingly inherited", () => {
  const inherited = new Set([
    ..."_connecting bufferSize readyState _bytesDispatched destroySoon end pause read resume".split(
      " ",
    ),
    ..."_handle _getpeername _getsockname _reset _onTimeout _writeGeneric".split(" "),
    ..."[Symbol(kUpdateTimer)] [Symbol(kAfterAsyncWrite)]".split(" "),
  ]);
  const own = new Set<string>();
  for (let p = world().prototype; p !== net.Socket.prototype; p = Object.getPrototypeOf(p)) {
    for (const name of Object.getOwnPropertyNames(p)) own.add(name);
  }
  const missing = Object.getOwnPropertyNames(net.Socket.prototype).filter(
    (name) => !own.has(name) && !inherited.has(name),
  );
  expect(missing).toEqual([]);
});

function world(): { prototype: object } {
  return Object.getPrototypeOf(fakeWorld().client.Socket) as { prototype: object };
}
