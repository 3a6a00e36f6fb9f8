/** From the stack to real sockets: each SYN is answered only once its target is connected, and refused as the target refuses. */
import { once } from "node:events";
import { connect, type Server, type Socket } from "node:net";
import { networkInterfaces } from "node:os";
import type { NetModule } from "../../sockets/net.ts";
import type { SynRequest } from "../../sockets/syn-request.ts";
import { type ProxyVersion, proxyHeader } from "./proxy-header.ts";
import { refusalOf } from "./refusal.ts";
import { Relays } from "./relays.ts";
import { type ForwardSpec, placeOf } from "./spec.ts";

export interface ForwardOptions {
  /** ms until a target that does not answer is given up. */
  readonly connectTimeout: number;
  /** The target sees the client's own address, or there is no connection. */
  readonly keepSource: boolean;
  readonly proxy: ProxyVersion | null;
}

export interface Forwarder {
  /** No more connections; those that are left have `graceMs`, then they are reset. */
  finish(graceMs: number): Promise<void>;
}

interface Target {
  readonly host: string;
  readonly port: number;
}

export class Outward implements Forwarder {
  private readonly net: NetModule;
  /** The stack's own addresses: nothing of the stack is to be found behind them. */
  private readonly own: ReadonlySet<string>;
  private readonly options: ForwardOptions;
  private readonly relays: Relays;
  private readonly servers: Server[] = [];
  private readonly connecting = new Set<Socket>();

  constructor(net: NetModule, own: readonly string[], options: ForwardOptions, relays: Relays) {
    this.net = net;
    this.own = new Set(own);
    this.options = options;
    this.relays = relays;
  }

  /** Every port of every address, as far as no `listen` has it. */
  async listenToAny(): Promise<void> {
    await this.serve({ port: 0, anyPort: true }, (request) => ({
      host: request.localAddress,
      port: request.localPort,
    }));
  }

  async listen(spec: ForwardSpec): Promise<void> {
    const { address, port, host, hostPort } = spec;
    const at = address === null ? { port } : { port, host: address };
    await this.serve(at, () => ({ host, port: hostPort }));
  }

  private async serve(at: object, targetOf: (request: SynRequest) => Target): Promise<void> {
    const onSyn = (request: SynRequest): void => this.begin(request, targetOf(request));
    const how = { allowHalfOpen: true, noDelay: true, sendByReference: true, onSyn };
    const server = this.net.createServer(how) as unknown as Server;
    server.listen(at);
    await once(server, "listening");
    this.servers.push(server);
  }

  private begin(request: SynRequest, target: Target): void {
    const client = placeOf(request.remoteAddress, request.remotePort);
    const to = placeOf(request.localAddress, request.localPort);
    const names = { client, to, target: placeOf(target.host, target.port) };
    const refused = this.refuses(request, target);
    if (refused !== null) {
      request.refuse("reset");
      this.relays.report({ event: "refused", ...names, why: refused });
      return;
    }
    const socket = this.connect(request, target);
    let answered = false;
    socket.on("error", (error: NodeJS.ErrnoException) => {
      if (answered || request.ended !== null) return;
      const why = error.code ?? error.message;
      request.refuse(refusalOf(error.code));
      this.relays.report({ event: "refused", ...names, why });
    });
    socket.once("close", () => this.connecting.delete(socket));
    socket.once("connect", () => {
      this.connecting.delete(socket);
      socket.setTimeout(0);
      answered = true;
      if (this.options.proxy !== null) socket.write(this.header(request));
      request.accept((connection) => {
        this.relays.add(connection as unknown as Socket, socket, names);
      });
    });
    request.onend = (why) => {
      socket.resetAndDestroy();
      this.relays.report({ event: "given-up", ...names, why });
    };
  }

  /** What would go round in circles, or not as it was asked for. */
  private refuses(request: SynRequest, target: Target): string | null {
    if (this.own.has(target.host)) return "the target is the stack itself";
    const { keepSource } = this.options;
    if (keepSource && !isOfThisHost(request.remoteAddress))
      return "only this host's own addresses can be kept: --proxy-protocol tells any";
    for (const { localPort, localAddress } of this.connecting) {
      if (localPort === request.remotePort && localAddress === request.remoteAddress)
        return "the way to the target leads back here";
    }
    return null;
  }

  private connect(request: SynRequest, target: Target): Socket {
    const { connectTimeout, keepSource } = this.options;
    const socket = connect({
      ...target,
      allowHalfOpen: true,
      noDelay: true,
      timeout: connectTimeout,
      ...(keepSource ? { localAddress: request.remoteAddress } : {}),
    });
    socket.once("timeout", () => {
      socket.destroy(Object.assign(new Error("no answer"), { code: "ETIMEDOUT" }));
    });
    // its port is known from the connect on, which is made in the next tick
    process.nextTick(() => {
      if (socket.connecting) this.connecting.add(socket);
    });
    return socket;
  }

  private header(request: SynRequest): Buffer {
    return proxyHeader(this.options.proxy!, {
      source: request.remoteAddress,
      sourcePort: request.remotePort,
      destination: request.localAddress,
      destinationPort: request.localPort,
    });
  }

  async finish(graceMs: number): Promise<void> {
    for (const server of this.servers) server.close();
    await this.relays.finish(graceMs);
  }
}

function isOfThisHost(address: string): boolean {
  return Object.values(networkInterfaces()).some((all) => all?.some((a) => a.address === address));
}
