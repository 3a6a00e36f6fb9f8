/** What a socket stands on: its connection, what it tells of it, and its hold on the process. */
import { type AddressInfo, Socket as NodeSocket } from "node:net";

import type { Instant } from "../base/time.ts";
import type { Endpoint } from "../tcp/endpoint.ts";
import type { TcpInfo } from "../tcp/info.ts";
import { formatIpv4 } from "../wire/address.ts";
import type { Liveness } from "./host.ts";
import { Base, HELD, UNREF } from "./socket-support.ts";

export class AddressedSocket extends Base {
  override connecting: boolean = false;
  /** @internal */
  protected _endpoint: Endpoint | null = null;
  /** @internal It is, or was, connected. */
  protected _opened = false;
  /** @internal Bits of `socket-support.ts`. */
  protected _flags = 0;
  /** @internal */
  protected readonly _liveness: Liveness;

  constructor(liveness: Liveness, options: object) {
    super(options);
    this._liveness = liveness;
  }

  /** @internal There is what Node calls a handle. */
  protected get _live(): boolean {
    return (this.connecting || this._endpoint !== null) && !this.destroyed;
  }

  override get pending(): boolean {
    return this.connecting || !this._live;
  }

  override get bufferSize(): number {
    return (this._live ? this.writableLength : undefined) as number;
  }

  // Both ends stay readable after the end, so that a log line can name them.
  private get local(): Endpoint | null {
    return this._opened || this._live ? this._endpoint : null;
  }

  // Undefined before there is a connection, which the declared types of `net.Socket` leave out.
  override get localAddress(): string {
    const { local } = this;
    return (local === null ? undefined : formatIpv4(local.localAddress)) as string;
  }

  override get localPort(): number {
    return this.local?.localPort as number;
  }

  override get localFamily(): string {
    return (this.local === null ? undefined : "IPv4") as string;
  }

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
    const { local } = this;
    if (local === null) return {};
    return { address: formatIpv4(local.localAddress), family: "IPv4", port: local.localPort };
  }

  /** @internal The time, where the host has one. */
  protected _now(): Instant | undefined {
    return this._liveness.now();
  }

  /** A snapshot of the connection in the manner of TCP_INFO; null before there is one. */
  getTcpInfo(): TcpInfo | null {
    return this._endpoint?.info(this._now()) ?? null;
  }

  // ---- the process ------------------------------------------------------------------------------

  override ref(): this {
    this._flags &= ~UNREF;
    if (this._live) this._hold();
    return this;
  }

  override unref(): this {
    this._flags |= UNREF;
    this._release();
    return this;
  }

  /** @internal */
  protected _hold(): void {
    if (this.destroyed || (this._flags & (HELD | UNREF)) !== 0) return;
    this._flags |= HELD;
    this._liveness.hold();
  }

  /** @internal */
  protected _release(): void {
    if ((this._flags & HELD) === 0) return;
    this._flags &= ~HELD;
    this._liveness.release();
  }
}

// `super` and `instanceof` find net.Socket's methods; `new` still runs Duplex's constructor.
Object.setPrototypeOf(AddressedSocket.prototype, NodeSocket.prototype);
