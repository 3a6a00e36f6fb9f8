/**
 * The control socket of a running stack: requests and answers as lines of JSON, for its own user only (mode 0600). Requests
 * are `{"id": 1, "do": "connections", ...}`; answers `{"id": 1, "ok": ...}` or `{"id": 1, "error": "..."}`.
 */
import { chmodSync, unlinkSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { lineOf } from "../../base/errors.ts";
import { readLines, writeLine } from "./lines.ts";

/** Answers by the name in `do`; what one throws goes to the asker as one line. */
export type Handlers = Readonly<
  Record<string, (request: Readonly<Record<string, unknown>>) => unknown>
>;

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
      remove(path);
    },
  };
}

function attend(socket: Socket, handlers: Handlers): void {
  socket.unref();
  readLines(socket, {
    onValue: (value) => writeLine(socket, answer(value, handlers)),
    onGarbage(why) {
      socket.end(`${JSON.stringify({ error: why })}\n`);
    },
  });
}

function answer(value: unknown, handlers: Handlers): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    return { error: "a request is an object" };
  const request = value as Record<string, unknown>;
  const { id = null, do: what } = request;
  if (typeof what !== "string" || !Object.hasOwn(handlers, what))
    return { id, error: `do: one of ${Object.keys(handlers).join(", ")}` };
  try {
    return { id, ok: handlers[what]!(request) ?? null };
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

function remove(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // it was not there
  }
}
