/** Which connection the packets of a script belong to: one is current at a time, as packets carry no addresses. */
import type { Instant } from "../base/time.ts";
import type { Stack } from "../stack/stack.ts";
import type { Endpoint } from "../tcp/endpoint.ts";
import type { TcpInfo } from "../tcp/info.ts";
import { Flow } from "./flow.ts";
import type { RunSettings } from "./options.ts";
import type { SeenPacket } from "./seen-packet.ts";
import type { DrillSocket } from "./socket.ts";

/** Ports of the peers that come to a listener, from here on. */
const FIRST_PORT = 40000;
const TCP_CLOSE = 7;
const TCP_LISTEN = 10;

export class Connections {
  /** Null: there is none yet. */
  flow: Flow | null = null;
  private readonly run: RunSettings;
  private readonly stack: Stack;
  private socket: DrillSocket | null = null;
  private readonly strangers = new Map<string, Flow>();
  private nextPort = FIRST_PORT;

  constructor(run: RunSettings, stack: Stack) {
    this.run = run;
    this.stack = stack;
  }

  made(s: DrillSocket): void {
    this.socket = s;
    this.flow = null;
  }

  connecting(s: DrillSocket): void {
    const { localAddress, localPort, remoteAddress, remotePort } = s.endpoint!;
    this.socket = s;
    this.flow = new Flow(localAddress, localPort, remoteAddress, remotePort);
  }

  /** The child may be the current connection's: it has a socket now. */
  accepted(s: DrillSocket): void {
    if (this.flow !== null && s.endpoint!.remotePort === this.flow.remotePort) this.socket = s;
  }

  /** Where a packet of the peer's goes; a TCP packet to a listener begins a connection. */
  inbound(isTcp: boolean): Flow {
    const begins = isTcp && this.socket !== null && this.socket.isListening;
    if (this.flow !== null && !begins) return this.flow;
    const { localIp, remoteIp, bindPort } = this.run;
    const port = this.socket?.bound?.port ?? bindPort;
    const flow = new Flow(localIp, port, remoteIp, this.nextPort++);
    if (isTcp || this.flow === null) {
      this.flow = flow;
      this.socket = null;
    }
    return flow;
  }

  /** Ports that the script names: those of the current connection, or somebody else's, whose numbers are as written. */
  stranger(ports: { readonly source: number; readonly destination: number }): Flow {
    const { flow } = this;
    if (flow !== null && flow.remotePort === ports.source && flow.localPort === ports.destination)
      return flow;
    const name = `${ports.source} ${ports.destination}`;
    let known = this.strangers.get(name);
    if (known === undefined) {
      known = new Flow(this.run.localIp, ports.destination, this.run.remoteIp, ports.source);
      this.strangers.set(name, known);
    }
    return known;
  }

  /** Whether a packet of the stack's is of the current connection. ICMP to its peer counts. */
  owns(seen: SeenPacket): boolean {
    const { flow } = this;
    if (flow === null || seen.destination !== flow.remote) return false;
    if (seen.protocol === "icmp") return true;
    return seen.sourcePort === flow.localPort && seen.destinationPort === flow.remotePort;
  }

  // --- looking at it --------------------------------------------------------------------------------

  /** The peer's ISN as the stack's connection has it; null: there is none. */
  irsOf(flow: Flow): number | null {
    const live = this.find(flow);
    return live === null || live.state === "CLOSED" ? null : live.info().irs;
  }

  private endpoint(): Endpoint | null {
    return this.flow === null ? null : this.find(this.flow);
  }

  private find(flow: Flow): Endpoint | null {
    const same = (e: Endpoint): boolean =>
      e.localPort === flow.localPort && e.remotePort === flow.remotePort;
    return this.stack.connections().find(same) ?? null;
  }

  info(now: Instant): TcpInfo | null {
    const live = this.endpoint();
    if (live !== null) return live.info(now);
    const last = this.socket?.endpoint ?? null;
    return last === null ? null : { ...last.info(now), state: "CLOSED" };
  }

  /** TCP_CLOSE or TCP_LISTEN of a socket without a connection. */
  get stateNumber(): number {
    return this.socket !== null && this.socket.isListening ? TCP_LISTEN : TCP_CLOSE;
  }

  describe(): string[] {
    const e = this.endpoint() ?? this.socket?.endpoint ?? null;
    if (e === null) return [this.stateNumber === TCP_LISTEN ? "LISTEN" : "CLOSED"];
    const i = e.info();
    const relative = (n: number, base: number): number => (n - base) >>> 0;
    return [
      i.state,
      `snd.una=${relative(i.sndUna, i.iss)}`,
      `snd.nxt=${relative(i.sndNxt, i.iss)}`,
      `snd.wnd=${i.sndWnd}`,
      `rcv.nxt=${relative(i.rcvNxt, i.irs)}`,
      `rcv.wnd=${i.rcvWnd}`,
      `cwnd=${i.cwnd}`,
      `ssthresh=${i.ssthresh}`,
      `mss=${i.sndMss}`,
      `srtt=${i.srtt.toFixed(1)}`,
      `rto=${i.rto.toFixed(1)}`,
      `recovery=${i.recovery}`,
      ...(i.timer === "" ? [] : [`timer=${i.timer} in ${i.timerIn.toFixed(1)} ms`]),
      ...(e.error === null ? [] : [`error=${e.error.code}`]),
    ];
  }
}
