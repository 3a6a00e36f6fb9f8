/** Node's own channels for sockets tell of a stack's, too. */
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import { expect, test } from "vitest";
import { realWorld, SERVER } from "./support/world.ts";

test("net.client.socket before the connect, net.server.socket once a connection was accepted", async () => {
  const { client, server, stacks } = realWorld();
  const told: [string, unknown, boolean][] = [];
  const hear = (message: unknown, name: string | symbol): void => {
    const { socket } = message as { socket: { connecting: boolean } };
    told.push([String(name), socket, socket.connecting]);
  };
  subscribe("net.client.socket", hear);
  subscribe("net.server.socket", hear);
  try {
    const accepted: unknown[] = [];
    const listening = server.createServer((s) => accepted.push(s.on("error", () => {})));
    listening.listen(80);
    await once(listening, "listening");
    const socket = client.connect(80, SERVER);
    expect(told).toEqual([["net.client.socket", socket, false]]);
    socket.on("error", () => {});
    await once(listening, "connection");
    expect(told[1]).toEqual(["net.server.socket", accepted[0], false]);
  } finally {
    unsubscribe("net.client.socket", hear);
    unsubscribe("net.server.socket", hear);
    for (const stack of stacks) await stack.close();
  }
});
