/** Two hosts that can reach each other, as `node:net`-shaped modules. */
import type { SocketHost } from "../../../src/sockets/host.ts";
import type { NetModule } from "../../../src/sockets/net.ts";
import { createNet } from "../../../src/sockets/net.ts";
import { FakeNetwork } from "./fake-stack.ts";

export const CLIENT = "192.0.2.1";
export const SERVER = "192.0.2.2";

export interface World {
  readonly client: NetModule;
  readonly server: NetModule;
  readonly clientHost: SocketHost & { readonly refs: number };
  readonly serverHost: SocketHost & { readonly refs: number };
}

export function fakeWorld(): World & { readonly network: FakeNetwork } {
  const network = new FakeNetwork();
  const clientHost = network.host(CLIENT);
  const serverHost = network.host(SERVER);
  const client = createNet(clientHost);
  const server = createNet(serverHost);
  return { network, client, server, clientHost, serverHost };
}
