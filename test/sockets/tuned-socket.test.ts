/** What a socket offers beyond `net.Socket`: wishes kept until there is a connection, urgent data, soft errors. */
import { once } from "node:events";
import { expect, test } from "vitest";
import { EVENT_SOFT_ERROR } from "../../src/tcp/endpoint.ts";
import type { TcpSocket } from "../../src/sockets/tcp-socket.ts";
import { fakeWorld, realWorld, SERVER } from "./support/world.ts";

async function pair(): Promise<[TcpSocket, TcpSocket, () => void]> {
  const { client, server } = realWorld();
  const listener = server.createServer({ allowHalfOpen: true }).listen(7, SERVER);
  const near = client.connect(7, SERVER);
  const [far] = (await once(listener, "connection")) as [TcpSocket];
  const close = (): void => {
    near.destroy();
    far.destroy();
    listener.close();
  };
  return [near, far, close];
}

test("wishes from before the connection reach it, and later ones at once", async () => {
  const { client, server, network } = fakeWorld();
  server.createServer().listen(7);
  const socket = new client.Socket();
  socket.setUserTimeout(5000).offerUserTimeout(200_000).setTypeOfService(184).setNotSentLowat(9000);
  socket.setCongestionControl("reno");
  expect(socket.getTypeOfService()).toBe(184);
  socket.connect(7, SERVER);
  await once(socket, "connect");
  const { calls } = network.endpoints[0]!;
  expect(calls).toEqual([
    "userTimeout 5000",
    "offerUserTimeout 200000",
    "typeOfService 184",
    "notSentLowat 9000",
    "congestionControl reno",
  ]);
  socket.setUserTimeout(0);
  expect(calls.at(-1)).toBe("userTimeout 0");
  socket.destroy();
});

test("values out of range are refused as Node refuses them", () => {
  const socket = new (fakeWorld().client.Socket)();
  const code = "ERR_OUT_OF_RANGE";
  for (const call of [
    () => socket.setUserTimeout(-1),
    () => socket.offerUserTimeout(Infinity),
    () => socket.setTypeOfService(256),
    () => socket.setNotSentLowat(0),
  ]) {
    expect(call).toThrow(expect.objectContaining({ code }));
  }
});

test("the DSCP is on the wire from the SYN on [MUST-48]", async () => {
  const { client, server, stacks } = realWorld();
  const listener = server.createServer().listen(7, SERVER);
  const socket = client.connect(7, SERVER);
  socket.setTypeOfService(184);
  await once(socket, "connect");
  expect(socket.getTcpInfo()?.typeOfService).toBe(184);
  expect(stacks[0].core.connections()).toHaveLength(1);
  socket.destroy();
  listener.close();
});

test("urgent data stays in its place among other writes, and the reader hears how far ahead it is [MUST-30] [MUST-32] [MUST-33] [6093-6-INLINE]", async () => {
  const [near, far, close] = await pair();
  const told: number[] = [];
  far.on("urgent", (ahead: number) => told.push(ahead));
  far.pause();
  near.write("abc");
  expect(near.sendUrgent("!!")).toBe(true);
  near.end("def");
  await once(far, "urgent");
  expect(told).toEqual([5]);
  expect(far.urgentAhead).toBe(5);
  while (far.readableLength < 8) await once(far, "readable");
  expect(String(far.read(3))).toBe("abc");
  expect(far.urgentAhead).toBe(2);
  expect(String(far.read(2))).toBe("!!");
  expect(far.urgentAhead).toBe(0);
  expect(String(far.read(3))).toBe("def");
  expect(told).toEqual([5]);
  close();
});

test("a large urgent write has its mark at its end, and its callback [MUST-31]", async () => {
  const [near, far, close] = await pair();
  let read = 0;
  const marks: number[] = [];
  far.on("urgent", (ahead: number) => marks.push(read + ahead));
  far.on("data", (chunk: Buffer) => {
    read += chunk.length;
  });
  await new Promise((resolve) => near.sendUrgent(new Uint8Array(1_000_000), resolve));
  near.end("after");
  await once(far, "end");
  expect(read).toBe(1_000_005);
  expect(marks.at(-1)).toBe(1_000_000);
  close();
});

test("a soft error is an event with an Error of Node's form, and without a listener it is silent [MUST-47] [SHLD-20]", async () => {
  const { client, server, network } = fakeWorld();
  server.createServer().listen(7);
  const socket = client.connect(7, SERVER);
  await once(socket, "connect");
  const [endpoint] = network.endpoints;
  Object.assign(endpoint!, { softError: { code: "EHOSTUNREACH", message: "no way" } });
  const tell = (): void => endpoint!.owner!.onEvents(endpoint!, EVENT_SOFT_ERROR);
  tell();
  const told = once(socket, "softError");
  tell();
  const [error] = (await told) as [Error];
  expect(error).toMatchObject({ code: "EHOSTUNREACH", syscall: "read" });
  expect(socket.destroyed).toBe(false);
  socket.destroy();
});

test("a low mark of unsent bytes makes write wait sooner", async () => {
  const [near, far, close] = await pair();
  far.pause();
  near.setNotSentLowat(10_000);
  near.write(new Uint8Array(2_000_000));
  // until nothing moves any more
  for (let sent = -1; sent !== near.getTcpInfo()!.sndNxt;) {
    sent = near.getTcpInfo()!.sndNxt;
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(near.getTcpInfo()!.notSent).toBeLessThanOrEqual(10_000);
  }
  far.resume();
  near.end();
  await once(far, "end");
  expect(far.bytesRead).toBe(2_000_000);
  close();
});

test("a congestion control that the stack does not know fails the connection that waits for it, and throws on one that is there", async () => {
  const { client, server } = realWorld();
  const listener = server.createServer().listen(7, SERVER);
  const socket = new client.Socket().setCongestionControl("nobody's");
  const [error] = (await once(socket.connect(7, SERVER), "error")) as [NodeJS.ErrnoException];
  expect(error).toMatchObject({ code: "EINVAL", syscall: "connect" });
  const other = client.connect(7, SERVER);
  await once(other, "connect");
  expect(() => other.setCongestionControl("nobody's")).toThrow(
    expect.objectContaining({ code: "EINVAL" }),
  );
  other.destroy();
  listener.close();
});
