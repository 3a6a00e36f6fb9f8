/** One stack that talks to itself over the loopback device, as the README shows it. */
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { loopback } from "../../src/devices/loopback.ts";
import { createStack } from "../../src/sockets/create-stack.ts";

const PACKAGE = fileURLToPath(new URL("../../dist/index.js", import.meta.url));

async function talk(mtu: number, size: number): Promise<number> {
  const stack = createStack({ device: loopback({ mtu }), address: "127.0.0.1/8" });
  const server = stack.net.createServer((socket) => socket.pipe(socket));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const socket = stack.net.connect((server.address() as AddressInfo).port, "127.0.0.1");
  socket.end(Buffer.alloc(size, 7));
  let got = 0;
  socket.on("data", (chunk: Buffer) => (got += chunk.length));
  await once(socket, "close");
  server.close();
  await stack.close();
  return got;
}

test.each([65535, 1500, 576])("a megabyte comes back at an MTU of %i", async (mtu) => {
  expect(await talk(mtu, 1 << 20)).toBe(1 << 20);
});

test("a port where nobody listens refuses", async () => {
  const stack = createStack({ device: loopback(), address: "127.0.0.1/8" });
  const [error] = (await once(stack.net.connect(9, "127.0.0.1"), "error")) as [Error];
  expect(error).toMatchObject({ code: "ECONNREFUSED", syscall: "connect", address: "127.0.0.1" });
  await stack.close();
});

/** Runs a program against the built package; it ends by itself, or is ended after ten seconds. */
function runs(program: string): { code: number | null; out: string } {
  const text = `import { createStack, loopback } from ${JSON.stringify(PACKAGE)};
    const stack = createStack({ device: loopback(), address: "127.0.0.1/8" });
    const { net } = stack;\n${program}`;
  const args = ["--input-type=module", "-e", text];
  const result = spawnSync(process.execPath, args, { encoding: "utf8", timeout: 10_000 });
  return { code: result.status, out: result.stdout + result.stderr };
}

test("a process ends by itself when server and sockets are closed, and a listening server keeps it", () => {
  const ends = runs(`
    const server = net.createServer((socket) => socket.end("bye\\n"));
    server.listen(7, () => {
      const socket = net.connect(7, "127.0.0.1");
      socket.on("data", (text) => process.stdout.write(text)).on("close", () => server.close());
    });`);
  expect(ends).toEqual({ code: 0, out: "bye\n" });
  const stays = runs(`
    net.createServer(() => {}).listen(7);
    setTimeout(() => process.exit(42), 300);`);
  expect(stays).toEqual({ code: 42, out: "" });
});

test("what is unref'd keeps no process, as with Node's own sockets", () => {
  const server = runs(`net.createServer(() => {}).listen(7, () => console.log("up")).unref();`);
  // an unref'd server may be gone before it listens; it must not stay
  expect(server.code).toBe(0);
  const socket = runs(`
    const server = net.createServer(() => {}).listen(7, () => {
      const socket = net.connect(7, "127.0.0.1", () => {
        server.unref();
        socket.unref();
        console.log("connected");
      });
    });
    server.on("connection", (peer) => peer.unref());`);
  expect(socket).toEqual({ code: 0, out: "connected\n" });
});
