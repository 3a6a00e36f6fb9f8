/** A server for the real iperf3's TCP tests: -R, -P, -t, -n, -O and --bidir; one test at a time, as its own server. */
import type { Socket } from "node:net";
import { setImmediate as turn } from "node:timers/promises";
import {
  ACCESS_DENIED,
  ControlReader,
  COOKIE_BYTES,
  CREATE_STREAMS,
  DISPLAY_RESULTS,
  ERROR_NOT_IMPLEMENTED,
  EXCHANGE_RESULTS,
  PARAM_EXCHANGE,
  sendError,
  sendJson,
  sendState,
  TEST_END,
  TEST_RUNNING,
  TEST_START,
} from "./iperf3-control.ts";
import type { NetLike, ServiceHandle } from "./service.ts";
import { socketService } from "./service.ts";

/** iperf3's own limit. */
const MOST_STREAMS = 128;
const DEFAULT_BLOCK = 131072;
const LARGEST_BLOCK = 1 << 20;

interface Parameters {
  readonly parallel: number;
  readonly reverse: boolean;
  readonly bidirectional: boolean;
  readonly block: number;
  /** Seconds at the start that do not count. */
  readonly omit: number;
  readonly wantsReport: boolean;
}

interface Stream {
  /** As the client numbers its own: 1, 3, 4, 5, ... */
  readonly id: number;
  readonly socket: Socket;
  readonly sends: boolean;
  bytes: number;
  /** What had been retransmitted when counting began. */
  retransmitsBefore: number;
}

/** What a socket of the stack tells; Node's own does not. */
type Told = { getTcpInfo?(): { readonly retransmits: number } | null };

export function iperf3(net: NetLike): ServiceHandle {
  let running: Test | null = null;
  return socketService(
    net,
    { allowHalfOpen: false },
    (socket) => {
      socket.setNoDelay(true);
      const reader = new ControlReader(socket);
      void reader.take(COOKIE_BYTES).then(async (bytes) => {
        if (bytes === null) return socket.destroy();
        const cookie = bytes.toString("latin1");
        // the last word of the test before may have come in the same turn of the event loop
        if (running !== null && !running.is(cookie)) await turn();
        if (running === null) {
          running = new Test(cookie, socket, reader);
          void running.run().finally(() => (running = null));
        } else {
          reader.release();
          if (!running.join(cookie, socket)) {
            socket.end(Buffer.from(Int8Array.of(ACCESS_DENIED).buffer));
          }
        }
        return undefined;
      });
    },
    (socket) => socket.resetAndDestroy(),
  );
}

class Test {
  readonly #cookie: string;
  readonly #control: Socket;
  readonly #reader: ControlReader;
  readonly #streams: Stream[] = [];
  #parameters: Parameters | null = null;
  #complete: () => void = () => {};
  #running = false;
  #began = 0;
  #cpu = process.cpuUsage();

  constructor(cookie: string, control: Socket, reader: ControlReader) {
    this.#cookie = cookie;
    this.#control = control;
    this.#reader = reader;
  }

  /** The whole test; whatever goes wrong ends this test, and nothing else. */
  async run(): Promise<void> {
    try {
      await this.#conduct();
    } finally {
      this.#running = false;
      for (const { socket } of this.#streams) socket.destroy();
      this.#control.destroySoon();
    }
  }

  async #conduct(): Promise<void> {
    sendState(this.#control, PARAM_EXCHANGE);
    const said = await this.#reader.json();
    const parameters = said === null ? null : understand(said);
    if (parameters === null) {
      sendError(this.#control, ERROR_NOT_IMPLEMENTED);
      return;
    }
    this.#parameters = parameters;
    const complete = new Promise<void>((resolve) => (this.#complete = resolve));
    sendState(this.#control, CREATE_STREAMS);
    await Promise.race([complete, this.#gone()]);
    if (this.#control.destroyed) return;
    sendState(this.#control, TEST_START);
    this.#start();
    sendState(this.#control, TEST_RUNNING);
    if ((await this.#reader.state()) !== TEST_END) return; // terminated, or gone
    const seconds = (performance.now() - this.#began) / 1000;
    this.#running = false;
    const results = this.#results(seconds);
    // before anything else, as iperf3's server does: a client that reads whole blocks waits for one, or for the end
    for (const { socket } of this.#streams) socket.destroy();
    sendState(this.#control, EXCHANGE_RESULTS);
    if ((await this.#reader.json()) === null) return;
    sendJson(this.#control, results);
    process.stdout.write(this.#report(seconds));
    sendState(this.#control, DISPLAY_RESULTS);
    await this.#reader.state(); // IPERF_DONE, or the end
  }

  #gone(): Promise<void> {
    return new Promise((resolve) => void this.#control.once("close", () => resolve()));
  }

  is(cookie: string): boolean {
    return cookie === this.#cookie;
  }

  /** A connection that brought a cookie; false when it is not of this test. */
  join(cookie: string, socket: Socket): boolean {
    const p = this.#parameters;
    if (p === null || cookie !== this.#cookie) return false;
    const wanted = p.bidirectional ? 2 * p.parallel : p.parallel;
    const n = this.#streams.length;
    if (n >= wanted) return false;
    // of a test both ways the client opens those it sends on first
    const sends = p.bidirectional ? n >= p.parallel : p.reverse;
    const stream: Stream = {
      id: n === 0 ? 1 : n + 2,
      socket,
      sends,
      bytes: 0,
      retransmitsBefore: 0,
    };
    this.#streams.push(stream);
    socket.on("data", (chunk: Buffer) => (stream.bytes += this.#running ? chunk.length : 0));
    if (this.#streams.length === wanted) this.#complete();
    return true;
  }

  #start(): void {
    const { omit, block } = this.#parameters!;
    this.#running = true;
    this.#count();
    if (omit > 0) setTimeout(() => this.#count(), omit * 1000).unref();
    const bytes = Buffer.alloc(block);
    for (const stream of this.#streams) {
      if (!stream.sends) continue;
      const more = (): void => {
        while (this.#running && stream.socket.writable) {
          stream.bytes += block;
          if (!stream.socket.write(bytes)) return;
        }
      };
      stream.socket.on("drain", more);
      more();
    }
  }

  /** Counting begins: at the start, and again when what is to be omitted is over. */
  #count(): void {
    this.#began = performance.now();
    this.#cpu = process.cpuUsage();
    for (const stream of this.#streams) {
      stream.bytes = 0;
      stream.retransmitsBefore = retransmits(stream) ?? 0;
    }
  }

  #results(seconds: number): object {
    const { user, system } = process.cpuUsage(this.#cpu);
    const percent = (us: number): number => us / 1e4 / seconds;
    const report = this.#parameters!.wantsReport
      ? { server_output_text: this.#report(seconds) }
      : {};
    const known = this.#streams.some((s) => s.sends && retransmits(s) !== null);
    return {
      cpu_util_total: percent(user + system),
      cpu_util_user: percent(user),
      cpu_util_system: percent(system),
      sender_has_retransmits: known ? 1 : 0,
      streams: this.#streams.map((s) => ({
        id: s.id,
        bytes: s.bytes,
        retransmits: s.sends ? (retransmits(s) ?? 0) - s.retransmitsBefore : -1,
        jitter: 0,
        errors: 0,
        packets: 0,
        start_time: 0,
        end_time: seconds,
      })),
      ...report,
    };
  }

  #report(seconds: number): string {
    return [true, false]
      .map((sends) => ({ sends, streams: this.#streams.filter((s) => s.sends === sends) }))
      .filter(({ streams }) => streams.length > 0)
      .map(({ sends, streams }) => {
        const bytes = streams.reduce((sum, s) => sum + s.bytes, 0);
        const rate = ((bytes * 8) / seconds / 1e9).toFixed(3);
        const plural = streams.length === 1 ? "stream" : "streams";
        return `iperf3: ${bytes} bytes ${sends ? "sent" : "received"} on ${streams.length} ${plural} in ${seconds.toFixed(2)} s, ${rate} Gbit/s\n`;
      })
      .join("");
  }
}

function retransmits({ socket }: Stream): number | null {
  return (socket as Told).getTcpInfo?.()?.retransmits ?? null;
}

/** Null for what is not a TCP test that we can do. */
function understand(said: Readonly<Record<string, unknown>>): Parameters | null {
  const isSet = (name: string): boolean => said[name] === true || said[name] === 1;
  const number = (name: string, least: number, most: number, otherwise: number): number => {
    const n = Number(said[name] ?? otherwise);
    return n >= least && n <= most ? Math.floor(n) : otherwise;
  };
  const parallel = Number(said["parallel"] ?? 1);
  if (!isSet("tcp") || isSet("udp") || isSet("sctp")) return null;
  if (!Number.isInteger(parallel) || parallel < 1 || parallel > MOST_STREAMS) return null;
  return {
    parallel,
    reverse: isSet("reverse"),
    bidirectional: isSet("bidirectional"),
    block: number("len", 1, LARGEST_BLOCK, DEFAULT_BLOCK),
    omit: number("omit", 0, 60, 0),
    wantsReport: isSet("get_server_output"),
  };
}
