/** Two hosts that can reach each other, as `node:net`-shaped modules. */
import { createPair } from "../../../src/devices/pair.ts";
import { createStack, type UserStack } from "../../../src/sockets/create-stack.ts";
import type { SocketHost } from "../../../src/sockets/host.ts";
import type { NetModule } from "../../../src/sockets/net.ts";
import { createNet } from "../../../src/sockets/net.ts";
import type { Settings } from "../../../src/tcp/config.ts";
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

/** The same over two real stacks, joined by a pair of devices in memory. */
export function realWorld(settings: Partial<Settings> = {}): {
  readonly client: NetModule;
  readonly server: NetModule;
  readonly stacks: readonly [UserStack, UserStack];
} {
  const [a, b] = createPair();
  const left = createStack({ device: a, address: `${CLIENT}/24`, settings });
  const right = createStack({ device: b, address: `${SERVER}/24`, settings });
  return { client: left.net, server: right.net, stacks: [left, right] };
}
