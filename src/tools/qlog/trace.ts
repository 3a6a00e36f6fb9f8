/** Hears of all connections of a stack, and has a log for each. */
import type { Instant } from "../../base/time.ts";
import type { Endpoint } from "../../tcp/endpoint.ts";
import type { Tcb } from "../../tcp/tcb.ts";
import type { TcpTrace } from "../../tcp/trace.ts";
import { formatIpv4 } from "../../wire/address.ts";
import { ConnectionLog } from "./connection-log.ts";

/** Where the log of one connection goes: a Writable is one. */
export interface LogSink {
  /** Takes text that follows on. */
  write(text: string): unknown;
  /** Nothing more will come. */
  end(): unknown;
}

/** `local` and `remote` as `192.0.2.2:80`. */
export type LogOpener = (local: string, remote: string) => LogSink;

export interface QlogTrace extends TcpTrace {
  /** Ends the logs of connections that still live. */
  end(): void;
}

/** `wallClock`: what it showed at the beginning, for readers; null in virtual time. */
export function qlogTrace(open: LogOpener, wallClock: string | null): QlogTrace {
  const logs = new Map<Endpoint, ConnectionLog>();
  /** In CLOSED, which a last segment may still leave: they end with the first event of a later moment. */
  const over = new Map<Endpoint, Instant>();
  const done = new WeakSet<Endpoint>();

  const finish = (endpoint: Endpoint): void => {
    logs.get(endpoint)?.end();
    logs.delete(endpoint);
    over.delete(endpoint);
    done.add(endpoint);
  };
  const logOf = (endpoint: Endpoint, now: Instant): ConnectionLog | null => {
    for (const [other, at] of over) if (at < now) finish(other);
    if (done.has(endpoint)) return null;
    let log = logs.get(endpoint);
    if (log === undefined) {
      const local = `${formatIpv4(endpoint.localAddress)}:${endpoint.localPort}`;
      const remote = `${formatIpv4(endpoint.remoteAddress)}:${endpoint.remotePort}`;
      const sink = open(local, remote);
      log = new ConnectionLog(endpoint as unknown as Tcb, local, remote, sink, wallClock, now);
      logs.set(endpoint, log);
    }
    return log;
  };
  return {
    stateChange(endpoint, from, to, why, now) {
      logOf(endpoint, now)?.changes(from, to, why, now);
      if (to === "CLOSED") over.set(endpoint, now);
    },
    segmentReceived(endpoint, segment, now) {
      logOf(endpoint, now)?.received(segment, now);
    },
    segmentSent(endpoint, segment, remark, now) {
      logOf(endpoint, now)?.sent(segment, remark, now);
    },
    timerExpired(endpoint, timer, now) {
      logOf(endpoint, now)?.expired(timer, now);
    },
    updated(endpoint, now) {
      logOf(endpoint, now)?.looks(now);
    },
    end() {
      for (const endpoint of logs.keys()) finish(endpoint);
    },
  };
}
