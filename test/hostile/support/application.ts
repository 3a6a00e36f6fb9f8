/**
 * The program on the stack: an echo port and a sink port, and what a test asks of it from outside. Arguments and results
 * are plain data, so that the same program serves in memory and in another process.
 */
import { formatIpv4, ipv4 } from "../../../src/wire/address.ts";
import {
  type Endpoint,
  type EndpointOwner,
  EVENT_CLOSED,
  EVENT_ESTABLISHED,
  EVENT_FIN_ACKED,
  EVENT_PEER_FIN,
  EVENT_READABLE,
  EVENT_SOFT_ERROR,
  EVENT_URGENT,
} from "../../../src/tcp/endpoint.ts";
import type { TcpInfo } from "../../../src/tcp/info.ts";
import type { Listener } from "../../../src/stack/listener.ts";
import type { Stack } from "../../../src/stack/stack.ts";
import { ECHO, HONEST, PEER, SINK } from "./packet.ts";

/** What must be nothing again when a row is over (I6). */
export interface Residue {
  /** Entries of the table of connections, half-open ones among them. */
  readonly entries: number;
  readonly halfOpen: number;
  /** Armed, of connections and half-open ones. */
  readonly timers: number;
  /** Datagrams that wait for the rest of their fragments. */
  readonly datagrams: number;
  readonly fragmentBytes: number;
  /** Bytes queued, both ways and out of order. */
  readonly buffered: number;
  /** Bytes that the account of all connections (tcp_mem) shows. */
  readonly account: number;
}

/** One connection as the program knows it. */
export interface Told {
  readonly state: string;
  /** As text where one byte is one character; the first MiB. */
  readonly data: string;
  readonly length: number;
  readonly events: readonly string[];
  readonly error: string | null;
}

const NAMES: readonly (readonly [number, string])[] = [
  [EVENT_ESTABLISHED, "established"],
  [EVENT_URGENT, "urgent"],
  [EVENT_SOFT_ERROR, "soft error"],
  [EVENT_PEER_FIN, "end"],
  [EVENT_FIN_ACKED, "sent"],
  [EVENT_CLOSED, "closed"],
];
const KEEP = 1 << 20;

let counted = new Uint8Array(0);

/** Bytes that count up modulo 251, the same memory for everybody. */
function counting(length: number): Uint8Array {
  if (counted.length < length) counted = Uint8Array.from({ length }, (_, i) => i % 251);
  return counted.subarray(0, length);
}

class Conversation implements EndpointOwner {
  readonly endpoint: Endpoint;
  readonly echo: boolean;
  readonly events: string[] = [];
  data = "";
  length = 0;
  reads: boolean;
  closesAtEnd = true;
  private ended = false;

  constructor(endpoint: Endpoint, echo: boolean, reads: boolean) {
    this.endpoint = endpoint;
    this.echo = echo;
    this.reads = reads;
    endpoint.owner = this;
  }

  onEvents(_endpoint: Endpoint, events: number): void {
    for (const [bit, name] of NAMES) if ((events & bit) !== 0) this.events.push(name);
    if ((events & EVENT_READABLE) !== 0 || (events & EVENT_PEER_FIN) !== 0) this.read();
  }

  read(): void {
    if (!this.reads) return;
    const { endpoint } = this;
    for (let c = endpoint.receive(); c !== null; c = endpoint.receive()) {
      this.length += c.length;
      if (this.data.length < KEEP) this.data += Buffer.from(c).toString("latin1");
      if (this.echo && endpoint.state !== "CLOSED") endpoint.sendCopy(c);
    }
    if (endpoint.atEnd && this.closesAtEnd && !this.ended) {
      this.ended = true;
      endpoint.close();
    }
  }

  get told(): Told {
    const { endpoint, data, length, events } = this;
    return { state: endpoint.state, data, length, events, error: endpoint.error?.code ?? null };
  }
}

export class Application {
  private readonly stack: Stack;
  private readonly listeners: Listener[] = [];
  /** By the peer's address and port; the last one of that pair. */
  private readonly all = new Map<string, Conversation>();
  private accepts = true;
  private readsNew = true;
  private acceptedCount = 0;

  constructor(stack: Stack, backlog = 128) {
    this.stack = stack;
    for (const port of [ECHO, SINK]) {
      const owner = { onConnection: (): void => this.acceptAll() };
      this.listeners.push(stack.listen({ port, backlog, owner }));
    }
  }

  private acceptAll(): void {
    if (!this.accepts) return;
    for (const listener of this.listeners) {
      for (let e = listener.accept(); e !== null; e = listener.accept()) {
        // honest peers are looked at apart
        const isHonest = e.remoteAddress >>> 0 === HONEST;
        if (!isHonest) this.acceptedCount++;
        const one = new Conversation(e, listener.port === ECHO, this.readsNew || isHonest);
        this.all.set(`${e.remoteAddress >>> 0}:${e.remotePort}`, one);
        one.read();
      }
    }
  }

  private find(port: number, address = PEER): Conversation | undefined {
    return this.all.get(`${address}:${port}`);
  }

  private of(port: number): Conversation {
    const found = this.find(port);
    if (found === undefined) throw new Error(`no connection from port ${port}`);
    return found;
  }

  // --- asked from outside ---------------------------------------------------------------------------

  /** Null: the program never heard of a connection from that port. */
  told(port: number): Told | null {
    return this.find(port)?.told ?? null;
  }

  info(port: number): TcpInfo {
    return this.of(port).endpoint.info();
  }

  /** Connections handed to the program so far. */
  accepted(): number {
    return this.acceptedCount;
  }

  states(): string[] {
    return this.stack.connections().map((c) => c.state);
  }

  counters(): Record<string, number> {
    return Object.fromEntries(this.stack.counters.entries());
  }

  residue(): Residue {
    const { stack } = this;
    return {
      entries: stack["table"].size,
      halfOpen: this.listeners.reduce(
        (n, l) => n + (l as unknown as { halfOpen: number }).halfOpen,
        0,
      ),
      timers: stack["wheel"].size,
      datagrams: stack["ip"]["fragments"]["queues"].size,
      fragmentBytes: stack["ip"]["fragments"].bytesHeld,
      buffered: this.buffered(),
      account: stack.memoryUsed,
    };
  }

  /** Queued bytes of all connections, both ways and out of order. */
  buffered(): number {
    return this.stack
      .connections()
      .reduce((n, c) => n + c.sendQueued + c.receiveQueued + c.info().outOfOrderBytes, 0);
  }

  /** Opens to the hostile peer; the text of the error where it is refused at once. */
  connect(remotePort: number, localPort: number, remote = PEER): string {
    try {
      const to = { remoteAddress: ipv4(remote), remotePort, localPort, owner: null };
      const endpoint = this.stack.connect(to);
      this.all.set(`${remote}:${remotePort}`, new Conversation(endpoint, false, true));
      return `${formatIpv4(endpoint.localAddress)}:${endpoint.localPort}`;
    } catch (error) {
      return (error as { code: string }).code;
    }
  }

  write(port: number, length: number): void {
    this.of(port).endpoint.send(counting(length));
  }

  /** As long as there is room, with copies, as a program writes that keeps nothing. */
  writeUntilFull(port: number): void {
    const { endpoint } = this.of(port);
    while (endpoint.sendSpace > 0) endpoint.sendCopy(counting(1460));
  }

  /** It may have been ended by the stack or by its peer. */
  abortIfThere(port: number): void {
    this.find(port)?.endpoint.abort();
  }

  sendSpace(port: number): number {
    return this.of(port).endpoint.sendSpace;
  }

  shutdown(port: number): void {
    this.of(port).endpoint.shutdown();
  }

  close(port: number): void {
    this.of(port).endpoint.close();
  }

  abort(port: number): void {
    this.of(port).endpoint.abort();
  }

  noDelay(port: number): void {
    this.of(port).endpoint.setNoDelay(true);
  }

  userTimeout(port: number, ms: number): void {
    this.of(port).endpoint.setUserTimeout(ms);
  }

  keepAlive(port: number, idle: number, interval: number, probes: number): void {
    this.of(port).endpoint.setKeepAlive(true, idle, interval, probes);
  }

  /** At most that many bytes, as a slow program reads; all of them with Infinity. */
  reads(port: number, on: boolean): void {
    const one = this.of(port);
    one.reads = on;
    one.read();
  }

  /** Connections accepted from now on are read from, or not. */
  readsFromNowOn(on: boolean): void {
    this.readsNew = on;
  }

  closesAtEnd(port: number, on: boolean): void {
    this.of(port).closesAtEnd = on;
  }

  acceptsFromNowOn(on: boolean): void {
    this.accepts = on;
    this.acceptAll();
  }

  /** The program lets go of it, so that only the stack holds what is left. */
  forget(port: number): void {
    this.all.delete(`${PEER}:${port}`);
  }

  endAll(): void {
    this.stack.abortAll();
  }

  /** Lets go of all that it knows of connections, so that only the stack holds what is left. */
  forgetAll(): void {
    this.all.clear();
  }
}

/** The program as seen from a test, wherever it runs. */
export type Remote<T> = {
  [K in keyof T]: T[K] extends (...args: infer A) => infer R ? (...args: A) => Promise<R> : never;
};
export type App = Remote<Pick<Application, keyof Application>>;
