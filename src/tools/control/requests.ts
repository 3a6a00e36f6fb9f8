/** What a running stack answers over its control socket. */
import type { Stack } from "../../stack/stack.ts";
import type { Endpoint } from "../../tcp/endpoint.ts";
import type { TcpInfo } from "../../tcp/info.ts";
import type { Instant } from "../../base/time.ts";
import { formatIpv4 } from "../../wire/address.ts";
import { type Limit, limitOf } from "../observe/index.ts";
import type { Handlers } from "./server.ts";
import { watchHandler } from "./watch.ts";

export interface ListenerRow {
  readonly address: string;
  readonly port: number;
  readonly waiting: number;
  readonly backlog: number;
}

export interface ConnectionRow extends TcpInfo {
  readonly limit: Limit;
}

/** The answer to `connections`. */
export interface ConnectionTable {
  readonly listeners: readonly ListenerRow[];
  readonly connections: readonly ConnectionRow[];
}

/** The answer to `summary`. */
export interface StackSummary {
  readonly version: string;
  readonly pid: number;
  readonly tun: string;
  readonly addresses: readonly string[];
  /** ms since the start. */
  readonly uptime: number;
  readonly states: Readonly<Record<string, number>>;
  readonly listeners: number;
  /** Bytes that connections are charged with (tcp_mem counts them). */
  readonly memory: number;
  readonly counters: Readonly<Record<string, number>>;
}

export interface Controlled {
  readonly core: Stack;
  readonly version: string;
  readonly tun: string;
  readonly now: () => Instant;
}

export function handlersOf(stack: Controlled): Handlers {
  const began = stack.now();
  const { core } = stack;
  return {
    connections: () => table(core, stack.now()),
    summary: () => summary(stack, stack.now() - began),
    close(request) {
      named(core, request).close();
    },
    abort(request) {
      named(core, request).abort();
    },
    watch: watchHandler(core),
  };
}

function table(core: Stack, now: Instant): ConnectionTable {
  const connections = core.connections().map((c) => rowOf(c, now));
  return { listeners: core.listening(), connections };
}

/** A connection as `ss --json` tells of it. */
export function rowOf(c: Endpoint, now: Instant): ConnectionRow {
  const info = c.info(now);
  return { ...info, limit: limitOf(info) };
}

export function summary({ core, version, tun }: Controlled, uptime: number): StackSummary {
  const states: Record<string, number> = {};
  for (const { state } of core.connections()) states[state] = (states[state] ?? 0) + 1;
  return {
    version,
    pid: process.pid,
    tun,
    addresses: core.addresses.all.map(({ address, prefix }) => `${formatIpv4(address)}/${prefix}`),
    uptime,
    states,
    listeners: core.listening().length,
    memory: core.memoryUsed,
    counters: Object.fromEntries(core.counters.entries()),
  };
}

/** `local` and `remote` as `192.0.2.2:80`. Throws a line where there is none. */
export function named(core: Stack, request: Readonly<Record<string, unknown>>): Endpoint {
  const { local, remote } = request;
  const found = core
    .connections()
    .find(
      (c) =>
        `${formatIpv4(c.localAddress)}:${c.localPort}` === local &&
        `${formatIpv4(c.remoteAddress)}:${c.remotePort}` === remote,
    );
  if (found === undefined)
    throw new Error(`no connection from ${String(local)} to ${String(remote)}`);
  return found;
}
