/** A SYN that waits for the word of the program (`onSyn` of a server): nothing was answered yet. */
import type { Endpoint } from "../tcp/endpoint.ts";
import { formatIpv4 } from "../wire/address.ts";
import type { HeldSynLike, RefusalLike, SynOwnerLike } from "./host.ts";
import type { TcpSocket } from "./tcp-socket.ts";

/** What the client hears: a RST, nothing, or ICMP host or network unreachable. */
export type Refusal = RefusalLike;

/** A SYN that came to a server with `onSyn`, which is to say what becomes of it. */
export class SynRequest {
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
  /** Called once if no connection comes of it that was not refused: the client gave up, or its time is over. */
  onend: ((reason: string) => void) | null = null;
  /** @internal */
  _onSocket: ((socket: TcpSocket) => void) | null = null;
  readonly #syn: HeldSynLike;

  constructor(syn: HeldSynLike) {
    this.#syn = syn;
    this.localAddress = formatIpv4(syn.localAddress);
    this.localPort = syn.localPort;
    this.remoteAddress = formatIpv4(syn.remoteAddress);
    this.remotePort = syn.remotePort;
  }

  /** Why there will be no connection of it; null while there may be, and when there is one. */
  get ended(): string | null {
    return this.#syn.ended;
  }

  /** The SYN is answered. `onSocket` is called with the connection once it is established, before `connection` is emitted. */
  accept(onSocket?: (socket: TcpSocket) => void): void {
    this._onSocket ??= onSocket ?? null;
    this.#syn.accept();
  }

  /** The first word counts, and none does once it is over. */
  refuse(how: Refusal = "reset"): void {
    this.#syn.refuse(how);
  }
}

/** Asks the program about each SYN, and brings it what came of it. */
export class SynRequests implements SynOwnerLike {
  readonly #ask: (request: SynRequest) => void;
  readonly #connected: (endpoint: Endpoint, onSocket: ((socket: TcpSocket) => void) | null) => void;
  readonly #asked = new WeakMap<HeldSynLike, SynRequest>();

  constructor(
    ask: (request: SynRequest) => void,
    connected: (endpoint: Endpoint, onSocket: ((socket: TcpSocket) => void) | null) => void,
  ) {
    this.#ask = ask;
    this.#connected = connected;
  }

  onSyn(syn: HeldSynLike): void {
    const request = new SynRequest(syn);
    this.#asked.set(syn, request);
    this.#ask(request);
  }

  onSynOver(syn: HeldSynLike, endpoint: Endpoint | null): void {
    const request = this.#asked.get(syn);
    if (request === undefined) return;
    this.#asked.delete(syn);
    if (endpoint === null) request.onend?.(syn.ended ?? "");
    else this.#connected(endpoint, request._onSocket);
  }
}
