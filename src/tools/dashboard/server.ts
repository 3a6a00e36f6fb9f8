/**
 * The dashboard's web server, on Node's `net` or on a stack's own: one page, two streams of events, three actions. Everything is
 * for who has the token; see guard.ts.
 */
import {
  createServer,
  type IncomingMessage,
  type Server as Web,
  type ServerResponse,
} from "node:http";
import type { Server, Socket } from "node:net";
import { lineOf } from "../../base/errors.ts";
import { parseImpairment } from "../../devices/impairment-spec.ts";
import type { LiveLink } from "../../devices/live-link.ts";
import { type Controlled, handlersOf, type Place } from "../control/index.ts";
import { isBadBody, readBody } from "./body.ts";
import { ConnectionFeed } from "./connection-feed.ts";
import { Guard, HEADERS, makeToken } from "./guard.ts";
import type { LinkState } from "./messages.ts";
import { type Page, pageOf } from "./page.ts";
import { TableFeed } from "./table-feed.ts";

/** What is looked at, and where its link can be made worse. */
export interface Watched extends Controlled {
  readonly link: LiveLink | null;
  /** The specification in force at the beginning. */
  readonly impairment: string;
}

/** The part of `node:net` that is needed; the stack's has it, and Node's own. */
export interface NetLike {
  createServer(options: { allowHalfOpen?: boolean }, listener: (socket: Socket) => void): Server;
}

export interface Dashboard {
  /** With the token. */
  readonly url: string;
  readonly token: string;
  close(): void;
}

/** At once; more are turned away. */
const MOST_CONNECTIONS = 64;
const MOST_STREAMS = 24;
/** ms in which a request must have come. */
const PATIENCE = 10_000;
/** ms without any progress after which a connection ends. */
const SILENCE = 60_000;

type Answer = (
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
) => void | Promise<void>;

/** Rejects where the port is taken. */
export async function serveDashboard(
  net: NetLike,
  place: Place,
  watched: Watched,
): Promise<Dashboard> {
  const token = makeToken();
  const site = new Site(watched, new Guard(token, place.host));
  const web = createServer(
    { headersTimeout: PATIENCE, requestTimeout: PATIENCE, keepAliveTimeout: PATIENCE },
    (request, response) => site.answer(request, response),
  );
  web.timeout = SILENCE;
  // its check of requests that do not come begins with this event; who listens is another server
  web.emit("listening");
  const sockets = new Set<Socket>();
  // Node's http server needs to answer after the client has ended its side
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    if (sockets.size >= MOST_CONNECTIONS) return void socket.destroy();
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.setNoDelay(true);
    web.emit("connection", socket);
  });
  await listen(server, place);
  server.unref();
  const { port } = server.address() as { port: number };
  return {
    url: `http://${place.host}:${port}/?token=${token}`,
    token,
    close() {
      site.close();
      server.close();
      for (const socket of sockets) socket.destroy();
      stopChecking(web);
    },
  };
}

/** Of a server that never listened `close` only stops its timer, and says that it never did. */
function stopChecking(web: Web): void {
  web.close(() => {});
}

function listen(server: Server, { host, port }: Place): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

class Site {
  readonly #guard: Guard;
  readonly #table: TableFeed;
  readonly #connection: ConnectionFeed;
  readonly #page: Page;
  readonly #watched: Watched;
  readonly #streams = new Set<ServerResponse>();
  #spec: string;

  readonly #get: Readonly<Record<string, Answer>> = {
    "/": (_request, response) => this.#sendPage(response),
    "/table": (_request, response) => {
      if (this.#admits(response)) this.#table.listen(response);
    },
    "/connection": (_request, response, url) => this.#watch(response, url),
  };
  readonly #post: Readonly<Record<string, (body: Readonly<Record<string, unknown>>) => void>>;

  constructor(watched: Watched, guard: Guard) {
    const { link } = watched;
    const handlers = handlersOf(watched);
    this.#guard = guard;
    this.#watched = watched;
    this.#spec = watched.impairment;
    this.#page = pageOf();
    this.#table = new TableFeed(watched, () => this.#linkState());
    this.#connection = new ConnectionFeed(watched, (tap) => link?.watch(tap));
    this.#post = {
      "/close": (body) => void handlers["close"]!(body),
      "/abort": (body) => void handlers["abort"]!(body),
      "/impair": (body) => this.#impair(body["spec"]),
    };
  }

  answer(request: IncomingMessage, response: ServerResponse): void {
    let url: URL;
    try {
      url = new URL(request.url ?? "/", "http://dashboard");
    } catch {
      return this.#fail(request, response, 400, "this is no path");
    }
    const refusal = this.#guard.refuses(request, url);
    if (refusal !== null) return this.#fail(request, response, refusal.status, refusal.why);
    const { pathname } = url;
    const get = Object.hasOwn(this.#get, pathname) ? this.#get[pathname] : undefined;
    const post = Object.hasOwn(this.#post, pathname) ? this.#post[pathname] : undefined;
    if (get === undefined && post === undefined) {
      return this.#fail(request, response, 404, "there is no such page");
    }
    const allowed = get === undefined ? "POST" : "GET";
    if (request.method !== allowed) {
      response.setHeader("Allow", allowed);
      return this.#fail(request, response, 405, `only ${allowed} is understood here`);
    }
    if (get !== undefined) {
      request.resume();
      void get(request, response, url);
    } else void this.#act(request, response, post!);
  }

  close(): void {
    for (const response of this.#streams) response.end();
  }

  #sendPage(response: ServerResponse): void {
    const { html, policy } = this.#page;
    const type = { "Content-Type": "text/html; charset=utf-8", "Content-Length": html.length };
    response.writeHead(200, { ...HEADERS, ...type, "Content-Security-Policy": policy });
    response.end(html);
  }

  #admits(response: ServerResponse): boolean {
    if (this.#streams.size >= MOST_STREAMS) {
      this.#say(response, 503, "too many pages look already");
      return false;
    }
    this.#streams.add(response);
    response.on("close", () => this.#streams.delete(response));
    return true;
  }

  #watch(response: ServerResponse, url: URL): void {
    const [local, remote] = ["local", "remote"].map((name) => url.searchParams.get(name) ?? "");
    if (this.#streams.size >= MOST_STREAMS) return void this.#admits(response);
    try {
      this.#connection.listen({ local: local!, remote: remote! }, () => {
        this.#admits(response);
        return response;
      });
    } catch (error) {
      this.#say(response, 404, lineOf(error));
    }
  }

  async #act(
    request: IncomingMessage,
    response: ServerResponse,
    action: (body: Readonly<Record<string, unknown>>) => void,
  ): Promise<void> {
    try {
      const body = await readBody(request);
      if (isBadBody(body)) return this.#fail(request, response, body.status, body.why);
      action(body);
      this.#say(response, 200, null);
    } catch (error) {
      if (!response.destroyed) this.#say(response, 400, lineOf(error));
    }
  }

  #impair(spec: unknown): void {
    const { link } = this.#watched;
    if (link === null) throw new Error("this link cannot be changed");
    if (typeof spec !== "string") throw new Error("spec: a text as of --impair");
    const parsed = spec.trim() === "" ? null : parseImpairment(spec);
    if (typeof parsed === "string") throw new Error(parsed);
    link.impair(parsed);
    this.#spec = spec.trim();
  }

  #linkState(): LinkState | null {
    const { link } = this.#watched;
    if (link === null) return null;
    return { spec: this.#spec, counters: link.impairment?.counters ?? null };
  }

  /** Of a body that nobody read nothing more is wanted. */
  #fail(request: IncomingMessage, response: ServerResponse, status: number, why: string): void {
    request.resume();
    if (!request.complete) response.setHeader("Connection", "close");
    if (status === 401) response.setHeader("WWW-Authenticate", "Bearer");
    this.#say(response, status, why);
  }

  /** `why` null: done. */
  #say(response: ServerResponse, status: number, why: string | null): void {
    const text = `${JSON.stringify(why === null ? { ok: true } : { error: why })}\n`;
    const length = Buffer.byteLength(text);
    const type = { "Content-Type": "application/json", "Content-Length": length };
    const policy = { "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'" };
    response.writeHead(status, { ...HEADERS, ...policy, ...type });
    response.end(text);
  }
}
