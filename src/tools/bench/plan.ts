/** What is measured, in which unit, and how several runs become one figure. */
import type { Server, Socket } from "node:net";
import type { AllocationOp } from "./allocations.ts";
import type { Load } from "./loads.ts";

export interface NetLike {
  createServer(options: object, listener: (socket: Socket) => void): Server;
}

export type Unit = "Gbit/s" | "1/s" | "B" | "%";

export type ServiceName = "discard" | "source" | "echo" | "http" | "minimal";

interface Common {
  readonly name: string;
  readonly what: string;
  readonly unit: Unit;
}

/** A load put on a service through the TUN, and on the same service on the kernel's sockets. */
export interface LoadMetric extends Common {
  readonly kind: "load";
  readonly load: Omit<Load, "host" | "port" | "seconds">;
  readonly service: ServiceName;
}

/** Connections that say nothing: what they hold, and what they cost. */
export interface IdleMetric extends Common {
  readonly kind: "memory" | "idle";
  readonly connections: number;
}

/** Two stacks in this process. */
export interface PairMetric extends Common {
  readonly kind: "pair";
  readonly mtu: number;
  /** False: the device vouches for them, as the kernel's loopback does. */
  readonly checksums: boolean;
}

/** What V8's heap grows by for a segment. */
export interface HeapMetric extends Common {
  readonly kind: "heap";
  readonly op: AllocationOp;
}

export type Metric = LoadMetric | IdleMetric | PairMetric | HeapMetric;

const IDLE = 10_000;

export const METRICS: readonly Metric[] = [
  bulk("up1", "bulk to the stack, 1 connection", "up", 1),
  bulk("up8", "bulk to the stack, 8 connections", "up", 8),
  bulk("down1", "bulk from the stack, 1 connection", "down", 1),
  bulk("down8", "bulk from the stack, 8 connections", "down", 8),
  rate("rr", "round trips of one byte", "rr", 1, "echo"),
  rate("cps1", "connect, one byte, close; 1 at once", "connections", 1, "echo"),
  rate("cps32", "connect, one byte, close; 32 at once", "connections", 32, "echo"),
  rate("http", "HTTP requests, Node's http, 64 connections", "http", 64, "http"),
  rate("minimal", "HTTP requests, minimal responder, 64 connections", "http", 64, "minimal"),
  piped("piped", 64),
  memory("mem", IDLE),
  idle("idle", IDLE),
  pair("pair", "two stacks in memory, segments of 64 KiB", 65535, false),
  pair("pair1500", "two stacks in memory, MTU 1500, checksums", 1500, true),
  heap("heap-data", "heap for a segment taken, and half an ACK sent", "data"),
  heap("heap-ack", "heap for a pure ACK taken", "ack"),
  heap("heap-send", "heap for an ACK taken and a segment sent", "send"),
];

/** One of the list, or its like with another number: `up64`, `cps8`, `http16`, `rr@1000`, `mem@1000`. */
export function metricNamed(name: string): Metric | null {
  const listed = METRICS.find((m) => m.name === name);
  if (listed !== undefined) return listed;
  const m = /^(up|down|cps|http|minimal|piped|rr@|mem@|idle@)(\d{1,5})$/.exec(name);
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
      return rate(name, `HTTP requests, Node's http, ${n} connections`, "http", n, "http");
    case "minimal":
      return rate(name, `HTTP requests, minimal responder, ${n} connections`, "http", n, "minimal");
    case "piped":
      return piped(name, n);
    case "mem@":
      return memory(name, n);
    case "idle@":
      return idle(name, n);
    default: {
      const plain = rate(name, `round trips beside ${n} idle connections`, "rr", 1, "echo");
      return { ...plain, load: { ...plain.load, idle: n } };
    }
  }
}

function bulk(name: string, what: string, kind: "up" | "down", parallel: number): LoadMetric {
  const service = kind === "up" ? "discard" : "source";
  return { kind: "load", name, what, unit: "Gbit/s", load: { kind, parallel }, service };
}

function rate(
  name: string,
  what: string,
  kind: "rr" | "connections" | "http",
  parallel: number,
  service: ServiceName,
): LoadMetric {
  return { kind: "load", name, what, unit: "1/s", load: { kind, parallel }, service };
}

/** With one request at a time the load is what limits; so many in one packet leave the work to the server. */
function piped(name: string, parallel: number): LoadMetric {
  const what = `HTTP requests, minimal responder, ${parallel} connections, 16 pipelined`;
  const plain = rate(name, what, "http", parallel, "minimal");
  return { ...plain, load: { ...plain.load, pipelined: 16 } };
}

function memory(name: string, connections: number): IdleMetric {
  const what = `resident memory for one of ${connections} idle connections`;
  return { kind: "memory", name, what, unit: "B", connections };
}

function idle(name: string, connections: number): IdleMetric {
  const what = `of a core, for ${connections} idle connections`;
  return { kind: "idle", name, what, unit: "%", connections };
}

function pair(name: string, what: string, mtu: number, checksums: boolean): PairMetric {
  return { kind: "pair", name, what, unit: "Gbit/s", mtu, checksums };
}

function heap(name: string, what: string, op: AllocationOp): HeapMetric {
  return { kind: "heap", name, what, unit: "B", op };
}

export interface Sample {
  /** In the unit of the metric. */
  readonly rate: number;
  /** us; of round trips only. */
  readonly p50?: number;
  readonly p99?: number;
  readonly failures: number;
  /** Seconds of user and system time of the serving process, for each second measured. */
  readonly cpu?: number;
  /** Of memory: bytes a connection, resident after a forced collection, and of V8's heap. */
  readonly collected?: number;
  readonly heap?: number;
}

export interface Row {
  readonly metric: string;
  readonly what: string;
  readonly unit: Unit;
  readonly ours: Sample;
  readonly kernel: Sample | null;
}

/** The run whose rate is the median (the lower one of an even number). */
export function median(samples: readonly Sample[]): Sample {
  const sorted = [...samples].sort((a, b) => a.rate - b.rate);
  return sorted[Math.floor((sorted.length - 1) / 2)]!;
}
