/** `tuntcp fuzz kernel` and `tuntcp fuzz tun`: the kernel as oracle, and another TCP behind a TUN. */
import type { Command } from "commander";
import { lineOf } from "../base/errors.ts";
import {
  askKernel,
  kernelObstacle,
  type KernelReport,
  Outside,
  type OutsideReport,
} from "../tools/fuzz/kernel/index.ts";
import { links } from "../tools/netconfig/ip.ts";
import { formatIpv4, inPrefix, type Ipv4Address, parseIpv4 } from "../wire/address.ts";
import { openTunTarget } from "./craft-target.ts";
import {
  addDeviceOptions,
  checkDeviceOptions,
  type DeviceOptions,
  type RawDeviceOptions,
} from "./device-options.ts";
import { CommandFailure, EXIT_FAILED, EXIT_MACHINE, usage } from "./failure.ts";
import { endOnSignals } from "./lifecycle.ts";
import { Progress } from "./progress.ts";
import { runRootless } from "./rootless.ts";

interface RawOptions {
  readonly runs: string;
  readonly seed: string;
  readonly first: string;
  readonly json?: boolean;
}

export function registerFuzzKernel(fuzz: Command): void {
  const kernel = fuzz
    .command("kernel")
    .summary("the same sequences to the Linux kernel and to this stack")
    .description(
      "Sends generated sequences to the kernel's TCP, in a network namespace made for it, and to this stack, and compares the answers. A difference that has no name is a failure.\n\nExample: tuntcp fuzz kernel --runs 1000",
    );
  addOptions(kernel).action(fuzzKernel);
  const tun = fuzz
    .command("tun")
    .argument("<address:port>", "the TCP at the other end of the TUN, and a port that listens")
    .summary("fuzz another TCP, behind a TUN")
    .description(
      "Sends generated sequences through a TUN to another TCP, the kernel's say, and looks at its answers from outside: lengths and checksums, no RST for a RST, one answer a packet, and honest peers are served. Says as well how its answers differ from this stack's.\n\nExample: tuntcp fuzz tun 192.0.2.1:80 --runs 1000",
    );
  addDeviceOptions(addOptions(tun)).action(fuzzTun);
}

function addOptions(command: Command): Command {
  return command
    .option("--runs <n>", "sequences", "1000")
    .option("--seed <n>", "of the sequences", "1")
    .option("--first <n>", "number of the first sequence, to run one again", "0")
    .option("--json", "the report as JSON");
}

interface Checked {
  readonly sequences: number;
  readonly seed: number;
  readonly first: number;
}

function check(raw: RawOptions): Checked {
  const number = (name: string, text: string, least: number): number => {
    const value = /^\d{1,9}$/.test(text) ? Number(text) : -1;
    if (value < least) throw usage(`${name} ${text}: give a whole number from ${least} on`);
    return value;
  };
  return {
    sequences: number("--runs", raw.runs, 1),
    seed: number("--seed", raw.seed, 0),
    first: number("--first", raw.first, 0),
  };
}

async function fuzzKernel(raw: RawOptions): Promise<void> {
  const options = check(raw);
  const obstacle = kernelObstacle();
  if (obstacle !== null) throw new CommandFailure(EXIT_MACHINE, obstacle);
  const ending = new AbortController();
  const { signal } = ending;
  const progress = new Progress(options.sequences);
  const asked = askKernel({ ...options, signal, onProgress: (done) => progress.at(done) });
  endOnSignals(async () => {
    ending.abort();
    await asked.catch(() => {});
  });
  let report: KernelReport;
  try {
    report = await asked;
  } catch (error) {
    if (signal.aborted) return;
    throw new CommandFailure(EXIT_FAILED, lineOf(error));
  } finally {
    progress.end();
  }
  const { unexplained } = report;
  process.stdout.write(raw.json === true ? `${JSON.stringify(report, null, 2)}\n` : text(report));
  if (unexplained.length > 0) {
    const { sequence } = unexplained[0]!;
    throw new CommandFailure(
      EXIT_FAILED,
      `${unexplained.length} of ${report.sequences} sequences were answered in another way, and nobody knows why: look at one with --first ${sequence} --runs 1 --json`,
    );
  }
}

function text(report: KernelReport): string {
  const { sequences, alike, classes, kernel, seconds, unexplained } = report;
  return [
    `${sequences} sequences to Linux ${kernel} and to this stack in ${seconds.toFixed(1)} s`,
    `${String(alike).padStart(7)}  answered alike`,
    ...Object.entries(classes).map(([name, n]) => `${String(n).padStart(7)}  ${name}`),
    ...unexplained.map(
      ({ sequence, difference: { step, field, state, ours, theirs } }) =>
        `sequence ${sequence}, step ${step}, ${state}: ${field} ${ours}, Linux ${theirs}`,
    ),
    "",
  ].join("\n");
}

async function fuzzTun(place: string, raw: RawOptions & RawDeviceOptions): Promise<void> {
  const checked = check(raw);
  const device = checkDeviceOptions(raw);
  const { address, port } = placeOf(place, device);
  if (device.rootless) {
    process.exitCode = await runRootless();
    return;
  }
  // at the other end of the TUN is whoever was named
  const target = openTunTarget(device, null);
  const ending = new AbortController();
  const progress = new Progress(checked.sequences);
  const outside = new Outside({
    ...checked,
    address,
    port,
    peer: device.address.address,
    send: (packet) => target.send(packet),
    onProgress: (done) => progress.at(done),
    signal: ending.signal,
  });
  target.start((bytes) => outside.receive(bytes));
  const run = outside.run();
  endOnSignals(async () => {
    ending.abort();
    await run;
    await target.close();
  });
  const report = await run;
  progress.end();
  await target.close();
  process.stdout.write(
    raw.json === true ? `${JSON.stringify(report, null, 2)}\n` : outsideText(place, report),
  );
  const { findings } = report;
  if (findings.length > 0) {
    throw new CommandFailure(
      EXIT_FAILED,
      `${findings.length} findings: ${findings[0]!.rule} ${findings[0]!.message}; run it again with --first ${findings[0]!.sequence} --runs 1`,
    );
  }
}

/** Through the TUN and no other way: what belongs to this machine otherwise is not to be disturbed. */
function placeOf(text: string, device: DeviceOptions): { address: Ipv4Address; port: number } {
  const [, host, digits] = /^([\d.]+):(\d{1,5})$/.exec(text) ?? [];
  const address = host === undefined ? null : parseIpv4(host);
  const port = Number(digits);
  if (address === null || port < 1 || port > 65535) {
    throw usage(`${text}: expected ADDRESS:PORT, as 192.0.2.1:80`);
  }
  const own = formatIpv4(address);
  const owner = links().find((link) => link.addresses.some(({ local }) => local === own));
  if (owner !== undefined && owner.ifname !== device.tun) {
    throw usage(
      `${text}: belongs to ${owner.ifname} of this machine and is not behind ${device.tun}: only what is reached through the TUN is fuzzed`,
    );
  }
  if (!inPrefix(address, device.address)) {
    throw usage(
      `${text}: is not on the TUN's subnet, ${formatIpv4(device.address.address)}/${device.address.prefix}: set --address and --host`,
    );
  }
  return { address, port };
}

function outsideText(place: string, report: OutsideReport): string {
  const { sequences, findings, classes, differences, seconds } = report;
  return [
    `${sequences} sequences to ${place} in ${seconds.toFixed(1)} s, ${findings.length} findings`,
    ...findings.map(
      ({ rule, message, sequence, step }) =>
        `${rule} ${message} (sequence ${sequence}, step ${step})`,
    ),
    ...Object.entries(classes).map(([name, n]) => `${String(n).padStart(7)}  ${name}`),
    ...(differences.length === 0
      ? []
      : [`${String(differences.length).padStart(7)}  other differences from this stack`]),
    "",
  ].join("\n");
}
