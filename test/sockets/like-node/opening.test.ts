/** Opening a connection: order of events, states on the way, failures. */
import { once } from "node:events";
import { closed, likeNode, state, text, turns } from "../support/like-node.ts";

likeNode("connect by literal address: events and states on the way", async (lab) => {
  const server = lab.net.createServer((far) => void far.end());
  const port = await lab.listen(server);
  const socket = new lab.net.Socket();
  lab.watch("near", socket);
  lab.note("near", state(socket));
  lab.call(
    "near",
    "connect",
    () => socket.connect(port, "127.0.0.1", () => lab.note("near", "callback", state(socket))),
    socket,
  );
  lab.note("near", state(socket));
  socket.on("ready", () => lab.note("near", "at ready", state(socket)));
  socket.on("end", () => lab.note("near", "at end", state(socket)));
  socket.on("close", () => lab.note("near", "at close", state(socket)));
  socket.resume();
  await closed(socket);
});

likeNode("connect by name: the lookup's options and its event", async (lab) => {
  const server = lab.net.createServer((far) => void far.end());
  const port = await lab.listen(server);
  for (const more of [
    {},
    { family: 4 },
    { family: 0 },
    { family: "IPv4" as never },
    { hints: 32 },
    { autoSelectFamily: false },
    { localAddress: "127.0.0.1" },
  ]) {
    const socket = lab.net.connect({
      port,
      host: "peer.example",
      ...more,
      lookup(name, options, done) {
        lab.note("lookup", name, options);
        setImmediate(() =>
          options.all === true
            ? done(null, [{ address: "127.0.0.1", family: 4 }])
            : done(null, "127.0.0.1", 4),
        );
      },
    });
    lab.watch("near", socket).resume();
    await closed(socket);
  }
});

likeNode("a lookup that calls back at once", async (lab) => {
  const server = lab.net.createServer((far) => void far.end());
  const port = await lab.listen(server);
  const socket = new lab.net.Socket();
  lab.watch("near", socket).resume();
  socket.connect({
    port,
    host: "peer.example",
    autoSelectFamily: false,
    lookup: (_name, _options, done) => done(null, "127.0.0.1", 4),
  });
  lab.note("near", "after connect");
  await closed(socket);
});

likeNode("a lookup that fails, at once and later, for one address and for all", async (lab) => {
  for (const late of [false, true])
    for (const autoSelectFamily of [false, true]) {
      const socket = new lab.net.Socket();
      lab.watch("near", socket);
      const error = Object.assign(new Error("nobody by that name"), { code: "ENOTFOUND" });
      socket.connect({
        port: 80,
        host: "peer.example",
        autoSelectFamily,
        lookup: (_name, _options, done) =>
          late ? void setImmediate(() => done(error, "", 0)) : done(error, "", 0),
      });
      await closed(socket);
    }
});

for (const [what, address, family] of [
  ["an address that is none", "here", 4],
  ["a family that is none", "127.0.0.1", 7],
  ["nothing", undefined, undefined],
] as const)
  likeNode(`a lookup that answers with ${what}`, async (lab) => {
    for (const all of [false, true]) {
      const socket = new lab.net.Socket();
      lab.watch("near", socket);
      socket.connect({
        port: 80,
        host: "peer.example",
        autoSelectFamily: all,
        lookup: (_name, options, done) =>
          void setImmediate(() =>
            (done as (...answer: unknown[]) => void)(
              null,
              options.all === true ? [{ address, family }] : address,
              family,
            ),
          ),
      });
      await closed(socket);
    }
  });

likeNode("a socket destroyed during the lookup never connects", async (lab) => {
  for (const autoSelectFamily of [false, true]) {
    const socket = new lab.net.Socket();
    lab.watch("near", socket);
    let answer!: () => void;
    socket.connect({
      port: 1,
      host: "peer.example",
      autoSelectFamily,
      lookup: (_name, options, done) =>
        (answer = () =>
          options.all === true
            ? done(null, [{ address: "127.0.0.1", family: 4 }])
            : done(null, "127.0.0.1", 4)),
    });
    socket.destroy();
    answer();
    await closed(socket);
    lab.note("near", state(socket));
  }
});

likeNode("a socket destroyed by a lookup listener never connects", async (lab) => {
  for (const autoSelectFamily of [false, true]) {
    const socket = new lab.net.Socket();
    lab.watch("near", socket);
    socket.on("lookup", () => socket.destroy());
    socket.connect({
      port: 1,
      host: "peer.example",
      autoSelectFamily,
      lookup: (_name, options, done) =>
        void setImmediate(() =>
          options.all === true
            ? done(null, [{ address: "127.0.0.1", family: 4 }])
            : done(null, "127.0.0.1", 4),
        ),
    });
    await closed(socket);
  }
});

likeNode("a refused connection", async (lab) => {
  const port = await lab.nobody();
  const socket = lab.watch("near", lab.net.connect(port, "127.0.0.1"));
  socket.on("error", () => lab.note("near", "at error", state(socket)));
  await closed(socket);
  lab.note("near", state(socket), socket.address(), String(socket.remoteAddress));
});

likeNode("a refused connection with a write and an end under way", async (lab) => {
  const port = await lab.nobody();
  const socket = lab.watch("near", lab.net.connect(port, "127.0.0.1"));
  socket.write("first", (error) => lab.note("near", "first", error));
  socket.write("second", (error) => lab.note("near", "second", error));
  socket.end("third", () => lab.note("near", "third"));
  lab.note("near", state(socket));
  await closed(socket);
  lab.note("near", state(socket));
});

likeNode("several addresses: the first refuses, the second answers", async (lab) => {
  const port = await lab.listen(lab.net.createServer((far) => void far.end()));
  const socket = lab.net.connect({
    port,
    host: "peer.example",
    lookup: (_name, _options, done) =>
      done(null, [
        { address: "127.0.0.2", family: 4 },
        { address: "127.0.0.1", family: 4 },
        { address: "127.0.0.1", family: 4 },
      ]),
  });
  lab.watch("near", socket).resume();
  await closed(socket);
  lab.note("near", Reflect.get(socket, "autoSelectFamilyAttemptedAddresses"));
});

likeNode("several addresses that all refuse", async (lab) => {
  const port = await lab.nobody();
  const socket = lab.net.connect({
    port,
    host: "peer.example",
    lookup: (_name, _options, done) =>
      void setImmediate(() =>
        done(null, [
          { address: "127.0.0.2", family: 4 },
          { address: "127.0.0.1", family: 4 },
        ]),
      ),
  });
  lab.watch("near", socket);
  await closed(socket);
  lab.note("near", Reflect.get(socket, "autoSelectFamilyAttemptedAddresses"));
});

likeNode("localAddress and localPort are those of the connection", async (lab) => {
  const server = lab.net.createServer((far) => {
    lab.note(
      "far",
      far.remoteAddress,
      far.remotePort,
      far.remoteFamily,
      far.localAddress,
      far.localFamily,
    );
    far.end();
  });
  const port = await lab.listen(server);
  const localPort = await lab.nobody();
  const socket = lab.net.connect({ port, host: "127.0.0.1", localAddress: "127.0.0.2", localPort });
  lab.watch("near", socket).resume();
  await once(socket, "connect");
  lab.note("near", socket.address(), socket.localAddress, socket.localPort, socket.localFamily);
  lab.note("near", socket.remoteAddress, socket.remotePort, socket.remoteFamily);
  await closed(socket);
});

likeNode("a refused connection from a port of one's own names it", async (lab) => {
  const port = await lab.nobody();
  const localPort = await lab.nobody();
  const socket = lab.net.connect({ port, host: "127.0.0.1", localAddress: "127.0.0.1", localPort });
  lab.watch("near", socket);
  await closed(socket);
});

likeNode("a local address that is not one's own", async (lab) => {
  const port = await lab.listen(lab.net.createServer());
  for (const localPort of [undefined, port]) {
    const options = {
      port,
      host: "127.0.0.1",
      localAddress: "192.0.2.77",
      ...(localPort === undefined ? {} : { localPort }),
    };
    const socket = lab.watch("near", lab.net.connect(options));
    await closed(socket);
  }
});

likeNode("a second connection between the same ends", async (lab) => {
  const { near, port } = await lab.pair();
  const again = lab.net.connect({
    port,
    host: "127.0.0.1",
    localAddress: "127.0.0.1",
    localPort: near.localPort!,
  });
  lab.watch("near", again);
  await closed(again);
  near.destroy();
});

likeNode("connect while connecting", async (lab) => {
  const port = await lab.listen(lab.net.createServer());
  const socket = lab.watch("near", lab.net.connect(port, "127.0.0.1"));
  socket.on("error", (error) => lab.named(Number(/:(\d+)\)/.exec(error.message)![1])));
  lab.call("near", "again", () => socket.connect(port, "127.0.0.1"), socket);
  await closed(socket);
});

likeNode("connect while connected", async (lab) => {
  const { near, port } = await lab.pair();
  lab.watch("near", near);
  near.connect(port, "127.0.0.1");
  lab.note("near", state(near));
  await once(near, "ready");
  lab.note("near", state(near));
  near.destroy();
  await closed(near);
});

likeNode("a socket connects again after its close", async (lab) => {
  let count = 0;
  const server = lab.net.createServer((far) => void far.end(`hello ${count++}`));
  const port = await lab.listen(server);
  const socket = new lab.net.Socket();
  lab.watch("near", socket);
  socket.on("data", (chunk) => lab.note("near", String(chunk)));
  for (let i = 0; i < 3; i++) {
    socket.connect(port, "127.0.0.1", () => lab.note("near", "callback", state(socket)));
    lab.note("near", state(socket));
    await closed(socket);
    lab.note("near", state(socket));
  }
});

likeNode("a socket connects again from its close listener, after a refusal", async (lab) => {
  const nobody = await lab.nobody();
  const server = lab.net.createServer((far) => void far.end("at last"));
  const port = await lab.listen(server);
  const socket = new lab.net.Socket();
  lab.watch("near", socket);
  socket.on("data", (chunk) => lab.note("near", String(chunk)));
  socket.connect(nobody, "127.0.0.1");
  await new Promise<void>((resolve) => {
    let closes = 0;
    socket.on("close", () => {
      if (closes++ === 0) socket.connect(port, "127.0.0.1");
      else resolve();
    });
  });
  lab.note("near", state(socket));
});

likeNode("a socket connects again after the peer's end made writes fail", async (lab) => {
  const server = lab.net.createServer((far) => {
    far.on("data", (chunk) => lab.note("far", String(chunk)));
    far.end();
  });
  const port = await lab.listen(server);
  const socket = new lab.net.Socket();
  lab.watch("near", socket).resume();
  socket.connect(port, "127.0.0.1");
  await closed(socket);
  socket.connect(port, "127.0.0.1");
  socket.write("works again", (error) => lab.note("near", "written", error));
  await closed(socket);
});

likeNode("destroyed right after connect", async (lab) => {
  const port = await lab.listen(lab.net.createServer());
  const socket = lab.watch("near", lab.net.connect(port, "127.0.0.1"));
  lab.call("near", "destroy", () => socket.destroy(), socket);
  lab.note("near", state(socket));
  await closed(socket);
  lab.note("near", state(socket));
});

likeNode("destroyed with an error while connecting", async (lab) => {
  const port = await lab.listen(lab.net.createServer());
  const socket = lab.watch("near", lab.net.connect(port, "127.0.0.1"));
  socket.write("lost", (error) => lab.note("near", "written", error));
  process.nextTick(() => socket.destroy(new Error("enough")));
  await closed(socket);
});

likeNode("destroyed by its connect listener", async (lab) => {
  const port = await lab.listen(lab.net.createServer((far) => void far.on("error", () => {})));
  const socket = lab.watch("near", lab.net.connect(port, "127.0.0.1"));
  socket.on("connect", () => socket.destroy());
  await closed(socket);
});

likeNode("what is written before the connection stands, and when callbacks come", async (lab) => {
  let got!: (all: string) => void;
  const all = new Promise<string>((resolve) => (got = resolve));
  const port = await lab.listen(lab.net.createServer((far) => void text(far).then(got)));
  const socket = lab.watch("near", new lab.net.Socket());
  socket.connect(port, "127.0.0.1");
  lab.note(
    "near",
    socket.write("abc", () => lab.note("near", "abc written")),
  );
  lab.note(
    "near",
    socket.write("ä€", "utf8", () => lab.note("near", "utf8 written")),
    state(socket),
  );
  lab.note(
    "near",
    socket.write("646566", "hex", () => lab.note("near", "hex written")),
    state(socket),
  );
  lab.note(
    "near",
    socket.write(Buffer.from("ghi"), () => lab.note("near", "bytes written")),
    state(socket),
  );
  socket.on("connect", () => lab.note("near", "connected", state(socket)));
  await once(socket, "ready");
  await turns(2);
  lab.note("near", state(socket));
  socket.end("!", () => lab.note("near", "ended", state(socket)));
  await closed(socket);
  lab.note("far", await all);
});

likeNode("write, connect, write", async (lab) => {
  const { near } = await lab.pair();
  near.destroy();
  let got!: (all: string) => void;
  const all = new Promise<string>((resolve) => (got = resolve));
  const port = await lab.listen(lab.net.createServer((far) => void text(far).then(got)));
  const socket = new lab.net.Socket({ allowHalfOpen: true });
  lab.watch("near", socket);
  socket.cork();
  socket.write("one ");
  socket.connect(port, "127.0.0.1");
  socket.write("two ");
  lab.note("near", state(socket));
  socket.uncork();
  lab.note("near", state(socket));
  socket.end("three");
  await closed(socket);
  lab.note("far", await all);
});

likeNode("a write to a socket that never connected", async (lab) => {
  const socket = lab.watch("near", new lab.net.Socket());
  lab.note(
    "near",
    socket.write("x", (error) => lab.note("near", "written", error)),
  );
  await closed(socket);
  lab.note("near", state(socket));
});

likeNode("an end of a socket that never connected", async (lab) => {
  const socket = lab.watch("near", new lab.net.Socket());
  lab.call(
    "near",
    "end",
    () => socket.end(() => lab.note("near", "ended", socket.writable)),
    socket,
  );
  lab.note("near", state(socket));
  await turns(3);
  lab.note("near", state(socket));
});

likeNode("an end before connect", async (lab) => {
  let got!: (all: string) => void;
  const all = new Promise<string>((resolve) => (got = resolve));
  const port = await lab.listen(lab.net.createServer((far) => void text(far).then(got)));
  const socket = lab.watch("near", new lab.net.Socket());
  socket.end();
  await turns(1);
  lab.note("near", state(socket));
  socket.connect(port, "127.0.0.1");
  await closed(socket);
  lab.note("far", await Promise.race([all, turns(5).then(() => "nothing")]));
});

likeNode("paused before the connection stands", async (lab) => {
  const port = await lab.listen(lab.net.createServer((far) => void far.end("something")));
  const socket = lab.net.connect(port, "127.0.0.1");
  lab.watch("near", socket);
  socket.pause();
  socket.on("data", (chunk) => lab.note("near", String(chunk)));
  await once(socket, "connect");
  await turns(4);
  lab.note("near", socket.isPaused(), socket.bytesRead);
  socket.resume();
  await closed(socket);
  lab.note("near", socket.bytesRead);
});

likeNode("an IPv6 address is asked for and fails by an event", async (lab) => {
  // over Node this machine may have IPv6 or not: only that it is no exception is common
  const socket = new lab.net.Socket();
  lab.watch("near", socket, ["close"]);
  socket.on("error", (error: NodeJS.ErrnoException) =>
    lab.note("near", error.syscall, Reflect.get(error, "address")),
  );
  lab.call("near", "connect", () => socket.connect(1, "::1"), socket);
  await closed(socket);
});

likeNode("a signal, aborted before and while connecting", async (lab) => {
  const port = await lab.listen(lab.net.createServer());
  const before = lab.net.connect({ port, host: "127.0.0.1", signal: AbortSignal.abort() } as never);
  lab.watch("before", before);
  await closed(before);
  const controller = new AbortController();
  const during = lab.net.connect({ port, host: "127.0.0.1", signal: controller.signal } as never);
  lab.watch("during", during);
  controller.abort();
  await closed(during);
});

likeNode("a signal aborted when connected", async (lab) => {
  const controller = new AbortController();
  const { near } = await lab.pair({}, { signal: controller.signal } as never);
  lab.watch("near", near);
  controller.abort(new Error("enough"));
  await closed(near);
});

likeNode("resetAndDestroy while connecting waits for the connection", async (lab) => {
  const port = await lab.listen(lab.net.createServer((far) => void far.on("error", () => {})));
  const socket = lab.watch("near", lab.net.connect(port, "127.0.0.1"));
  lab.call("near", "reset", () => socket.resetAndDestroy(), socket);
  lab.note("near", state(socket));
  await closed(socket);
});

likeNode(
  "resetAndDestroy of a socket that never connected, and of one that is closed",
  async (lab) => {
    const socket = lab.watch("near", new lab.net.Socket());
    lab.call("near", "reset", () => socket.resetAndDestroy(), socket);
    await closed(socket);
    const { near } = await lab.pair();
    near.destroy();
    await closed(near);
    lab.watch("closed", near);
    lab.call("closed", "reset", () => near.resetAndDestroy(), near);
    await turns(3);
  },
);
