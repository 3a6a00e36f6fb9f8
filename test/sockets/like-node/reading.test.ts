/** Reading: encodings, pauses, `read`, `onread`, counts, timeouts. */
import { once } from "node:events";
import type net from "node:net";
import { closed, likeNode, state, text, turns } from "../support/like-node.ts";

likeNode("setEncoding joins characters that came in pieces", async (lab) => {
  const { near, far } = await lab.pair();
  lab.call("far", "setEncoding", () => far.setEncoding("utf8"), far);
  let all = "";
  far.on("data", (chunk: string) => (all += chunk));
  const bytes = Buffer.from("ä€😀");
  for (const byte of bytes) {
    near.write(Uint8Array.of(byte));
    await turns(2);
  }
  near.end();
  await closed(far);
  lab.note("far", all, far.bytesRead, far.readableEncoding);
});

likeNode("readable and read", async (lab) => {
  const { near, far } = await lab.pair();
  const got: string[] = [];
  far.on("readable", () => {
    for (
      let chunk = far.read(2) as Uint8Array | null;
      chunk !== null;
      chunk = far.read(2) as Uint8Array | null
    )
      got.push(Buffer.from(chunk).toString());
  });
  near.end("abcdefgh");
  await closed(far);
  lab.note("far", got, far.readableLength, far.bytesRead);
});

likeNode("unshift gives back what was read", async (lab) => {
  const { near, far } = await lab.pair();
  near.end("header body");
  const [chunk] = (await once(far, "data")) as [Buffer];
  far.pause();
  far.unshift(chunk.subarray(7));
  lab.note("far", String(chunk.subarray(0, 6)), far.bytesRead);
  lab.note("far", await text(far.resume()));
});

likeNode("who awaits the data, and then the end, hears of both", async (lab) => {
  const { near, far } = await lab.pair();
  near.end("both at once");
  const [chunk] = (await once(far, "data")) as [Buffer];
  lab.note("far", String(chunk));
  await once(far, "end");
  lab.note("far", "end");
  await once(far, "close");
  lab.note("far", "close");
});

likeNode("who awaits the connection hears of an end that came with it", async (lab) => {
  const server = lab.net.createServer();
  const port = await lab.listen(server);
  lab.net.connect(port, "127.0.0.1").resume().end();
  const [far] = (await once(server, "connection")) as [net.Socket];
  far.resume();
  await once(far, "end");
  lab.note("far", "end");
  await once(far, "close");
  lab.note("far", "close");
});

likeNode("a reader that pauses at once gets the rest later", async (lab) => {
  const { near, far } = await lab.pair();
  let all = "";
  far.on("data", (chunk: Buffer) => {
    all += String(chunk);
    far.pause();
  });
  near.write("first");
  await once(far, "pause");
  near.write(" second");
  await turns(3);
  lab.note("far", all, far.isPaused(), state(far));
  far.on("pause", () => process.nextTick(() => far.resume()));
  far.resume();
  near.end();
  await closed(far);
  lab.note("far", all);
});

likeNode("bytesRead counts as bytes arrive, and stays after the close", async (lab) => {
  const { near, far } = await lab.pair();
  lab.note("far", far.bytesRead);
  far.resume();
  near.write("abc");
  await once(far, "data");
  lab.note("far", far.bytesRead, near.bytesRead, near.bytesWritten, far.bytesWritten);
  near.end("defg");
  await closed(far);
  lab.note("far", far.bytesRead);
});

type OnRead = net.OnReadOpts;

function reader(
  note: (...what: unknown[]) => void,
  buffer: OnRead["buffer"],
  go: (nread: number) => boolean,
): OnRead {
  return {
    buffer,
    callback(nread, bytes) {
      note(nread, Buffer.from(bytes.subarray(0, nread)).toString());
      return go(nread);
    },
  };
}

likeNode("onread with one buffer: no data event, the stream sees the end", async (lab) => {
  const buffer = Buffer.alloc(64);
  const { near, far } = await lab.pair(
    {},
    {
      onread: reader(
        (...what) => lab.note("near", ...what),
        buffer,
        () => true,
      ),
    },
  );
  lab.watch("near", near);
  near.on("data", () => lab.note("near", "data"));
  far.write("some bytes");
  await turns(3);
  lab.note("near", near.bytesRead, buffer.toString("latin1", 0, 10));
  far.end();
  await closed(near);
});

likeNode("onread with a buffer that is smaller than what came", async (lab) => {
  let all = "";
  const sizes: number[] = [];
  const onread: OnRead = {
    buffer: new Uint8Array(4),
    callback(nread, bytes) {
      sizes.push(nread);
      all += Buffer.from(bytes.subarray(0, nread)).toString();
      return true;
    },
  };
  const { near, far } = await lab.pair({}, { onread });
  far.end("0123456789");
  near.resume();
  await closed(near);
  lab.note("near", all, Math.max(...sizes), near.bytesRead);
});

likeNode("onread with a function that makes a buffer for each call", async (lab) => {
  let made = 0;
  const makes = (): Uint8Array => {
    made++;
    return Buffer.alloc(16);
  };
  const { near, far } = await lab.pair(
    {},
    {
      onread: reader(
        (...what) => lab.note("near", ...what),
        makes,
        () => true,
      ),
    },
  );
  near.resume();
  far.write("abc");
  await turns(3);
  far.end("def");
  await closed(near);
  lab.note("near", made > 0);
});

likeNode("onread that returns false waits for resume", async (lab) => {
  const { near, far } = await lab.pair(
    {},
    {
      onread: reader(
        (...what) => lab.note("near", ...what),
        Buffer.alloc(8),
        () => false,
      ),
    },
  );
  far.write("12345678");
  await turns(3);
  far.write("abcdefgh");
  await turns(3);
  lab.note("near", "resumes");
  near.resume();
  await turns(3);
  near.resume();
  far.end();
  near.resume();
  await turns(3);
  near.destroy();
});

likeNode("onread of a wrong form is passed over", async (lab) => {
  for (const onread of [
    null,
    {},
    { buffer: 1, callback() {} },
    { buffer: Buffer.alloc(1), callback: 1 },
    "x",
  ]) {
    const { near, far } = await lab.pair({}, { onread } as never);
    far.end("plain");
    lab.note("near", await text(near));
  }
});

likeNode(
  "an idle socket emits timeout, again and again with traffic between, and stays open",
  async (lab) => {
    const { near, far } = await lab.pair();
    near.resume();
    let told = 0;
    lab.call(
      "near",
      "setTimeout",
      () => near.setTimeout(10, () => lab.note("near", "callback")),
      near,
    );
    near.on("timeout", () => lab.note("near", "timeout", ++told, near.destroyed));
    await once(near, "timeout");
    far.write("x");
    await once(near, "timeout");
    lab.call("near", "setTimeout", () => near.setTimeout(0), near);
    lab.note("near", near.timeout, near.listenerCount("timeout"));
    near.destroy();
  },
);

likeNode("setTimeout(0, callback) takes the callback away", async (lab) => {
  const { near } = await lab.pair();
  const callback = (): void => lab.note("near", "timeout");
  near.setTimeout(5000, callback);
  lab.note("near", near.listenerCount("timeout"), near.timeout);
  near.setTimeout(0, callback);
  lab.note("near", near.listenerCount("timeout"), near.timeout);
  near.destroy();
});

likeNode(
  "the timeout option counts while connecting, for connect of the module only",
  async (lab) => {
    const port = await lab.listen(lab.net.createServer());
    const near = lab.net.connect({ port, host: "127.0.0.1", timeout: 5 } as never);
    lab.note("near", near.timeout);
    lab.watch("near", near, ["timeout"]);
    await once(near, "timeout");
    const other = new lab.net.Socket();
    other.connect({ port, host: "127.0.0.1", timeout: 5 } as never);
    lab.note("other", other.timeout);
    near.destroy();
    other.destroy();
  },
);

likeNode("a timeout of a socket that never connects", async (lab) => {
  const socket = new lab.net.Socket();
  lab.watch("socket", socket);
  socket.setTimeout(5);
  // the timer alone keeps no process alive
  const alive = setInterval(() => {}, 1000);
  await once(socket, "timeout");
  clearInterval(alive);
  lab.note("socket", state(socket));
  socket.destroy();
});

likeNode("a destroyed socket has no timeout any more", async (lab) => {
  const { near } = await lab.pair();
  near.setTimeout(5, () => lab.note("near", "timeout"));
  near.destroy();
  await new Promise((resolve) => setTimeout(resolve, 15));
  lab.note("near", near.timeout, state(near));
});

likeNode("a timeout listener that ends the connection", async (lab) => {
  const { near, far } = await lab.pair();
  far.resume();
  lab.watch("near", near).resume();
  near.setTimeout(5);
  near.on("timeout", () => near.end("too slow"));
  await closed(near);
});

likeNode("what is asked of addresses at every stage", async (lab) => {
  const tell = (socket: net.Socket): void =>
    lab.note("near", socket.address(), socket.localAddress, socket.localPort, socket.localFamily);
  const port = await lab.listen(lab.net.createServer((far) => void far.end()));
  const socket = new lab.net.Socket();
  tell(socket);
  lab.note("near", socket.remoteAddress, socket.remotePort, socket.remoteFamily);
  socket.connect(port, "127.0.0.1");
  tell(socket);
  lab.note("near", socket.remoteAddress, socket.remotePort, socket.remoteFamily);
  await once(socket, "connect");
  lab.named(socket.localPort!);
  tell(socket);
  lab.note("near", socket.remoteAddress, socket.remotePort, socket.remoteFamily);
  socket.resume();
  await closed(socket);
  lab.note("near", socket.remoteAddress, socket.remotePort, socket.remoteFamily);
});
