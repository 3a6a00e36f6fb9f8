/**
 * A connection of the stack as the handle of one of Node's own sockets. `net.Socket`, `node:tls`, `node:http` and
 * `node:http2` run over it as over a descriptor, natively and in C++ where they do so: it is a StreamBase.
 */
import { AsyncResource } from "node:async_hooks";
import type { Failure } from "../base/errors.ts";
import { isOver } from "../sockets/socket-support.ts";
import {
  type Endpoint,
  type EndpointOwner,
  EVENT_CLOSED,
  EVENT_ESTABLISHED,
  EVENT_FIN_ACKED,
  EVENT_PEER_FIN,
  EVENT_READABLE,
  EVENT_WRITABLE,
} from "../tcp/endpoint.ts";
import { formatIpv4, parseIpv4 } from "../wire/address.ts";
import {
  type ConnectRequest,
  NativeStream,
  ownerOf,
  readError,
  type Request,
  statusOf,
} from "./internals.ts";
import type { Home, Network } from "./network.ts";

/** Below it bytes are copied together; from it on a chunk goes as it is: Node made a copy of it for us. */
const LARGE = 4096;

/** What `getsockname` and `getpeername` fill. */
export interface Name {
  address?: string;
  port?: number;
  family?: string;
}

interface Writing {
  readonly request: Request;
  readonly chunks: readonly Uint8Array[];
  at: number;
}

const REFUSED = statusOf({ code: "ECONNREFUSED" });
const CANCELED = statusOf({ code: "ECANCELED" });
const NOT_CONNECTED = statusOf({ code: "ENOTCONN" });
const NO_IPV6 = statusOf({ code: "EAFNOSUPPORT" });

export class StreamHandle extends NativeStream implements EndpointOwner {
  readonly #network: Network;
  #home: Home | null = null;
  #endpoint: Endpoint | null = null;
  #connecting: ConnectRequest | null = null;
  /** In whose context a client's events come: that of `connect`. */
  #context: AsyncResource | null = null;
  #local: { address: string; port: number } | null = null;
  #asked = false;
  #wants = false;
  #eof = false;
  #closed = false;
  #unref = false;
  #held = false;
  /** How it ended, until the reader has been told. */
  #failure: Failure | null = null;
  #writes: Writing[] = [];
  #shutdown: Request | null = null;

  constructor(network: Network, home: Home | null = null, endpoint: Endpoint | null = null) {
    super();
    this.#network = network;
    if (home !== null && endpoint !== null) this.#take(home, endpoint);
  }

  #take(home: Home, endpoint: Endpoint): void {
    this.#home = home;
    this.#endpoint = endpoint;
    // `readBuffer` copies at once
    endpoint.lends = true;
    endpoint.owner = this;
    this.#network.handles.add(this);
    this.#hold();
  }

  // ---- opening, as net.Socket asks for it -----------------------------------------------------------

  bind(address: string, port: number): number {
    this.#local = { address, port };
    return 0;
  }

  bind6(): number {
    return NO_IPV6;
  }

  connect6(): number {
    return NO_IPV6;
  }

  connect(request: ConnectRequest, address: string, port: number): number {
    this.#asked = true;
    try {
      const way = this.#network.way(address, port);
      if (way === null) return REFUSED;
      const local = this.#local === null ? null : parseIpv4(this.#local.address);
      const endpoint = way.home.core.connect(
        {
          remoteAddress: way.remote,
          remotePort: port,
          ...(local === null || local === 0 ? {} : { localAddress: local }),
          ...(this.#local === null ? {} : { localPort: this.#local.port }),
          owner: this,
        },
        way.home.liveness.now(),
      );
      this.#connecting = request;
      this.#context = new AsyncResource("TUNTCPCONNECT");
      this.#take(way.home, endpoint);
      return 0;
    } catch (error) {
      return statusOf(error);
    }
  }

  #connected(status: number): void {
    const request = this.#connecting!;
    this.#connecting = null;
    const well = status === 0;
    this.#context!.runInAsyncScope(request.oncomplete, request, status, this, request, well, well);
  }

  // ---- events of the endpoint -----------------------------------------------------------------------

  onEvents(endpoint: Endpoint, events: number): void {
    if (this.#closed) {
      if ((events & (EVENT_CLOSED | EVENT_FIN_ACKED)) !== 0) this.gone();
      return;
    }
    if ((events & EVENT_ESTABLISHED) !== 0 && this.#connecting !== null) this.#connected(0);
    if ((events & EVENT_WRITABLE) !== 0) this.#pump();
    if ((events & (EVENT_READABLE | EVENT_PEER_FIN)) !== 0) this.drain();
    if ((events & EVENT_CLOSED) !== 0) this.#over(endpoint.error);
  }

  #over(failure: Failure | null): void {
    if (this.#connecting !== null) {
      this.gone();
      this.#connected(statusOf(failure ?? { code: "ECONNABORTED" }));
      return;
    }
    this.#failure = failure;
    this.drain();
    if (failure !== null) this.#cancel(statusOf(failure));
    this.gone();
  }

  // ---- reading --------------------------------------------------------------------------------------

  /** Called by the native side, as are `onreadstop`, `onwrite`, `onshutdown` and `isClosing`. */
  onreadstart(): number {
    this.#wants = true;
    // never from within the call that asks
    if (this.#endpoint !== null) process.nextTick(drain, this);
    return 0;
  }

  onreadstop(): number {
    this.#wants = false;
    return 0;
  }

  /** Moves up what is there while it is wanted; what stays below closes the window. */
  drain(): void {
    const endpoint = this.#endpoint;
    if (endpoint === null || this.#connecting !== null) return;
    while (this.#wants && !this.#closed) {
      const chunk = endpoint.receive();
      if (chunk === null) break;
      this.readBuffer(chunk);
    }
    if (!this.#wants || this.#closed) return;
    if (this.#failure !== null) {
      this.#fail(this.#failure);
    } else if (endpoint.atEnd && !this.#eof) {
      this.#eof = true;
      this.emitEOF();
    }
  }

  #fail(failure: Failure): void {
    this.#failure = null;
    const owner = ownerOf(this);
    if (owner === null) return;
    const destroy = (): void => void owner.destroy(readError(failure));
    if (this.#context === null) destroy();
    else this.#context.runInAsyncScope(destroy);
  }

  // ---- writing --------------------------------------------------------------------------------------

  onwrite(request: Request, chunks: readonly Uint8Array[]): number {
    if (this.#closed || this.#endpoint === null) return NOT_CONNECTED;
    this.#writes.push({ request, chunks, at: 0 });
    this.#pump();
    return 0;
  }

  /** A timeout of net.Socket does not count while this changes. */
  get writeQueueSize(): number {
    let size = 0;
    for (const { chunks, at } of this.#writes)
      for (let i = at; i < chunks.length; i++) size += chunks[i]!.length;
    return size;
  }

  /** Hands over while there is room, and then the end. A write is done when all of it is in the connection's memory. */
  #pump(): void {
    const endpoint = this.#endpoint!;
    try {
      for (let first = this.#writes[0]; first !== undefined; first = this.#writes[0]) {
        for (; first.at < first.chunks.length; first.at++) {
          if (endpoint.sendSpace <= 0) return;
          const chunk = first.chunks[first.at]!;
          if (chunk.length >= LARGE) endpoint.send(chunk);
          else if (chunk.length > 0) endpoint.sendCopy(chunk);
        }
        this.#writes.shift();
        process.nextTick(finishWrite, this, first.request, 0);
      }
    } catch (error) {
      this.#cancel(statusOf(error));
      return;
    }
    if (this.#shutdown === null) return;
    endpoint.shutdown();
    process.nextTick(finishShutdown, this, this.#shutdown, 0);
    this.#shutdown = null;
  }

  #cancel(status: number): void {
    for (const { request } of this.#writes) process.nextTick(finishWrite, this, request, status);
    this.#writes = [];
    if (this.#shutdown !== null) process.nextTick(finishShutdown, this, this.#shutdown, status);
    this.#shutdown = null;
  }

  onshutdown(request: Request): number {
    if (this.#closed || this.#endpoint === null) return NOT_CONNECTED;
    this.#shutdown = request;
    this.#pump();
    return 0;
  }

  // ---- ending ---------------------------------------------------------------------------------------

  isClosing(): boolean {
    return this.#closed;
  }

  close(done?: () => void): void {
    this.#end(false, done);
  }

  reset(done?: () => void): number {
    this.#end(true, done);
    return 0;
  }

  #end(reset: boolean, done: (() => void) | undefined): void {
    const first = !this.#closed;
    this.#closed = true;
    this.#wants = false;
    this.#connecting = null;
    if (first && this.#endpoint !== null) {
      const over = isOver(this.#endpoint);
      if (reset) this.#endpoint.abort();
      else this.#endpoint.close();
      if (reset || over) this.gone();
      // no kernel finishes it for us
      else this.#network.linger(this);
    }
    this.#cancel(CANCELED);
    setImmediate(() => done?.call(this));
  }

  /** At the end of the process: FIN to who has everything, RST to who would be cut short. */
  leave(): void {
    const endpoint = this.#endpoint;
    if (endpoint === null) return;
    if (this.#writes.length > 0 || endpoint.info().notSent > 0) endpoint.abort();
    else endpoint.close();
  }

  /** Nothing of it is under way any more, or nobody waits for it. */
  gone(): void {
    this.#network.handles.delete(this);
    this.#network.lingering.delete(this);
    this.#release();
  }

  /** The process waits for it no longer. */
  forgo(): void {
    this.#network.lingering.delete(this);
    this.#release();
  }

  // ---- the process's life ---------------------------------------------------------------------------

  ref(): void {
    this.#unref = false;
    if (this.#network.handles.has(this)) this.#hold();
  }

  unref(): void {
    this.#unref = true;
    if (!this.#network.lingering.has(this)) this.#release();
  }

  hasRef(): boolean {
    return !this.#unref;
  }

  /** Even where the socket was unreferenced: it waits for its last bytes only. */
  holdToTheEnd(): void {
    this.#unref = false;
    this.#hold();
  }

  #hold(): void {
    if (this.#held || this.#unref) return;
    this.#held = true;
    this.#home!.liveness.hold();
  }

  #release(): void {
    if (!this.#held) return;
    this.#held = false;
    this.#home!.liveness.release();
  }

  // ---- options and names ----------------------------------------------------------------------------

  setNoDelay(on: boolean): number {
    this.#endpoint?.setNoDelay(on);
    return 0;
  }

  /** Seconds. */
  setKeepAlive(on: boolean, idle = 0, interval = 0, count = 0): number {
    const ms = (seconds: number): number | undefined => (seconds > 0 ? seconds * 1000 : undefined);
    this.#endpoint?.setKeepAlive(on, ms(idle), ms(interval), count > 0 ? count : undefined);
    return 0;
  }

  setTypeOfService(tos: number): number {
    this.#endpoint?.setTypeOfService(tos);
    return 0;
  }

  getTypeOfService(): number {
    return this.#endpoint?.info().typeOfService ?? 0;
  }

  getsockname(out: Name): number {
    const endpoint = this.#endpoint;
    if (endpoint !== null) name(out, formatIpv4(endpoint.localAddress), endpoint.localPort);
    else if (this.#asked) name(out, this.#local?.address ?? "0.0.0.0", this.#local?.port ?? 0);
    else return NOT_CONNECTED;
    return 0;
  }

  getpeername(out: Name): number {
    const endpoint = this.#endpoint;
    if (endpoint === null || this.#connecting !== null) return NOT_CONNECTED;
    name(out, formatIpv4(endpoint.remoteAddress), endpoint.remotePort);
    return 0;
  }
}

function name(out: Name, address: string, port: number): void {
  out.address = address;
  out.family = "IPv4";
  out.port = port;
}

// shared, so that no closure is made for each
function drain(handle: StreamHandle): void {
  handle.drain();
}

function finishWrite(handle: StreamHandle, request: Request, status: number): void {
  handle.finishWrite(request, status);
}

function finishShutdown(handle: StreamHandle, request: Request, status: number): void {
  handle.finishShutdown(request, status);
}
