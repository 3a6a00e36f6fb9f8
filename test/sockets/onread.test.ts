/** `onread`: what arrives goes to a callback, in the user's buffer or lent, and the stream sees only its end. */
import { once } from "node:events";
import { expect, test } from "vitest";
import type { OnReadOptions } from "../../src/sockets/onread.ts";
import type { TcpSocket } from "../../src/sockets/tcp-socket.ts";
import { realWorld, SERVER } from "./support/world.ts";

interface Run {
  readonly socket: TcpSocket;
  readonly far: TcpSocket;
  readonly got: Buffer;
}

/** Sends `content` to a client that reads with `onread`, and waits for the end. */
async function run(
  content: Buffer,
  onread: (received: Buffer[]) => OnReadOptions,
  between: (socket: TcpSocket) => void = () => {},
): Promise<Run & { readonly data: number }> {
  const { client, server } = realWorld();
  const received: Buffer[] = [];
  let data = 0;
  const listener = server.createServer((s) => void s.end(content)).listen(7, SERVER);
  const socket = client.connect({ port: 7, host: SERVER, onread: onread(received) });
  socket.on("data", () => data++);
  between(socket);
  const [far] = (await once(listener, "connection")) as [TcpSocket];
  await once(socket, "end");
  listener.close();
  return { socket, far, got: Buffer.concat(received), data };
}

const CONTENT = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 31) & 255));

test("with a buffer of one's own each call brings at most what fits", async () => {
  const buffer = Buffer.alloc(1000);
  const sizes = new Set<number>();
  const result = await run(CONTENT, (received) => ({
    buffer,
    callback(nread, given) {
      expect(given).toBe(buffer);
      sizes.add(nread);
      received.push(Buffer.from(given.subarray(0, nread)));
    },
  }));
  expect(result.got.equals(CONTENT)).toBe(true);
  expect(Math.max(...sizes)).toBe(1000);
  expect(result.data).toBe(0);
  expect(result.socket.bytesRead).toBe(CONTENT.length);
});

test("a function is asked for a buffer each time", async () => {
  let asked = 0;
  const result = await run(CONTENT, (received) => ({
    buffer: () => Buffer.alloc(++asked * 100),
    callback: (nread, given) => void received.push(Buffer.from(given.subarray(0, nread))),
  }));
  expect(result.got.equals(CONTENT)).toBe(true);
  expect(asked).toBeGreaterThan(10);
});

test("without a buffer the memory is lent, and `this` is the socket", async () => {
  const selves = new Set<unknown>();
  const result = await run(CONTENT, (received) => ({
    callback(nread, given) {
      selves.add(this);
      expect(given).toHaveLength(nread);
      received.push(Buffer.from(given));
    },
  }));
  expect(result.got.equals(CONTENT)).toBe(true);
  expect([...selves]).toEqual([result.socket]);
});

test("`false` stops in the middle of a chunk until resume(), and nothing is lost", async () => {
  let calls = 0;
  let stopped = false;
  const result = await run(CONTENT, (received) => ({
    buffer: Buffer.alloc(777),
    callback(nread, given) {
      expect(stopped).toBe(false);
      received.push(Buffer.from(given.subarray(0, nread)));
      if (++calls % 50 !== 0) return true;
      stopped = true;
      setImmediate(() => {
        stopped = false;
        this.resume();
      });
      return false;
    },
  }));
  expect(result.got.equals(CONTENT)).toBe(true);
  expect(calls).toBeGreaterThan(300);
});

test("pause() stops the callback as well", async () => {
  let running = false;
  const result = await run(
    CONTENT,
    (received) => ({
      callback(_nread, given) {
        expect(running).toBe(true);
        received.push(Buffer.from(given));
      },
    }),
    (socket) => {
      socket.pause();
      setTimeout(() => {
        running = true;
        socket.resume();
      }, 20);
    },
  );
  expect(result.got.equals(CONTENT)).toBe(true);
});

test("a server gives it to each of its connections", async () => {
  const { client, server } = realWorld();
  const sums = new Map<TcpSocket, number>();
  const onread: OnReadOptions = {
    callback(nread) {
      sums.set(this, (sums.get(this) ?? 0) + nread);
    },
  };
  const listener = server.createServer({ onread }, (s) => void s.resume()).listen(9, SERVER);
  const sockets = [10_000, 20_000].map((n) => client.connect(9, SERVER).end(Buffer.alloc(n)));
  await Promise.all(sockets.map(async (s) => await once(s.resume(), "close")));
  expect([...sums.values()].toSorted((a, b) => a - b)).toEqual([10_000, 20_000]);
  listener.close();
});
