/** Servers: forms of `listen`, its failures, closing, limits, what accepted sockets are given. */
import { EventEmitter, once } from "node:events";
import type net from "node:net";
import { closed, type Lab, likeNode, state, text, turns } from "../support/like-node.ts";

function shown(server: net.Server): unknown {
  const address = server.address() as { port: number } | null;
  return [server.listening, address === null ? null : typeof address.port];
}

/** Listening at whatever address: over Node that may be IPv6's. */
const FORMS: readonly [string, (cb: () => void) => unknown[]][] = [
  ["()", () => []],
  ["(cb)", (cb) => [cb]],
  ["(0)", () => [0]],
  ["(0, cb)", (cb) => [0, cb]],
  ["(text)", (cb) => ["0", cb]],
  ["(null, cb)", (cb) => [null, cb]],
  ["(undefined, cb)", (cb) => [undefined, cb]],
  ["(0, backlog, cb)", (cb) => [0, 5, cb]],
  ["(0, host, cb)", (cb) => [0, "127.0.0.1", cb]],
  ["(0, host, backlog, cb)", (cb) => [0, "127.0.0.1", 5, cb]],
  ["(0, undefined, backlog, cb)", (cb) => [0, undefined, 5, cb]],
  ["({ port })", () => [{ port: 0 }]],
  ["({ port: text }, cb)", (cb) => [{ port: "0" }, cb]],
  ["({ port: undefined }, cb)", (cb) => [{ port: undefined }, cb]],
  ["({ port: null }, cb)", (cb) => [{ port: null }, cb]],
  [
    "({ port, host, backlog, exclusive }, cb)",
    (cb) => [{ port: 0, host: "127.0.0.1", backlog: 3, exclusive: true }, cb],
  ],
  ["({ port, host: '' }, cb)", (cb) => [{ port: 0, host: "" }, cb]],
  ["(0, cb, more)", (cb) => [0, cb, "more"]],
];

for (const [form, args] of FORMS)
  likeNode(`listen${form}`, async (lab) => {
    const server = lab.watch("server", lab.net.createServer());
    lab.call(
      "server",
      "listen",
      () => server.listen(...(args(() => lab.note("server", "callback")) as [])),
      server,
    );
    lab.note("server", shown(server));
    await turns(2);
    lab.note("server", shown(server));
    server.close();
    lab.note("server", shown(server));
    await closed(server);
  });

likeNode("address before, while and after listening", async (lab) => {
  const server = lab.net.createServer();
  lab.note("server", server.address(), server.listening);
  await lab.listen(server);
  lab.note("server", server.address(), server.listening);
  server.close();
  lab.note("server", server.address(), server.listening);
});

likeNode("listen twice, with a host and without", async (lab) => {
  const server = lab.net.createServer();
  await lab.listen(server);
  lab.call("server", "again", () => server.listen(0));
  lab.call("server", "again", () => server.listen({ port: 0, host: "127.0.0.1" }));
  server.close();
  const hasty = lab.watch("hasty", lab.net.createServer());
  hasty.listen(0, "127.0.0.1");
  lab.call("hasty", "again", () => hasty.listen(0, "127.0.0.1"), hasty);
  await turns(3);
  hasty.close();
  await closed(hasty);
});

likeNode("a port that is taken", async (lab) => {
  const port = await lab.listen(lab.net.createServer());
  const second = lab.watch("second", lab.net.createServer());
  second.listen(port, "127.0.0.1", () => lab.note("second", "callback"));
  lab.note("second", shown(second));
  await once(second, "error").catch(() => {});
  await turns(2);
  lab.note("second", shown(second));
  second.removeAllListeners("listening");
  second.listen(0, "127.0.0.1");
  await turns(3);
  lab.note("second", shown(second));
  second.close();
});

likeNode("a taken port: another is tried from the error listener", async (lab) => {
  const port = await lab.listen(lab.net.createServer());
  const second = lab.watch("second", lab.net.createServer());
  second.once("error", () => second.listen(0, "127.0.0.1"));
  second.listen(port, "127.0.0.1");
  await new Promise((resolve) => second.once("listening", resolve));
  lab.note("second", shown(second));
  second.close();
});

likeNode("an address that is not one's own", async (lab) => {
  for (const port of [0, 8080]) {
    const server = lab.watch("server", lab.net.createServer());
    server.listen(port, "192.0.2.77");
    await new Promise((resolve) => server.once("error", resolve));
  }
});

likeNode("close before listen, twice, and with a callback each time", async (lab) => {
  const server = lab.watch("server", lab.net.createServer());
  lab.call(
    "server",
    "close",
    () => server.close((error) => lab.note("server", "never ran", error)),
    server,
  );
  await turns(2);
  await lab.listen(server);
  server.close((error) => lab.note("server", "first", error));
  server.close((error) => lab.note("server", "second", error));
  await turns(3);
  lab.call("server", "close", () => server.close(), server);
  await turns(2);
});

likeNode("close right after listen, with a host and without", async (lab) => {
  for (const host of [[], ["127.0.0.1"]]) {
    const server = lab.watch("server", lab.net.createServer());
    server.listen(0, ...(host as []));
    server.close((error) => lab.note("server", "closed", error));
    await turns(4);
    lab.note("server", shown(server));
  }
});

likeNode("a server listens again after its close", async (lab) => {
  const server = lab.watch(
    "server",
    lab.net.createServer((socket) => void socket.end("hello")),
  );
  for (let i = 0; i < 3; i++) {
    const port = await lab.listen(server);
    lab.note("near", await text(lab.net.connect(port, "127.0.0.1")));
    server.close();
    await once(server, "close");
  }
});

likeNode("the event and the listener of createServer are told each connection", async (lab) => {
  const server = lab.net.createServer((socket) =>
    lab.note("server", "listener", Reflect.get(socket, "server") === server),
  );
  server.on("connection", (socket: net.Socket) =>
    lab.note("server", "event", socket instanceof lab.net.Socket),
  );
  const port = await lab.listen(server);
  const near = lab.net.connect(port, "127.0.0.1");
  await once(server, "connection");
  near.destroy();
});

likeNode("a server made without new, and a socket", async (lab) => {
  const make = lab.net as unknown as {
    Server(...args: unknown[]): net.Server;
    Socket(options?: object): net.Socket;
  };
  const server = make.Server(() => lab.note("server", "connection"));
  lab.note("server", server instanceof lab.net.Server, server.constructor === lab.net.Server);
  const port = await lab.listen(server);
  const socket = make.Socket({ allowHalfOpen: true });
  lab.note(
    "near",
    socket instanceof lab.net.Socket,
    socket.allowHalfOpen,
    socket.constructor === lab.net.Socket,
  );
  socket.connect(port, "127.0.0.1");
  await once(server, "connection");
  socket.destroy();
});

likeNode("classes that extend the module's", async (lab) => {
  class Mine extends lab.net.Socket {
    mine = "field";
  }
  class Host extends lab.net.Server {}
  const server = new Host((socket) => void socket.end("x"));
  const port = await lab.listen(server);
  const socket = new Mine();
  lab.note(
    "near",
    socket.mine,
    socket instanceof Mine,
    socket instanceof lab.net.Socket,
    socket.constructor.name,
  );
  socket.connect(port, "127.0.0.1");
  lab.note("near", await text(socket));
  lab.note(
    "near",
    Reflect.get(lab.net, "Stream") === lab.net.Socket,
    lab.net.createConnection === lab.net.connect,
  );
});

async function many(lab: Lab, server: net.Server, count: number): Promise<net.Socket[]> {
  const port = await lab.listen(server);
  const sockets: net.Socket[] = [];
  for (let i = 0; i < count; i++) {
    const socket = lab.net.connect(port, "127.0.0.1");
    socket.on("error", () => {});
    sockets.push(socket);
    await once(socket, "connect");
    lab.named(socket.localPort!);
    await turns(2);
  }
  return sockets;
}

likeNode("maxConnections: what is above is dropped and told with both ends", async (lab) => {
  const server = lab.watch(
    "server",
    lab.net.createServer(() => lab.note("server", "connection")),
  );
  server.maxConnections = 2;
  server.on("drop", (data) => lab.note("server", Object.getPrototypeOf(data) === null));
  const sockets = await many(lab, server, 4);
  server.getConnections((error, count) => lab.note("server", error, count));
  await turns(2);
  for (const socket of sockets) socket.destroy();
});

for (const limit of [0, undefined, null, -1, 1.5, NaN])
  likeNode(`maxConnections ${String(limit)}`, async (lab) => {
    const server = lab.net.createServer(() => lab.note("server", "connection"));
    server.on("drop", () => lab.note("server", "drop"));
    server.maxConnections = limit as number;
    const sockets = await many(lab, server, 3);
    lab.note("server", server.maxConnections);
    for (const socket of sockets) socket.destroy();
  });

likeNode("getConnections counts down as sockets end", async (lab) => {
  const server = lab.net.createServer((socket) => void socket.resume());
  const sockets = await many(lab, server, 3);
  const count = (): Promise<number> =>
    new Promise((resolve) => server.getConnections((_, n) => resolve(n)));
  lab.note("server", await count());
  for (const socket of sockets) {
    socket.end();
    await closed(socket);
    await turns(2);
    lab.note("server", await count());
  }
});

likeNode("what a server was made with shows, and can be changed", async (lab) => {
  const options = {
    allowHalfOpen: true,
    pauseOnConnect: true,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: 2500,
    highWaterMark: 999,
  };
  const fields = [
    "allowHalfOpen",
    "pauseOnConnect",
    "noDelay",
    "keepAlive",
    "keepAliveInitialDelay",
    "highWaterMark",
  ];
  for (const given of [
    {},
    options,
    { highWaterMark: -5, keepAliveInitialDelay: -9 },
    { highWaterMark: 0 },
  ]) {
    const server = lab.net.createServer(given);
    lab.note(
      "server",
      fields.map((name) => Reflect.get(server, name) as unknown),
    );
  }
  const server = lab.net.createServer();
  Object.assign(server, { allowHalfOpen: true, pauseOnConnect: true, highWaterMark: 77 });
  server.on("connection", (far: net.Socket) => {
    lab.note(
      "far",
      far.allowHalfOpen,
      far.isPaused(),
      far.readableHighWaterMark,
      far.writableHighWaterMark,
    );
  });
  const [near] = await many(lab, server, 1);
  near!.destroy();
});

likeNode("pauseOnConnect: nothing arrives before resume", async (lab) => {
  const { near, far } = await lab.pair({ pauseOnConnect: true });
  far.on("data", (chunk) => lab.note("far", String(chunk)));
  near.write("held");
  await turns(4);
  lab.note("far", far.isPaused(), far.readableFlowing, far.bytesRead);
  far.resume();
  near.end();
  await closed(far);
  lab.note("far", far.bytesRead);
});

likeNode("a signal closes a server: aborted later, before, and after its close", async (lab) => {
  const controller = new AbortController();
  const later = lab.watch("later", lab.net.createServer());
  await lab.listen(later, { signal: controller.signal });
  controller.abort();
  lab.note("later", shown(later));
  await closed(later);
  const before = lab.watch("before", lab.net.createServer());
  before.listen({ port: 0, signal: AbortSignal.abort() });
  lab.note("before", shown(before));
  await closed(before);
  const after = new AbortController();
  const server = lab.watch("after", lab.net.createServer());
  await lab.listen(server, { signal: after.signal });
  server.close();
  await closed(server);
  after.abort();
  await turns(2);
});

likeNode("asyncDispose of a server that listens and of one that does not", async (lab) => {
  const server = lab.watch("server", lab.net.createServer());
  await server[Symbol.asyncDispose]();
  lab.note("server", "never listened");
  await lab.listen(server);
  await server[Symbol.asyncDispose]();
  lab.note("server", "disposed of", shown(server));
});

likeNode("captured rejections: of a connection listener, and of another", async (lab) => {
  const before = EventEmitter.captureRejections;
  EventEmitter.captureRejections = true;
  const server = lab.watch("server", lab.net.createServer());
  EventEmitter.captureRejections = before;
  server.on("connection", async (far: net.Socket) => {
    lab.watch("far", far, ["error", "close"]);
    await Promise.resolve();
    throw new Error("no");
  });
  server.on("listening", async () => {
    await Promise.resolve();
    throw new Error("neither");
  });
  const [near] = await many(lab, server, 1);
  await closed(near!);
  await turns(3);
});

likeNode("destroying all sockets of a server that closes", async (lab) => {
  const open = new Set<net.Socket>();
  const server = lab.watch(
    "server",
    lab.net.createServer((far) => void open.add(far.on("error", () => {}))),
  );
  const sockets = await many(lab, server, 3);
  server.close(() => lab.note("server", "callback"));
  await turns(2);
  lab.note("server", "waits");
  for (const far of open) far.destroy();
  await closed(server);
  for (const socket of sockets) socket.destroy();
});

likeNode(
  "a new connection is refused once the server closes, while an old one lives",
  async (lab) => {
    const { server, near, far, port } = await lab.pair();
    server.close();
    const refused = lab.watch("refused", lab.net.connect(port, "127.0.0.1"));
    await closed(refused);
    near.write("still here");
    lab.note("far", String(((await once(far, "data")) as [Buffer])[0]));
    lab.note("far", state(far));
    near.destroy();
  },
);

likeNode("ref and unref give back the server", async (lab) => {
  const server = lab.net.createServer();
  lab.call("server", "unref", () => server.unref(), server);
  lab.call("server", "ref", () => server.ref(), server);
  await lab.listen(server);
  lab.call("server", "unref", () => server.unref(), server);
  lab.call("server", "ref", () => server.ref(), server);
});
