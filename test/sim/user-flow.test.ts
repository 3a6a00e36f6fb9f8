/** Functions of the user's on sockets in virtual time. */
import http from "node:http";
import type { Socket } from "node:net";
import { expect, test } from "vitest";
import { scenario, simulateWithUsers, type UserFunction } from "../../src/sim/index.ts";

const withFlow = (run: UserFunction, loss = 0) =>
  scenario({
    duration: "60s",
    links: [{ from: "a", to: "b", rate: "10mbit", delay: "25ms", loss }],
    flows: [{ kind: "user", from: "a", to: "b", run }],
  });

const echo: UserFunction = async ({ client, server, address, port, now, sleep }) => {
  const times: number[] = [];
  server
    .createServer((socket) => void socket.on("data", (chunk) => socket.write(chunk)))
    .listen(port);
  const socket = client.connect(port, address);
  await new Promise<void>((resolve) => void socket.once("connect", () => resolve()));
  for (let i = 0; i < 3; i++) {
    const before = now();
    socket.write("x".repeat(1000));
    await new Promise<void>((resolve) => void socket.once("data", () => resolve()));
    times.push(now() - before);
    await sleep(1000);
  }
  socket.end();
  if (times.some((ms) => ms < 51.6 || ms > 51.8)) throw new Error(`took ${times.join()}`);
};

test("a function's round trips take what the link says, to the bit, and it sleeps in virtual time", async () => {
  const { flows } = await simulateWithUsers(withFlow(echo));
  expect(flows[0]).toMatchObject({ outcome: "done", bytes: 6000, retransmits: 0 });
  expect(flows[0]!.end).toBeCloseTo(50.06 + 2000 + 3 * 51.7, 0);
});

test("runs with a function are equal to the last packet", async () => {
  const one = await simulateWithUsers(withFlow(echo, 0.2), { seed: 3 });
  expect(one.flows[0]!.retransmits).toBeGreaterThan(0);
  expect(await simulateWithUsers(withFlow(echo, 0.2), { seed: 3 })).toEqual(one);
});

test("HTTP as Node has it works over it, with losses", async () => {
  const bodies: number[] = [];
  const run: UserFunction = async ({ client, server, address, port }) => {
    const web = http.createServer((_request, response) => response.end("y".repeat(50_000)));
    server.createServer((socket) => void web.emit("connection", socket)).listen(port);
    for (let i = 0; i < 5; i++) {
      await new Promise<void>((resolve, reject) => {
        const createConnection = (): Socket => client.connect(port, address) as unknown as Socket;
        const request = http.get({ createConnection }, (response) => {
          let got = 0;
          response.on("data", (chunk: Buffer) => (got += chunk.length));
          response.on("end", () => {
            bodies.push(got);
            resolve();
          });
        });
        request.on("error", reject);
      });
    }
  };
  const { flows } = await simulateWithUsers(withFlow(run, 0.03), { seed: 2 });
  expect(flows[0]!.outcome).toBe("done");
  expect(bodies).toEqual([50_000, 50_000, 50_000, 50_000, 50_000]);
  expect(flows[0]!.bytes).toBeGreaterThan(250_000);
});

test("what a function throws is how its flow ended", async () => {
  const run: UserFunction = async ({ sleep }) => {
    await sleep(5);
    throw new Error("no luck\nat all");
  };
  const { flows } = await simulateWithUsers(withFlow(run));
  expect(flows[0]!.outcome).toBe("failed: no luck");
});
