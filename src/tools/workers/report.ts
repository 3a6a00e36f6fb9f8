/** What a running stack tells of itself: its counters and its connections; of several stacks, as one. */
import type { Instant } from "../../base/time.ts";
import type { ListenerRow } from "../../stack/listeners.ts";
import type { Stack } from "../../stack/stack.ts";
import type { TcpInfo } from "../../tcp/info.ts";

export interface StackReport {
  /** By name, nstat's where one exists. */
  readonly counters: Readonly<Record<string, number>>;
  readonly listeners: readonly ListenerRow[];
  readonly connections: readonly TcpInfo[];
  /** Bytes that connections are charged with. */
  readonly memory: number;
}

export function reportOf(stack: Stack, now: Instant): StackReport {
  return {
    counters: Object.fromEntries(stack.counters.entries()),
    listeners: stack.listening(),
    connections: stack.connections().map((c) => c.info(now)),
    memory: stack.memoryUsed,
  };
}

/** Counters add up; a port on which every stack listens is one listener. */
export function mergeReports(reports: readonly StackReport[]): StackReport {
  const counters: Record<string, number> = {};
  const listeners = new Map<string, ListenerRow>();
  for (const report of reports) {
    for (const [name, n] of Object.entries(report.counters))
      counters[name] = (counters[name] ?? 0) + n;
    for (const row of report.listeners) {
      const key = `${row.address}:${row.port}`;
      const waiting = row.waiting + (listeners.get(key)?.waiting ?? 0);
      listeners.set(key, { ...row, waiting });
    }
  }
  const sorted = Object.entries(counters).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return {
    counters: Object.fromEntries(sorted),
    listeners: [...listeners.values()],
    connections: reports.flatMap((r) => r.connections),
    memory: reports.reduce((sum, r) => sum + r.memory, 0),
  };
}
