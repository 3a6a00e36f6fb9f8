/** What `tuntcp craft` understands: its options, and the packets, checked before anything is opened. */
import type { Command } from "commander";
import { isPacketError, parseSegment, type SaidSegment } from "../packet/index.ts";
import { type Crafted, hostAddressFault, InputError, readLine } from "../tools/craft/index.ts";
import { DEFAULT_SERVICES } from "../tools/services/index.ts";
import type { PrintOptions } from "./craft-print.ts";
import { type Ipv4Address, isUnicast, parseIpv4 } from "../wire/address.ts";
import {
  addDeviceOptions,
  checkDeviceOptions,
  type DeviceOptions,
  type RawDeviceOptions,
} from "./device-options.ts";
import { CommandFailure, EXIT_FAILED, usage } from "./failure.ts";
import { hostLinks } from "./host-links.ts";

export interface CraftOptions extends RawDeviceOptions, PrintOptions {
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
  readonly into?: string;
  readonly peer?: string;
}

/** Every packet, checked before anything is opened. */
export interface Job {
  readonly device: DeviceOptions;
  readonly raw: CraftOptions;
  readonly where: "memory" | "tun" | "into";
  /** null: as the place has it. */
  readonly peer: Ipv4Address | null;
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

export function addCraft(
  program: Command,
  action: (packets: string[], raw: CraftOptions, tun: boolean) => Promise<void>,
): void {
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
    .option(
      "--into <name>",
      "send to the stack that is attached to this TUN, from the kernel's side of it",
    )
    .option(
      "--peer <a.b.c.d>",
      "who scripts and replays are, when not --host (in memory), --address (--tun) or the address after it (--into)",
    )
    .option("--dry-run", "send nothing: print each packet in its exact form")
    .option("--full", "print all fields and all of the payload")
    .option("--hex", "print the bytes, too")
    .option("--json", "a JSON object for each packet");
  addDeviceOptions(command).action((packets: string[], raw: CraftOptions) =>
    action(packets, raw, command.getOptionValueSource("tun") === "cli"),
  );
}

export async function jobOf(texts: string[], raw: CraftOptions, tun: boolean): Promise<Job> {
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
  if (tun && raw.into !== undefined) throw usage("--tun and --into: give one of them");
  const where = tun ? "tun" : raw.into === undefined ? "memory" : "into";
  if (where !== "memory") refuseHostAddresses(packets);
  return {
    device,
    raw,
    where,
    peer: peerOf(raw.peer),
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

function refuseHostAddresses(packets: readonly Crafted[]): void {
  const links = hostLinks();
  for (const { packet } of packets) {
    const fault = packet.ip === null ? null : hostAddressFault(packet.ip.source, links);
    if (fault !== null) throw new CommandFailure(EXIT_FAILED, fault);
  }
}

function peerOf(text: string | undefined): Ipv4Address | null {
  if (text === undefined) return null;
  const peer = parseIpv4(text);
  if (peer !== null && isUnicast(peer)) return peer;
  throw usage(`--peer ${text}: give a host's IPv4 address, as 192.0.2.3`);
}

export function numberOf(option: string, text: string, most: number): number {
  const value = Number(text);
  if (text.trim() === "" || !(value >= 0 && value <= most)) {
    throw usage(`${option} ${text}: give a number from 0 to ${most}`);
  }
  return value;
}

export function portOf(option: string, text: string | undefined): number | null {
  if (text === undefined) return null;
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port >= 1 && port <= 65535) return port;
  throw usage(`${option} ${text}: a number from 1 to 65535`);
}
