/**
 * From real sockets through the stack. The kernel has answered the client before we hear of it: a target that refuses shows
 * as a RST of an open connection.
 */
import { once } from "node:events";
import { createServer, isIPv4, type Server, type Socket } from "node:net";
import type { NetModule } from "../../sockets/net.ts";
import type { Forwarder, ForwardOptions } from "./outward.ts";
import { proxyHeader } from "./proxy-header.ts";
import type { Relays } from "./relays.ts";
import { type ForwardSpec, placeOf } from "./spec.ts";

/** As ssh does: who wants others to come in says so. */
const DEFAULT_ADDRESS = "127.0.0.1";

export class Inward implements Forwarder {
  private readonly net: NetModule;
  private readonly options: ForwardOptions;
  private readonly relays: Relays;
  private readonly servers: Server[] = [];

  constructor(net: NetModule, options: ForwardOptions, relays: Relays) {
    this.net = net;
    this.options = options;
    this.relays = relays;
  }

  async listen(spec: ForwardSpec): Promise<void> {
    const how = { allowHalfOpen: true, noDelay: true, pauseOnConnect: true };
    const server = createServer(how, (client) => this.begin(client, spec));
    server.listen(spec.port, spec.address ?? DEFAULT_ADDRESS);
    await once(server, "listening");
    this.servers.push(server);
  }

  private begin(client: Socket, spec: ForwardSpec): void {
    const { host, hostPort: port } = spec;
    const source = plain(client.remoteAddress ?? "");
    const names = {
      client: placeOf(source, client.remotePort ?? 0),
      to: placeOf(plain(client.localAddress ?? ""), client.localPort ?? 0),
      target: placeOf(host, port),
    };
    const refuse = (why: string): void => {
      client.resetAndDestroy();
      this.relays.report({ event: "refused", ...names, why });
    };
    const { keepSource, connectTimeout } = this.options;
    if (keepSource && (!isIPv4(source) || source.startsWith("127."))) {
      client.on("error", () => {});
      refuse("an address of loopback or IPv6 cannot be kept: --proxy-protocol tells any");
      return;
    }
    const target = this.net.connect({
      host,
      port,
      allowHalfOpen: true,
      noDelay: true,
      sendByReference: true,
      timeout: connectTimeout,
      ...(keepSource ? { localAddress: source } : {}),
    }) as unknown as Socket;
    let whole = false;
    target.on("error", (error: NodeJS.ErrnoException) => {
      if (!whole && !client.destroyed) refuse(error.code ?? error.message);
    });
    target.once("timeout", () => {
      target.destroy(Object.assign(new Error("no answer"), { code: "ETIMEDOUT" }));
    });
    const gone = (): void => {
      if (whole || target.destroyed) return;
      target.destroy();
      this.relays.report({ event: "given-up", ...names, why: "closed" });
    };
    client.on("error", () => {});
    client.once("close", gone);
    target.once("connect", () => {
      whole = true;
      target.setTimeout(0);
      client.off("close", gone);
      if (this.options.proxy !== null) target.write(this.header(client, source));
      this.relays.add(client, target, names);
      client.resume();
    });
  }

  private header(client: Socket, source: string): Buffer {
    return proxyHeader(this.options.proxy!, {
      source,
      sourcePort: client.remotePort ?? 0,
      destination: plain(client.localAddress ?? ""),
      destinationPort: client.localPort ?? 0,
    });
  }

  async finish(graceMs: number): Promise<void> {
    for (const server of this.servers) server.close();
    await this.relays.finish(graceMs);
  }
}

/** An IPv4 address as itself, which a socket of both families shows as one of IPv6. */
function plain(address: string): string {
  return address.startsWith("::ffff:") ? address.slice(7) : address;
}
