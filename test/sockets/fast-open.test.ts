/** Fast Open by sockets (RFC 7413): `fastOpen` of `listen` and of `connect`. */
import { once } from "node:events";
import { expect, test } from "vitest";
import type { TcpServer } from "../../src/sockets/tcp-server.ts";
import type { TcpSocket } from "../../src/sockets/tcp-socket.ts";
import { realWorld, SERVER } from "./support/world.ts";

const ON = { tcp_fastopen: 3 };

function echo(server: ReturnType<typeof realWorld>["server"], fastOpen: number): TcpServer {
  return server
    .createServer((socket) => socket.pipe(socket))
    .listen({ port: 7, host: SERVER, fastOpen });
}

async function asks(socket: TcpSocket, text: string): Promise<string> {
  socket.end(text);
  const got: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => void got.push(chunk));
  await once(socket, "end");
  return Buffer.concat(got).toString();
}

test("the second connection's first write goes with its SYN, and the server has it at once [7413-2-OPTIN]", async () => {
  const { client, server, stacks } = realWorld(ON);
  const listener = echo(server, 16);
  const count = (i: 0 | 1, name: string): number =>
    stacks[i].core.counters.get(`TcpExtTCPFastOpen${name}`);
  const first = client.connect({ port: 7, host: SERVER, fastOpen: true });
  expect(await asks(first, "one")).toBe("one");
  expect([count(0, "Active"), count(1, "CookieReqd")]).toEqual([0, 1]);
  const second = client.connect({ port: 7, host: SERVER, fastOpen: true });
  const connected = once(second, "connect");
  expect(await asks(second, "two")).toBe("two");
  await connected;
  expect(second.getTcpInfo()).toMatchObject({ synData: true });
  expect([count(0, "Active"), count(1, "Passive")]).toEqual([1, 1]);
  // what does not ask goes without
  expect(await asks(client.connect(7, SERVER), "three")).toBe("three");
  expect(count(1, "Passive")).toBe(1);
  listener.close();
});

test("more than a SYN holds, written before `connect`, arrives whole and in order", async () => {
  const { client, server } = realWorld(ON);
  const listener = echo(server, 16);
  await asks(client.connect({ port: 7, host: SERVER, fastOpen: true }), "x");
  const text = Array.from({ length: 20_000 }, (_, i) => String(i % 10)).join("");
  const socket = client.connect({ port: 7, host: SERVER, fastOpen: true });
  for (let at = 0; at < text.length - 1000; at += 1000) socket.write(text.slice(at, at + 1000));
  expect(await asks(socket, text.slice(-1000))).toBe(text);
  expect(socket.bytesWritten).toBe(20_000);
  listener.close();
});

test("a program that writes after `connect` waits ten milliseconds more and no longer", async () => {
  const { client, server } = realWorld(ON);
  const listener = echo(server, 16);
  await asks(client.connect({ port: 7, host: SERVER, fastOpen: true }), "x");
  const socket = client.connect({ port: 7, host: SERVER, fastOpen: true });
  await once(socket, "connect");
  expect(await asks(socket, "late")).toBe("late");
  expect(socket.getTcpInfo()).toMatchObject({ synData: false });
  listener.close();
});

test("a refused connection fails as any other, what was written with it", async () => {
  const { client, server, stacks } = realWorld(ON);
  const listener = echo(server, 16);
  await asks(client.connect({ port: 7, host: SERVER, fastOpen: true }), "x");
  listener.close();
  const socket = client.connect({ port: 7, host: SERVER, fastOpen: true });
  socket.write("nobody hears it");
  const [error] = (await once(socket, "error")) as [NodeJS.ErrnoException];
  expect([error.code, error.syscall]).toEqual(["ECONNREFUSED", "connect"]);
  expect(stacks[1].core.connections()).toHaveLength(0);
});

test("what is no such option is refused as Node refuses", () => {
  const { client, server } = realWorld();
  const options = { port: 7, host: SERVER, fastOpen: 1 as unknown as boolean };
  const type = { code: "ERR_INVALID_ARG_TYPE" };
  expect(() => client.connect(options)).toThrow(expect.objectContaining(type));
  for (const fastOpen of [-1, 1.5, "9" as unknown as number]) {
    const listen = (): unknown => server.createServer().listen({ port: 7, fastOpen });
    const value = { code: "ERR_INVALID_ARG_VALUE" };
    expect(listen).toThrow(expect.objectContaining(value));
  }
});
