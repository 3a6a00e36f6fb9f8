/** Ending a connection: by either end, in part, by force, twice, and what comes after. */
import { once } from "node:events";
import { closed, likeNode, state, text, turns } from "../support/like-node.ts";

likeNode("the peer ends first: our end follows by itself", async (lab) => {
  const { near, far } = await lab.pair();
  lab.watch("near", near).resume();
  lab.watch("far", far).resume();
  near.on("end", () => lab.note("near", "at end", state(near)));
  near.on("close", () => lab.note("near", "at close", state(near)));
  lab.call("far", "end", () => far.end("bye", () => lab.note("far", "ended")), far);
  lab.note("far", state(far));
  await Promise.all([closed(near), closed(far)]);
  lab.note("near", state(near));
});

likeNode("end with data, encoding and callback in each form", async (lab) => {
  for (const args of [[], ["text"], ["7a7a", "hex"], [Buffer.from("bytes")], [null], [undefined]]) {
    for (const withCallback of [true, false]) {
      const { near, far, server } = await lab.pair();
      const all = text(near);
      const callback = withCallback ? [() => lab.note("far", "callback")] : [];
      (far as unknown as { end(...given: unknown[]): void }).end(...args, ...callback);
      lab.note("near", await all, near.bytesRead);
      server.close();
    }
  }
});

likeNode("allowHalfOpen: our side stays writable after the peer's end", async (lab) => {
  const { near, far } = await lab.pair({ allowHalfOpen: true }, { allowHalfOpen: true });
  lab.watch("near", near).resume();
  lab.watch("far", far).resume();
  near.end();
  await once(far, "end");
  await turns(3);
  lab.note("far", state(far), far.allowHalfOpen, near.allowHalfOpen);
  lab.note("near", state(near));
  far.write("still here", (error) => lab.note("far", "written", error));
  await once(near, "data");
  far.end();
  await Promise.all([closed(near), closed(far)]);
});

likeNode("a write after the peer ended a connection that may not be half-open", async (lab) => {
  const { near, far } = await lab.pair();
  lab.watch("far", far).resume();
  const late = (): void =>
    lab.call("far", "write", () => far.write("late", (error) => lab.note("far", "late", error)));
  far.on("end", () => process.nextTick(() => process.nextTick(late)));
  near.end();
  near.resume();
  await closed(far);
});

likeNode("a write from the end listener", async (lab) => {
  const { near, far } = await lab.pair();
  lab.watch("far", far).resume();
  far.on("end", () =>
    lab.call("far", "write", () => far.write("last", (error) => lab.note("far", "last", error))),
  );
  const all = text(near);
  near.end();
  await Promise.all([closed(far), closed(near)]);
  lab.note("near", await all);
});

likeNode("a write after one's own end", async (lab) => {
  const { near, far } = await lab.pair();
  lab.watch("near", near);
  far.resume();
  near.end("x");
  lab.call("near", "write", () => near.write("y", (error) => lab.note("near", "y", error)));
  lab.note("near", state(near));
  await closed(near);
});

likeNode("end twice, with callbacks", async (lab) => {
  const { near, far } = await lab.pair();
  lab.watch("near", near).resume();
  far.resume();
  near.end("a", () => lab.note("near", "first"));
  near.end(() => lab.note("near", "second"));
  await closed(near);
  near.end(() => lab.note("near", "third"));
  near.end((error?: Error) => lab.note("near", "fourth", error));
  await turns(3);
});

likeNode("a write, an end and a destroy after the close", async (lab) => {
  const { near, far } = await lab.pair();
  lab.watch("near", near).resume();
  far.end();
  far.resume();
  await closed(near);
  lab.call("near", "write", () => near.write("x", (error) => lab.note("near", "x", error)));
  await turns(3);
  lab.call("near", "end", () => near.end(), near);
  lab.call("near", "destroy", () => near.destroy(), near);
  await turns(3);
  lab.note("near", state(near));
});

likeNode("nothing that is asked of a closed socket throws", async (lab) => {
  const { near, far } = await lab.pair();
  lab.watch("near", near).resume();
  far.destroy();
  await closed(near);
  lab.call("near", "setNoDelay", () => near.setNoDelay(), near);
  lab.call("near", "setKeepAlive", () => near.setKeepAlive(), near);
  lab.call("near", "setTimeout", () => near.setTimeout(5, () => lab.note("near", "timeout")), near);
  lab.call("near", "pause", () => near.pause(), near);
  lab.call("near", "resume", () => near.resume(), near);
  lab.call("near", "ref", () => near.ref(), near);
  lab.call("near", "unref", () => near.unref(), near);
  lab.call("near", "cork", () => near.cork());
  lab.call("near", "uncork", () => near.uncork());
  lab.call("near", "destroySoon", () => near.destroySoon());
  lab.note("near", near.timeout);
  lab.note("near", state(near));
});

likeNode("destroy: events at both ends", async (lab) => {
  const { near, far } = await lab.pair();
  lab.watch("near", near);
  lab.watch("far", far).resume();
  lab.call("near", "destroy", () => near.destroy(), near);
  lab.note("near", state(near));
  lab.call("near", "again", () => near.destroy(new Error("too late")), near);
  await Promise.all([closed(near), closed(far)]);
});

likeNode("destroy with an error, and with another", async (lab) => {
  const { near, far } = await lab.pair();
  lab.watch("near", near);
  lab.watch("far", far).resume();
  near.destroy(new Error("enough"));
  near.destroy(new Error("more than enough"));
  lab.note("near", state(near), near.errored);
  await Promise.all([closed(near), closed(far)]);
});

likeNode("close comes after promises, ticks and what else was due", async (lab) => {
  const { near, far } = await lab.pair();
  far.resume();
  near.on("error", () => lab.note("near", "error"));
  near.on("close", () => lab.note("near", "close"));
  near.destroy(new Error("enough"));
  process.nextTick(() => lab.note("near", "tick"));
  await Promise.resolve();
  lab.note("near", "promise");
  await closed(near);
});

likeNode("writes under way when the socket is destroyed", async (lab) => {
  for (const error of [undefined, new Error("enough")]) {
    const { near, far } = await lab.pair({ pauseOnConnect: true });
    far.on("error", () => {});
    lab.watch("near", near);
    near.write(Buffer.alloc(30_000_000), (failed) => lab.note("near", "first", failed));
    near.write("more", (failed) => lab.note("near", "second", failed));
    await turns(2);
    near.destroy(error);
    await closed(near);
    far.destroy();
  }
});

likeNode("writes under way when the peer resets", async (lab) => {
  const { near, far } = await lab.pair({ pauseOnConnect: true });
  near.on("error", (error: NodeJS.ErrnoException) => lab.note("near", error.code));
  near.on("close", (hadError) => lab.note("near", "close", hadError));
  near.write(Buffer.alloc(30_000_000));
  near.write("more");
  await turns(2);
  far.resetAndDestroy();
  await closed(near);
});

likeNode("resetAndDestroy: the peer reads ECONNRESET", async (lab) => {
  const { near, far } = await lab.pair();
  lab.watch("near", near);
  lab.watch("far", far).resume();
  lab.call("near", "reset", () => near.resetAndDestroy(), near);
  lab.note("near", state(near));
  lab.call("near", "again", () => near.resetAndDestroy(), near);
  await Promise.all([closed(near), closed(far)]);
  lab.note("far", state(far));
});

likeNode("a server's socket resets", async (lab) => {
  const { near, far } = await lab.pair();
  lab.watch("near", near).resume();
  lab.watch("far", far);
  far.resetAndDestroy();
  await Promise.all([closed(near), closed(far)]);
});

likeNode("destroySoon: what was written still arrives", async (lab) => {
  const { near, far } = await lab.pair();
  lab.watch("near", near);
  const all = text(far);
  near.write("before ");
  near.write("the end");
  lab.call("near", "destroySoon", () => near.destroySoon());
  lab.note("near", state(near));
  await closed(near);
  lab.note("far", await all);
});

likeNode("destroySoon of a socket that never connected", async (lab) => {
  const socket = lab.watch("near", new lab.net.Socket());
  lab.call("near", "destroySoon", () => socket.destroySoon());
  await turns(3);
  lab.note("near", state(socket));
});

likeNode("destroy of a socket that never connected", async (lab) => {
  const plain = lab.watch("plain", new lab.net.Socket());
  plain.destroy();
  await closed(plain);
  const failed = lab.watch("failed", new lab.net.Socket());
  failed.destroy(new Error("enough"));
  await closed(failed);
});

likeNode("a large write, then end: all of it arrives", async (lab) => {
  const { near, far } = await lab.pair();
  lab.watch("near", near);
  let size = 0;
  far.on("data", (chunk: Buffer) => (size += chunk.length));
  near.write(Buffer.alloc(3_000_000), () => lab.note("near", "written", near.bytesWritten));
  near.end();
  await Promise.all([closed(near), closed(far)]);
  lab.note("far", size, far.bytesRead, near.bytesWritten);
});

likeNode("an end without a reader at the other side", async (lab) => {
  const { near, far } = await lab.pair();
  near.end("unread");
  lab.watch("far", far);
  await turns(5);
  lab.note("far", state(far));
  far.resume();
  await Promise.all([closed(near), closed(far)]);
});

likeNode("an end that brings no data closes without a reader", async (lab) => {
  const { near, far } = await lab.pair();
  lab.watch("near", near);
  lab.watch("far", far);
  near.end();
  await Promise.all([closed(near), closed(far)]);
});

likeNode("the last of many ends closes the server", async (lab) => {
  const server = lab.watch(
    "server",
    lab.net.createServer((socket) => void socket.resume()),
  );
  const port = await lab.listen(server);
  const near = Array.from({ length: 3 }, () => lab.net.connect(port, "127.0.0.1"));
  await Promise.all(near.map((socket) => once(socket, "connect")));
  await turns(3);
  server.close(() => lab.note("server", "callback"));
  for (const socket of near) socket.end();
  await closed(server);
});

likeNode("the server closes before its last socket says so", async (lab) => {
  const { server, near, far } = await lab.pair();
  near.resume();
  server.close();
  server.on("close", () => lab.note("both", "server"));
  far.on("close", () => lab.note("both", "socket"));
  far.destroy();
  lab.call(
    "both",
    "count",
    () => server.getConnections((_error, count) => lab.note("both", count)),
    server,
  );
  await closed(far);
});

likeNode("finished, pipeline and async iteration see the end", async (lab) => {
  const { near, far } = await lab.pair();
  near.end("abc");
  let all = "";
  for await (const chunk of far as AsyncIterable<Buffer>) all += String(chunk);
  lab.note("far", all, far.destroyed, far.readableEnded);
  await closed(near);
});

likeNode("leaving an async iteration destroys the socket", async (lab) => {
  const { near, far } = await lab.pair();
  near.on("error", () => {});
  near.write("abc");
  for await (const chunk of far as AsyncIterable<Buffer>) {
    lab.note("far", String(chunk));
    break;
  }
  lab.note("far", far.destroyed);
});

likeNode("a socket that is disposed of is destroyed", async (lab) => {
  const { near } = await lab.pair();
  lab.watch("near", near, ["close"]);
  near.on("error", (error) => lab.note("near", error.name));
  await near[Symbol.asyncDispose]();
  lab.note("near", near.destroyed);
});
