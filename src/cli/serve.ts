/** `tuntcp serve`: runs the stack and serves until it is told to end. */
import { once } from "node:events";
import type { Command } from "commander";
import {
  DEFAULT_SERVICES,
  type NetLike,
  parseService,
  type ServiceHandle,
  type ServiceRequest,
} from "../tools/services/index.ts";
import { formatIpv4 } from "../wire/address.ts";
import { addDeviceOptions, checkDeviceOptions, type RawDeviceOptions } from "./device-options.ts";
import { CommandFailure, EXIT_FAILED, lineOf, usage } from "./failure.ts";
import { endOnSignals, GRACE_MS } from "./lifecycle.ts";
import { openStack, type OpenedStack } from "./open-stack.ts";
import { runRootless, wayIn } from "./rootless.ts";

export function registerServe(program: Command): void {
  const command = program
    .command("serve")
    .summary("run the stack and serve through a TUN")
    .description(
      `Runs the stack and serves. SERVICE is name:port with http, echo, discard, source, chargen, daytime or iperf3, or files:PORT:DIR.\n\nExample: tuntcp serve http:80 echo:7   and then: curl http://192.0.2.2/`,
    )
    .argument("[service...]", `default: ${DEFAULT_SERVICES.join(" ")}`)
    .option("--json", "the ready line as JSON");
  addDeviceOptions(command).action(serve);
}

interface ServeOptions extends RawDeviceOptions {
  readonly json?: boolean;
}

async function serve(services: string[], raw: ServeOptions): Promise<void> {
  const options = checkDeviceOptions(raw);
  const requests = parseAll(services.length === 0 ? DEFAULT_SERVICES : services);
  if (options.rootless) {
    process.exitCode = await runRootless();
    return;
  }
  const stack = openStack(options);
  const handles: ServiceHandle[] = [];
  endOnSignals(() => finish(stack, handles));
  stack.onDeviceLost((error) => {
    process.stderr.write(`tuntcp: ${lineOf(error)}\n`);
    void stack.close().then(() => process.exit(EXIT_FAILED));
  });
  try {
    for (const request of requests)
      handles.push(await listen(stack.net as unknown as NetLike, request));
  } catch (error) {
    await stack.close();
    throw new CommandFailure(EXIT_FAILED, lineOf(error));
  }
  const address = formatIpv4(options.address.address);
  process.stdout.write(
    raw.json === true ? readyJson(address, stack, requests) : readyLine(address, stack, requests),
  );
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

async function listen(net: NetLike, request: ServiceRequest): Promise<ServiceHandle> {
  const handle = request.start(net);
  handle.server.listen(request.port);
  await once(handle.server, "listening");
  return handle;
}

function offloadOf(stack: OpenedStack): string {
  const { checksum, tso } = stack.device.offload;
  return tso ? "checksum and segmentation offload" : checksum ? "checksum offload" : "no offload";
}

function readyLine(
  address: string,
  stack: OpenedStack,
  requests: readonly ServiceRequest[],
): string {
  const what = requests.map((r) => `${r.name}:${r.port}`).join(" ");
  const web = requests.find((r) => r.name === "http");
  const port = web === undefined || web.port === 80 ? "" : `:${web.port}`;
  const hint = web === undefined ? "" : `; try: ${wayIn()}curl http://${address}${port}/`;
  return `ready: ${what} on ${address} through ${stack.tun.name} (${offloadOf(stack)})${hint}\n`;
}

function readyJson(
  address: string,
  stack: OpenedStack,
  requests: readonly ServiceRequest[],
): string {
  const services = requests.map(({ name, port }) => ({ name, port }));
  const { checksum, tso } = stack.device.offload;
  return `${JSON.stringify({ ready: true, address, tun: stack.tun.name, checksum, tso, services })}\n`;
}

/** Requests under way get their time; who is idle hears the end; the rest is reset, so that no cut is silent. */
async function finish(stack: OpenedStack, handles: readonly ServiceHandle[]): Promise<void> {
  const closed = handles.map(
    (h) => new Promise<void>((resolve) => h.server.close(() => resolve())),
  );
  for (const handle of handles) handle.finish();
  const patience = new Promise<void>((resolve) => void setTimeout(resolve, GRACE_MS));
  await Promise.race([Promise.all(closed), patience]);
  await stack.close();
}
