/** Row H152: a program whose handlers misbehave, on sockets over two stacks in one process. */
import { once } from "node:events";
import { expect } from "vitest";
import { createPair } from "../../../src/devices/pair.ts";
import { createStack } from "../../../src/sockets/create-stack.ts";
import type { TcpSocket } from "../../../src/sockets/tcp-socket.ts";
import type { Scenario } from "../support/world.ts";

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

async function H152(): Promise<void> {
  const [left, right] = createPair();
  const a = createStack({ device: left, address: "192.0.2.1/24" });
  const b = createStack({ device: right, address: "192.0.2.2/24" });
  const misdeeds: Record<string, (s: TcpSocket) => void> = {
    "throws in connection": () => {
      throw new Error("in connection");
    },
    "throws in data": (s) =>
      void s.on("data", () => {
        throw new Error("in data");
      }),
    rejects: (s) => void s.on("data", () => Promise.reject(new Error("in a promise"))),
    "destroys in data": (s) => void s.on("data", () => s.destroy()),
    "writes after the end": (s) => {
      s.on("error", (error) => told.push((error as NodeJS.ErrnoException).code ?? ""));
      s.end();
      s.write("late");
    },
    "connects in close": (s) => {
      s.on("data", () => s.destroy());
      s.on("close", () => {
        const back = b.net.connect({ host: "192.0.2.1", port: 81 });
        back.on("connect", () => back.destroy());
        back.on("error", () => told.push("refused"));
      });
    },
  };
  const told: string[] = [];
  const order = Object.keys(misdeeds);
  let n = 0;
  const server = b.net.createServer((s) => {
    s.on("error", () => {});
    misdeeds[order[n++]!]!(s as TcpSocket);
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
      await new Promise((resolve) => setTimeout(resolve, 20));
      expect(await answered(misdeed)).toBe(misdeed);
      s.destroy();
    }
  });
  expect(heard.toSorted()).toEqual(["in a promise", "in connection", "in data"]);
  expect(told.toSorted()).toEqual(["ERR_STREAM_WRITE_AFTER_END", "refused"]);
  expect(await answered("after")).toBe("after");
  steady.destroy();
  await Promise.all([a.close(), b.close()]);
  expect([a.core.connections().length, b.core.connections().length]).toEqual([0, 0]);
}

export const HANDLERS: Record<string, Scenario> = { H152 };
