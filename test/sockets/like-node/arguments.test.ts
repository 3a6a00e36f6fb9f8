/** Arguments that are refused: when, with which class, code and message. And the module's functions. */
import type net from "node:net";
import { inspect } from "node:util";
import { closed, likeNode, turns } from "../support/like-node.ts";

const CONNECT: readonly unknown[][] = [
  [],
  [null],
  [undefined],
  [true],
  [{}],
  [{ port: null }],
  [{ port: undefined }],
  [{ port: {} }],
  [{ port: [] }],
  [{ port: true }],
  [{ port: "" }],
  [{ port: " " }],
  [{ port: "port" }],
  [{ port: -1 }],
  [{ port: 65536 }],
  [{ port: "65536" }],
  [{ port: 1.5 }],
  [{ port: NaN }],
  [{ port: Infinity }],
  [-1],
  [70_000],
  [""],
  [1.5, "127.0.0.1"],
  [{ port: 1, localAddress: "here" }],
  [{ port: 1, localAddress: {} }],
  [{ port: 1, localPort: "80" }],
  [{ port: 1, localPort: {} }],
  [{ port: 1, lookup: 1, host: "peer.example" }],
  [{ port: 1, lookup: "x" }],
  [{ port: 1, autoSelectFamily: 1 }],
  [{ port: 1, autoSelectFamily: "true" }],
  [{ port: 1, autoSelectFamilyAttemptTimeout: "1" }],
  [{ port: 1, autoSelectFamilyAttemptTimeout: 0 }],
  [{ port: 1, autoSelectFamilyAttemptTimeout: 1.5 }],
  [{ port: 1, autoSelectFamilyAttemptTimeout: -1 }],
  [{ port: 1, hints: 99_999 }],
  [{ port: 1, family: 5 }],
  [{ port: 1, signal: {} }],
  [{ port: 1, signal: "x" }],
  [{ port: 1, objectMode: true }],
  [{ port: 1, readableObjectMode: true }],
  [{ port: 1, writableObjectMode: true }],
  [{ port: 1, keepAliveInitialDelay: "1" }],
  [{ port: 1, highWaterMark: -1 }],
  [{ port: 1, highWaterMark: "x" }],
  [{ port: 1, timeout: "x" }],
  [{ port: 1, timeout: -1 }],
];

for (const args of CONNECT)
  likeNode(`connect(${JSON.stringify(args).slice(1, -1)}) throws`, (lab) => {
    const connect = lab.net.connect as unknown as (...given: unknown[]) => net.Socket;
    lab.call("connect", "connect", () => {
      const socket = connect(...args);
      socket.on("error", () => {}).destroy();
      return "a socket";
    });
  });

const LISTEN: readonly unknown[][] = [
  [{}],
  [{ host: "127.0.0.1" }],
  [{ port: {} }],
  [{ port: true }],
  [{ port: "" }],
  [{ port: "x" }],
  [{ port: -1 }],
  [{ port: 65536 }],
  [{ port: "65536" }],
  [{ port: 1.5 }],
  [{ port: NaN }],
  [-1],
  [70_000],
  [1.5],
  [NaN],
  [Infinity],
  [true],
  [false],
  [{ port: 0, signal: {} }],
  [{ port: 0, signal: "x" }],
  [{ port: 0, signal: 1 }],
];

for (const args of LISTEN)
  likeNode(`listen(${JSON.stringify(args).slice(1, -1)}) throws`, async (lab) => {
    const server = lab.net.createServer();
    lab.call("server", "listen", () => server.listen(...(args as [])), server);
    lab.note("server", server.listening);
    await turns(1);
    server.close();
  });

const OPTIONS: readonly unknown[] = [
  undefined,
  null,
  {},
  1,
  "options",
  true,
  Symbol("x"),
  { keepAliveInitialDelay: "1" },
  { keepAliveInitialDelay: null },
  { highWaterMark: "1" },
  { highWaterMark: null },
];

for (const options of OPTIONS)
  likeNode(`createServer(${String(options)} ${JSON.stringify(options)})`, (lab) => {
    lab.call(
      "server",
      "make",
      () => lab.net.createServer(options as never) instanceof lab.net.Server,
    );
  });

for (const options of [
  undefined,
  null,
  {},
  { objectMode: true },
  { readableObjectMode: 1 },
  { writableObjectMode: "x" },
  { keepAliveInitialDelay: "1" },
  { keepAliveInitialDelay: -5 },
  { highWaterMark: -1 },
  { signal: 1 },
])
  likeNode(`new Socket(${JSON.stringify(options)})`, (lab) => {
    lab.call("socket", "make", () => new lab.net.Socket(options as never).pending);
  });

for (const msecs of ["100", -1, NaN, Infinity, {}, null, undefined, 2 ** 31, 0.5])
  likeNode(`setTimeout(${inspect(msecs)})`, (lab) => {
    const socket = new lab.net.Socket();
    lab.call("socket", "setTimeout", () => socket.setTimeout(msecs as never), socket);
    lab.note("socket", socket.timeout);
    socket.destroy();
  });

for (const callback of [1, "x", {}, null])
  likeNode(`setTimeout(1, ${inspect(callback)})`, (lab) => {
    const socket = new lab.net.Socket();
    lab.call("socket", "setTimeout", () => socket.setTimeout(100, callback as never), socket);
    lab.call("socket", "setTimeout 0", () => socket.setTimeout(0, callback as never), socket);
    socket.destroy();
  });

likeNode(
  "setNoDelay and setKeepAlive take anything, before and after the connection",
  async (lab) => {
    const { near } = await lab.pair();
    for (const socket of [new lab.net.Socket(), near])
      for (const value of [undefined, true, false, 1, 0, "x", null]) {
        lab.call("socket", "setNoDelay", () => socket.setNoDelay(value as never), socket);
        lab.call("socket", "setKeepAlive", () => socket.setKeepAlive(value as never), socket);
        lab.call("socket", "setKeepAlive", () => socket.setKeepAlive(value as never, 1500), socket);
        lab.call(
          "socket",
          "setKeepAlive",
          () => socket.setKeepAlive(value as never, "x" as never),
          socket,
        );
      }
  },
);

likeNode(
  "setNoDelay and setKeepAlive of a socket that is connecting, then connected, then closed",
  async (lab) => {
    const port = await lab.listen(lab.net.createServer((far) => void far.end()));
    const socket = lab.net.connect({
      port,
      host: "127.0.0.1",
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: 1000,
    });
    lab.call("socket", "both", () => socket.setNoDelay().setKeepAlive(true, 1000), socket);
    socket.on("connect", () =>
      lab.call("socket", "both", () => socket.setNoDelay(false).setKeepAlive(false), socket),
    );
    socket.resume();
    await closed(socket);
    lab.call("socket", "both", () => socket.setNoDelay().setKeepAlive(), socket);
  },
);

likeNode("isIP, isIPv4 and isIPv6", (lab) => {
  const texts = [
    "127.0.0.1",
    "x127.0.0.1",
    "127.000.000.001",
    "1.2.3",
    "256.1.1.1",
    "::1",
    "::ffff:1.2.3.4",
    "fe80::1%eth0",
    "",
    "::",
  ];
  for (const text of [...texts, null, undefined, 1, {}, { toString: () => "::1" }])
    lab.call("ip", String(text), () => [
      lab.net.isIP(text as never),
      lab.net.isIPv4(text as never),
      lab.net.isIPv6(text as never),
    ]);
});

likeNode("the defaults of autoSelectFamily are got and set, and checked", (lab) => {
  const { net: module } = lab;
  const family = module.getDefaultAutoSelectFamily();
  const timeout = module.getDefaultAutoSelectFamilyAttemptTimeout();
  lab.note("net", family, timeout);
  lab.call("net", "family", () => module.setDefaultAutoSelectFamily(1 as never));
  lab.call("net", "family", () => module.setDefaultAutoSelectFamily(false));
  lab.note("net", module.getDefaultAutoSelectFamily());
  lab.call("net", "timeout", () => module.setDefaultAutoSelectFamilyAttemptTimeout(0));
  lab.call("net", "timeout", () => module.setDefaultAutoSelectFamilyAttemptTimeout("x" as never));
  lab.call("net", "timeout", () => module.setDefaultAutoSelectFamilyAttemptTimeout(5));
  lab.note("net", module.getDefaultAutoSelectFamilyAttemptTimeout());
  module.setDefaultAutoSelectFamily(family);
  module.setDefaultAutoSelectFamilyAttemptTimeout(timeout);
});

likeNode("BlockList and SocketAddress", (lab) => {
  const list = new lab.net.BlockList();
  list.addAddress("192.0.2.1");
  list.addRange("192.0.2.10", "192.0.2.20");
  list.addSubnet("198.51.100.0", 24);
  lab.note(
    "list",
    list.check("192.0.2.15"),
    list.check("198.51.100.9"),
    list.check("192.0.2.2"),
    list.rules,
  );
  const address = new lab.net.SocketAddress({ address: "192.0.2.1", port: 80 });
  lab.note("address", address.address, address.port, address.family, address.flowlabel);
  lab.call("address", "bad", () => new lab.net.SocketAddress({ address: "nowhere" }));
});
