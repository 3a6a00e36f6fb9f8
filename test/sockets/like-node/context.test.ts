/** The async context that listeners run in: what an AsyncLocalStorage says there. */
import { AsyncLocalStorage } from "node:async_hooks";
import { closed, likeNode } from "../support/like-node.ts";

likeNode(
  "a socket's listeners find the store of connect, a server's that of listen, an accepted socket's none",
  async (lab) => {
    const storage = new AsyncLocalStorage<string>();
    const server = lab.net.createServer((far) => {
      lab.note("far", "connection", storage.getStore());
      for (const event of ["data", "end", "finish", "close"])
        far.on(event, () => lab.note("far", event, storage.getStore()));
      far.on("end", () => far.end("bye"));
    });
    const port = await storage.run("listen", async () => await lab.listen(server));
    for (const store of ["one", "two"]) {
      const near = storage.run(store, () => lab.net.connect(port, "127.0.0.1"));
      for (const event of ["connect", "ready", "data", "end", "close"])
        near.on(event, () => lab.note("near", event, storage.getStore()));
      near.once("connect", () => near.end("hello"));
      await closed(near);
    }
  },
);

likeNode("a failed connect tells in the store of connect", async (lab) => {
  const storage = new AsyncLocalStorage<string>();
  const server = lab.net.createServer();
  const port = await lab.listen(server);
  server.close();
  await closed(server);
  const near = storage.run("asked", () => lab.net.connect(port, "127.0.0.1"));
  near.on("error", () => lab.note("near", "error", storage.getStore()));
  await closed(near);
  lab.note("near", "after", storage.getStore());
});

likeNode("a write's callback finds the store of the write", async (lab) => {
  const storage = new AsyncLocalStorage<string>();
  const server = lab.net.createServer((far) => void far.resume());
  const port = await lab.listen(server);
  const near = lab.net.connect(port, "127.0.0.1");
  await new Promise((resolve) => near.once("connect", resolve));
  await new Promise<void>((resolve) =>
    storage.run("written", () => {
      near.write("x", () => {
        lab.note("near", "callback", storage.getStore());
        resolve();
      });
    }),
  );
  near.destroy();
  await closed(near);
});
