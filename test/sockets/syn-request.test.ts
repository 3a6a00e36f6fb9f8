/** A server that is asked before a SYN is answered (`onSyn`), and one of every port. */
import { once } from "node:events";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createPair } from "../../src/devices/pair.ts";
import { createStack, type UserStack } from "../../src/sockets/create-stack.ts";
import type { SynRequest } from "../../src/sockets/syn-request.ts";
import type { TcpSocket } from "../../src/sockets/tcp-socket.ts";

const HERE = "192.0.2.2";
let here: UserStack;
let there: UserStack;

beforeEach(() => {
  const [left, right] = createPair();
  there = createStack({ device: left, address: "192.0.2.1/24" });
  here = createStack({ device: right, address: `${HERE}/24` });
});
afterEach(async () => {
  await there.close();
  await here.close();
});

async function failure(socket: TcpSocket): Promise<string | undefined> {
  const [error] = (await once(socket, "error")) as [NodeJS.ErrnoException];
  return error.code;
}

describe("onSyn", () => {
  test("says who asks, and an accepted one is a connection as any other", async () => {
    const order: string[] = [];
    const asked: SynRequest[] = [];
    const server = here.net.createServer({
      onSyn(request) {
        asked.push(request);
        request.accept((socket) => order.push(`accepted ${socket.remotePort}`));
      },
    });
    server.on("connection", (socket) => {
      order.push(`connection ${socket.remotePort}`);
      socket.end("hello");
    });
    server.listen(80);
    const client = there.net.connect(80, HERE);
    const [chunk] = (await once(client, "data")) as [Buffer];
    expect(String(chunk)).toBe("hello");
    expect(asked).toHaveLength(1);
    expect(asked[0]).toMatchObject({
      localAddress: HERE,
      localPort: 80,
      remoteAddress: "192.0.2.1",
    });
    expect(asked[0]!.remotePort).toBe(client.localPort);
    expect(asked[0]!.ended).toBe(null);
    expect(order).toEqual([`accepted ${client.localPort}`, `connection ${client.localPort}`]);
    server.close();
    client.end();
    await once(server, "close");
  });

  test("refuse is a refused connect, whenever it comes; the first word counts", async () => {
    const waiting: SynRequest[] = [];
    here.net.createServer({ onSyn: (request) => void waiting.push(request) }).listen(80);
    const client = there.net.connect(80, HERE);
    const failed = failure(client);
    while (waiting.length === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(client.connecting).toBe(true);
    waiting[0]!.refuse();
    waiting[0]!.accept();
    expect(await failed).toBe("ECONNREFUSED");
    expect(waiting[0]!.ended).toBe("refused by the user");
  });

  test("onend tells that the client is gone", async () => {
    const ended = new Promise<string>((resolve) => {
      const onSyn = (request: SynRequest): void => {
        request.onend = resolve;
        request.accept();
      };
      here.net.createServer({ onSyn }).listen(80);
    });
    const client = there.net.connect(80, HERE);
    await once(client, "connectionAttempt");
    await new Promise((resolve) => process.nextTick(resolve));
    client.destroy();
    expect(await ended).toBe("RST received");
  });

  test("closing the server refuses who still waits", async () => {
    const reasons: string[] = [];
    const server = here.net.createServer({
      onSyn(request) {
        request.onend = (reason) => reasons.push(reason);
        server.close();
      },
    });
    server.listen(80);
    expect(await failure(there.net.connect(80, HERE))).toBe("ECONNREFUSED");
    expect(reasons).toEqual(["refused by the user"]);
  });

  test("maxConnections counts accepted ones, too", async () => {
    const server = here.net.createServer({ onSyn: (request) => request.accept() });
    server.maxConnections = 1;
    server.on("connection", (socket) => void socket.on("error", () => {}));
    server.listen(80);
    const first = there.net.connect(80, HERE).on("error", () => {});
    await once(server, "connection");
    const second = there.net.connect(80, HERE).on("error", () => {});
    const [dropped] = (await once(server, "drop")) as [{ remotePort: number }];
    expect(dropped.remotePort).toBe(second.localPort);
    first.destroy();
    second.destroy();
  });

  test("is a function or nothing", () => {
    const wrong = { onSyn: true } as unknown as { onSyn: () => void };
    expect(() => here.net.createServer(wrong)).toThrow(
      expect.objectContaining({ code: "ERR_INVALID_ARG_TYPE" }),
    );
  });
});

test("anyPort listens on every port that no other server has", async () => {
  const ports: string[] = [];
  const answers = (name: string) => (socket: TcpSocket) => {
    ports.push(`${name} ${socket.localPort}`);
    socket.on("error", () => {}).end();
  };
  const any = here.net.createServer(answers("any"));
  any.listen({ port: 0, anyPort: true });
  await once(any, "listening");
  expect(any.address()).toMatchObject({ port: 0 });
  here.net.createServer(answers("one")).listen(80);
  for (const port of [1, 80, 65535]) {
    const client = there.net.connect(port, HERE);
    client.resume();
    await once(client, "close");
  }
  expect(ports).toEqual(["any 1", "one 80", "any 65535"]);
});
