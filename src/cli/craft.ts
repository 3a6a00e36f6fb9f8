/** `tuntcp craft`: hand-made packets to a stack, and what comes back. */
import { readFileSync } from "node:fs";
import type { Command } from "commander";
import { lineOf } from "../base/errors.ts";
import { type CapturedPacket, readCapture } from "../devices/pcap-reader.ts";
import { PcapngWriter } from "../devices/pcapng.ts";
import {
  BRIEF,
  encode,
  formatPacket,
  isPacketError,
  type Packet,
  parseSegment,
  Peer,
  PeerError,
  type SaidSegment,
  segmentMatches,
} from "../packet/index.ts";
import { systemClock } from "../runtime/system.ts";
import {
  type Crafted,
  hostAddressFault,
  InputError,
  readLine,
  recordingOf,
  replay,
  type Target,
  Wire,
} from "../tools/craft/index.ts";
import { loadModule } from "../tools/load-module/index.ts";
import { DEFAULT_SERVICES } from "../tools/services/index.ts";
import { parseIpv4 } from "../wire/address.ts";
import { printPacket, printPassed, type PrintOptions } from "./craft-print.ts";
import { openMemory, openTunTarget } from "./craft-target.ts";
import {
  addDeviceOptions,
  checkDeviceOptions,
  type DeviceOptions,
  type RawDeviceOptions,
} from "./device-options.ts";
import { CommandFailure, EXIT_FAILED, EXIT_TIMEOUT, usage } from "./failure.ts";
import { endOnSignals } from "./lifecycle.ts";
import { runRootless } from "./rootless.ts";

interface CraftOptions extends RawDeviceOptions, PrintOptions {
  readonly expect: readonly string[];
  readonly wait: string;
  readonly gap: string;
  readonly script?: string;
  readonly replay?: string;
  readonly port?: string;
  readonly toPort?: string;
  readonly pace: string;
  readonly service: readonly string[];
  readonly dryRun?: boolean;
}

/** Every packet, checked before anything is opened. */
interface Job {
  readonly device: DeviceOptions;
  readonly raw: CraftOptions;
  /** Through the TUN; otherwise in memory. */
  readonly outside: boolean;
  readonly packets: readonly Crafted[];
  readonly expected: readonly { readonly text: string; readonly said: SaidSegment }[];
  /** ms. */
  readonly wait: number;
  readonly gap: number;
}

const ABOUT = `Sends hand-made packets to a stack and prints what comes back, with times in ms. Without --tun the stack is our own in memory at --address, with services that answer (no root needed), and packets usually come from --host. With --tun NAME it is the kernel at --host, through the TUN, and packets come from --address.

A packet is one line, a JSON object or hex digits; without arguments they are read from standard input, a line each, "+0.5" before one waits half a second. What a line does not say is filled in.

Examples:
  tuntcp craft '192.0.2.1:1234 > 192.0.2.2:7 S 0:0(0) win 65535 <mss 1460>'
  tuntcp craft --expect R. '192.0.2.1:1 > 192.0.2.2:4444 S 5'
  tuntcp craft --script peer.ts
  tuntcp craft --replay run.pcapng
  tuntcp craft --dry-run --hex '192.0.2.1:1 > 192.0.2.2:7 S 0 sum 0xbad'`;

function collect(value: string, all: readonly string[]): string[] {
  return [...all, value];
}

export function registerCraft(program: Command): void {
  const command = program
    .command("craft")
    .summary("send hand-made packets and print the answers")
    .description(ABOUT)
    .argument("[packet...]", "packets, as lines, JSON or hex digits")
    .option(
      "--expect <segment>",
      "an answer that must come, as 'S. ack 1'; repeatable, in this order; 4 when nothing came",
      collect,
      [],
    )
    .option("--wait <seconds>", "how long to listen after the last packet", "1")
    .option("--gap <ms>", "pause between packets", "0")
    .option("--script <file>", "a peer in TypeScript or JavaScript: export default (peer) => …")
    .option("--replay <file>", "play the opening end of a connection in a pcap or pcapng file")
    .option("--port <n>", "with --replay: the connection to this port, of several in the file")
    .option("--to-port <n>", "with --replay: the stack's port; without, the captured one")
    .option(
      "--pace <n>",
      "with --replay: 2 halves the pauses of the capture, 0 leaves them out",
      "1",
    )
    .option(
      "--service <name:port>",
      `of the stack in memory; repeatable; default: ${DEFAULT_SERVICES.join(" ")}`,
      collect,
      [],
    )
    .option("--dry-run", "send nothing: print each packet in its exact form")
    .option("--full", "print all fields and all of the payload")
    .option("--hex", "print the bytes, too")
    .option("--json", "a JSON object for each packet");
  addDeviceOptions(command).action((packets: string[], raw: CraftOptions) =>
    craft(packets, raw, command.getOptionValueSource("tun") === "cli"),
  );
}

async function craft(texts: string[], raw: CraftOptions, outside: boolean): Promise<void> {
  const job = await jobOf(texts, raw, outside);
  if (raw.dryRun === true) {
    for (const { packet } of job.packets) printPacket(packet, encode(packet), raw);
    return;
  }
  if (job.device.rootless) {
    process.exitCode = await runRootless();
    return;
  }
  const recording =
    raw.replay === undefined ? null : readRecording(raw.replay, portOf("--port", raw.port));
  const script = raw.script === undefined ? null : await loadScript(raw.script);
  const target = outside
    ? openTunTarget(job.device)
    : await openMemory(job.device, raw.service.length === 0 ? DEFAULT_SERVICES : raw.service);
  const capture = captureOf(job.device);
  const heard: Packet[] = [];
  const wire = new Wire(target, {
    now: () => systemClock.now(),
    passed: (passed) => {
      const way = passed.direction === "sent" ? "out" : "in";
      capture?.packet(Date.now(), way, passed.bytes, 0, passed.bytes.length, null);
      if (passed.direction === "got") heard.push(passed.packet);
      printPassed(passed, raw);
    },
  });
  const close = async (): Promise<void> => {
    await wire.close();
    capture?.close();
  };
  endOnSignals(close);
  try {
    if (script !== null) await play(wire, target, script, raw.script!, job.wait);
    else if (recording !== null) await playRecording(wire, target, recording, job);
    else await sendAll(wire, job);
    if (script === null || job.expected.length > 0) await listen(wire, heard, job);
  } finally {
    await close();
  }
}

async function jobOf(texts: string[], raw: CraftOptions, outside: boolean): Promise<Job> {
  const device = checkDeviceOptions(raw);
  const ways = [texts.length > 0, raw.script !== undefined, raw.replay !== undefined];
  if (ways.filter(Boolean).length > 1) {
    throw usage("craft takes packets, or --script, or --replay: one of them");
  }
  const fromStdin = !ways.includes(true);
  if (fromStdin && process.stdin.isTTY) {
    throw usage("craft needs packets: on the line, on standard input, or see craft --help");
  }
  const packets = readPackets(fromStdin ? await inputLines() : texts, fromStdin);
  if (outside) for (const { packet } of packets) refuseHostAddress(packet);
  return {
    device,
    raw,
    outside,
    packets,
    expected: raw.expect.map((text) => {
      const said = parseSegment(text);
      if (isPacketError(said)) throw usage(`--expect ${text}: ${said.error}`);
      return { text, said };
    }),
    wait: 1000 * numberOf("--wait", raw.wait, 86400),
    gap: numberOf("--gap", raw.gap, 1e6),
  };
}

async function inputLines(): Promise<string[]> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("latin1").split("\n");
}

function readPackets(lines: readonly string[], fromStdin: boolean): Crafted[] {
  const packets: Crafted[] = [];
  for (const [i, line] of lines.entries()) {
    try {
      const crafted = readLine(line, fromStdin ? `line ${i + 1}` : `packet ${i + 1}`);
      if (crafted !== null) packets.push(crafted);
    } catch (error) {
      throw error instanceof InputError ? usage(error.message) : error;
    }
  }
  if (fromStdin && packets.length === 0) throw usage("standard input has no packet");
  return packets;
}

function refuseHostAddress({ ip }: Packet): void {
  const fault = ip === null ? null : hostAddressFault(ip.source);
  if (fault !== null) throw new CommandFailure(EXIT_FAILED, fault);
}

function numberOf(option: string, text: string, most: number): number {
  const value = Number(text);
  if (text.trim() === "" || !(value >= 0 && value <= most)) {
    throw usage(`${option} ${text}: give a number from 0 to ${most}`);
  }
  return value;
}

function portOf(option: string, text: string | undefined): number | null {
  if (text === undefined) return null;
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port >= 1 && port <= 65535) return port;
  throw usage(`${option} ${text}: a number from 1 to 65535`);
}

function captureOf({ capture }: DeviceOptions): PcapngWriter | null {
  if (capture === null) return null;
  try {
    return new PcapngWriter(capture, "craft");
  } catch (error) {
    throw usage(`--capture ${capture}: ${lineOf(error)}`);
  }
}

async function sendAll(wire: Wire, job: Job): Promise<void> {
  for (const [i, { packet, delay }] of job.packets.entries()) {
    const pause = delay + (i === 0 ? 0 : job.gap);
    if (pause > 0) await new Promise<void>((resolve) => void wire.after(pause, resolve));
    wire.send(packet);
  }
}

/** Until all that was expected has come, or the time is over. Throws a CommandFailure. */
async function listen(wire: Wire, heard: readonly Packet[], job: Job): Promise<void> {
  const end = wire.now() + job.wait;
  let looked = 0;
  let found = 0;
  for (;;) {
    while (found < job.expected.length && looked < heard.length) {
      if (segmentMatches(heard[looked++]!, job.expected[found]!.said, 0, 0)) found++;
    }
    if (job.expected.length > 0 && found === job.expected.length) return;
    const left = end - wire.now();
    if (left <= 0) break;
    await new Promise<void>((resolve) => {
      const cancel = wire.after(left, resolve);
      wire.onHeard = () => {
        cancel();
        resolve();
      };
    });
  }
  const within = `within ${job.wait / 1000} s`;
  if (heard.length === 0 && job.expected.length === 0) {
    process.stderr.write(`tuntcp: nothing came back ${within}\n`);
  }
  if (job.expected.length === 0) return;
  const { text } = job.expected[found]!;
  if (heard.length === 0) {
    throw new CommandFailure(EXIT_TIMEOUT, `expected "${text}" ${within}: nothing came`);
  }
  const last = formatPacket(heard.at(-1)!, BRIEF);
  throw new CommandFailure(
    EXIT_FAILED,
    `expected "${text}" ${within}: the last that came was ${last}`,
  );
}

type Script = (peer: Peer) => unknown;

async function loadScript(file: string): Promise<Script> {
  let script: unknown;
  try {
    script = (await loadModule(file))["default"];
  } catch (error) {
    throw usage(`--script ${lineOf(error)}`);
  }
  if (typeof script !== "function") {
    throw usage(`--script ${file}: export a function: export default async (peer) => { … }`);
  }
  return script as Script;
}

async function play(
  wire: Wire,
  target: Target,
  script: Script,
  file: string,
  patience: number,
): Promise<void> {
  const peer = new Peer(wire, {
    address: target.peer,
    target: target.address,
    patience,
    firstPort: 32768 + Math.floor(Math.random() * 28000),
  });
  wire.onHeard = (_, bytes) => peer.receive(bytes);
  try {
    await script(peer);
  } catch (error) {
    const code = error instanceof PeerError && error.timedOut ? EXIT_TIMEOUT : EXIT_FAILED;
    throw new CommandFailure(code, `${file}: ${lineOf(error)}`);
  }
}

function readRecording(
  file: string,
  port: number | null,
): Exclude<ReturnType<typeof recordingOf>, string> {
  let packets: CapturedPacket[];
  try {
    packets = readCapture(readFileSync(file));
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === "ENOENT";
    throw new CommandFailure(
      EXIT_FAILED,
      `${file}: ${missing ? "there is no such file" : lineOf(error)}`,
    );
  }
  const recording = recordingOf(packets, port);
  if (typeof recording === "string") throw new CommandFailure(EXIT_FAILED, `${file}: ${recording}`);
  return recording;
}

async function playRecording(
  wire: Wire,
  target: Target,
  recording: ReturnType<typeof readRecording>,
  job: Job,
): Promise<void> {
  const result = await replay(
    wire,
    recording,
    { source: parseIpv4(target.peer)!, destination: parseIpv4(target.address)! },
    {
      patience: job.wait,
      pace: numberOf("--pace", job.raw.pace, 1e6),
      port: portOf("--to-port", job.raw.toPort),
    },
  );
  if (typeof result === "string") throw new CommandFailure(EXIT_FAILED, result);
  const early =
    result.early === 0
      ? ""
      : `, ${result.early} of them before the stack had sent what they acknowledge`;
  process.stderr.write(
    `replayed ${result.sent} segments of ${recording.name}${early}; the other end sent ${result.recordedBytes} bytes then, the stack ${result.liveBytes} now\n`,
  );
}
