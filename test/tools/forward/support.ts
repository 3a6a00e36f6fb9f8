/** A host of clients, and a stack that forwards what they ask of it to real sockets on loopback; both in this process. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { createPair } from "../../../src/devices/pair.ts";
import { createStack, type UserStack } from "../../../src/sockets/create-stack.ts";
import type { Settings } from "../../../src/tcp/config.ts";
import {
  type Forwarder,
  type ForwardEvent,
  type ForwardRequest,
  startForward,
} from "../../../src/tools/forward/index.ts";

export const STACK = "192.0.2.2";
export const CLIENT = "192.0.2.1";
export const LOOPBACK = "127.0.0.1";

export class ForwardWorld {
  readonly clients: UserStack;
  readonly stack: UserStack;
  readonly events: ForwardEvent[] = [];
  private readonly servers: Server[] = [];
  private readonly forwarders: Forwarder[] = [];
  private heard: () => void = () => {};

  constructor(settings: Partial<Settings> = {}, anyAddress = false) {
    const [left, right] = createPair();
    this.clients = createStack({ device: left, address: `${CLIENT}/24`, anyAddress: true });
    this.stack = createStack({ device: right, address: `${STACK}/24`, settings, anyAddress });
  }

  async forward(request: Partial<ForwardRequest>): Promise<Forwarder> {
    const all = { specs: [], any: false, reverse: false, keepSource: false, proxy: null };
    const forwarder = await startForward(
      this.stack.net,
      [STACK],
      { ...all, connectTimeout: 60_000, ...request },
      (event) => {
        this.events.push(event);
        this.heard();
      },
    );
    this.forwarders.push(forwarder);
    return forwarder;
  }

  /** Port `port` of the stack to a server on loopback. */
  async to(port: number, serve: (socket: Socket) => void): Promise<Server> {
    const { server, spec } = await this.target(port, serve);
    await this.forward({ specs: [spec] });
    return server;
  }

  async target(
    port: number,
    serve: (socket: Socket) => void,
  ): Promise<{
    server: Server;
    spec: { address: null; port: number; host: string; hostPort: number };
  }> {
    const server = createServer({ allowHalfOpen: true }, serve);
    server.listen(0, LOOPBACK);
    await once(server, "listening");
    this.servers.push(server);
    const { port: hostPort } = server.address() as AddressInfo;
    return { server, spec: { address: null, port, host: LOOPBACK, hostPort } };
  }

  connect(port: number, host = STACK): Socket {
    const socket = this.clients.net.connect({ port, host, allowHalfOpen: true });
    return socket.on("error", () => {}) as unknown as Socket;
  }

  /** The event of that kind, or the `n`th one. */
  async event(kind: ForwardEvent["event"], n = 1): Promise<ForwardEvent> {
    for (;;) {
      const found = this.events.filter(({ event }) => event === kind);
      if (found.length >= n) return found[n - 1]!;
      await new Promise<void>((resolve) => (this.heard = resolve));
    }
  }

  async close(): Promise<void> {
    for (const forwarder of this.forwarders) await forwarder.finish(0);
    for (const server of this.servers) server.close();
    await this.clients.close();
    await this.stack.close();
  }
}

/** The error that ends it. */
export async function errorOf(socket: Socket): Promise<string | undefined> {
  const [error] = (await once(socket, "error")) as [NodeJS.ErrnoException];
  return error.code;
}

/** All that comes until the end, one character a byte; the other way stays as it is. */
export async function textOf(socket: Socket): Promise<string> {
  let text = "";
  socket.on("data", (chunk: Buffer) => (text += chunk.toString("latin1")));
  await once(socket, "end");
  return text;
}

/** A port of loopback whose SYNs nobody answers: its listener's queue is full, and its process sleeps. */
export async function silentPort(): Promise<{ port: number; close: () => void }> {
  const script = `const server = require("net").createServer().listen(0, "127.0.0.1", 1, () => {
    require("fs").writeSync(1, server.address().port + "\\n");
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  });`;
  const child = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  const port = Number(String(line));
  const fillers: Socket[] = [];
  for (let full = false; !full;) {
    const socket = connect(port, LOOPBACK).on("error", () => {});
    fillers.push(socket);
    // the kernel ends a handshake on loopback within the call: after a turn of the loop who still connects waits in vain
    await new Promise((resolve) => setTimeout(resolve, 20));
    await new Promise((resolve) => setImmediate(resolve));
    full = socket.connecting;
  }
  const close = (): void => {
    for (const socket of fillers) socket.destroy();
    child.kill("SIGKILL");
  };
  return { port, close };
}
