/** `tuntcp forward`: relays connections that reach the stack to real sockets, or with --reverse the other way. */
import type { Command } from "commander";
import { lineOf } from "../base/errors.ts";
import {
  type Forwarder,
  type ForwardEvent,
  type ForwardRequest,
  type ForwardSpec,
  lineOfEvent,
  parseSpec,
  placeOf,
  startForward,
} from "../tools/forward/index.ts";
import { formatIpv4, parseIpv4 } from "../wire/address.ts";
import {
  addDeviceOptions,
  checkDeviceOptions,
  type DeviceOptions,
  type RawDeviceOptions,
} from "./device-options.ts";
import { CommandFailure, EXIT_FAILED, usage } from "./failure.ts";
import { endOnSignals, GRACE_MS } from "./lifecycle.ts";
import { openStack } from "./open-stack.ts";
import { runRootless } from "./rootless.ts";
import { limitYoungGeneration } from "./young-generation.ts";

interface RawForward extends RawDeviceOptions {
  readonly any?: boolean;
  readonly reverse?: boolean;
  readonly keepSource?: boolean;
  readonly proxyProtocol?: string;
  readonly w: string;
  readonly v?: boolean;
  readonly json?: boolean;
}

export function registerForward(program: Command): void {
  const command = program
    .command("forward")
    .summary("relay connections between the stack and real sockets")
    .description(
      "Relays connections that reach the stack to real sockets, each LISTEN:TARGET as [ADDRESS:]PORT:HOST:PORT. A target that refuses refuses the client.\n\nExample: tuntcp forward 8080:127.0.0.1:80   and then: curl http://192.0.2.2:8080/",
    )
    .argument("[listen:target...]", "[ADDRESS:]PORT:HOST:PORT, as 8080:127.0.0.1:80")
    .option("--any", "every address and port that is asked for, beside those given")
    .option("--reverse", "from real sockets (on 127.0.0.1 without ADDRESS) through the stack")
    .option("--keep-source", "the target sees the client's own address, or there is no connection")
    .option("--proxy-protocol <version>", "tell the target who the client is, by version 1 or 2")
    .option("-w <seconds>", "give a target up that has not answered for so long", "60")
    .option("-v", "say what happens")
    .option("--json", "the ready line and what happens as JSON lines");
  addDeviceOptions(command).action(forward);
}

async function forward(texts: string[], raw: RawForward): Promise<void> {
  const options = checkDeviceOptions(raw);
  const request = requestOf(texts, raw, options);
  if (options.rootless) {
    process.exitCode = await runRootless();
    return;
  }
  limitYoungGeneration();
  const anyAddress = request.any || (request.reverse && request.keepSource);
  const stack = await openStack(options, { anyAddress });
  let forwarder: Forwarder | null = null;
  endOnSignals(
    async () => {
      await forwarder?.finish(GRACE_MS);
      await stack.close();
    },
    () => void stack.close(),
  );
  stack.onDeviceLost((error) => {
    process.stderr.write(`tuntcp: ${lineOf(error)}\n`);
    void stack.close().then(() => process.exit(EXIT_FAILED));
  });
  const own = [formatIpv4(options.address.address)];
  try {
    forwarder = await startForward(stack.net, own, request, reporter(raw));
  } catch (error) {
    await stack.close();
    throw new CommandFailure(EXIT_FAILED, lineOf(error));
  }
  process.stdout.write(
    raw.json === true
      ? readyJson(own[0]!, stack.tun.name, request)
      : readyLine(own[0]!, stack.tun.name, request),
  );
}

function requestOf(
  texts: readonly string[],
  raw: RawForward,
  options: DeviceOptions,
): ForwardRequest {
  const any = raw.any === true;
  const reverse = raw.reverse === true;
  if (any && reverse)
    throw usage("--any goes with connections that reach the stack: leave out --reverse");
  if (texts.length === 0 && !any) {
    throw usage("forward needs [ADDRESS:]PORT:HOST:PORT, as 8080:127.0.0.1:80, or --any");
  }
  const seconds = Number(raw.w);
  if (!(seconds > 0 && seconds < 1e6)) throw usage(`-w ${raw.w}: give a number of seconds above 0`);
  return {
    specs: specsOf(texts, any || reverse ? null : options),
    any,
    reverse,
    keepSource: raw.keepSource === true,
    proxy: versionOf(raw.proxyProtocol),
    connectTimeout: seconds * 1000,
  };
}

/** `options`: the stack has the address of these only. */
function specsOf(texts: readonly string[], options: DeviceOptions | null): ForwardSpec[] {
  const specs: ForwardSpec[] = [];
  for (const text of texts) {
    const spec = parseSpec(text);
    if (typeof spec === "string") throw usage(spec);
    const { address, port } = spec;
    if (options !== null && address !== null && parseIpv4(address) !== options.address.address) {
      throw usage(
        `${text}: ${address} is not the stack's address; --address sets it, --any takes all`,
      );
    }
    const clashes = (s: ForwardSpec): boolean =>
      s.port === port && (s.address === address || s.address === null || address === null);
    if (specs.some(clashes)) throw usage(`${text}: port ${port} is given twice`);
    specs.push(spec);
  }
  return specs;
}

function versionOf(text: string | undefined): 1 | 2 | null {
  if (text === undefined) return null;
  if (text === "1" || text === "2") return text === "1" ? 1 : 2;
  throw usage(`--proxy-protocol ${text}: 1 or 2`);
}

function reporter(raw: RawForward): (event: ForwardEvent) => void {
  const { v: talks, json } = raw;
  return (event) => {
    if (json === true) process.stdout.write(`${JSON.stringify(event)}\n`);
    if (talks === true) process.stderr.write(`${lineOfEvent(event)}\n`);
  };
}

function readyLine(address: string, tun: string, request: ForwardRequest): string {
  const pairs = request.specs.map((s) => {
    const at = s.address ?? (request.reverse ? "127.0.0.1" : address);
    return `${placeOf(at, s.port)} > ${placeOf(s.host, s.hostPort)}`;
  });
  if (request.any) pairs.push("any address and port");
  return `ready: ${pairs.join(", ")}${request.reverse ? " through the stack" : ""} (${address} on ${tun})\n`;
}

function readyJson(address: string, tun: string, request: ForwardRequest): string {
  const { any, reverse } = request;
  const forwards = request.specs.map((s) => ({
    address: s.address ?? (reverse ? "127.0.0.1" : address),
    port: s.port,
    host: s.host,
    hostPort: s.hostPort,
  }));
  return `${JSON.stringify({ ready: true, address, tun, any, reverse, forwards })}\n`;
}
