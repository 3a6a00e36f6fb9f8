/** Node's own channels for sockets, so that what watches `node:net` sees those of a stack as well. */
import { channel } from "node:diagnostics_channel";

const CLIENT = channel("net.client.socket");
const SERVER = channel("net.server.socket");

/** Before it connects, as in Node. */
export function tellClientSocket(socket: object): void {
  if (CLIENT.hasSubscribers) CLIENT.publish({ socket });
}

/** After the server's event, as in Node. */
export function tellServerSocket(socket: object): void {
  if (SERVER.hasSubscribers) SERVER.publish({ socket });
}
