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
import { formatIpv4 } from "../wire/address.ts";
import {
  addDeviceOptions,
  checkDeviceOptions,
  type DeviceOptions,
  type RawDeviceOptions,
} from "./device-options.ts";
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
    .option("--json", "the ready line as JSON");
  addDeviceOptions(command).action(serve);
}

interface ServeOptions extends RawDeviceOptions {
  readonly workers: string;
  readonly metrics?: string;
  readonly json?: boolean;
}

/** What the ready line tells. */
interface Serving {
  readonly tun: string;
  readonly offload: DeviceOffload;
  readonly workers: number;
}

async function serve(services: string[], raw: ServeOptions): Promise<void> {
  const options = checkDeviceOptions(raw);
  const texts = services.length === 0 ? DEFAULT_SERVICES : services;
  const requests = parseAll(texts);
  const workers = checkWorkers(raw.workers, options, requests);
  const metrics = checkMetrics(raw.metrics, workers);
  if (options.rootless) {
    process.exitCode = await runRootless();
    return;
  }
  limitYoungGeneration();
  const serving =
    workers === 1
      ? await serveHere(options, requests, metrics)
      : await serveApart(options, workers, texts);
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

function checkMetrics(text: string | undefined, workers: number): Place | null {
  if (text === undefined) return null;
  if (workers > 1) throw usage("--metrics goes with one worker: leave out --workers");
  const place = parsePlace(text);
  if (place === null) throw usage(`--metrics ${text}: HOST:PORT, or PORT on loopback`);
  return place;
}

async function serveHere(
  options: DeviceOptions,
  requests: readonly ServiceRequest[],
  metrics: Place | null,
): Promise<Serving> {
  const stack = await openStack(options, null, metrics);
  let handles: readonly ServiceHandle[] = [];
  // requests under way get their time; the rest is reset, so that no cut is silent
  endOnSignals(
    async () => {
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
  } catch (error) {
    await stack.close();
    throw new CommandFailure(EXIT_FAILED, lineOf(error));
  }
  return { tun: stack.tun.name, offload: stack.device.offload, workers: 1 };
}

async function serveApart(
  options: DeviceOptions,
  workers: number,
  services: readonly string[],
): Promise<Serving> {
  let close = (): Promise<void> => Promise.resolve();
  endOnSignals(() => close());
  const opened = await openWorkers(options, workers, services, {
    onRestart(index, reason) {
      const line = lineOf(new Error(reason));
      process.stderr.write(`tuntcp: worker ${index} ended and is started again: ${line}\n`);
    },
    onFailure(reason) {
      process.stderr.write(`tuntcp: ${lineOf(new Error(reason))}\n`);
      void close().then(() => process.exit(EXIT_FAILED));
    },
  });
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
  const { tun, workers } = serving;
  const ready = { ready: true, address, tun, ...serving.offload, workers, services };
  return `${JSON.stringify(ready)}\n`;
}
