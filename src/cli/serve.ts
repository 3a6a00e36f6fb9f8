/** `tuntcp serve`: runs the stack and serves until it is told to end. */
import type { Command } from "commander";
import { lineOf } from "../base/errors.ts";
import type { DeviceOffload } from "../base/device.ts";
import {
  DEFAULT_SERVICES,
  finishServices,
  type NetLike,
  parseService,
  type ServiceHandle,
  type ServiceRequest,
  startServices,
} from "../tools/services/index.ts";
import { parsePlace, type Place } from "../tools/control/metrics.ts";
import type { PoolEvents } from "../tools/workers/pool.ts";
import { formatIpv4 } from "../wire/address.ts";
import {
  addDeviceOptions,
  checkDeviceOptions,
  type DeviceOptions,
  type RawDeviceOptions,
} from "./device-options.ts";
import type { Dashboard } from "../tools/dashboard/index.ts";
import { DASHBOARD_PLACE, openDashboard } from "./dashboard.ts";
import { CommandFailure, EXIT_FAILED, usage } from "./failure.ts";
import { endOnSignals, GRACE_MS } from "./lifecycle.ts";
import { openStack } from "./open-stack.ts";
import { openWorkers } from "./open-workers.ts";
import { runRootless, wayIn } from "./rootless.ts";
import { limitYoungGeneration } from "./young-generation.ts";

const MOST_WORKERS = 64;

export function registerServe(program: Command): void {
  const command = program
    .command("serve")
    .summary("run the stack and serve through a TUN")
    .description(
      `Runs the stack and serves. SERVICE is name:port with http, echo, discard, source, chargen, daytime or iperf3, or files:PORT:DIR.\n\nExample: tuntcp serve http:80 echo:7   and then: curl http://192.0.2.2/`,
    )
    .argument("[service...]", `default: ${DEFAULT_SERVICES.join(" ")}`)
    .option("--workers <n>", "threads with a stack each; the kernel spreads connections", "1")
    .option(
      "--metrics <host:port>",
      "figures for Prometheus at http://HOST:PORT/metrics; on loopback without HOST",
    )
    .option(
      "--dashboard [host:port]",
      `a page to look into the stack, for who has the token in the address that is printed; default: ${DASHBOARD_PLACE}; at the stack's own address the stack itself serves it`,
    )
    .option("--json", "the ready line as JSON");
  addDeviceOptions(command).action(serve);
}

interface ServeOptions extends RawDeviceOptions {
  readonly workers: string;
  readonly metrics?: string;
  readonly dashboard?: string | true;
  readonly json?: boolean;
}

/** What the ready line tells. */
interface Serving {
  readonly tun: string;
  readonly offload: DeviceOffload;
  readonly workers: number;
  readonly dashboard?: string;
}

async function serve(services: string[], raw: ServeOptions): Promise<void> {
  const options = checkDeviceOptions(raw);
  const { place: board, services: named } = dashboardOf(raw.dashboard, services);
  const texts = named.length === 0 ? DEFAULT_SERVICES : named;
  const requests = parseAll(texts);
  const workers = checkWorkers(raw.workers, options, requests);
  const metrics = checkMetrics(raw.metrics);
  if (board !== null && workers > 1) {
    throw usage("--dashboard goes with one worker: leave out --workers");
  }
  if (options.rootless) {
    process.exitCode = await runRootless();
    return;
  }
  limitYoungGeneration();
  const serving =
    workers === 1
      ? await serveHere(options, requests, metrics, board, raw.impair ?? "")
      : await serveApart(options, workers, texts, metrics);
  const address = formatIpv4(options.address.address);
  process.stdout.write(
    raw.json === true
      ? readyJson(address, serving, requests)
      : readyLine(address, serving, requests),
  );
}

function checkWorkers(
  text: string,
  options: DeviceOptions,
  requests: readonly ServiceRequest[],
): number {
  const workers = Number(text);
  if (!/^\d+$/.test(text) || workers < 1 || workers > MOST_WORKERS) {
    throw usage(`--workers ${text}: a number from 1 to ${MOST_WORKERS}`);
  }
  if (workers === 1) return workers;
  const alone =
    options.capture === null ? (options.impairment === null ? null : "--impair") : "--capture";
  if (alone !== null) throw usage(`${alone} goes with one worker: leave out --workers`);
  if (requests.some((r) => r.name === "iperf3")) {
    throw usage(
      "iperf3 goes with one worker, as a test of it is made of several connections: leave out --workers",
    );
  }
  return workers;
}

/** The place may be left out with a service behind the option: then that is none. */
function dashboardOf(
  text: string | true | undefined,
  services: readonly string[],
): { place: Place | null; services: readonly string[] } {
  if (text === undefined) return { place: null, services };
  const isService = text !== true && typeof parseService(text) !== "string";
  const place = parsePlace(text === true || isService ? DASHBOARD_PLACE : text);
  if (place === null) throw usage(`--dashboard ${text}: HOST:PORT, or PORT on loopback`);
  return { place, services: isService ? [text, ...services] : services };
}

function checkMetrics(text: string | undefined): Place | null {
  if (text === undefined) return null;
  const place = parsePlace(text);
  if (place === null) throw usage(`--metrics ${text}: HOST:PORT, or PORT on loopback`);
  return place;
}

async function serveHere(
  options: DeviceOptions,
  requests: readonly ServiceRequest[],
  metrics: Place | null,
  board: Place | null,
  impairment: string,
): Promise<Serving> {
  const stack = await openStack(options, { metrics, live: board !== null });
  let handles: readonly ServiceHandle[] = [];
  let dashboard: Dashboard | null = null;
  // requests under way get their time; the rest is reset, so that no cut is silent
  endOnSignals(
    async () => {
      dashboard?.close();
      await finishServices(handles, GRACE_MS);
      await stack.close();
    },
    () => void stack.close(),
  );
  stack.onDeviceLost((error) => {
    process.stderr.write(`tuntcp: ${lineOf(error)}\n`);
    void stack.close().then(() => process.exit(EXIT_FAILED));
  });
  try {
    handles = await startServices(stack.net as unknown as NetLike, requests);
    if (board !== null) dashboard = await openDashboard(board, stack, impairment);
  } catch (error) {
    await stack.close();
    throw new CommandFailure(EXIT_FAILED, lineOf(error));
  }
  const serving = { tun: stack.tun.name, offload: stack.device.offload, workers: 1 };
  return dashboard === null ? serving : { ...serving, dashboard: dashboard.url };
}

async function serveApart(
  options: DeviceOptions,
  workers: number,
  services: readonly string[],
  metrics: Place | null,
): Promise<Serving> {
  let close = (): Promise<void> => Promise.resolve();
  endOnSignals(() => close());
  const events: PoolEvents = {
    onRestart(index, reason) {
      const line = lineOf(new Error(reason));
      process.stderr.write(`tuntcp: worker ${index} ended and is started again: ${line}\n`);
    },
    onFailure(reason) {
      process.stderr.write(`tuntcp: ${lineOf(new Error(reason))}\n`);
      void close().then(() => process.exit(EXIT_FAILED));
    },
  };
  const opened = await openWorkers(options, workers, services, events, metrics);
  close = () => opened.finish(GRACE_MS);
  const { name, checksum, tso4: tso } = opened.queues.queues[0]!.tun;
  return { tun: name, offload: { checksum, tso }, workers };
}

function parseAll(texts: readonly string[]): ServiceRequest[] {
  const requests: ServiceRequest[] = [];
  for (const text of texts) {
    const request = parseService(text);
    if (typeof request === "string") throw usage(request);
    if (requests.some((r) => r.port === request.port)) {
      throw usage(`${text}: port ${request.port} is given twice`);
    }
    requests.push(request);
  }
  return requests;
}

function offloadOf(offload: DeviceOffload): string {
  const { checksum, tso } = offload;
  return tso ? "checksum and segmentation offload" : checksum ? "checksum offload" : "no offload";
}

function readyLine(address: string, serving: Serving, requests: readonly ServiceRequest[]): string {
  const what = requests.map((r) => `${r.name}:${r.port}`).join(" ");
  const web = requests.find((r) => r.name === "http");
  const port = web === undefined || web.port === 80 ? "" : `:${web.port}`;
  const hint = web === undefined ? "" : `; try: ${wayIn()}curl http://${address}${port}/`;
  const threads = serving.workers === 1 ? "" : `, ${serving.workers} workers`;
  return `ready: ${what} on ${address} through ${serving.tun} (${offloadOf(serving.offload)}${threads})${hint}\n`;
}

function readyJson(address: string, serving: Serving, requests: readonly ServiceRequest[]): string {
  const services = requests.map(({ name, port }) => ({ name, port }));
  const { tun, workers, dashboard } = serving;
  const more = dashboard === undefined ? {} : { dashboard };
  const ready = { ready: true, address, tun, ...serving.offload, workers, services, ...more };
  return `${JSON.stringify(ready)}\n`;
}
