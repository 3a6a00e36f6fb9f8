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
  type Packet,
  Peer,
  PeerError,
  segmentMatches,
} from "../packet/index.ts";
import { systemClock } from "../runtime/system.ts";
import { type Recorded, recordingOf, replay, type Target, Wire } from "../tools/craft/index.ts";
import { loadModule } from "../tools/load-module/index.ts";
import { DEFAULT_SERVICES } from "../tools/services/index.ts";
import { parseIpv4 } from "../wire/address.ts";
import { addCraft, type CraftOptions, type Job, jobOf, numberOf, portOf } from "./craft-options.ts";
import { printPacket, printPassed } from "./craft-print.ts";
import { openIntoTarget, openMemory, openTunTarget } from "./craft-target.ts";
import type { DeviceOptions } from "./device-options.ts";
import { CommandFailure, EXIT_FAILED, EXIT_TIMEOUT, usage } from "./failure.ts";
import { endOnSignals } from "./lifecycle.ts";
import { runRootless } from "./rootless.ts";
import { stdoutOf } from "./stdout.ts";

export function registerCraft(program: Command): void {
  addCraft(program, craft);
}

async function craft(texts: string[], raw: CraftOptions, tun: boolean): Promise<void> {
  stdoutOf(raw, ["capture", "json"]);
  const job = await jobOf(texts, raw, tun);
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
  const target = await openTarget(job);
  const capture = captureOf(job.device);
  const heard: Packet[] = [];
  const wire = new Wire(target, {
    now: () => systemClock.now(),
    passed: (passed) => {
      const way = passed.direction === "sent" ? "out" : "in";
      capture?.packet(Date.now(), way, passed.bytes, 0, passed.bytes.length, null);
      if (passed.direction === "got") heard.push(passed.packet);
      if (raw.capture !== "-") printPassed(passed, raw);
    },
  });
  const close = async (): Promise<void> => {
    await wire.close();
    capture?.close();
  };
  endOnSignals(close);
  if (job.where !== "memory" && script !== null) {
    process.stderr.write(
      `ready: ${target.peer} is played by ${raw.script!}; ${target.name} is ${target.address}\n`,
    );
  }
  try {
    if (script !== null) await play(wire, target, script, raw.script!, job.wait);
    else if (recording !== null) await playRecording(wire, target, recording, job);
    else await sendAll(wire, job);
    if (script === null || job.expected.length > 0) await listen(wire, heard, job);
  } finally {
    await close();
  }
}

async function openTarget({ where, device, peer, raw }: Job): Promise<Target> {
  switch (where) {
    case "memory":
      return await openMemory(
        device,
        peer,
        raw.service.length === 0 ? DEFAULT_SERVICES : raw.service,
      );
    case "tun":
      return openTunTarget(device, peer);
    case "into":
      return openIntoTarget(device, raw.into!, peer);
  }
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

function readRecording(file: string, port: number | null): Recorded {
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
  recording: Recorded,
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
