/**
 * The control socket of a running stack: requests and answers as lines of JSON, for its own user only (mode 0600). Requests
 * are `{"id": 1, "do": "connections", ...}`; answers `{"id": 1, "ok": ...}` or `{"id": 1, "error": "..."}`.
 */
import { chmodSync, lstatSync, unlinkSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { dirname } from "node:path";
import { lineOf } from "../../base/errors.ts";
import { readLines, writeLine } from "./lines.ts";
import { checkFolder } from "./path.ts";

/** Answers, or promises of them, by the name in `do`; what one throws goes to the asker as one line. */
export type Handlers = Readonly<
  Record<string, (request: Readonly<Record<string, unknown>>, asker?: Asker) => unknown>
>;

/** Who asked, to be told more later: lines `{"id": …, "told": …}`. */
export interface Asker {
  /** False, and nothing is told, while who asks does not read what it was told before. */
  tell(value: unknown): boolean;
  /** Called once when who asked is gone. */
  onEnd(listener: () => void): void;
}

/** Bytes that wait for one who does not read. */
const MOST_WAITING = 1 << 20;

/** At once; more are turned away. */
const MOST_CLIENTS = 64;

export interface ControlServer {
  readonly path: string;
  close(): void;
}

/** Where another stack answers at `path` it takes `other`, or rejects; what a killed one left is replaced. */
export async function serveControl(
  path: string,
  handlers: Handlers,
  other: string | null = null,
): Promise<ControlServer> {
  if (await answers(path)) {
    if (other === null) throw new Error(`another stack is controlled at ${path}`);
    return await serveControl(other, handlers);
  }
  checkFolder(dirname(path));
  remove(path);
  const clients = new Set<Socket>();
  const server = createServer((socket) => {
    socket.on("error", () => socket.destroy());
    if (clients.size >= MOST_CLIENTS) return void socket.destroy();
    clients.add(socket);
    socket.on("close", () => clients.delete(socket));
    attend(socket, handlers);
  });
  await listen(server, path);
  server.unref();
  return {
    path,
    close() {
      server.close();
      for (const socket of clients) socket.destroy();
    },
  };
}

/** One request after the other, and none while what was answered is not read: a slow reader makes us hold little. */
function attend(socket: Socket, handlers: Handlers): void {
  socket.unref();
  const waiting: unknown[] = [];
  let busy = false;
  const work = async (): Promise<void> => {
    busy = true;
    while (waiting.length > 0 && !socket.destroyed) {
      writeLine(socket, await answer(waiting.shift(), handlers, socket));
      if (socket.writableNeedDrain) await drained(socket);
    }
    busy = false;
    socket.resume();
  };
  readLines(socket, {
    onValue(value) {
      waiting.push(value);
      if (busy) socket.pause();
      else void work();
    },
    onGarbage(why) {
      socket.end(`${JSON.stringify({ error: why })}\n`);
    },
  });
}

function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      socket.off("drain", done);
      socket.off("close", done);
      resolve();
    };
    socket.on("drain", done);
    socket.on("close", done);
  });
}

function askerOf(socket: Socket, id: unknown): Asker {
  return {
    tell(told) {
      if (socket.destroyed || socket.writableLength > MOST_WAITING) return false;
      writeLine(socket, { id, told });
      return true;
    },
    onEnd: (listener) => void socket.once("close", listener),
  };
}

async function answer(
  value: unknown,
  handlers: Handlers,
  socket: Socket,
): Promise<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    return { error: "a request is an object" };
  const request = value as Record<string, unknown>;
  const { id = null, do: what } = request;
  if (id !== null && typeof id !== "number" && typeof id !== "string")
    return { error: "id: a number or a text" };
  if (typeof what !== "string" || !Object.hasOwn(handlers, what))
    return { id, error: `do: one of ${Object.keys(handlers).join(", ")}` };
  try {
    return { id, ok: (await handlers[what]!(request, askerOf(socket, id))) ?? null };
  } catch (error) {
    return { id, error: lineOf(error) };
  }
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    // between its making and chmod nobody else may connect
    const before = process.umask(0o177);
    server.listen(path, () => {
      chmodSync(path, 0o600);
      resolve();
    });
    process.umask(before);
  });
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

/** The socket that a killed stack left; nothing else is touched. */
function remove(path: string): void {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isSocket()) throw new Error(`${path} is there, and is no socket`);
  unlinkSync(path);
}
