/** Prometheus text over HTTP. */
import { afterEach, expect, test } from "vitest";
import {
  metricsText,
  type MetricsServer,
  parsePlace,
  serveMetrics,
} from "../../../src/tools/control/metrics.ts";
import type { StackSummary } from "../../../src/tools/control/requests.ts";

const summary: StackSummary = {
  version: "1.2.3",
  pid: 7,
  tun: "tun9",
  addresses: ["192.0.2.2/24"],
  uptime: 1500,
  states: { "TIME-WAIT": 3, ESTABLISHED: 2 },
  listeners: 4,
  memory: 5000,
  counters: { TcpInSegs: 12, TcpExtSyncookiesSent: 1 },
};

let server: MetricsServer | null = null;
afterEach(() => {
  server?.close();
  server = null;
});

test("each figure has its help, its type and its value", () => {
  expect(metricsText(summary).split("\n")).toEqual([
    "# HELP tuntcp_info The stack.",
    "# TYPE tuntcp_info gauge",
    'tuntcp_info{version="1.2.3",tun="tun9",address="192.0.2.2/24"} 1',
    "# HELP tuntcp_uptime_seconds Since the stack began.",
    "# TYPE tuntcp_uptime_seconds gauge",
    "tuntcp_uptime_seconds 1.5",
    "# HELP tuntcp_connections Connections by state.",
    "# TYPE tuntcp_connections gauge",
    'tuntcp_connections{state="ESTABLISHED"} 2',
    'tuntcp_connections{state="TIME-WAIT"} 3',
    "# HELP tuntcp_listeners Ports that are listened on.",
    "# TYPE tuntcp_listeners gauge",
    "tuntcp_listeners 4",
    "# HELP tuntcp_memory_bytes What connections are charged with (tcp_mem).",
    "# TYPE tuntcp_memory_bytes gauge",
    "tuntcp_memory_bytes 5000",
    "# HELP tuntcp_netstat_total What nstat counts, by its names.",
    "# TYPE tuntcp_netstat_total counter",
    'tuntcp_netstat_total{name="TcpInSegs"} 12',
    'tuntcp_netstat_total{name="TcpExtSyncookiesSent"} 1',
    "",
  ]);
});

test("a scrape gets what is true then; other paths and methods get 404", async () => {
  let now = summary;
  server = await serveMetrics({ host: "127.0.0.1", port: 0 }, () => now);
  const first = await fetch(server.url);
  expect(first.headers.get("content-type")).toContain("version=0.0.4");
  expect(await first.text()).toContain("tuntcp_listeners 4\n");
  now = { ...summary, listeners: 9 };
  expect(await (await fetch(server.url)).text()).toContain("tuntcp_listeners 9\n");
  expect((await fetch(server.url.replace("/metrics", "/"))).status).toBe(404);
  expect((await fetch(server.url, { method: "POST" })).status).toBe(404);
  const port = Number(new URL(server.url).port);
  await expect(serveMetrics({ host: "127.0.0.1", port }, () => now)).rejects.toThrow("EADDRINUSE");
});

test.each([
  ["9100", { host: "127.0.0.1", port: 9100 }],
  ["0.0.0.0:9100", { host: "0.0.0.0", port: 9100 }],
  ["localhost:0", { host: "localhost", port: 0 }],
  ["70000", null],
  ["here", null],
  [":", null],
])("%s", (text, place) => {
  expect(parsePlace(text)).toEqual(place);
});
