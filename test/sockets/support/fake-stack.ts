/**
 * Two hosts without TCP between them: endpoints that hand chunks to each other on the next turn of the
 * event loop, with small buffers. It tests what sockets make of an endpoint's promises, faults included.
 */
import { type Failure, StackError } from "../../../src/base/errors.ts";
import type { ErrorCode } from "../../../src/base/errors.ts";
import type {
  ConnectRequest,
  ListenerLike,
  ListenRequest,
  SocketHost,
} from "../../../src/sockets/host.ts";
import {
  EVENT_CLOSED,
  EVENT_ESTABLISHED,
  EVENT_FIN_ACKED,
  EVENT_PEER_FIN,
  EVENT_READABLE,
  EVENT_WRITABLE,
} from "../../../src/tcp/endpoint.ts";
import type { Endpoint, EndpointOwner } from "../../../src/tcp/endpoint.ts";
import type { TcpInfo } from "../../../src/tcp/info.ts";
import type { Tuning } from "../../../src/tcp/tuning.ts";
import type { TcpState } from "../../../src/tcp/state.ts";
import type { Ipv4Address } from "../../../src/wire/address.ts";
import { ipv4, parseIpv4 } from "../../../src/wire/address.ts";

export const BUFFER = 32_768;

export class FakeEndpoint implements Endpoint {
  state: TcpState = "SYN-SENT";
  owner: EndpointOwner | null;
  error: Failure | null = null;
  readonly softError: Failure | null = null;
  bytesReceived = 0;
  bytesAcked = 0;
  peer: FakeEndpoint | null = null;
  sendQueued = 0;
  receiveQueued = 0;
  readonly urgentAhead = 0;
  readonly holdsSyn = false;
  lends = false;
  readonly calls: string[] = [];
  readonly #out: Uint8Array[] = [];
  readonly #in: Uint8Array[] = [];
  #full = false;
  #finWanted = false;
  #finSent = false;
  #finCame = false;
  #gone = false;
  #scheduled = false;
  #events = 0;
  readonly localAddress: Ipv4Address;
  readonly localPort: number;
  readonly remoteAddress: Ipv4Address;
  readonly remotePort: number;

  constructor(
    local: [Ipv4Address, number],
    remote: [Ipv4Address, number],
    owner: EndpointOwner | null,
  ) {
    [this.localAddress, this.localPort] = local;
    [this.remoteAddress, this.remotePort] = remote;
    this.owner = owner;
  }

  get sendSpace(): number {
    const space = Math.max(0, BUFFER - this.sendQueued);
    if (space === 0) this.#full = true;
    return space;
  }

  send(chunk: Uint8Array): void {
    if (this.#finWanted) throw new StackError("EPIPE", "after shutdown");
    this.#out.push(chunk);
    this.sendQueued += chunk.length;
    this.later(0);
  }

  sendCopy(chunk: Uint8Array): void {
    this.send(Uint8Array.from(chunk));
  }

  sendUrgent(chunk: Uint8Array): void {
    this.calls.push(`urgent ${chunk.length}`);
    this.sendCopy(chunk);
  }

  receive(): Uint8Array | null {
    const chunk = this.#in.shift() ?? null;
    if (chunk === null) return null;
    this.receiveQueued -= chunk.length;
    this.peer?.later(0);
    return chunk;
  }

  get atEnd(): boolean {
    return this.#finCame && this.#in.length === 0;
  }

  shutdown(): void {
    this.calls.push("shutdown");
    this.#finWanted = true;
    this.later(0);
  }

  close(): void {
    this.calls.push("close");
    this.#gone = true;
    if (this.#in.length > 0 && this.peer !== null) return this.#reset();
    this.#finWanted = true;
    if (this.peer === null) this.state = "CLOSED";
    this.later(0);
  }

  abort(): void {
    this.calls.push("abort");
    this.#gone = true;
    this.#reset();
  }

  #reset(): void {
    this.state = "CLOSED";
    this.later(EVENT_CLOSED);
    this.peer?.fail("ECONNRESET");
  }

  fail(code: ErrorCode): void {
    if (this.state === "CLOSED") return;
    this.state = "CLOSED";
    this.error = { code, message: "a test said so" };
    this.#in.length = 0;
    this.later(EVENT_CLOSED);
  }

  join(peer: FakeEndpoint): void {
    this.peer = peer;
    this.state = "ESTABLISHED";
    this.later(EVENT_ESTABLISHED);
  }

  setQuickAck(on: boolean): void {
    this.calls.push(`setQuickAck ${on}`);
  }

  tune(tuning: Tuning): void {
    this.calls.push(`tune ${JSON.stringify(tuning)}`);
  }

  setCork(on: boolean): void {
    this.calls.push(`setCork ${on}`);
  }

  setNoDelay(on: boolean): void {
    this.calls.push(`noDelay ${on}`);
  }

  setKeepAlive(on: boolean, idle?: number, interval?: number, probes?: number): void {
    this.calls.push(`keepAlive ${on} ${idle} ${interval} ${probes}`);
  }

  setUserTimeout(ms: number): void {
    this.calls.push(`userTimeout ${ms}`);
  }

  offerUserTimeout(ms: number): void {
    this.calls.push(`offerUserTimeout ${ms}`);
  }

  setTypeOfService(tos: number): void {
    this.calls.push(`typeOfService ${tos}`);
  }

  setNotSentLowat(bytes: number): void {
    this.calls.push(`notSentLowat ${bytes}`);
  }

  setCongestionControl(name: string): void {
    this.calls.push(`congestionControl ${name}`);
  }

  tellSoftErrors(on: boolean): void {
    this.calls.push(`softErrors ${on}`);
  }

  info(): TcpInfo {
    return { state: this.state } as TcpInfo;
  }

  later(events: number): void {
    this.#events |= events;
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#work();
    });
  }

  #work(): void {
    const { peer } = this;
    while (peer !== null && this.state !== "CLOSED" && peer.receiveQueued < BUFFER) {
      const chunk = this.#out.shift();
      if (chunk === undefined) break;
      this.sendQueued -= chunk.length;
      this.bytesAcked += chunk.length;
      peer.#take(chunk);
      if (this.#full && this.sendQueued < BUFFER) {
        this.#full = false;
        this.#events |= EVENT_WRITABLE;
      }
    }
    if (this.#finWanted && !this.#finSent && this.sendQueued === 0 && this.state !== "CLOSED") {
      this.#finSent = true;
      this.#events |= EVENT_FIN_ACKED;
      this.state = this.#finCame ? "TIME-WAIT" : "FIN-WAIT-2";
      if (this.#finCame) this.#events |= EVENT_CLOSED;
      if (peer !== null) peer.#takeFin();
    }
    const events = this.#gone ? this.#events & EVENT_CLOSED : this.#events;
    this.#events = 0;
    if (events !== 0) this.owner?.onEvents(this, events);
  }

  #take(chunk: Uint8Array): void {
    if (this.#gone || this.state === "CLOSED") return this.#reset();
    this.#in.push(chunk);
    this.receiveQueued += chunk.length;
    this.bytesReceived += chunk.length;
    this.later(EVENT_READABLE);
  }

  #takeFin(): void {
    if (this.state === "CLOSED") return;
    this.#finCame = true;
    this.state = this.#finSent ? "TIME-WAIT" : "CLOSE-WAIT";
    this.later(EVENT_PEER_FIN | (this.#finSent ? EVENT_CLOSED : 0));
  }
}

class FakeListener implements ListenerLike {
  readonly address: Ipv4Address;
  readonly port: number;
  readonly waiting: FakeEndpoint[] = [];
  readonly request: ListenRequest;
  readonly #network: FakeNetwork;

  constructor(network: FakeNetwork, address: Ipv4Address, port: number, request: ListenRequest) {
    this.#network = network;
    this.address = address;
    this.port = port;
    this.request = request;
  }

  accept(): Endpoint | null {
    return this.waiting.shift() ?? null;
  }

  close(): void {
    this.#network.listeners.delete(this.port);
  }
}

/** All hosts share one table of listening ports: enough for two of them. */
export class FakeNetwork {
  readonly listeners: Map<number, FakeListener> = new Map();
  readonly endpoints: FakeEndpoint[] = [];
  #nextPort = 50_000;

  host(address: string): SocketHost & { refs: number } {
    const own = parseIpv4(address)!;
    return {
      refs: 0,
      ref() {
        this.refs++;
      },
      unref() {
        this.refs--;
      },
      stack: {
        listen: (request) => this.#listen(request),
        connect: (request) => this.#connect(own, request),
      },
    };
  }

  #listen(request: ListenRequest): ListenerLike {
    const port = request.port === 0 ? this.#nextPort++ : request.port;
    if (this.listeners.has(port)) throw new StackError("EADDRINUSE", "taken");
    const listener = new FakeListener(this, request.address ?? ipv4(0), port, request);
    this.listeners.set(port, listener);
    return listener;
  }

  #connect(own: Ipv4Address, request: ConnectRequest): Endpoint {
    const local: [Ipv4Address, number] = [own, request.localPort ?? this.#nextPort++];
    const remote: [Ipv4Address, number] = [request.remoteAddress, request.remotePort];
    const near = new FakeEndpoint(local, remote, request.owner);
    this.endpoints.push(near);
    const listener = this.listeners.get(request.remotePort);
    setImmediate(() => {
      if (near.calls.includes("close") || near.calls.includes("abort")) return;
      if (listener === undefined) return near.fail("ECONNREFUSED");
      const far = new FakeEndpoint(remote, local, null);
      this.endpoints.push(far);
      far.join(near);
      near.join(far);
      listener.waiting.push(far);
      listener.request.owner.onConnection(listener);
    });
    return near;
  }
}
