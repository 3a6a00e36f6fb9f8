/** The dashboard's server: who is let in, what streams tell beside `ss --json`, and what garbage does to it: nothing. */
import { EventEmitter, once } from "node:events";
import { type IncomingHttpHeaders, request, type ServerResponse } from "node:http";
import * as kernel from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Instant } from "../../../src/base/time.ts";
import { LiveLink } from "../../../src/devices/live-link.ts";
import { loopback } from "../../../src/devices/loopback.ts";
import { systemClock } from "../../../src/runtime/system.ts";
import { createStack, type UserStack } from "../../../src/sockets/create-stack.ts";
import type { TcpSocket } from "../../../src/sockets/tcp-socket.ts";
import { handlersOf } from "../../../src/tools/control/index.ts";
import type { ConnectionTable } from "../../../src/tools/control/requests.ts";
import {
  type Dashboard,
  serveDashboard,
  type Watched,
} from "../../../src/tools/dashboard/index.ts";
import { TableFeed } from "../../../src/tools/dashboard/table-feed.ts";
import type { ConnectionFrame, TableFrame } from "../../../src/tools/dashboard/messages.ts";

let stack: UserStack;
let link: LiveLink;
let watched: Watched;
let dashboard: Dashboard;
let port = 0;
let ends: [TcpSocket, TcpSocket];
/** Null: the real time. */
let stopped: Instant | null = null;

beforeEach(async () => {
  stopped = null;
  link = new LiveLink(loopback(), { clock: systemClock });
  stack = createStack({ device: link, address: "127.0.0.1/8" });
  watched = {
    core: stack.core,
    version: "0",
    tun: "loopback",
    now: () => stopped ?? systemClock.now(),
    link,
    impairment: "",
  };
  dashboard = await serveDashboard(kernel, { host: "127.0.0.1", port: 0 }, watched);
  port = Number(new URL(dashboard.url).port);
  ends = await connection(80);
});
afterEach(async () => {
  dashboard.close();
  await stack.close();
});

async function connection(at: number): Promise<[TcpSocket, TcpSocket]> {
  const server = stack.net.createServer();
  server.listen(at, "127.0.0.1");
  await once(server, "listening");
  const client = stack.net.connect(at, "127.0.0.1");
  const [[socket]] = (await Promise.all([once(server, "connection"), once(client, "connect")])) as [
    [TcpSocket],
    unknown,
  ];
  client.on("error", () => {});
  socket.on("error", () => {});
  return [client, socket];
}

const placesOf = ({ localAddress, localPort, remoteAddress, remotePort }: TcpSocket) => ({
  local: `${localAddress}:${localPort}`,
  remote: `${remoteAddress}:${remotePort}`,
});

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

interface Question {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | Buffer;
  /** Default: the right one, as a header. */
  readonly token?: string | null;
}

function ask(path: string, question: Question = {}): Promise<Answer> {
  const { method = "GET", headers = {}, body, token = dashboard.token } = question;
  const authorization = token === null ? {} : { authorization: `Bearer ${token}` };
  const options = { host: "127.0.0.1", port, path, method, agent: false as const };
  return new Promise((resolve, reject) => {
    const asked = request({ ...options, headers: { ...authorization, ...headers } }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => (text += chunk));
      response.on("end", () =>
        resolve({ status: response.statusCode!, headers: response.headers, text }),
      );
    });
    asked.on("error", reject);
    asked.end(body);
  });
}

/** However it ended. */
const closed = (socket: kernel.Socket): Promise<void> =>
  new Promise((resolve) => socket.once("close", () => resolve()));

const JSON_TYPE = { "content-type": "application/json" };
const post = (path: string, body: unknown, more: Question = {}): Promise<Answer> =>
  ask(path, {
    method: "POST",
    body: typeof body === "string" ? body : JSON.stringify(body),
    ...more,
    headers: { ...JSON_TYPE, ...more.headers },
  });

/** A stream of events, read frame by frame. */
class Stream<T> {
  readonly socket: kernel.Socket;
  #text = "";
  #frames: T[] = [];
  #wake: () => void = () => {};

  constructor(path: string) {
    this.socket = kernel.connect(port, "127.0.0.1");
    this.socket.write(
      `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer ${dashboard.token}\r\n\r\n`,
    );
    this.socket.setEncoding("utf8");
    this.socket.on("error", () => {});
    this.socket.on("data", (chunk: string) => {
      this.#text += chunk;
      for (let end = this.#text.indexOf("\n\n"); end >= 0; end = this.#text.indexOf("\n\n")) {
        const found = /^data: (.*)$/m.exec(this.#text.slice(0, end));
        if (found !== null) this.#frames.push(JSON.parse(found[1]!) as T);
        this.#text = this.#text.slice(end + 2);
      }
      this.#wake();
    });
  }

  async next(): Promise<T> {
    while (this.#frames.length === 0) await new Promise<void>((resolve) => (this.#wake = resolve));
    return this.#frames.shift()!;
  }

  async until(holds: (frame: T) => boolean): Promise<T> {
    for (;;) {
      const frame = await this.next();
      if (holds(frame)) return frame;
    }
  }
}

const streams: Stream<unknown>[] = [];
function open<T>(path: string): Stream<T> {
  const stream = new Stream<T>(path);
  streams.push(stream);
  return stream;
}
afterEach(() => {
  for (const { socket } of streams.splice(0)) socket.destroy();
});

const tableOf = (): ConnectionTable => handlersOf(watched)["connections"]!({}) as ConnectionTable;

test("without the token, or with a wrong one, everything is 401", async () => {
  for (const path of ["/", "/table", "/connection", "/nothing", "/?token=", "/?token=wrong"]) {
    for (const token of [null, "wrong", `${dashboard.token}x`]) {
      const { status, headers, text } = await ask(path, { token });
      expect([path, status, headers["www-authenticate"]]).toEqual([path, 401, "Bearer"]);
      expect(text).not.toContain(dashboard.token);
    }
  }
  expect((await post("/abort", placesOf(ends[0]), { token: null })).status).toBe(401);
  expect(ends[0].readyState).toBe("open");
});

test("the page comes with the token in the address, and may run nothing but itself", async () => {
  const { pathname, search } = new URL(dashboard.url);
  const { status, headers, text } = await ask(`${pathname}${search}`, { token: null });
  expect(status).toBe(200);
  expect(headers).toMatchObject({
    "content-type": "text/html; charset=utf-8",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
  });
  const policy = headers["content-security-policy"]!;
  expect(policy).toMatch(/^default-src 'none'; script-src ('sha256-[^']+' ?){2};/);
  expect(policy).toContain("frame-ancestors 'none'");
  expect(policy).not.toContain("unsafe");
  expect(text).toContain("<title>tuntcp</title>");
  expect(text).not.toContain(dashboard.token);
});

test("a name that is not this host's is refused, whatever the token", async () => {
  for (const host of ["evil.example", "127.0.0.1.evil.example:9000", "192.0.2.2", "[::2]"]) {
    const { status } = await ask("/", { headers: { host } });
    expect([host, status]).toEqual([host, 403]);
  }
  for (const host of ["localhost:1", "127.0.0.1", "[::1]:9000", "LOCALHOST"]) {
    expect((await ask("/", { headers: { host } })).status, host).toBe(200);
  }
});

test("a page from elsewhere gets nothing, not even with the token", async () => {
  const here = `http://127.0.0.1:${port}`;
  for (const origin of ["http://evil.example", "null", `https://127.0.0.1:${port}`, `${here}0`]) {
    const { status, headers } = await ask("/table", { headers: { origin } });
    expect([origin, status]).toEqual([origin, 403]);
    expect(headers).not.toHaveProperty("access-control-allow-origin");
    const before = await ask("/abort", { method: "OPTIONS", headers: { origin } });
    expect(before.status).toBe(403);
    expect(before.headers).not.toHaveProperty("access-control-allow-origin");
    expect((await post("/abort", placesOf(ends[0]), { headers: { origin } })).status).toBe(403);
  }
  const site = { "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors" };
  expect((await ask("/", { headers: site })).status).toBe(403);
  expect((await post("/impair", { spec: "" }, { headers: { origin: here } })).status).toBe(200);
  expect(ends[0].readyState).toBe("open");
});

test("garbage gets one line each, and the server lives", async () => {
  const cases: [Promise<Answer>, number, string][] = [
    [ask("/nothing"), 404, "there is no such page"],
    [ask("/constructor"), 404, "there is no such page"],
    [ask("//"), 400, "this is no path"],
    [ask("/table", { method: "DELETE" }), 405, "only GET is understood here"],
    [ask("/impair"), 405, "only POST is understood here"],
    [post("/impair", "{"), 400, "the body is to be an object as JSON"],
    [post("/impair", "[]"), 400, "the body is to be an object as JSON"],
    [post("/impair", "null"), 400, "the body is to be an object as JSON"],
    [post("/impair", { spec: 7 }), 400, "spec: a text as of --impair"],
    [
      post("/impair", { spec: "los=1%" }),
      400,
      'impairment "los" is not known; did you mean "loss"?',
    ],
    [post("/abort", {}), 400, "no connection from undefined to undefined"],
    [post("/close", { local: {}, remote: [] }), 400, "no connection from [object Object] to "],
    [
      post("/abort", "{}", { headers: { "content-type": "text/plain" } }),
      415,
      "the body is to be application/json",
    ],
    [ask("/connection"), 404, "no connection from  to "],
    [ask("/connection?local=1.2.3.4:5&remote=:::"), 404, "no connection from 1.2.3.4:5 to :::"],
  ];
  for (const [answer, status, error] of cases) {
    const { status: got, text } = await answer;
    expect([got, JSON.parse(text)]).toEqual([status, { error }]);
  }
  expect((await ask("/")).status).toBe(200);
});

test("a body without end is cut off, and bytes that are no HTTP end their connection alone", async () => {
  const huge = kernel.connect(port, "127.0.0.1");
  huge.on("error", () => {});
  huge.write(
    `POST /impair HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${dashboard.token}\r\nContent-Type: application/json\r\nContent-Length: 9999999999\r\n\r\n`,
  );
  huge.write(Buffer.alloc(8192, 32));
  const [answer] = (await once(huge, "data")) as [Buffer];
  expect(String(answer)).toMatch(/^HTTP\/1\.1 413 /);
  const more = (): void => {
    if (huge.writable) huge.write(Buffer.alloc(65536, 32), more);
  };
  more();
  await closed(huge);
  for (const bytes of [
    "\0\0\0\0\r\n\r\n",
    `GET ${"/".repeat(70_000)} HTTP/1.1\r\n\r\n`,
    "\x16\x03\x01",
  ]) {
    const stranger = kernel.connect(port, "127.0.0.1");
    stranger.on("error", () => {});
    stranger.end(bytes);
    stranger.resume();
    await closed(stranger);
  }
  expect((await ask("/")).status).toBe(200);
});

test("the table tells what ss does, then only what changed, then who is gone", async () => {
  const stream = open<TableFrame>("/table");
  const first = await stream.next();
  expect(first.whole).toBe(true);
  const { connections, listeners } = tableOf();
  expect(first.listeners).toEqual(listeners);
  const rows = first.rows.map(({ state, local, remote, cwnd, srtt, limit }) => ({
    place: `${local} ${remote}`,
    figures: [state, cwnd, srtt, limit],
  }));
  expect(rows).toEqual(
    connections.map((c) => ({
      place: `${c.localAddress}:${c.localPort} ${c.remoteAddress}:${c.remotePort}`,
      figures: [c.state, c.cwnd, c.srtt, c.limit.text],
    })),
  );
  expect(first.summary.states).toEqual({ ESTABLISHED: 2 });
  const quiet = await stream.next();
  expect([quiet.whole, quiet.rows, quiet.gone]).toEqual([false, [], []]);
  ends[1].resume();
  ends[0].write(Buffer.alloc(50_000));
  const moved = await stream.until(({ rows: changed }) => changed.length > 0);
  expect(moved.rows.some(({ sendRate }) => sendRate > 0)).toBe(true);
  ends[0].resetAndDestroy();
  const end = await stream.until(({ gone }) => gone.length > 0);
  expect(end.gone.toSorted((a, b) => a - b)).toEqual(
    first.rows.map(({ id }) => id).toSorted((a, b) => a - b),
  );
});

test("the connection's figures are those of ss at that moment, to the last field", async () => {
  stopped = systemClock.now();
  const places = placesOf(ends[0]);
  const stream = open<ConnectionFrame>(`/connection?${String(new URLSearchParams(places))}`);
  const { at, connection: told } = await stream.next();
  expect(at).toBe(stopped);
  const expected = tableOf().connections.find(({ localPort }) => localPort === ends[0].localPort);
  expect(told).toEqual(JSON.parse(JSON.stringify(expected)));
  expect(Object.keys(told!).length).toBeGreaterThan(60);
});

test("segments are shown as they pass, with the states of both ends, and only while somebody looks", async () => {
  const places = placesOf(ends[1]);
  const stream = open<ConnectionFrame>(`/connection?${String(new URLSearchParams(places))}`);
  expect((await stream.next()).segments).toEqual([]);
  ends[1].write("hello");
  const { segments } = await stream.until((frame) => frame.segments.length > 0);
  expect(segments[0]).toMatchObject({
    number: 1,
    out: true,
    flags: "PSH,ACK",
    seq: 1,
    length: 5,
    ack: 1,
    remark: "",
    own: "ESTABLISHED",
    peer: "ESTABLISHED",
  });
  ends[1].end();
  const fin = await stream.until((frame) =>
    frame.segments.some(({ flags }) => flags.includes("FIN")),
  );
  expect(fin.segments.find(({ flags }) => flags.includes("FIN"))).toMatchObject({
    own: "FIN-WAIT-1",
    peer: "CLOSE-WAIT",
  });
  expect(link.isWatched).toBe(true);
  stream.socket.destroy();
  await expect.poll(() => link.isWatched).toBe(false);
});

test("a connection is closed, and aborted", async () => {
  const [client, server] = ends;
  server.resume();
  const ended = once(server, "end");
  expect((await post("/close", placesOf(client))).text).toBe('{"ok":true}\n');
  await ended;
  const [other, its] = await connection(81);
  const reset = once(its, "error");
  expect((await post("/abort", placesOf(other))).status).toBe(200);
  expect((await reset)[0]).toMatchObject({ code: "ECONNRESET" });
  expect((await post("/abort", placesOf(other))).status).toBe(400);
});

test("the link is made bad and good again, and the table says so", async () => {
  const stream = open<TableFrame>("/table");
  expect((await stream.next()).link).toEqual({ spec: "", counters: null });
  await post("/impair", { spec: " loss=100% " });
  const bad = await stream.until(({ link: now }) => now?.spec === "loss=100%");
  expect(bad.link?.counters?.out.lost).toBe(0);
  ends[0].write("lost");
  await stream.until(({ link: now }) => now!.counters!.out.lost + now!.counters!.in.lost > 0);
  await post("/impair", { spec: "" });
  const [chunk] = (await once(ends[1], "data")) as [Buffer];
  expect(String(chunk)).toBe("lost");
});

/** What a feed writes to, with a reader who takes everything or nothing. */
class Reader extends EventEmitter {
  readonly frames: TableFrame[] = [];
  writableLength = 0;
  readonly writableNeedDrain = false;
  reads = true;

  writeHead(): void {}

  write(text: string): void {
    if (text.startsWith("data: ")) this.frames.push(JSON.parse(text.slice(6)) as TableFrame);
    if (!this.reads) this.writableLength += text.length;
  }
}

test("who does not read gets one frame, and later what was missed; the others go on", async () => {
  const feed = new TableFeed(watched, () => null);
  const [slow, quick] = [new Reader(), new Reader()];
  for (const reader of [slow, quick]) feed.listen(reader as unknown as ServerResponse);
  slow.reads = false;
  for (let i = 0; i < 5; i++) {
    await connection(100 + i);
    feed.tick();
  }
  expect([slow.frames.length, quick.frames.length]).toEqual([2, 6]);
  slow.reads = true;
  slow.writableLength = 0;
  feed.tick();
  const counts = slow.frames.map(({ whole, rows }) => [whole, rows.length]);
  expect(counts).toEqual([
    [true, 2],
    [false, 2],
    [false, 8],
  ]);
  slow.emit("close");
  quick.emit("close");
});

test("streams beyond the limit are turned away, and those of who left make room", async () => {
  const open24 = Array.from({ length: 24 }, () => open<TableFrame>("/table"));
  await Promise.all(open24.map((stream) => stream.next()));
  expect((await ask("/table")).status).toBe(503);
  expect((await ask(`/connection?${String(new URLSearchParams(placesOf(ends[0])))}`)).status).toBe(
    503,
  );
  open24[0]!.socket.destroy();
  const again = async (): Promise<unknown> => {
    const stream = open<TableFrame>("/table");
    return await Promise.race([stream.next(), once(stream.socket, "end")]);
  };
  await expect.poll(again).toHaveProperty("whole");
});

test("the stack serves it, too", async () => {
  const own = await serveDashboard(stack.net as never, { host: "127.0.0.1", port: 0 }, watched);
  const at = Number(new URL(own.url).port);
  const client = stack.net.connect(at, "127.0.0.1");
  client.on("error", () => {});
  await once(client, "connect");
  client.write(`GET /table?token=${own.token} HTTP/1.1\r\nHost: 127.0.0.1:${at}\r\n\r\n`);
  let text = "";
  client.on("data", (chunk: Buffer) => (text += String(chunk)));
  // it sees itself
  await expect.poll(() => text).toContain(`"remote":"127.0.0.1:${client.localPort}"`);
  own.close();
});
