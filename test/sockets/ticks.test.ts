/** When bytes leave and how they arrive: within the tick of the write, and joined as far as they are there together. */
import { once } from "node:events";
import { afterEach, expect, test } from "vitest";
import { createPair } from "../../src/devices/pair.ts";
import { traceDevice } from "../../src/devices/tracer.ts";
import { systemClock } from "../../src/runtime/system.ts";
import { createStack, type UserStack } from "../../src/sockets/create-stack.ts";
import type { TcpSocket } from "../../src/sockets/tcp-socket.ts";
import { CLIENT, SERVER } from "./support/world.ts";

interface Both {
  readonly near: TcpSocket;
  readonly far: TcpSocket;
  /** Payload sizes of the packets that `near`'s stack has sent since. */
  readonly sent: number[];
}

let stacks: readonly UserStack[] = [];

afterEach(async () => {
  await Promise.all(stacks.map((s) => s.close()));
});

async function connected(): Promise<Both> {
  const [a, b] = createPair();
  const sent: number[] = [];
  const traced = traceDevice(a, systemClock, (direction, _at, line) => {
    const size = Number(/\((\d+)\)/.exec(line)?.[1]);
    if (direction === "out" && size > 0) sent.push(size);
  });
  const left = createStack({ device: traced, address: `${CLIENT}/24` });
  const right = createStack({ device: b, address: `${SERVER}/24` });
  stacks = [left, right];
  const server = right.net.createServer({ noDelay: true }).listen(7);
  const near = left.net.connect({ port: 7, host: SERVER, noDelay: true });
  const [[far]] = (await Promise.all([once(server, "connection"), once(near, "connect")])) as [
    [TcpSocket],
    unknown,
  ];
  server.close();
  // the stacks end with the test, and say so to whoever is still connected
  for (const socket of [near, far]) socket.on("error", () => {});
  return { near, far, sent };
}

/** After everything that was put off to the end of this tick before. */
const tick = (): Promise<void> => new Promise((resolve) => process.nextTick(resolve));

test("a write of one byte leaves in the same tick", async () => {
  const { near, sent } = await connected();
  near.write("x");
  expect(sent).toEqual([]);
  await tick();
  expect(sent).toEqual([1]);
});

test("an answer written in a data handler leaves in the turn that brought the question", async () => {
  const { near, far, sent } = await connected();
  let inTurn: number[] = [];
  near.on("data", () => {
    near.write("answer");
    process.nextTick(() => (inTurn = [...sent]));
  });
  far.write("question");
  await once(far, "data");
  expect(inTurn).toEqual([6]);
});

test("many small writes of one tick are one segment and one chunk", async () => {
  const { near, far, sent } = await connected();
  for (let i = 0; i < 100; i++) near.write("0123456789");
  const [chunk] = (await once(far, "data")) as [Buffer];
  expect(chunk).toHaveLength(1000);
  expect(sent).toEqual([1000]);
});

test("what is corked leaves with uncork, as one", async () => {
  const { near, far, sent } = await connected();
  near.cork();
  for (let i = 0; i < 10; i++) near.write("0123456789");
  await tick();
  expect(sent).toEqual([]);
  near.uncork();
  const [chunk] = (await once(far, "data")) as [Buffer];
  expect(chunk).toHaveLength(100);
  expect(sent).toEqual([100]);
});

test("small segments of one batch reach the stream as one chunk", async () => {
  const { near, far, sent } = await connected();
  const chunks: number[] = [];
  far.on("data", (chunk: Buffer) => chunks.push(chunk.length));
  near.write(Buffer.alloc(8000));
  near.end();
  await once(far, "end");
  expect(sent.length).toBeGreaterThan(5);
  expect(chunks).toEqual([8000]);
});
