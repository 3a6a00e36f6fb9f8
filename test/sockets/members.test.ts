/**
 * Every member that the running Node's `net` has, ours has as well, or it stands below with the reason. A newer Node that
 * brings more makes this fail.
 */
import { EventEmitter, once } from "node:events";
import net from "node:net";
import { afterAll, expect, test } from "vitest";
import { createStack, loopback } from "../../src/index.ts";

const stack = createStack({ device: loopback(), address: "127.0.0.1/8" });
afterAll(async () => await stack.close());

const HANDLE = "about a handle of the operating system, of which there is none";
const CLUSTER =
  "about sharing a listener between processes (cluster), which a stack in one process has no use for";
const INNER = "Node's own bookkeeping, no part of what is documented";

const MODULE: Readonly<Record<string, string>> = {
  _createServerHandle: HANDLE,
  _normalizeArgs: INNER,
  _setSimultaneousAccepts: "Windows only",
};
const SERVER: Readonly<Record<string, string>> = {
  _handle: HANDLE,
  _listeningId: INNER,
  _unref: INNER,
  _usingWorkers: CLUSTER,
  _workers: CLUSTER,
  "Symbol(async_id_symbol)": HANDLE,
};
const SOCKET: Readonly<Record<string, string>> = {
  _closeAfterHandlingError: INNER,
  _hadError: INNER,
  _host: INNER,
  _pendingData: INNER,
  _pendingEncoding: INNER,
  _sockname: INNER,
  "Symbol(async_id_symbol)": HANDLE,
  "Symbol(kBuffer)": INNER,
  "Symbol(kBufferCb)": INNER,
  "Symbol(kBufferGen)": INNER,
  "Symbol(kBytesRead)": INNER,
  "Symbol(kBytesWritten)": INNER,
  "Symbol(kHandle)": HANDLE,
  "Symbol(kSetKeepAlive)": INNER,
  "Symbol(kSetKeepAliveInitialDelay)": INNER,
  "Symbol(kSetNoDelay)": INNER,
  "Symbol(lastWriteQueueSize)": INNER,
  "Symbol(timeout)": INNER,
};

/** Along the prototypes, those of Object and Function left out. */
function members(value: object): Map<string, string | symbol> {
  const found = new Map<string, string | symbol>();
  const ends: (object | null)[] = [Object.prototype, Function.prototype, null];
  for (let o: object | null = value; !ends.includes(o); o = Object.getPrototypeOf(o) as object)
    for (const key of Reflect.ownKeys(o!)) found.set(String(key), key);
  return found;
}

function lacking(theirs: object, ours: object): string[] {
  const known = members(ours);
  return [...members(theirs).keys()].filter((name) => !known.has(name)).toSorted();
}

test.each([
  ["module", net, stack.net, MODULE],
  ["Socket.prototype", net.Socket.prototype, stack.net.Socket.prototype, {}],
  ["Server.prototype", net.Server.prototype, stack.net.Server.prototype, {}],
  ["a socket", new net.Socket(), new stack.net.Socket(), SOCKET],
  ["a server", net.createServer(), stack.net.createServer(), SERVER],
] as const)(
  "%s: what Node's has and ours lacks is known, with the reason",
  (_, theirs, ours, known) => {
    expect(lacking(theirs, ours)).toEqual(Object.keys(known).toSorted());
  },
);

test("ours are instances of Node's classes", () => {
  expect(new stack.net.Socket()).toBeInstanceOf(net.Socket);
  expect(stack.net.createServer()).toBeInstanceOf(net.Server);
  expect(stack.net.createServer()).toBeInstanceOf(stack.net.Server);
  expect(net.createServer()).not.toBeInstanceOf(stack.net.Server);
});

test("a server shows the options that it was made with, as Node's does", () => {
  const options = {
    allowHalfOpen: true,
    pauseOnConnect: true,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: 1500,
    highWaterMark: 4096,
  };
  const show = (server: net.Server): unknown => {
    const { allowHalfOpen, pauseOnConnect, noDelay, keepAlive } = server as never as typeof options;
    const { keepAliveInitialDelay, highWaterMark } = server as never as typeof options;
    return {
      allowHalfOpen,
      pauseOnConnect,
      noDelay,
      keepAlive,
      keepAliveInitialDelay,
      highWaterMark,
    };
  };
  for (const given of [options, {}])
    expect(show(stack.net.createServer(given) as never)).toEqual(show(net.createServer(given)));
});

test("a listener whose promise rejects destroys its socket where events.captureRejections is on", async () => {
  EventEmitter.captureRejections = true;
  const server = stack.net.createServer();
  EventEmitter.captureRejections = false;
  server.on("connection", async () => {
    await Promise.resolve();
    throw new Error("no");
  });
  server.once("connection", (socket) => socket.on("error", () => {}));
  server.listen(4000);
  const socket = stack.net.connect(4000, "127.0.0.1");
  socket.on("error", () => {});
  await once(socket, "close");
  server.close();
  await once(server, "close");
});
