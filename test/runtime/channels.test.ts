/** What subscribers of `tuntcp:*` hear of a transfer with a loss, and that nobody is watched without them. */
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import { afterEach, expect, test } from "vitest";
import { type ImpairmentSpec, parseImpairment } from "../../src/devices/impairment-spec.ts";
import { impairDevice } from "../../src/devices/impair.ts";
import { createPair } from "../../src/devices/pair.ts";
import { systemClock } from "../../src/runtime/system.ts";
import { createStack, type UserStack } from "../../src/sockets/create-stack.ts";

type Message = Record<string, unknown>;

const heard: [string, Message][] = [];
const undo: (() => void)[] = [];
const stacks: UserStack[] = [];

function listen(...names: string[]): void {
  for (const name of names) {
    const hear = (message: unknown): void => void heard.push([name, message as Message]);
    subscribe(`tuntcp:${name}`, hear);
    undo.push(() => unsubscribe(`tuntcp:${name}`, hear));
  }
}

afterEach(async () => {
  for (const end of undo.splice(0)) end();
  for (const stack of stacks.splice(0)) await stack.close();
  heard.length = 0;
});

function two(impair = ""): readonly [UserStack, UserStack] {
  const [a, b] = createPair();
  const spec = parseImpairment(impair === "" ? "loss=0%" : impair) as ImpairmentSpec;
  const device = impair === "" ? a : impairDevice(a, spec, { clock: systemClock });
  const client = createStack({ device, address: "192.0.2.1/24" });
  const server = createStack({ device: b, address: "192.0.2.2/24" });
  stacks.push(client, server);
  return [client, server];
}

/** Sends `size` bytes to a sink, and waits until both ends are done. */
async function transfer([client, server]: readonly [UserStack, UserStack], size: number) {
  const sink = server.net.createServer((socket) => socket.resume());
  sink.listen(80);
  const socket = client.net.connect(80, "192.0.2.2");
  socket.resume();
  socket.end(Buffer.alloc(size));
  await once(socket, "close");
  sink.close();
}

const of = (name: string): Message[] => heard.filter(([n]) => n === name).map(([, m]) => m);

test("a connection is told of from its first state on, by who opened it", async () => {
  listen("connection", "state");
  await transfer(two(), 10);
  const mine = of("state").filter(({ local }) => String(local).startsWith("192.0.2.1:"));
  expect(mine.map(({ from, to }) => `${String(from)} ${String(to)}`).slice(0, 2)).toEqual([
    "CLOSED SYN-SENT",
    "SYN-SENT ESTABLISHED",
  ]);
  expect(mine[0]).toMatchObject({
    remote: "192.0.2.2:80",
    why: expect.any(String),
    at: expect.any(Number),
    connection: expect.objectContaining({ remotePort: 80 }),
  });
  expect(
    of("connection").map(({ opened, local }) => [opened, String(local).split(":")[0]]),
  ).toEqual([
    ["active", "192.0.2.1"],
    ["passive", "192.0.2.2"],
  ]);
});

test("losses, retransmissions and the window that follows are told", async () => {
  listen("loss", "retransmit", "cwnd");
  await transfer(two("out.loss=3%,out.delay=1ms,seed=3"), 1_000_000);
  const again = of("retransmit");
  expect(again.length).toBeGreaterThan(5);
  expect(again[0]).toMatchObject({ remote: "192.0.2.2:80", length: expect.any(Number) });
  expect(String(again[0]!["why"])).toMatch(/^retransmission/);
  expect(of("loss").length).toBeGreaterThan(0);
  for (const { bytes } of of("loss")) expect(bytes).toBeGreaterThan(0);
  const windows = of("cwnd").map(({ cwnd, before }) => Number(cwnd) - Number(before));
  expect(windows.some((change) => change > 0)).toBe(true);
  expect(windows.some((change) => change < 0)).toBe(true);
});

test("a packet that is not taken is told with its reason and its bytes", async () => {
  listen("drop");
  const [client] = two("out.corrupt=100%,seed=1");
  const socket = client.net.connect(80, "192.0.2.2");
  socket.on("error", () => {});
  await expect.poll(() => of("drop").length).toBeGreaterThan(0);
  socket.destroy();
  const [drop] = of("drop");
  expect(drop).toMatchObject({
    why: expect.stringMatching(/^dropped: /),
    packet: expect.any(String),
    bytes: expect.any(Uint8Array),
  });
});

test("without a subscriber no connection is watched, and the last one that leaves ends it", async () => {
  const pair = two();
  const watching = (): boolean =>
    (pair[0].core as unknown as { env: { trace: unknown } }).env.trace !== null;
  await transfer(pair, 10);
  expect(watching()).toBe(false);
  listen("state");
  await transfer(pair, 10);
  expect(watching()).toBe(true);
  expect(of("state").length).toBeGreaterThan(0);
  undo.pop()!();
  heard.length = 0;
  await transfer(pair, 10);
  expect(watching()).toBe(false);
  expect(heard).toEqual([]);
});
