/** The `http` service: pages about the very connection that asks, bytes to fetch, and a place to put them. */
import { createHash } from "node:crypto";
import {
  createServer,
  type IncomingMessage,
  type Server as HttpServer,
  type ServerResponse,
} from "node:http";
import type { Socket } from "node:net";
import { pipeline } from "node:stream";
import type { TcpInfo } from "../../tcp/info.ts";
import { connectionHtml, connectionText } from "./connection-page.ts";
import { type NetLike, type ServiceHandle, socketService } from "./service.ts";

const BLOCK: Buffer = Buffer.alloc(65536, "tuntcp.\n");
/** 8 EiB has 19 digits; a number beyond 2^53 is not exact. */
const MOST_BYTES: number = Number.MAX_SAFE_INTEGER;

/** An HTTP server that takes its connections from `net`. */
export function httpOver(
  net: NetLike,
  handler: (req: IncomingMessage, res: ServerResponse) => void,
): ServiceHandle {
  const web: HttpServer = createServer({ noDelay: true }, handler);
  const busy = new Set<Socket>();
  web.on("request", (req: IncomingMessage, res: ServerResponse) => {
    busy.add(req.socket);
    res.on("close", () => busy.delete(req.socket));
  });
  return socketService(
    net,
    // Node's http server needs to answer after the client has ended its side; what it and our handlers write stays as it is
    { allowHalfOpen: true, sendByReference: true },
    (socket) => {
      socket.setNoDelay(true);
      web.emit("connection", socket);
    },
    (socket) => {
      if (!busy.has(socket)) socket.end();
    },
  );
}

export function http(net: NetLike): ServiceHandle {
  return httpOver(net, answer);
}

function answer(req: IncomingMessage, res: ServerResponse): void {
  const path = (req.url ?? "/").split("?", 1)[0]!;
  if (req.method === "PUT") {
    receive(req, res);
    return;
  }
  if (req.method !== "GET" && req.method !== "HEAD") {
    fail(req, res, 405, "GET, HEAD and PUT are understood here", { Allow: "GET, HEAD, PUT" });
    return;
  }
  const bytes = /^\/bytes\/(\d+)$/.exec(path);
  if (bytes !== null) {
    const count = Number(bytes[1]);
    if (count > MOST_BYTES) fail(req, res, 400, "so many bytes cannot be counted");
    else sendBytes(req, res, count);
  } else if (path === "/") {
    sendPage(req, res);
  } else if (path === "/connection.json") {
    send(req, res, "application/json", `${JSON.stringify(infoOf(req), null, 2)}\n`);
  } else {
    fail(req, res, 404, "there are / and /bytes/N and /connection.json, and PUT on any path");
  }
}

function infoOf(req: IncomingMessage): TcpInfo | null {
  const { socket } = req as { socket: Socket & { getTcpInfo?: () => TcpInfo | null } };
  return socket.getTcpInfo?.() ?? null;
}

function sendPage(req: IncomingMessage, res: ServerResponse): void {
  const info = infoOf(req);
  const wantsHtml = (req.headers.accept ?? "").includes("text/html");
  res.setHeader("Vary", "Accept");
  if (wantsHtml) send(req, res, "text/html; charset=utf-8", connectionHtml(info));
  else send(req, res, "text/plain; charset=utf-8", connectionText(info));
}

function send(req: IncomingMessage, res: ServerResponse, type: string, body: string): void {
  res.writeHead(200, { "Content-Type": type, "Content-Length": Buffer.byteLength(body) });
  res.end(req.method === "HEAD" ? undefined : body);
}

function fail(
  req: IncomingMessage,
  res: ServerResponse,
  status: number,
  why: string,
  headers: Record<string, string> = {},
): void {
  req.resume();
  res.writeHead(status, { "Content-Type": "text/plain; charset=utf-8", ...headers });
  res.end(`${why}\n`);
}

function sendBytes(req: IncomingMessage, res: ServerResponse, count: number): void {
  res.writeHead(200, { "Content-Type": "application/octet-stream", "Content-Length": count });
  if (req.method === "HEAD") {
    res.end();
    return;
  }
  let left = count;
  const more = (): void => {
    while (left > 0 && !res.destroyed) {
      const size = Math.min(left, BLOCK.length);
      left -= size;
      if (!res.write(size === BLOCK.length ? BLOCK : BLOCK.subarray(0, size))) break;
    }
    if (left === 0) {
      res.off("drain", more);
      res.end();
    }
  };
  res.on("drain", more);
  more();
}

/** The SHA-256 and length of what came. */
function receive(req: IncomingMessage, res: ServerResponse): void {
  const hash = createHash("sha256");
  let length = 0;
  req.on("data", (chunk: Buffer) => {
    length += chunk.length;
  });
  pipeline(req, hash, (error) => {
    if (error !== null && error !== undefined) {
      res.destroy();
      return;
    }
    const body = `${String(hash.digest("hex"))} ${length}\n`;
    res.writeHead(200, { "Content-Type": "text/plain", "Content-Length": body.length });
    res.end(body);
  });
}
