/** What is measured, in which unit, and how several runs become one figure. */
import type { Server, Socket } from "node:net";
import type { Load } from "./loads.ts";

export interface NetLike {
  createServer(options: object, listener: (socket: Socket) => void): Server;
}

export interface Metric {
  readonly name: string;
  readonly what: string;
  readonly unit: "Gbit/s" | "1/s";
  /** Absent: two stacks in this process. */
  readonly load?: Omit<Load, "host" | "port" | "seconds">;
  readonly service?: "discard" | "source" | "echo" | "http";
  /** Of the two stacks in this process. */
  readonly mtu?: number;
}

export const METRICS: readonly Metric[] = [
  bulk("up1", "bulk to the stack, 1 connection", "up", 1),
  bulk("up8", "bulk to the stack, 8 connections", "up", 8),
  bulk("down1", "bulk from the stack, 1 connection", "down", 1),
  bulk("down8", "bulk from the stack, 8 connections", "down", 8),
  rate("rr", "round trips of one byte", "rr", 1, "echo"),
  rate("cps1", "connect, one byte, close; 1 at once", "connections", 1, "echo"),
  rate("cps32", "connect, one byte, close; 32 at once", "connections", 32, "echo"),
  rate("http", "HTTP requests, 64 connections", "http", 64, "http"),
  { name: "pair", what: "two stacks in memory, segments of 64 KiB", unit: "Gbit/s", mtu: 65535 },
  {
    name: "pair1500",
    what: "two stacks in memory, MTU 1500, checksums",
    unit: "Gbit/s",
    mtu: 1500,
  },
];

/** One of the list, or its like with another number: `up64`, `cps8`, `http16`, `rr@1000` with so many idle neighbours. */
export function metricNamed(name: string): Metric | null {
  const listed = METRICS.find((m) => m.name === name);
  if (listed !== undefined) return listed;
  const m = /^(up|down|cps|http|rr@)(\d{1,5})$/.exec(name);
  const n = Number(m?.[2]);
  if (m === null || n < 1 || n > 20_000) return null;
  switch (m[1]) {
    case "up":
      return bulk(name, `bulk to the stack, ${n} connections`, "up", n);
    case "down":
      return bulk(name, `bulk from the stack, ${n} connections`, "down", n);
    case "cps":
      return rate(name, `connect, one byte, close; ${n} at once`, "connections", n, "echo");
    case "http":
      return rate(name, `HTTP requests, ${n} connections`, "http", n, "http");
    default: {
      const plain = rate(name, `round trips beside ${n} idle connections`, "rr", 1, "echo");
      return { ...plain, load: { ...plain.load!, idle: n } };
    }
  }
}

function bulk(name: string, what: string, kind: "up" | "down", parallel: number): Metric {
  const service = kind === "up" ? "discard" : "source";
  return { name, what, unit: "Gbit/s", load: { kind, parallel }, service };
}

function rate(
  name: string,
  what: string,
  kind: "rr" | "connections" | "http",
  parallel: number,
  service: "echo" | "http",
): Metric {
  return { name, what, unit: "1/s", load: { kind, parallel }, service };
}

export interface Sample {
  readonly rate: number;
  readonly p50?: number;
  readonly p99?: number;
  readonly failures: number;
  /** Seconds of user and system time of the serving process, for each second measured. */
  readonly cpu: number;
}

/** The run whose rate is the median (the lower one of an even number). */
export function median(samples: readonly Sample[]): Sample {
  const sorted = [...samples].sort((a, b) => a.rate - b.rate);
  return sorted[Math.floor((sorted.length - 1) / 2)]!;
}
