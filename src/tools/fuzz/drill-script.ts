/**
 * A run as a script in the packetdrill language: the flow of the step that failed, with the program's calls. What the language
 * cannot say, a packet that is wrong on purpose, stands there as a comment.
 */
import type { Outcome, TraceEvent } from "../../fuzz/index.ts";
import {
  BRIEF,
  decode,
  formatPacket,
  formatTcp,
  type Packet,
  SYN,
  type TcpOption,
} from "../../packet/index.ts";
import type { Settings } from "../../tcp/config.ts";

const LISTENER = 3;
const CONNECTION = 4;
/** Of flow 0; the others follow. */
const PEER_PORT = 40_000;

export interface ScriptAbout {
  /** Lines of the first comment. */
  readonly about: readonly string[];
  readonly settings: Partial<Settings>;
}

export function drillScript(outcome: Outcome, { about, settings }: ScriptAbout): string {
  const { trace, violation } = outcome;
  // what comes behind the last step is the end of all, and an honest peer
  const last = violation?.step ?? (trace.at(-1)?.step ?? 0) - 1;
  const told = trace.filter(({ step }) => step <= last);
  const flow = violation === null ? 0 : flowOf(told.filter(({ step }) => step === last));
  return new Script(flow, about, settings).write(told);
}

/** The last packet's or call's; 0 where there is none. */
function flowOf(trace: readonly TraceEvent[]): number {
  for (const event of trace.toReversed()) {
    if (event.what === "call") return Number(event.text.split(" ", 1)[0]);
    if (event.bytes === undefined) continue;
    const tcp = decode(event.bytes).tcp;
    if (tcp === null) continue;
    const port = event.what === "in" ? tcp.sourcePort : tcp.destinationPort;
    if (port >= PEER_PORT && port < PEER_PORT + 8) return port - PEER_PORT;
  }
  return 0;
}

/** SACK blocks count as acknowledgments do. */
function fromBase(option: TcpOption, base: number): TcpOption {
  if (option.kind !== "sack") return option;
  const blocks = option.blocks.map(
    ([left, right]) => [(left - base) >>> 0, (right - base) >>> 0] as const,
  );
  return { ...option, blocks };
}

class Script {
  private readonly lines: string[] = [];
  private readonly flow: number;
  /** ISNs, once they were seen. */
  private theirs: number | null = null;
  private ours: number | null = null;
  private at = 0;
  private descriptor = CONNECTION;
  private isActive = false;

  constructor(flow: number, about: readonly string[], settings: Partial<Settings>) {
    this.flow = flow;
    for (const line of about) this.lines.push(`// ${line}`);
    for (const [name, value] of Object.entries(settings)) {
      const room = name.startsWith("tcp_") || name.startsWith("ip") ? "net.ipv4" : "net.core";
      const text = Array.isArray(value) ? `"${value.join(" ")}"` : String(value);
      this.lines.push(`\`sysctl -q ${room}.${name}=${text}\``);
    }
  }

  write(trace: readonly TraceEvent[]): string {
    const begins = trace.find(
      (e) => e.what === "call" && e.text.startsWith(`${this.flow} connect`),
    );
    this.isActive = begins !== undefined && begins.step < 0;
    this.lines.push("", " 0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3");
    if (this.isActive) this.descriptor = LISTENER;
    else {
      this.line("setsockopt(3, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0", 0);
      this.line("bind(3, ..., ...) = 0", 0);
      this.line("listen(3, 16) = 0", 0);
    }
    for (const event of trace) this.event(event);
    return `${this.lines.join("\n")}\n`;
  }

  private line(text: string, at: number): void {
    const after = (at - this.at) / 1000;
    this.at = at;
    this.lines.push(`+${after === 0 ? "0" : Number(after.toFixed(6))} ${text}`);
  }

  private event(event: TraceEvent): void {
    if (event.what === "in" || event.what === "out") {
      const packet = decode(event.bytes!);
      if (this.isOurs(packet, event.what)) this.packet(packet, event.what, event.at);
      return;
    }
    const [flow, ...words] = event.text.split(" ");
    if (event.what === "call" && Number(flow) === this.flow) this.call(words.join(" "), event.at);
    else if (event.what === "event" && !/^\d/.test(event.text)) this.lines.push(`// ${event.text}`);
  }

  private isOurs({ tcp, icmp }: Packet, what: "in" | "out"): boolean {
    if (tcp === null) return icmp !== null;
    return (what === "in" ? tcp.sourcePort : tcp.destinationPort) === PEER_PORT + this.flow;
  }

  private packet(packet: Packet, what: "in" | "out", at: number): void {
    const { ip, tcp, payload } = packet;
    const sign = what === "in" ? "<" : ">";
    if (tcp === null || ip === null) {
      this.comment(`${sign} ${formatPacket(packet, BRIEF)}`, at);
      return;
    }
    if ((tcp.flags & SYN) !== 0) this.note(tcp.seq, what);
    const [theirs, ours] = [this.theirs ?? 0, this.ours ?? 0];
    const [seqBase, ackBase] = what === "in" ? [theirs, ours] : [ours, theirs];
    // fields that are given are wrong on purpose
    const isWrong = tcp.checksum !== null || tcp.dataOffset !== null || tcp.reserved !== 0;
    const counted = { ...tcp, options: tcp.options.map((o) => fromBase(o, ackBase)) };
    const text = `${sign} ${formatTcp(counted, payload.length, { ...BRIEF, seqBase, ackBase })}`;
    if (isWrong || ip.options.length > 0) this.comment(text, at);
    else this.line(text, at);
  }

  private note(isn: number, what: "in" | "out"): void {
    if (what === "in") this.theirs ??= isn;
    else this.ours ??= isn;
  }

  private comment(text: string, at: number): void {
    this.lines.push(`// at ${at} ms: ${text}`);
  }

  private call(what: string, at: number): void {
    const fd = this.descriptor;
    const [word, amount] = [what.replace(/ \d+$/, ""), Number(/\d+$/.exec(what)?.[0] ?? 0)];
    switch (word) {
      case "accept":
        return this.line(`accept(${LISTENER}, ..., ...) = ${CONNECTION}`, at);
      case "connect":
        if (!this.isActive) return this.comment(what, at);
        this.line(`fcntl(${fd}, F_SETFL, O_RDWR|O_NONBLOCK) = 0`, at);
        return this.line(
          `connect(${fd}, ..., ...) = -1 EINPROGRESS (Operation now in progress)`,
          at,
        );
      case "send":
        return this.line(`write(${fd}, ..., ${amount || 100}) = ${amount || 100}`, at);
      case "read":
        return this.line(`read(${fd}, ..., ${amount}) = ${amount}`, at);
      case "shutdown":
        return this.line(`shutdown(${fd}, SHUT_WR) = 0`, at);
      case "close":
        return this.line(`close(${fd}) = 0`, at);
      case "no delay":
        return this.line(
          `setsockopt(${fd}, SOL_TCP, TCP_NODELAY, [${1 - (amount & 1)}], 4) = 0`,
          at,
        );
      default:
        this.comment(what, at);
    }
  }
}
