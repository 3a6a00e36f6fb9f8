/** Rows H150 and H152: a program that ends, and one whose handlers misbehave, on sockets. */
import { once } from "node:events";
import { expect } from "vitest";
import { createPair } from "../../../src/devices/pair.ts";
import { createStack } from "../../../src/sockets/create-stack.ts";
import type { TcpSocket } from "../../../src/sockets/tcp-socket.ts";
import {
  finishServices,
  type NetLike,
  parseService,
  type ServiceRequest,
  startServices,
} from "../../../src/tools/services/index.ts";
import { HEARD, MISDEEDS, UNCAUGHT } from "../support/misdeeds.ts";
import { RST } from "../support/packet.ts";
import { openMany } from "../support/many.ts";
import { Peer } from "../support/peer.ts";
import { TunWorld } from "../support/tun-world.ts";
import { FULL, type Scenario, type World } from "../support/world.ts";

/** What nobody caught while `run` ran, as a program without a handler of its own would die of. */
async function uncaught(run: () => Promise<void>): Promise<string[]> {
  const names = ["uncaughtException", "unhandledRejection"] as const;
  const saved = names.map((name) => process.listeners(name as "uncaughtException"));
  const heard: string[] = [];
  for (const name of names) {
    process.removeAllListeners(name);
    process.on(name as "uncaughtException", (error: Error) => void heard.push(error.message));
  }
  try {
    await run();
    await new Promise((resolve) => setTimeout(resolve, 20));
  } finally {
    names.forEach((name, i) => {
      process.removeAllListeners(name);
      for (const listener of saved[i]!) process.on(name as "uncaughtException", listener);
    });
  }
  return heard;
}

async function H152(w: World): Promise<void> {
  if (w instanceof TunWorld) return await misdeedsFromOutside(w);
  const [left, right] = createPair();
  const a = createStack({ device: left, address: "192.0.2.1/24" });
  const b = createStack({ device: right, address: "192.0.2.2/24" });
  const told: string[] = [];
  const order = Object.keys(MISDEEDS);
  let n = 0;
  const back = (): TcpSocket => b.net.connect({ host: "192.0.2.1", port: 81 }) as TcpSocket;
  const server = b.net.createServer((s) => {
    s.on("error", () => {});
    MISDEEDS[order[n++]!]!(s as TcpSocket, (what) => told.push(what), back);
  });
  const echo = b.net.createServer((s) => void s.on("error", () => {}).pipe(s));
  server.listen(80);
  echo.listen(7);
  const steady = a.net.connect({ host: "192.0.2.2", port: 7 });
  await once(steady, "connect");
  const answered = async (word: string): Promise<string> => {
    steady.write(word);
    const [chunk] = (await once(steady, "data")) as [Buffer];
    return String(chunk);
  };
  expect(await answered("before")).toBe("before");
  const heard = await uncaught(async () => {
    for (const misdeed of order) {
      const s = a.net.connect({ host: "192.0.2.2", port: 80 });
      s.on("error", () => {});
      await once(s, "connect");
      s.write("text");
      expect(await answered(misdeed)).toBe(misdeed);
      expect(await answered(misdeed)).toBe(misdeed);
      s.destroy();
    }
  });
  expect(heard.toSorted()).toEqual(UNCAUGHT);
  expect(told.toSorted()).toEqual(HEARD);
  expect(await answered("after")).toBe("after");
  steady.destroy();
  await Promise.all([a.close(), b.close()]);
  expect([a.core.connections().length, b.core.connections().length]).toEqual([0, 0]);
}

/** The same program in the other process; its peers are packets. */
async function misdeedsFromOutside(w: TunWorld): Promise<void> {
  const steady = await new Peer(w).open();
  let seq = 1;
  for (const [n, misdeed] of Object.keys(MISDEEDS).entries()) {
    await w.ask("misbehaves", 8000 + n, misdeed);
    const [p] = (await openMany(w, [{ to: 8000 + n }])) as [Peer];
    await p.says("P.", 1, 1, 4);
    if (misdeed === "connects in close") {
      // the open back to the peer is refused
      const syn = w.inbox.find((s) => s.dport === 81)!;
      const far = new Peer(w, { port: 81, to: syn.sport, isn: 0 });
      far.iss = syn.seq;
      await far.says("R.", 0, 1);
    }
    w.inbox = [];
    await steady.says("P.", seq, 1, 10);
    seq += 10;
    expect((await w.app.told(steady.port))!.length).toBe(seq - 1);
    // what it left of that connection is the peer's to end
    await p.says("R", 5);
    await p.says("R", 6);
  }
  const { uncaught: heard, told } = await w.ask<{ uncaught: string[]; told: string[] }>("misdeeds");
  expect(heard.toSorted()).toEqual(UNCAUGHT);
  expect(told.filter((what) => HEARD.includes(what)).toSorted()).toEqual(HEARD);
  expect((await w.app.told(steady.port))!.state).toBe("ESTABLISHED");
  expect(w.inbox.filter((s) => s.dport === steady.port && (s.flags & RST) !== 0)).toEqual([]);
  await w.ask("behaves");
}

/** `tuntcp serve` told to end, without the process around it: each peer hears of it. */
async function H150(): Promise<void> {
  const [left, right] = createPair();
  const a = createStack({ device: left, address: "192.0.2.1/24" });
  const b = createStack({ device: right, address: "192.0.2.2/24" });
  const requests = ["http:80", "echo:7"].map(parseService) as ServiceRequest[];
  const handles = await startServices(b.net as unknown as NetLike, requests);
  const count = FULL ? 1000 : 100;
  const ends: Promise<unknown>[] = [];
  for (let n = 0; n < count; n++) {
    const s = a.net.connect({ host: "192.0.2.2", port: n % 2 === 0 ? 7 : 80 });
    s.on("error", () => {});
    ends.push(new Promise((resolve) => s.once("close", resolve)));
    await once(s, "connect");
    if (n % 2 === 0) s.resume();
    // half of them want more than ever leaves, and read none of it until the end
    else {
      s.write("GET /bytes/1099511627776 HTTP/1.1\r\nHost: x\r\n\r\n");
      s.once("readable", () => {});
    }
  }
  await finishServices(handles, 200);
  await b.close();
  await Promise.all(ends);
  expect(b.core.connections()).toEqual([]);
  const late = a.net.connect({ host: "192.0.2.2", port: 7 });
  late.on("error", () => {});
  late.destroy();
  await a.close();
}

export const HANDLERS: Record<string, Scenario> = { H152 };
export const ENDS: Record<string, Scenario> = { H150 };
