/** Several workers behind one TUN: the kernel spreads connections, and a worker that dies takes only its own. */
import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ControlClient } from "../../src/tools/control/client.ts";
import type { ConnectionTable } from "../../src/tools/control/requests.ts";
import { HOST, obstacle, PACKAGE, STACK, World } from "./support/world.ts";

const DIST = dirname(PACKAGE);
const CONNECTIONS = 60;

/** Kernel sockets beside a pool of two workers; prints what it saw as JSON. */
const PROGRAM = `
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import net from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { openTunQueues } from ${JSON.stringify(join(DIST, "devices/tun-queues.js"))};
import { WorkerPool } from ${JSON.stringify(join(DIST, "tools/workers/pool.js"))};

const restarts = [];
const queues = openTunQueues({ name: "tuntcp0" }, 2);
const plan = { address: "${STACK}/24", settings: {}, services: ["echo:7"], qlog: null };
const pool = new WorkerPool(queues, plan, {
  onRestart: (index) => restarts.push(index),
  onFailure: (reason) => restarts.push(reason),
});
execFileSync("ip", ["addr", "add", "${HOST}/24", "dev", "tuntcp0"]);
execFileSync("ip", ["link", "set", "tuntcp0", "up"]);
await pool.start();

async function open() {
  const socket = net.connect(7, "${STACK}").on("error", () => {});
  await once(socket, "connect");
  return socket;
}
/** Whether what is written comes back. */
async function echoes(socket) {
  if (socket.destroyed) return false;
  socket.write("?");
  const data = once(socket, "data").then(() => true, () => false);
  const over = once(socket, "close").then(() => false, () => false);
  return await Promise.race([data, over]);
}
const alive = async (sockets) =>
  (await Promise.all(sockets.map(echoes))).filter((yes) => yes).length;

const sockets = await Promise.all(Array.from({ length: ${CONNECTIONS} }, open));
const first = await alive(sockets);
const each = (await pool.reports()).map((r) => r.connections.length);
const merged = await pool.report();

// longer than the kernel remembers which queue a flow came from
await sleep(3500);
await pool.terminate(0);
const survivors = await alive(sockets);
while ((await pool.reports()).some((r) => r === null)) await sleep(20);
const fresh = await Promise.all(Array.from({ length: ${CONNECTIONS} }, open));
const second = await alive(fresh);
const eachAfter = (await pool.reports()).map((r) => r.connections.length);
const stillThere = await alive(sockets);
for (const socket of [...sockets, ...fresh]) socket.destroy();
await pool.finish(100);
console.log(JSON.stringify({
  first, each, survivors, second, eachAfter, stillThere, restarts,
  merged: {
    connections: merged.connections.length,
    accepted: merged.counters.TcpPassiveOpens,
    listeners: merged.listeners,
  },
}));
`;

describe.skipIf(obstacle("ip", "curl") !== null)("serve --workers", () => {
  let world: World;

  beforeAll(() => {
    world = new World();
  });
  afterAll(async () => await world.remove());

  it("spreads connections, tells of all as one, and loses only those of a worker that dies", async () => {
    writeFileSync(world.path("pool.mjs"), PROGRAM);
    const { code, stdout, stderr } = await world.run(process.execPath, [world.path("pool.mjs")]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const seen = JSON.parse(stdout) as Record<string, unknown> & { each: [number, number] };
    const [zero, one] = seen.each;
    expect(zero).toBeGreaterThan(0);
    expect(one).toBeGreaterThan(0);
    expect(zero + one).toBe(CONNECTIONS);
    expect(seen).toMatchObject({
      first: CONNECTIONS,
      merged: {
        connections: CONNECTIONS,
        accepted: CONNECTIONS,
        listeners: [{ address: "0.0.0.0", port: 7, waiting: 0 }],
      },
      restarts: [0],
      survivors: one,
      stillThere: one,
      second: CONNECTIONS,
    });
    const [zeroAfter, oneAfter] = seen["eachAfter"] as [number, number];
    expect(zeroAfter).toBeGreaterThan(0);
    expect(zeroAfter + oneAfter).toBe(CONNECTIONS + one);
  });

  it("serves, says so in its ready line, and takes everything back", async () => {
    const serve = await world.serve("http:80", "--workers", "2");
    expect(serve.stdout).toContain("2 workers");
    const urls = Array.from({ length: 20 }, () => `http://${STACK}/bytes/100000`);
    const { stdout } = await world.curl(
      "-w",
      "%{size_download} ",
      "-Z",
      ...urls.flatMap((u) => ["-o", "/dev/null", u]),
    );
    expect(stdout.trim().split(" ")).toEqual(urls.map(() => "100000"));
    expect(await serve.stop()).toMatchObject({ code: 0, stderr: "" });
    expect(world.links()).toEqual([]);
  });

  it("is looked into as one: ss, its summary, figures for Prometheus, and connections that are ended", async () => {
    const control = world.path("control.sock");
    const args = ["echo:7", "--workers", "2", "--control", control, "--metrics", "9101"];
    const serve = await world.serve(...args);
    const clients = Array.from({ length: 6 }, () => world.start("nc", [STACK, "7"]));
    for (const client of clients) {
      client.process.stdin!.write("hello\n");
      await client.says("hello");
    }
    const ss = async (...more: string[]): Promise<string> =>
      (await world.tuntcp(["ss", "--control", control, ...more]).outcome).stdout;
    const table = JSON.parse(await ss("--json", "-a")) as ConnectionTable;
    expect(table.connections.map(({ state, localPort }) => [state, localPort])).toEqual(
      clients.map(() => ["ESTABLISHED", 7]),
    );
    expect(table.connections[0]!.limit.text).toBe("nothing to send");
    expect(table.listeners).toMatchObject([{ port: 7 }]);
    expect(await ss("--summary")).toMatch(/^ {2}ESTABLISHED +6$/m);
    const scrape = await world.curl("http://127.0.0.1:9101/metrics");
    expect(scrape.stdout).toMatch(/^tuntcp_connections\{state="ESTABLISHED"\} 6$/m);
    expect(scrape.stdout).toMatch(/^tuntcp_netstat_total\{name="TcpPassiveOpens"\} 6$/m);
    const client = await ControlClient.open(control);
    const { localAddress, remoteAddress, remotePort } = table.connections[0]!;
    const named = { local: `${localAddress}:7`, remote: `${remoteAddress}:${remotePort}` };
    await client.ask("abort", named);
    await expect
      .poll(async () => JSON.parse(await ss("--json", "established")) as ConnectionTable)
      .toMatchObject({ connections: { length: 5 } });
    await expect(client.ask("close", { ...named, remote: "192.0.2.9:1" })).rejects.toThrow(
      "no connection from 192.0.2.2:7 to 192.0.2.9:1",
    );
    client.close();
    for (const each of clients) each.process.kill("SIGKILL");
    expect((await serve.stop()).code).toBe(0);
  });

  it("tells what to do about a TUN that was made for one queue", async () => {
    world.namespace.ip("tuntap", "add", "dev", "single", "mode", "tun");
    const args = ["serve", "echo:7", "--tun", "single", "--workers", "2"];
    const { code, stderr } = await world.tuntcp(args).outcome;
    expect(code).toBe(1);
    expect(stderr).toMatch(/^tuntcp: .*multi_queue.*\n$/);
    world.namespace.ip("link", "del", "single");
  });

  it("ends with 1 and one line when the device goes", async () => {
    const serve = await world.serve("echo:7", "--workers", "2");
    world.namespace.ip("link", "del", "tuntcp0");
    const { code, stderr } = await serve.outcome;
    expect(code).toBe(1);
    expect(stderr).toMatch(/^tuntcp: .*tuntcp0 is gone\n$/);
  });
});
