/** A listener of the stack as the handle of one of Node's own servers. */
import { AsyncResource } from "node:async_hooks";
import type { ListenerLike, ListenerOwnerLike } from "../sockets/host.ts";
import { formatIpv4, type Ipv4Address, UNSPECIFIED } from "../wire/address.ts";
import { statusOf } from "./internals.ts";
import type { Home, Network } from "./network.ts";
import { type Name, StreamHandle } from "./stream-handle.ts";

export class ServerHandle implements ListenerOwnerLike {
  readonly address: Ipv4Address;
  /** Set by net.Server. */
  onconnection: (error: number, client: StreamHandle) => void = () => {};
  readonly #network: Network;
  readonly #context = new AsyncResource("TUNTCPLISTEN");
  readonly #listeners = new Map<ListenerLike, Home>();
  #port: number;
  #backlog = 0;
  #unref = false;
  #held = false;

  constructor(network: Network, address: Ipv4Address, port: number) {
    this.#network = network;
    this.address = address;
    this.#port = port;
  }

  get port(): number {
    return this.#port;
  }

  /** The status of libuv's call of that name. */
  listen(backlog: number): number {
    this.#backlog = backlog;
    try {
      this.#port = this.#listen(this.#network.outer).port;
    } catch (error) {
      return statusOf(error);
    }
    this.#network.servers.add(this);
    if (!this.#unref) this.ref();
    return 0;
  }

  #listen(home: Home): ListenerLike {
    const everywhere = this.address === UNSPECIFIED || home !== this.#network.outer;
    const listener = home.core.listen({
      ...(everywhere ? {} : { address: this.address }),
      port: this.#port,
      backlog: this.#backlog,
      owner: this,
    });
    this.#listeners.set(listener, home);
    return listener;
  }

  /** There, too, from now on. */
  alsoOn(home: Home): void {
    for (const known of this.#listeners.values()) if (known === home) return;
    this.#listen(home);
  }

  onConnection(listener: ListenerLike): void {
    const home = this.#listeners.get(listener);
    if (home === undefined) return;
    for (;;) {
      const endpoint = listener.accept();
      if (endpoint === null) return;
      const client = new StreamHandle(this.#network, home, endpoint);
      try {
        this.#context.runInAsyncScope(this.onconnection, this, 0, client);
      } catch (error) {
        // the program's to handle; the next connections are not to wait for that
        process.nextTick(() => {
          throw error;
        });
      }
    }
  }

  close(done?: () => void): void {
    for (const listener of this.#listeners.keys()) listener.close();
    this.#listeners.clear();
    this.#network.servers.delete(this);
    this.#release();
    if (done !== undefined) setImmediate(() => done.call(this));
  }

  getsockname(out: Name): number {
    out.address = formatIpv4(this.address);
    out.family = "IPv4";
    out.port = this.#port;
    return 0;
  }

  ref(): void {
    this.#unref = false;
    if (this.#held || this.#listeners.size === 0) return;
    this.#held = true;
    this.#network.outer.liveness.hold();
  }

  unref(): void {
    this.#unref = true;
    this.#release();
  }

  hasRef(): boolean {
    return !this.#unref;
  }

  #release(): void {
    if (!this.#held) return;
    this.#held = false;
    this.#network.outer.liveness.release();
  }
}
