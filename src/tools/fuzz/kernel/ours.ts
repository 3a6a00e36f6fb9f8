/** Our stack in memory and virtual time, as a kernel would be asked. */
import { seededRng } from "../../../base/rng.ts";
import { instantOf } from "../../../base/time.ts";
import { type DeviceOffload, NO_OFFLOAD } from "../../../base/device.ts";
import { BufferedSender } from "../../../devices/buffered-sender.ts";
import {
  CONNECT_PORT,
  LISTEN_PORT,
  PEER_ADDRESS,
  PEER_PORT,
  STACK_ADDRESS,
} from "../../../fuzz/peer.ts";
import type { Listener } from "../../../stack/listener.ts";
import { Stack } from "../../../stack/stack.ts";
import type { Settings } from "../../../tcp/config.ts";
import {
  type Endpoint,
  type EndpointOwner,
  EVENT_CLOSED,
  EVENT_ESTABLISHED,
} from "../../../tcp/endpoint.ts";
import { ipv4 } from "../../../wire/address.ts";
import { type Heard, nothingHeard, type Subject, TEXT } from "./subject.ts";

/** As the namespace of the kernel is set, or without what is random or counts by time. */
export const SETTINGS: Partial<Settings> = {
  tcp_fastopen: 0,
  tcp_mtu_probing: 0,
  tcp_challenge_ack_limit: 1_000_000,
  tcp_challenge_ack_rate: 1_000_000,
  tcp_reset_rate: 1_000_000,
};

/** ms that a step takes, and a long wait: longer than an ACK may be delayed, shorter than any other timer. */
const STEP = 1;
const LONG = 60;

class Collector extends BufferedSender {
  readonly mtu = 1500;
  readonly offload: DeviceOffload = NO_OFFLOAD;

  constructor(packets: Uint8Array[]) {
    super(
      (buffer, offset, length) => void packets.push(buffer.slice(offset, offset + length)),
      () => {},
    );
  }
}

export class OurStack implements Subject, EndpointOwner {
  readonly heard: Heard = nothingHeard();
  readonly packets: Uint8Array[] = [];
  private readonly stack: Stack;
  private now = 1000;
  private endpoint: Endpoint | null = null;
  private accepted = false;
  private shut = false;

  constructor(seed: number) {
    this.stack = new Stack({
      addresses: [{ address: ipv4(STACK_ADDRESS), prefix: 24 }],
      rng: seededRng(seed),
      now: instantOf(this.now),
      sender: new Collector(this.packets),
      settings: SETTINGS,
    });
    this.stack.listen({ port: LISTEN_PORT, owner: this });
  }

  /** Of the connection, for messages. */
  get state(): string {
    return this.stack.connections()[0]?.state ?? this.endpoint?.state ?? "LISTEN";
  }

  deliver(bytes: Uint8Array, length: number): void {
    this.stack.input(bytes.slice(0, length), 0, length, 0, instantOf(this.now));
    this.poll();
  }

  connect(): void {
    if (this.endpoint !== null) return;
    this.accepted = true;
    this.endpoint = this.stack.connect({
      remoteAddress: ipv4(PEER_ADDRESS),
      remotePort: PEER_PORT,
      localPort: CONNECT_PORT,
      owner: this,
    });
    this.poll();
  }

  send(bytes: number): void {
    this.call((e) => e.sendCopy(TEXT.subarray(0, bytes)));
  }

  shutdown(): void {
    this.shut = true;
    this.call((e) => e.shutdown());
    this.letGo();
  }

  close(): void {
    const { endpoint } = this;
    this.endpoint = null;
    endpoint?.close();
    this.poll();
  }

  abort(): void {
    // as Node, whose sockets wait with a reset until there is a connection
    if (!this.heard.open) return this.close();
    const { endpoint } = this;
    this.endpoint = null;
    endpoint?.abort();
    this.poll();
  }

  noDelay(on: boolean): void {
    this.call((e) => e.setNoDelay(on));
  }

  opened(): Promise<void> {
    return Promise.resolve();
  }

  settle(long: boolean): Promise<void> {
    const until = this.now + (long ? LONG : STEP);
    for (let next = this.stack.nextTimeout(); next <= until; next = this.stack.nextTimeout()) {
      this.now = Math.max(this.now, next);
      this.poll();
    }
    this.now = until;
    this.poll();
    return Promise.resolve();
  }

  dispose(): void {}

  onConnection(listener: Listener): void {
    const endpoint = listener.accept();
    if (endpoint === null) return;
    if (this.accepted) return endpoint.abort();
    this.accepted = true;
    this.endpoint = endpoint;
    endpoint.owner = this;
    this.heard.open = true;
    this.onEvents(endpoint, 0);
  }

  onEvents(endpoint: Endpoint, events: number): void {
    if (endpoint !== this.endpoint) return;
    if ((events & EVENT_ESTABLISHED) !== 0) this.heard.open = true;
    for (let c = endpoint.receive(); c !== null; c = endpoint.receive()) {
      this.heard.received += c.length;
    }
    if (endpoint.atEnd) this.heard.ended = true;
    this.letGo();
    if ((events & EVENT_CLOSED) === 0) return;
    this.heard.error = endpoint.error?.code ?? "";
    this.endpoint = null;
  }

  /** What a program may no longer do, it does not do. */
  private call(action: (endpoint: Endpoint) => void): void {
    const { endpoint } = this;
    if (endpoint === null) return;
    try {
      action(endpoint);
    } catch (error) {
      const { code } = error as { code?: string };
      if (code !== "EPIPE" && code !== "ENOTCONN") throw error;
    }
    this.poll();
  }

  /** As Node does: a socket that has ended both ways is closed. */
  private letGo(): void {
    if (this.shut && this.heard.ended) this.close();
  }

  private poll(): void {
    this.stack.poll(instantOf(this.now));
  }
}
