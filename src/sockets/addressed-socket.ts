/** What a socket tells of its connection: the addresses of both ends, and the snapshot. */
import { type AddressInfo, Socket as NodeSocket } from "node:net";

import type { Instant } from "../base/time.ts";
import type { Endpoint } from "../tcp/endpoint.ts";
import type { TcpInfo } from "../tcp/info.ts";
import { formatIpv4 } from "../wire/address.ts";
import { Base } from "./socket-support.ts";

export class AddressedSocket extends Base {
  /** @internal */
  protected _endpoint: Endpoint | null = null;
  /** @internal It is, or was, connected. */
  protected _opened = false;

  override get pending(): boolean {
    return this._endpoint === null || this.connecting;
  }

  // Undefined before there is a connection, which the declared types of `net.Socket` leave out.
  override get localAddress(): string {
    const endpoint = this._endpoint;
    return (endpoint === null ? undefined : formatIpv4(endpoint.localAddress)) as string;
  }

  override get localPort(): number {
    return this._endpoint?.localPort as number;
  }

  override get localFamily(): string {
    return (this._endpoint === null ? undefined : "IPv4") as string;
  }

  /** Stays readable after the end, so that a log line can name the peer. */
  override get remoteAddress(): string | undefined {
    return this.peer === null ? undefined : formatIpv4(this.peer.remoteAddress);
  }

  override get remotePort(): number | undefined {
    return this.peer?.remotePort;
  }

  override get remoteFamily(): string | undefined {
    return this.peer === null ? undefined : "IPv4";
  }

  private get peer(): Endpoint | null {
    return this._opened ? this._endpoint : null;
  }

  override address(): AddressInfo | Record<string, never> {
    const endpoint = this._endpoint;
    if (endpoint === null) return {};
    return { address: formatIpv4(endpoint.localAddress), family: "IPv4", port: endpoint.localPort };
  }

  /** @internal The time, where the host has one. */
  protected _now(): Instant | undefined {
    return undefined;
  }

  /** A snapshot of the connection in the manner of TCP_INFO; null before there is one. */
  getTcpInfo(): TcpInfo | null {
    return this._endpoint?.info(this._now()) ?? null;
  }
}

// `super` and `instanceof` find net.Socket's methods; `new` still runs Duplex's constructor.
Object.setPrototypeOf(AddressedSocket.prototype, NodeSocket.prototype);
