/** The figures of a stack as Prometheus reads them (text format 0.0.4), over `node:http` on a real port. */
import { createServer, type Server } from "node:http";
import { lineOf } from "../../base/errors.ts";
import type { StackSummary } from "./requests.ts";

export interface Place {
  readonly host: string;
  readonly port: number;
}

/** `HOST:PORT` or `PORT`, on loopback then; null for what is neither. */
export function parsePlace(text: string): Place | null {
  const found = /^(?:(.+):)?(\d{1,5})$/.exec(text);
  const port = Number(found?.[2]);
  if (found === null || port > 65535) return null;
  return { host: found[1] ?? "127.0.0.1", port };
}

export function metricsText(s: StackSummary): string {
  const lines: string[] = [];
  const metric = (name: string, type: string, help: string, samples: readonly string[]): void => {
    lines.push(`# HELP tuntcp_${name} ${help}`, `# TYPE tuntcp_${name} ${type}`);
    for (const sample of samples) lines.push(`tuntcp_${name}${sample}`);
  };
  metric("info", "gauge", "The stack.", [
    `{version="${s.version}",tun="${s.tun}",address="${s.addresses[0] ?? ""}"} 1`,
  ]);
  metric("uptime_seconds", "gauge", "Since the stack began.", [` ${s.uptime / 1000}`]);
  const states = Object.entries(s.states).toSorted(([a], [b]) => (a < b ? -1 : 1));
  metric(
    "connections",
    "gauge",
    "Connections by state.",
    states.map(([state, n]) => `{state="${state}"} ${n}`),
  );
  metric("listeners", "gauge", "Ports that are listened on.", [` ${s.listeners}`]);
  metric("memory_bytes", "gauge", "What connections are charged with (tcp_mem).", [` ${s.memory}`]);
  metric(
    "netstat_total",
    "counter",
    "What nstat counts, by its names.",
    Object.entries(s.counters).map(([name, n]) => `{name="${name}"} ${n}`),
  );
  return `${lines.join("\n")}\n`;
}

export interface MetricsServer {
  readonly url: string;
  close(): void;
}

/** Rejects where the port is taken. */
export async function serveMetrics(
  place: Place,
  summary: () => StackSummary | Promise<StackSummary>,
): Promise<MetricsServer> {
  const server = createServer((request, response) => {
    const path = (request.url ?? "").split("?", 1)[0];
    if (path !== "/metrics" || (request.method !== "GET" && request.method !== "HEAD")) {
      response.writeHead(404, { "content-type": "text/plain" }).end("it is at /metrics\n");
      return;
    }
    const told = Promise.resolve(summary()).then(metricsText);
    told.then(
      (text) =>
        response
          .writeHead(200, { "content-type": "text/plain; version=0.0.4; charset=utf-8" })
          .end(text),
      (error: unknown) =>
        response.writeHead(500, { "content-type": "text/plain" }).end(`${lineOf(error)}\n`),
    );
  });
  await listen(server, place);
  server.unref();
  const { port } = server.address() as { port: number };
  return {
    url: `http://${place.host}:${port}/metrics`,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

function listen(server: Server, { host, port }: Place): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => resolve());
  });
}
