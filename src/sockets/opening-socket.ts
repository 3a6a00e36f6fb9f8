/** How a socket comes to its connection: a name is looked up, its addresses are tried, and each failure is told as Node tells it. */
import { AsyncResource } from "node:async_hooks";
import type { LookupAddress } from "node:dns";
import { isIP } from "node:net";

import type { Failure } from "../base/errors.ts";
import type { Endpoint, EndpointOwner } from "../tcp/endpoint.ts";
import { formatIpv4, parseIpv4 } from "../wire/address.ts";
import type { ConnectOptions } from "./arguments.ts";
import { ipv4OrNull, normalizeArguments, wayOf } from "./arguments.ts";
import { allFailed, ipBlocked, localError, systemError } from "./errors.ts";
import { attemptTimeout, faultOf, inTurn, planLookup } from "./lookup.ts";
import { SendingSocket } from "./sending-socket.ts";
import { codeOf, destroyWith, FAST_OPEN, openTo } from "./socket-support.ts";
import { checkConnect, checkTarget } from "./validate.ts";

/** What is tried just now. */
interface Target {
  readonly host: string;
  readonly port: number;
  readonly family: number;
  /** Where the user chose the local end: `address:port`. */
  readonly local: { readonly address: string; readonly port: number } | null;
}

/** The addresses of one host, tried in turn. */
interface Attempts {
  readonly addresses: readonly LookupAddress[];
  readonly options: ConnectOptions;
  readonly errors: Error[];
  next: number;
  timer: NodeJS.Timeout | null;
}

export abstract class OpeningSocket extends SendingSocket implements EndpointOwner {
  #target: Target | null = null;
  #attempts: Attempts | null = null;
  /** @internal Where its listeners run: what `connect` was called in, so that an `AsyncLocalStorage` has that store there. */
  _context: AsyncResource | null = null;
  #inside = false;

  /** @internal */
  onEvents(endpoint: Endpoint, events: number): void {
    const context = this._context;
    if (this.#inside || context === null) {
      this._happens(endpoint, events);
      return;
    }
    this.#inside = true;
    try {
      // 15 to 20 ns while nobody uses async_hooks
      context.runInAsyncScope(happens, undefined, this, endpoint, events);
    } finally {
      this.#inside = false;
    }
  }

  /** @internal */
  abstract _happens(endpoint: Endpoint, events: number): void;

  /** @internal The connection stands. */
  abstract _established(): void;
  /** @internal To the endpoint, what was asked for before. */
  protected abstract _applyOptions(): void;
  /** @internal A socket that has been closed is as new. */
  protected abstract _renew(): void;

  override connect(...args: unknown[]): this {
    const [given, callback] = normalizeArguments(args);
    if (callback !== null) this.once("connect", callback);
    checkTarget(given);
    checkConnect(given);
    const options = given as unknown as ConnectOptions;
    if (!this._live) this._renew();
    this._context = new AsyncResource("TUNTCP_SOCKET");
    this._unrefTimer();
    this.connecting = true;
    this._hold();
    if (options.noDelay === true) this.setNoDelay(true);
    if (options.keepAlive === true) this.setKeepAlive(true, options.keepAliveInitialDelay);
    if (options.fastOpen === true) this._flags |= FAST_OPEN;
    const host = options.host ? options.host! : "localhost";
    if (isIP(host) === 0) this.#lookup(host, options);
    else process.nextTick(openTo, this, host, options);
    return this;
  }

  #lookup(host: string, options: ConnectOptions): void {
    const plan = planLookup(options);
    const all = plan.options.all === true;
    plan.lookup(host, plan.options, (error, found, family) => {
      if (all && !this.connecting) return;
      if (all && Array.isArray(found)) {
        this.#foundAll(found as readonly LookupAddress[], host, options);
        return;
      }
      // one address where several were asked for is as good
      const [ip, kind] = all && error !== null ? [undefined, undefined] : [found, family];
      this.emit("lookup", error, ip, kind, host);
      if (!this.connecting) return;
      const fault = error ?? faultOf(ip, kind, options);
      if (fault !== null) process.nextTick(destroyWith, this, fault);
      else this._open(ip as string, options);
    });
  }

  #foundAll(found: readonly LookupAddress[], host: string, options: ConnectOptions): void {
    for (const { address, family } of found) {
      this.emit("lookup", null, address, family, host);
      if (!this.connecting) return;
    }
    const addresses = inTurn(found, options);
    if (addresses.length === 0) {
      const fault = faultOf(found[0]?.address, found[0]?.family, options);
      process.nextTick(destroyWith, this, fault);
    } else if (addresses.length === 1) {
      this._open(addresses[0]!.address, options);
    } else {
      this.#attempts = { addresses, options, errors: [], next: 0, timer: null };
      Object.assign(this, { autoSelectFamilyAttemptedAddresses: [] });
      this.#tryNext(this.#attempts);
    }
  }

  /** @internal The address is known. */
  _open(host: string, options: ConnectOptions): void {
    if (!this.connecting) return;
    this._unrefTimer();
    const error = this.#attempt(host, options);
    if (error !== null) this.destroy(error);
    else this.#sendEarly();
  }

  /** Fast Open: what was written may go with the SYN. */
  #sendEarly(): void {
    if ((this._flags & FAST_OPEN) !== 0) this._pump();
  }

  #tryNext(attempts: Attempts): void {
    const { addresses, options, errors } = attempts;
    while (this.connecting && this.#attempts === attempts) {
      const at = attempts.next++;
      const one = addresses[at];
      if (one === undefined) {
        this.destroy(allFailed(errors));
        return;
      }
      const port = Number(options.port);
      this.autoSelectFamilyAttemptedAddresses.push(`${one.address}:${port}`);
      const error = this.#attempt(one.address, options);
      if (!this.connecting) return;
      if (error !== null) {
        errors.push(error);
        this.emit("connectionAttemptFailed", one.address, port, one.family, error);
        continue;
      }
      if (at < addresses.length - 1)
        attempts.timer = setTimeout(tryAnother, attemptTimeout(options), this);
      this.#sendEarly();
      return;
    }
  }

  /** The SYN for one address is on its way, or this is why not. */
  #attempt(host: string, options: ConnectOptions): Error | null {
    const to = targetOf(host, options);
    let failed: unknown = null;
    // the kernel says EISCONN to a second connect, which Node takes for a success
    if (this._opened) process.nextTick(openedAgain, this);
    else if (this._endpoint !== null) failed = { code: "EALREADY" };
    else if (!isIpv4Way(host, options)) failed = { code: "EAFNOSUPPORT" };
    else {
      this.#target = to;
      try {
        this.#connect(to, options);
      } catch (cause) {
        const code = codeOf(cause);
        const { local } = to;
        if (local !== null && (code === "EADDRNOTAVAIL" || code === "EADDRINUSE"))
          return systemError("bind", code, local.address, local.port, cause);
        failed = cause;
      }
    }
    this.emit("connectionAttempt", host, to.port, to.family);
    if (this._isBlocked(host, to.family)) {
      this.#abandon();
      return ipBlocked(host);
    }
    if (failed === null) return null;
    return localError(codeOf(failed), to, this.#localText(to.family), failed);
  }

  #localText(family: number): string {
    const endpoint = this._endpoint;
    if (endpoint !== null) return `${formatIpv4(endpoint.localAddress)}:${endpoint.localPort}`;
    return family === 4 ? "0.0.0.0:0" : "undefined:undefined";
  }

  #connect(to: Target, options: ConnectOptions): void {
    const localAddress = ipv4OrNull(options.localAddress ? options.localAddress : undefined);
    const request = {
      remoteAddress: parseIpv4(to.host)!,
      remotePort: to.port,
      ...(localAddress === null ? {} : { localAddress }),
      ...(options.localPort ? { localPort: options.localPort! } : {}),
      ...wayOf(options),
      owner: this,
    };
    this._endpoint = this._liveness.stack.connect(request, this._now());
    this._applyOptions();
  }

  /** @internal By a list that the user gave. */
  protected _isBlocked(host: string, family: number): boolean {
    return this.blockList?.check(host, family === 6 ? "ipv6" : "ipv4") ?? false;
  }

  #abandon(): void {
    const endpoint = this._endpoint;
    this._endpoint = null;
    if (endpoint === null) return;
    endpoint.owner = null;
    endpoint.abort();
  }

  /** @internal The address that is tried does not answer in time: to the next one. */
  _tryAnother(): void {
    const attempts = this.#attempts;
    const to = this.#target;
    if (attempts === null || to === null || !this.connecting) return;
    this.emit("connectionAttemptTimeout", to.host, to.port, to.family);
    attempts.errors.push(attemptError("ETIMEDOUT", to, "no answer in time"));
    if (!this.connecting) return;
    this.#abandon();
    this.#tryNext(attempts);
  }

  /** @internal The attempt under way ended with this. */
  protected _attemptFailed(reason: Failure): void {
    const to = this.#target!;
    const error = attemptError(reason.code, to, reason.message);
    const attempts = this.#attempts;
    this.#endTimer();
    attempts?.errors.push(error);
    this.emit("connectionAttemptFailed", to.host, to.port, to.family, error);
    if (attempts === null) this.destroy(error);
    else if (this.connecting) {
      this._endpoint = null;
      this.#tryNext(attempts);
    }
  }

  /** @internal Connected, or given up. */
  protected _attemptsOver(): void {
    this.#endTimer();
    this.#attempts = null;
  }

  #endTimer(): void {
    const timer = this.#attempts?.timer ?? null;
    if (timer !== null) clearTimeout(timer);
  }
}

function happens(socket: OpeningSocket, endpoint: Endpoint, events: number): void {
  socket._happens(endpoint, events);
}

function openedAgain(socket: OpeningSocket): void {
  if (socket.connecting) socket._established();
}

function tryAnother(socket: OpeningSocket): void {
  socket._tryAnother();
}

function isIpv4Way(host: string, { localAddress }: ConnectOptions): boolean {
  return isIP(host) === 4 && (!localAddress || isIP(localAddress!) === 4);
}

function targetOf(host: string, options: ConnectOptions): Target {
  const { localAddress, localPort } = options;
  const port = Number(options.port);
  const chosen = Boolean(localAddress) || Boolean(localPort);
  const local = chosen ? { address: localAddress ?? "0.0.0.0", port: localPort ?? 0 } : null;
  return { host, port, family: isIP(host), local };
}

/** An answer, or none, to a SYN; a local end that the user chose in full is named. */
function attemptError(code: string, to: Target, cause: string): Error {
  const { local } = to;
  if (local === null || local.port === 0)
    return systemError("connect", code, to.host, to.port, cause);
  const error = localError(code, to, `${local.address}:${local.port}`, cause);
  return Object.assign(error, { localAddress: local.address, localPort: local.port });
}
