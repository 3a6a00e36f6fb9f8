/** One end of a scene: a stack, what its user does, and its states over time. */
import { seededRng } from "../../base/rng.ts";
import type { Instant } from "../../base/time.ts";
import { Stack } from "../../stack/stack.ts";
import type { StackSender } from "../../stack/packet-output.ts";
import type { Settings } from "../../tcp/config.ts";
import {
  type Endpoint,
  type EndpointOwner,
  EVENT_CLOSED,
  EVENT_PEER_FIN,
} from "../../tcp/endpoint.ts";
import type { TcpState } from "../../tcp/state.ts";
import { type Ipv4Address, parseIpv4 } from "../../wire/address.ts";
import type { TcpSegment } from "../../wire/tcp-segment.ts";
import type { StateSpan } from "./record.ts";

export type Name = "A" | "B";

export interface PlayerOptions {
  readonly name: Name;
  readonly address: string;
  readonly seed: number;
  readonly settings: Partial<Settings>;
  readonly sender: StackSender;
  readonly time: () => Instant;
}

export class Player implements EndpointOwner {
  readonly name: Name;
  readonly address: Ipv4Address;
  stack: Stack;
  endpoint: Endpoint | null = null;
  readonly spans: StateSpan[];
  /** Takes what comes at once. */
  reads = true;
  received = 0;
  /** Ends its own side as soon as the peer has. */
  endsWithPeer = false;
  /** How it ended: an error's code, or "". */
  error = "";
  private readonly options: PlayerOptions;
  private listening = 0;
  private starts = 0;
  /** Pairs of which there was more than a handshake. */
  private readonly synchronized = new Set<string>();

  constructor(options: PlayerOptions) {
    this.options = options;
    this.name = options.name;
    this.address = parseIpv4(options.address)!;
    this.spans = [{ at: options.time(), state: "CLOSED", why: "" }];
    this.stack = this.start();
  }

  private start(): Stack {
    const { seed, settings, sender, time } = this.options;
    return new Stack({
      addresses: [{ address: this.address, prefix: 24 }],
      rng: seededRng(seed + 100 * this.starts++),
      now: time(),
      sender,
      settings,
      trace: {
        stateChange: (e, _from, to, why) => this.changes(e, to, why),
        segmentReceived: () => {},
        segmentSent: () => {},
      },
    });
  }

  private changes(e: Endpoint, to: TcpState, why: string): void {
    if (this.endpoint !== null && e !== this.endpoint && this.endpoint.state !== "CLOSED") return;
    this.notes(
      to === "CLOSED" && this.listening > 0 && this.endpoint === null ? "LISTEN" : to,
      why,
    );
  }

  private notes(state: TcpState, why: string): void {
    const last = this.spans.at(-1)!;
    if (last.state !== state) this.spans.push({ at: this.options.time(), state, why });
  }

  /** It is gone with all it knew, and comes up again. */
  crashes(): void {
    this.stack = this.start();
    this.synchronized.clear();
    this.endpoint = null;
    this.notes(this.listening > 0 ? "LISTEN" : "CLOSED", "crashed and came up again");
    if (this.listening > 0) this.listens(this.listening);
  }

  listens(port: number, backlog = 16): void {
    this.listening = port;
    this.notes("LISTEN", "passive open");
    const owner = {
      onConnection: (listener: { accept(): Endpoint | null }): void => {
        const endpoint = listener.accept();
        if (endpoint === null) return;
        this.endpoint = endpoint;
        endpoint.owner = this;
        this.onEvents(endpoint, 0);
      },
    };
    this.stack.listen({ port, backlog, owner });
  }

  connects(to: Player, remotePort: number, localPort: number): Endpoint {
    const { address: remoteAddress } = to;
    const now = this.options.time();
    this.endpoint = this.stack.connect({ remoteAddress, remotePort, localPort, owner: this }, now);
    return this.endpoint;
  }

  sends(length: number): void {
    this.endpoint!.send(new Uint8Array(length));
  }

  onEvents(endpoint: Endpoint, events: number): void {
    if ((events & EVENT_CLOSED) !== 0) this.error = endpoint.error?.code ?? "";
    if (this.reads) this.read(endpoint);
    if ((events & EVENT_PEER_FIN) !== 0 && this.endsWithPeer) endpoint.shutdown();
  }

  read(endpoint: Endpoint = this.endpoint!): void {
    for (let c = endpoint.receive(); c !== null; c = endpoint.receive()) this.received += c.length;
  }

  poll(now: Instant): void {
    this.stack.poll(now);
  }

  /** As a text book writes it beside the line of `s`, which it sends, or has received. */
  stateOf(s: TcpSegment, isSender: boolean): TcpState {
    const [local, remote] = isSender
      ? [s.sourcePort, s.destinationPort]
      : [s.destinationPort, s.sourcePort];
    const peer = isSender ? s.destination : s.source;
    const mine = this.stack
      .connections()
      .find((c) => c.localPort === local && c.remotePort === remote && c.remoteAddress === peer);
    const pair = `${local} ${peer} ${remote}`;
    if (mine !== undefined && mine.state !== "CLOSED") {
      if (mine.state !== "SYN-SENT" && mine.state !== "SYN-RECEIVED") this.synchronized.add(pair);
      return mine.state;
    }
    // a connection that was open is over; one that never was leaves the listener
    return this.listening === local && !this.synchronized.has(pair) ? "LISTEN" : "CLOSED";
  }

  get state(): TcpState {
    const live = this.stack.connections().find((c) => c.state !== "CLOSED");
    return live?.state ?? (this.listening > 0 ? "LISTEN" : "CLOSED");
  }
}
