/**
 * One program, two nets: the body runs over `node:net` on 127.0.0.1 and over our stack's loopback, and what it noted must be
 * equal. Notes stand by actor, since which of two ends acts first is nobody's promise. Ports that were drawn are replaced by
 * names, in messages too.
 */
import type { EventEmitter } from "node:events";
import { once } from "node:events";
import nodeNet from "node:net";
import { expect, test } from "vitest";
import { loopback } from "../../../src/devices/loopback.ts";
import { createStack } from "../../../src/sockets/create-stack.ts";
import type { Settings } from "../../../src/tcp/config.ts";

export type Net = typeof nodeNet;
export type Log = Record<string, unknown[]>;

const EVENTS = [
  "lookup",
  "connectionAttempt",
  "connectionAttemptFailed",
  "connectionAttemptTimeout",
  "connect",
  "ready",
  "end",
  "finish",
  "prefinish",
  "timeout",
  "error",
  "close",
  "listening",
  "drop",
];

/** What may differ between an error of Node's and ours is its `cause` and its trace. */
function plain(value: unknown, depth = 0): unknown {
  if (value instanceof Error) {
    const { name, message } = value;
    const fields: Record<string, unknown> = { class: value.constructor.name, name, message };
    for (const key of Object.keys(value)) fields[key] = Reflect.get(value, key);
    if (value instanceof AggregateError) fields["errors"] = value.errors;
    return plain(fields, depth);
  }
  if (typeof value === "function") return `function ${value.name}`;
  if (typeof value === "symbol" || typeof value === "bigint") return String(value);
  if (value instanceof Uint8Array) return `bytes ${Buffer.from(value).toString("latin1")}`;
  if (typeof value !== "object" || value === null) return value;
  if (depth > 4) return "…";
  if (Array.isArray(value)) return value.map((one) => plain(one, depth + 1));
  const shown: Record<string, unknown> = {};
  for (const key of Object.keys(value)) shown[key] = plain(Reflect.get(value, key), depth + 1);
  return shown;
}

export class Lab {
  readonly net: Net;
  readonly log: Log = {};
  readonly #ports: number[] = [];
  readonly #servers: nodeNet.Server[] = [];
  readonly #sockets: nodeNet.Socket[] = [];

  constructor(net: Net) {
    this.net = net;
  }

  note(actor: string, ...what: unknown[]): void {
    (this.log[actor] ??= []).push(plain(what.length === 1 ? what[0] : what));
  }

  /** Notes events with their arguments, by default all that a socket or a server has but `data`. */
  watch<T extends EventEmitter>(actor: string, emitter: T, events: readonly string[] = EVENTS): T {
    // ours calls a `connect` listener that comes late: docs/sockets.md
    const open = emitter instanceof nodeNet.Socket && !emitter.pending;
    for (const event of events)
      if (!open || event !== "connect")
        emitter.on(event, (...args: unknown[]) => this.note(actor, event, ...args));
    if (emitter instanceof nodeNet.Socket) this.#sockets.push(emitter);
    return emitter;
  }

  /** What a call returns or throws; an object that returns itself is `this`. */
  call(actor: string, name: string, run: () => unknown, self?: unknown): void {
    try {
      const result = run();
      this.note(actor, name, result === self && self !== undefined ? "this" : result);
    } catch (error) {
      this.note(actor, `${name} throws`, error);
    }
  }

  /** Listens on 127.0.0.1 at a port of its own, which it returns. */
  async listen(server: nodeNet.Server, options: nodeNet.ListenOptions = {}): Promise<number> {
    this.#servers.push(server);
    server.on("connection", (socket) => this.#sockets.push(socket));
    server.listen({ port: 0, host: "127.0.0.1", ...options });
    await once(server, "listening");
    const { port } = server.address() as nodeNet.AddressInfo;
    this.named(port);
    return port;
  }

  /** A server, listening, and a connection to it from both ends. */
  async pair(
    serverOptions: nodeNet.ServerOpts = {},
    options: object = {},
  ): Promise<{ server: nodeNet.Server; near: nodeNet.Socket; far: nodeNet.Socket; port: number }> {
    const server = this.net.createServer(serverOptions);
    const port = await this.listen(server);
    const near = this.net.connect({ port, host: "127.0.0.1", ...options });
    this.#sockets.push(near);
    const [[far]] = (await Promise.all([once(server, "connection"), once(near, "connect")])) as [
      [nodeNet.Socket],
      unknown,
    ];
    this.named(near.localPort!);
    return { server, near, far, port };
  }

  /** This port is a drawn one: notes call it by its rank. */
  named(port: number): void {
    if (!this.#ports.includes(port)) this.#ports.push(port);
  }

  /** A port at which nobody listens. */
  async nobody(): Promise<number> {
    const server = this.net.createServer();
    const port = await this.listen(server);
    server.close();
    await once(server, "close");
    return port;
  }

  /** The notes with ports named. */
  get notes(): string {
    const actors = Object.entries(this.log).toSorted(([a], [b]) => (a < b ? -1 : 1));
    let text = JSON.stringify(Object.fromEntries(actors), (_, value: unknown) =>
      value === undefined
        ? "undefined"
        : typeof value === "number" && !Number.isFinite(value)
          ? String(value)
          : value,
    );
    this.#ports.forEach(
      (port, i) => (text = text.replaceAll(new RegExp(`\\b${port}\\b`, "g"), `"port ${i}"`)),
    );
    return text;
  }

  end(): void {
    for (const server of this.#servers) server.close();
    for (const socket of this.#sockets) socket.on("error", () => {}).destroy();
  }
}

export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await turn();
}

export async function closed(emitter: EventEmitter): Promise<void> {
  await new Promise<void>((resolve) => void emitter.once("close", () => resolve()));
  await turns(2);
}

/** What a socket says of itself at this moment. */
export function state(socket: nodeNet.Socket): unknown {
  const { connecting, pending, readyState, destroyed, bytesRead, bytesWritten, writableLength } =
    socket;
  const { bufferSize, readable, writable } = socket;
  return {
    connecting,
    pending,
    readyState,
    destroyed,
    bytesRead,
    bytesWritten,
    writableLength,
    bufferSize,
    readable,
    writable,
  };
}

/** All that a socket reads, as text. */
export function text(socket: nodeNet.Socket): Promise<string> {
  return new Promise((resolve) => {
    let all = "";
    socket.on("data", (chunk) => (all += String(chunk)));
    socket.on("close", () => resolve(all));
  });
}

export type Body = (lab: Lab) => Promise<void> | void;

/** Only to say what was noted by then: a case takes milliseconds. */
const PATIENCE = 20_000;

async function run(name: string, net: Net, body: Body): Promise<string> {
  const lab = new Lab(net);
  let timer!: NodeJS.Timeout;
  const stuck = new Promise<never>((_, reject) => {
    const tell = (): void => reject(new Error(`over ${name} it does not end: ${lab.notes}`));
    timer = setTimeout(tell, PATIENCE);
  });
  try {
    await Promise.race([body(lab), stuck]);
    return lab.notes;
  } finally {
    clearTimeout(timer);
    lab.end();
    await turns(2);
  }
}

/** Both loopback networks have these two addresses. */
const ADDRESSES = ["127.0.0.1/8", "127.0.0.2/8"];

async function ours(body: Body, settings: Partial<Settings>): Promise<string> {
  const stack = createStack({ device: loopback(), address: ADDRESSES, settings });
  try {
    return await run("ours", stack.net as unknown as Net, body);
  } finally {
    await stack.close();
  }
}

/** A test: the body notes the same over `node:net` and over ours, and something at all. */
export function likeNode(title: string, body: Body, settings: Partial<Settings> = {}): void {
  test(title, async () => {
    const theirs = await run("node:net", nodeNet, body);
    expect(theirs).not.toBe("{}");
    expect(lines(await ours(body, settings))).toEqual(lines(theirs));
  });
}

/** For a readable difference. */
function lines(notes: string): string[] {
  return notes.split(/(?<=\]),/);
}
