/** The servers that the benchmark puts its loads on: the same on the stack's sockets and on the kernel's. */
import { once } from "node:events";
import type { AddressInfo, Server } from "node:net";
import type { NetLike, ServiceName } from "../tools/bench/plan.ts";
import { type NetLike as ServiceNet, parseService } from "../tools/services/index.ts";

/** With the ports they have on the stack; on the kernel's sockets they take what is free. */
export const PORTS: Readonly<Record<ServiceName, number>> = {
  discard: 5001,
  source: 5002,
  echo: 7,
  http: 8080,
  minimal: 8081,
};

interface MinimalHttp {
  readonly minimalHttp: (net: NetLike) => Server;
}

async function make(name: ServiceName, net: NetLike): Promise<Server> {
  if (name === "minimal") {
    // the example itself is what is measured; it is shipped for that
    const url = new URL("../../examples/minimal-http.mjs", import.meta.url);
    return ((await import(url.href)) as MinimalHttp).minimalHttp(net);
  }
  const request = parseService(`${name}:${PORTS[name]}`);
  if (typeof request === "string") throw new Error(request);
  return request.start(net as ServiceNet).server;
}

/** Resolves with the port it listens on; `host` undefined: any address. */
export async function startService(
  name: ServiceName,
  net: NetLike,
  port: number,
  host?: string,
): Promise<number> {
  const server = await make(name, net);
  server.listen(port, host);
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

export async function startAll(net: NetLike): Promise<void> {
  for (const name of Object.keys(PORTS) as ServiceName[])
    await startService(name, net, PORTS[name]);
}
