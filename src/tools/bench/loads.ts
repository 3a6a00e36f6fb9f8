/** The loads of the benchmark, as a client on the kernel's sockets puts them on a server: bulk, round trips, connections. */
import { once } from "node:events";
import net from "node:net";

export interface Load {
  readonly kind: "up" | "down" | "rr" | "connections" | "http";
  readonly host: string;
  readonly port: number;
  /** Connections at once. */
  readonly parallel: number;
  /** Requests under way on each connection; 1 where it is absent. */
  readonly pipelined?: number;
  /** Connections that are open beside the load and say nothing. */
  readonly idle?: number;
  /** Measured time; a quarter of it passes before, as warm-up. */
  readonly seconds: number;
}

/** Connections that are opened and say nothing. */
export interface Held {
  readonly host: string;
  readonly port: number;
  readonly connections: number;
}

export interface LoadResult {
  /** Gbit/s for bulk, else 1/s. */
  readonly rate: number;
  /** µs; of round trips only. */
  readonly p50?: number;
  readonly p99?: number;
  readonly failures: number;
}

const BLOCK = 256 * 1024;

/** What a load counts, and whether time is up. */
interface Meter {
  count: number;
  failures: number;
  over: boolean;
  readonly samples: number[];
}

export async function runLoad(load: Load): Promise<LoadResult> {
  const meter: Meter = { count: 0, failures: 0, over: false, samples: [] };
  const sockets: net.Socket[] = [];
  await openIdle(load, load.idle ?? 0, sockets);
  const start = LOADS[load.kind];
  for (let i = 0; i < load.parallel; i++) start(load, meter, sockets);
  await pause(load.seconds * 250);
  const [countBefore, samplesBefore, began] = [meter.count, meter.samples.length, now()];
  await pause(load.seconds * 1000);
  const seconds = (now() - began) / 1000;
  const counted = meter.count - countBefore;
  meter.over = true;
  // reset: ten thousand ports that wait would leave none for the next run
  for (const socket of sockets) socket.resetAndDestroy();
  const bulk = load.kind === "up" || load.kind === "down";
  const rate = bulk ? (counted * 8) / seconds / 1e9 : counted / seconds;
  const samples = meter.samples.slice(samplesBefore).sort((a, b) => a - b);
  if (samples.length === 0) return { rate, failures: meter.failures };
  const [p50, p99] = [quantile(samples, 0.5), quantile(samples, 0.99)];
  return { rate, p50, p99, failures: meter.failures };
}

/** Resolves once all are established, with what resets them. */
export async function hold(held: Held): Promise<() => void> {
  const sockets: net.Socket[] = [];
  const release = (): void => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  try {
    await openIdle(held, held.connections, sockets);
  } catch (error) {
    release();
    if ((error as NodeJS.ErrnoException).code !== "EMFILE") throw error;
    throw new Error(`no files left for ${held.connections} connections (EMFILE): raise ulimit -n`);
  }
  return release;
}

/** A hundred at once, so that no queue of SYNs runs over. */
async function openIdle(
  to: { readonly host: string; readonly port: number },
  count: number,
  all: net.Socket[],
): Promise<void> {
  for (let left = count; left > 0; left -= 100) {
    const group = Array.from({ length: Math.min(left, 100) }, async () => {
      const socket = net.connect(to.port, to.host);
      all.push(socket);
      await once(socket, "connect");
      socket.on("error", () => {}); // whatever ends it ends it for the figure only
    });
    await Promise.all(group);
  }
}

const LOADS: Readonly<Record<Load["kind"], (l: Load, m: Meter, all: net.Socket[]) => void>> = {
  up(load, meter, all) {
    const block = Buffer.alloc(BLOCK);
    const socket = open(load, meter, all);
    let before = 0;
    const more = (): void => {
      while (!meter.over && socket.write(block));
      const handed = socket.bytesWritten - socket.writableLength;
      meter.count += handed - before;
      before = handed;
    };
    socket.on("drain", more).on("connect", more);
  },
  down(load, meter, all) {
    const buffer = Buffer.alloc(BLOCK);
    const callback = (bytes: number): boolean => {
      meter.count += bytes;
      return true;
    };
    // read into one buffer, so that the client's memory does not set the pace
    const socket = new net.Socket({ onread: { buffer, callback } } as net.SocketConstructorOpts);
    all.push(socket);
    socket.on("error", () => failed(meter)).connect(load.port, load.host);
  },
  rr(load, meter, all) {
    const socket = open(load, meter, all).setNoDelay(true);
    let sent = 0;
    const ask = (): void => {
      sent = now();
      socket.write("x");
    };
    socket.on("connect", ask).on("data", () => {
      meter.samples.push((now() - sent) * 1000);
      meter.count++;
      if (!meter.over) ask();
    });
  },
  connections(load, meter, all) {
    const once = (): void => {
      if (meter.over) return;
      const socket = net.connect({ port: load.port, host: load.host, noDelay: true });
      all[0] = socket;
      socket.on("connect", () => socket.write("x"));
      socket.on("data", () => {
        meter.count++;
        socket.resetAndDestroy(); // no port is left waiting
      });
      socket.on("error", () => failed(meter));
      socket.on("close", once);
    };
    once();
  },
  http(load, meter, all) {
    const socket = open(load, meter, all).setNoDelay(true);
    // the minimal responder answers any path with so many
    const request = Buffer.from(`GET /bytes/128 HTTP/1.1\r\nHost: ${load.host}\r\n\r\n`);
    const depth = load.pipelined ?? 1;
    const requests = Buffer.concat(Array.from({ length: depth }, () => request));
    let expected = 0;
    let got = 0;
    socket.on("connect", () => socket.write(requests));
    socket.on("data", (chunk) => {
      got += chunk.length;
      // all answers are alike: the first one tells their length
      if (expected === 0) expected = chunk.indexOf("\r\n\r\n") + 4 + 128;
      const answered = Math.floor(got / expected);
      if (answered === 0 || meter.over) return;
      got -= answered * expected;
      meter.count += answered;
      // what was answered is asked anew
      socket.write(requests.subarray(0, answered * request.length));
    });
  },
};

function open(load: Load, meter: Meter, all: net.Socket[]): net.Socket {
  const socket = net.connect(load.port, load.host);
  all.push(socket);
  return socket.on("error", () => failed(meter));
}

function failed(meter: Meter): void {
  if (!meter.over) meter.failures++;
}

function quantile(sorted: readonly number[], q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))]!;
}

function now(): number {
  return performance.now();
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms));
}
