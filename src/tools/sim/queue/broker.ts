/**
 * The broker: BullMQ on Redis. Both packages are the user's to install, and loaded only when a queue is asked for, so that what
 * needs none carries none.
 */
import { createHash } from "node:crypto";
import type { Queue, QueueEvents } from "bullmq";
import type { Redis } from "ioredis";
import { LoadError, type LoadPackage, loadTwoPackages } from "../../load-module/index.ts";
import type { Job } from "../job.ts";

export interface Connection {
  host: string;
  port: number;
  db: number;
  username?: string;
  password?: string;
  tls?: object;
  maxRetriesPerRequest: null;
  retryStrategy: (times: number) => number;
}

export interface Address {
  /** Without the password, for messages. */
  readonly shown: string;
  readonly options: Connection;
}

/** What is in the queue; a worker that does not know the format leaves the job to others. */
export interface Order {
  readonly format: 1;
  readonly job: Job;
}

/** What a worker reports: the result itself stands under its own key. */
export interface Receipt {
  /** SHA-256 of the result's text. */
  readonly sha256: string;
}

export const QUEUE_NAME = "tuntcp-sim";
/** Seconds that results and scenarios stay: equal jobs are not run again meanwhile. */
export const KEPT: number = 7 * 24 * 3600;
/** ms to wait for a broker that does not answer at all. */
const PATIENCE = 5000;

/** Throws a LoadError with one line. */
export function parseAddress(text: string): Address {
  const wrong = (why: string): LoadError =>
    new LoadError(`--queue ${text.replace(/:[^:@/]*@/, ":***@")}: ${why}`);
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw wrong("expected redis://HOST:PORT/DB");
  }
  if (!["redis:", "rediss:"].includes(url.protocol) || url.hostname === "") {
    throw wrong("expected redis://HOST:PORT/DB, or rediss:// for TLS");
  }
  const db = /^\/?(\d{0,4})$/.exec(url.pathname);
  if (db === null) throw wrong(`${url.pathname.slice(1)} is no number of a database`);
  const port = url.port === "" ? 6379 : Number(url.port);
  return {
    shown: `redis://${url.hostname}:${port}/${Number(db[1])}`,
    options: {
      host: url.hostname.replace(/^\[|\]$/g, ""),
      port,
      db: Number(db[1]),
      ...(url.username === "" ? {} : { username: decodeURIComponent(url.username) }),
      ...(url.password === "" ? {} : { password: decodeURIComponent(url.password) }),
      ...(url.protocol === "rediss:" ? { tls: {} } : {}),
      // while the broker is away, commands wait for it
      maxRetriesPerRequest: null,
      retryStrategy: (times) => Math.min(100 * times, 2000),
    },
  };
}

export interface Packages {
  readonly bullmq: typeof import("bullmq");
  readonly ioredis: typeof import("ioredis");
}

/** Throws a LoadError that says what to install. */
export async function loadPackages(load?: LoadPackage): Promise<Packages> {
  const packages = ["bullmq@6.7.0", "ioredis@6.0.0"] as const;
  const [bullmq, ioredis] = await loadTwoPackages("--queue", packages, load);
  return { bullmq, ioredis } as Packages;
}

export type RunQueue = Queue<Order, Receipt, string, Order, Receipt, string>;

export function openQueue(packages: Packages, address: Address, name: string): RunQueue {
  const { Queue: Opened } = packages.bullmq;
  return new Opened<Order, Receipt, string, Order, Receipt, string>(name, {
    connection: address.options,
  });
}

export function openEvents(packages: Packages, address: Address, name: string): QueueEvents {
  return new packages.bullmq.QueueEvents(name, { connection: address.options });
}

/** A connection that stands; throws a LoadError where there is no broker. */
export async function connect(packages: Packages, address: Address): Promise<Redis> {
  const redis = new packages.ioredis.Redis({ ...address.options, lazyConnect: true });
  let reason = "it does not answer";
  redis.on("error", (error: NodeJS.ErrnoException) => {
    reason = error.code ?? error.message;
  });
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("late")), PATIENCE);
  });
  try {
    await Promise.race([redis.connect().then(() => redis.ping()), late]);
  } catch (error) {
    redis.disconnect();
    const said = (error as Error).message;
    const why = /^(?:NOAUTH|WRONGPASS|ERR)/.test(said) ? said : reason;
    throw new LoadError(`--queue ${address.shown}: no Redis to work with (${why})`);
  } finally {
    clearTimeout(timer);
  }
  return redis;
}

/** Says once that the broker is away, and once that it is back. */
export function announce(redis: Redis, address: Address, say: (line: string) => void): void {
  let away = false;
  redis.on("reconnecting", () => {
    if (!away) say(`${address.shown} is away; waiting for it`);
    away = true;
  });
  redis.on("ready", () => {
    if (away) say(`${address.shown} is back`);
    away = false;
  });
}

/** Equal for equal jobs: what is asked for twice is run once. */
export function jobId(job: Job): string {
  return createHash("sha256").update(canonical(job)).digest("hex");
}

/** JSON whose names stand in one order, whatever order they were given in. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === "object" && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}

export function resultKey(queue: string, id: string): string {
  return `${queue}:result:${id}`;
}

export function scenarioKey(queue: string, digest: string): string {
  return `${queue}:scenario:${digest}`;
}
