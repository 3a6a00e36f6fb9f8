/** Writing: forms of the call, encodings, counts, back-pressure, corks. */
import { once } from "node:events";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { closed, likeNode, state, text, turns } from "../support/like-node.ts";

likeNode("strings in each encoding arrive as their bytes", async (lab) => {
  const { near, far } = await lab.pair();
  const all = text(far.setEncoding("latin1"));
  for (const encoding of [
    "utf8",
    "ascii",
    "latin1",
    "binary",
    "base64",
    "base64url",
    "hex",
    "ucs2",
    "utf16le",
  ] as const) {
    lab.note("near", near.write("6161ä€", encoding), near.bytesWritten, near.writableLength);
  }
  near.end();
  lab.note("far", await all);
});

likeNode("an encoding that there is not", async (lab) => {
  const { near } = await lab.pair();
  lab.watch("near", near);
  lab.call("near", "write", () => near.write("x", "utf-9" as never));
  lab.call("near", "default", () => near.setDefaultEncoding("utf-9" as never));
  lab.call("near", "reading", () => near.setEncoding("utf-9" as never));
});

likeNode("setDefaultEncoding", async (lab) => {
  const { near, far } = await lab.pair();
  const all = text(far);
  lab.call("near", "default", () => near.setDefaultEncoding("hex"), near);
  near.write("616263");
  near.end("646566");
  lab.note("far", await all);
});

for (const value of [null, undefined, 1, true, {}, [], () => {}, Symbol("x")])
  likeNode(
    `a write of ${String(typeof value)} ${Array.isArray(value) ? "list" : value === null ? "null" : ""}`,
    async (lab) => {
      const { near } = await lab.pair();
      lab.watch("near", near);
      lab.call("near", "write", () => near.write(value as never));
      await turns(2);
      lab.note("near", near.destroyed);
    },
  );

likeNode("a write of a typed array, of a view, of nothing", async (lab) => {
  const { near, far } = await lab.pair();
  const all = text(far);
  const bytes = new Uint8Array([97, 98, 99, 100]);
  lab.call("near", "array", () => near.write(bytes, () => lab.note("near", "array")));
  lab.call("near", "part", () => near.write(bytes.subarray(1, 3), () => lab.note("near", "part")));
  lab.call("near", "empty", () => near.write("", () => lab.note("near", "empty")));
  lab.call("near", "no bytes", () =>
    near.write(Buffer.alloc(0), () => lab.note("near", "no bytes")),
  );
  lab.call("near", "view", () => near.write(new DataView(bytes.buffer) as never));
  lab.note("near", near.bytesWritten);
  near.end();
  lab.note("far", await all);
});

likeNode("bytesWritten and writableLength while a write is held up", async (lab) => {
  const { near } = await lab.pair({ pauseOnConnect: true });
  lab.watch("near", near, ["drain"]);
  lab.note("near", near.write(Buffer.alloc(20_000_000)), near.bytesWritten, near.writableLength);
  lab.note("near", near.write("ää"), near.bytesWritten, near.writableLength, near.bufferSize);
  lab.note("near", near.write("6161", "hex"), near.bytesWritten, near.writableNeedDrain);
  await turns(3);
  lab.note("near", near.bytesWritten, near.writableLength);
  near.destroy();
  lab.note("near", near.bytesWritten, near.bufferSize);
});

likeNode("many writes held up, as one list: counts stay true", async (lab) => {
  const { near, far } = await lab.pair({ pauseOnConnect: true });
  near.cork();
  for (let i = 0; i < 10; i++) near.write(Buffer.alloc(2_000_000));
  near.uncork();
  lab.note("near", near.bytesWritten, near.writableLength);
  await turns(3);
  lab.note("near", near.bytesWritten, near.writableLength);
  far.resume();
  near.end();
  await closed(near);
  lab.note("near", near.bytesWritten);
  lab.note("far", far.bytesRead);
});

likeNode("cork and uncork, nested", async (lab) => {
  const { near, far } = await lab.pair();
  const all = text(far);
  near.cork();
  near.cork();
  near.write("a", () => lab.note("near", "a"));
  near.write("ä", () => lab.note("near", "ä"));
  lab.note("near", near.writableCorked, near.writableLength, near.bytesWritten);
  near.uncork();
  await turns(2);
  lab.note("near", near.writableCorked, near.writableLength, near.bytesWritten);
  near.uncork();
  lab.note("near", near.writableCorked, near.writableLength, near.bytesWritten);
  near.end();
  lab.note("far", await all);
});

likeNode("callbacks come in order, before finish", async (lab) => {
  const { near, far } = await lab.pair();
  lab.watch("near", near);
  far.resume();
  for (let i = 0; i < 5; i++) near.write(`${i}`, (error) => lab.note("near", i, error));
  near.end("last", () => lab.note("near", "end"));
  await closed(near);
});

likeNode("highWaterMark of a socket and of a server's", async (lab) => {
  for (const options of [
    {},
    { highWaterMark: 100 },
    { readableHighWaterMark: 7, writableHighWaterMark: 9 },
  ]) {
    const { near, far } = await lab.pair(options as never, options as never);
    for (const [name, socket] of [
      ["near", near],
      ["far", far],
    ] as const)
      lab.note(
        name,
        socket.readableHighWaterMark,
        socket.writableHighWaterMark,
        socket.writableObjectMode,
      );
    lab.note("near", near.write(Buffer.alloc(100)));
    near.destroy();
  }
});

likeNode("a large string arrives whole", async (lab) => {
  const { near, far } = await lab.pair();
  const all = text(far.setEncoding("utf8"));
  const large = "äöü€x".repeat(200_000);
  near.end(large);
  lab.note("far", (await all) === large, near.bytesWritten);
});

likeNode("ping-pong", async (lab) => {
  const { near, far } = await lab.pair({ allowHalfOpen: true });
  far.setEncoding("utf8").on("data", (chunk: string) => {
    lab.note("far", chunk);
    far.write("PONG");
  });
  far.on("end", () => far.end());
  let rounds = 0;
  near.setEncoding("ascii").on("data", (chunk: string) => {
    lab.note("near", chunk);
    if (++rounds < 10) near.write("PING");
    else near.end();
  });
  near.write("PING");
  await closed(near);
});

likeNode("a pipe through the socket and back", async (lab) => {
  const server = lab.net.createServer((socket) => void socket.pipe(socket));
  const port = await lab.listen(server);
  const near = lab.net.connect(port, "127.0.0.1");
  const all = text(near);
  await pipeline(Readable.from(["a", "b", Buffer.alloc(200_000, "c")]), near, { end: true });
  lab.note("near", (await all).length, near.bytesWritten, near.bytesRead);
});

likeNode("a throttled reader: pause and resume, and the writer waits", async (lab) => {
  const { near, far } = await lab.pair();
  let size = 0;
  far.on("data", (chunk: Buffer) => {
    size += chunk.length;
    far.pause();
    setImmediate(() => far.resume());
  });
  const block = Buffer.alloc(100_000);
  for (let i = 0; i < 20; i++) if (!near.write(block)) await once(near, "drain");
  near.end();
  await Promise.all([closed(far), closed(near)]);
  lab.note("far", size, near.bytesWritten);
});

likeNode("a socket that only writes, and one that only reads", async (lab) => {
  const { near, far } = await lab.pair();
  lab.note("near", state(near));
  lab.note("far", state(far));
  const all = text(far);
  near.write("x");
  near.end();
  lab.note("far", await all);
});

likeNode("a buffer may be written again once the callback came", async (lab) => {
  const { near, far } = await lab.pair();
  const all = text(far);
  const bytes = Buffer.from("first ");
  near.write(bytes, () => {
    bytes.write("second");
    near.end(bytes);
  });
  lab.note("far", await all);
});
