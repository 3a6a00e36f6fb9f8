/**
 * Every member that the running Node's `net` has, ours has as well, or it stands in docs/sockets.md with the reason; options
 * and events likewise. A newer Node that brings more makes this fail.
 */
import { EventEmitter, once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import net from "node:net";
import { afterAll, expect, test } from "vitest";
import { createStack, loopback } from "../../src/index.ts";

const stack = createStack({ device: loopback(), address: "127.0.0.1/8" });
afterAll(async () => await stack.close());

/** The table of docs/sockets.md: what is lacking, by what it is a member of. */
function leftOut(of: string): string[] {
  const text = readFileSync(new URL("../../docs/sockets.md", import.meta.url), "utf8");
  const table = /<!-- left-out -->([^]*)<!-- \/left-out -->/.exec(text)![1]!;
  const rows = [...table.matchAll(/^\| (.+?) +\| `(.+?)` +\| (.+?) +\|$/gm)];
  return rows
    .filter(([, kind]) => kind === of)
    .map(([, , name]) => name!)
    .toSorted();
}

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
  ["module", net, stack.net],
  ["Socket", net.Socket, stack.net.Socket],
  ["Server", net.Server, stack.net.Server],
  ["Socket.prototype", net.Socket.prototype, stack.net.Socket.prototype],
  ["Server.prototype", net.Server.prototype, stack.net.Server.prototype],
  ["a socket", new net.Socket(), new stack.net.Socket()],
  ["a server", net.createServer(), stack.net.createServer()],
] as const)("%s: what Node's has and ours lacks is in the table", (of, theirs, ours) => {
  expect(lacking(theirs, ours)).toEqual(leftOut(of));
});

/** The running Node's own source, as it carries it; a Node may not show it any more. */
function sourceOf(name: string): string | null {
  const running = process as unknown as { binding?(of: string): Record<string, string> };
  try {
    return running.binding?.("natives")[name] ?? null;
  } catch {
    return null;
  }
}

const source = sourceOf("net");
const own = new URL("../../src/sockets/", import.meta.url);
const ours = readdirSync(own)
  .map((name) => readFileSync(new URL(name, own), "utf8"))
  .join("\n");

function names(pattern: RegExp): string[] {
  const found = [...source!.matchAll(pattern)].flatMap(([, list]) => list!.split(","));
  return [...new Set(found.map((name) => name.trim()))].filter((name) => name !== "").toSorted();
}

test.skipIf(source === null)("every option that Node's net reads is ours or in the table", () => {
  const one = names(/options\??\.(\w+)/g);
  const several = names(/(?:const|let) \{([^}]*)\} = options;/g);
  const read = [...new Set([...one, ...several])].toSorted();
  expect(read.length).toBeGreaterThan(25);
  expect(read.filter((name) => !new RegExp(`^  ${name}\\??:`, "m").test(ours))).toEqual(
    leftOut("an option"),
  );
});

test.skipIf(source === null)("every event that Node's net emits ours emits", () => {
  const emitted = names(/\.emit\('(\w+)'/g);
  expect(emitted.length).toBeGreaterThan(10);
  expect(emitted.filter((name) => !ours.includes(`"${name}"`))).toEqual([]);
});

test("ours are instances of Node's classes", () => {
  expect(new stack.net.Socket()).toBeInstanceOf(net.Socket);
  expect(stack.net.createServer()).toBeInstanceOf(net.Server);
  expect(stack.net.createServer()).toBeInstanceOf(stack.net.Server);
  expect(net.createServer()).not.toBeInstanceOf(stack.net.Server);
});

test("a socket does not connect to an address of its blockList, a server closes connections from one", async () => {
  const blockList = new net.BlockList();
  blockList.addSubnet("127.0.0.0", 8);
  const server = stack.net.createServer({ blockList }, () => expect.unreachable()).listen(4001);
  const refused = stack.net.connect({ port: 4001, host: "127.0.0.1", blockList });
  const [error] = (await once(refused, "error")) as [Error];
  expect(error).toMatchObject({
    code: "ERR_IP_BLOCKED",
    message: "IP(127.0.0.1) is blocked by net.BlockList",
  });
  const ended = stack.net.connect(4001, "127.0.0.1").resume();
  await once(ended, "end");
  expect(() => stack.net.connect({ port: 1, blockList: [] as never })).toThrow(
    expect.objectContaining({ code: "ERR_INVALID_ARG_TYPE" }),
  );
  server.close();
});

test("a class of the module called upon another object says what to do", () => {
  const call = (): unknown => Reflect.apply(stack.net.Socket as never, new stack.net.Socket(), []);
  expect(call).toThrow(expect.objectContaining({ code: "ERR_CONSTRUCT_CALL_REQUIRED" }));
});

test("an address that does not answer in time gives way to the next", async () => {
  const server = stack.net.createServer((socket) => void socket.end()).listen(4002);
  const addresses = [
    { address: "198.51.100.9", family: 4 },
    { address: "::1", family: 6 },
    { address: "127.0.0.1", family: 4 },
  ];
  const socket = stack.net.connect({
    port: 4002,
    host: "peer.example",
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: 10,
    // no packet for the first leaves this stack for anywhere
    lookup: (_name, _options, done) => process.nextTick(done, null, addresses),
  });
  const log: unknown[] = [];
  for (const event of ["connectionAttempt", "connectionAttemptTimeout", "connectionAttemptFailed"])
    socket.on(event, (address: string, _port, _family, error?: NodeJS.ErrnoException) =>
      log.push([event, address, ...(error === undefined ? [] : [error.code])]),
    );
  await once(socket, "connect");
  expect(log).toEqual([
    ["connectionAttempt", "198.51.100.9"],
    ["connectionAttemptTimeout", "198.51.100.9"],
    ["connectionAttempt", "::1"],
    ["connectionAttemptFailed", "::1", "EAFNOSUPPORT"],
    ["connectionAttempt", "127.0.0.1"],
  ]);
  expect(socket.autoSelectFamilyAttemptedAddresses).toEqual([
    "198.51.100.9:4002",
    "::1:4002",
    "127.0.0.1:4002",
  ]);
  socket.destroy();
  server.close();
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
