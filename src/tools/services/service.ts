/** What a service is: something that listens on one port of a `net`, and can be told to finish. */
import type { Server, Socket } from "node:net";

/** The part of `node:net` that services need; the stack's has it, and Node's own. */
export interface NetLike {
  createServer(options: ServiceOptions, listener: (socket: Socket) => void): Server;
}

export interface ServiceOptions {
  readonly allowHalfOpen?: boolean;
  /** What is written stays as it is, so that it need not be copied; passed over by Node's own `net`. */
  readonly sendByReference?: boolean;
  /** Bytes lent for the call. Node's own `net` has no such option for servers and passes it over. */
  readonly onread?: { callback(nread: number): void };
}

export interface ServiceHandle {
  readonly server: Server;
  /** No more requests: connections that have nothing to say end now. */
  finish(): void;
}

/** `name:port` as it was asked for. */
export interface ServiceRequest {
  readonly name: string;
  readonly port: number;
  start(net: NetLike): ServiceHandle;
}

/** A peer that resets its connection ends that connection, nothing else. */
function end(this: Socket): void {
  this.destroy();
}

/** A service made of one function a connection; keeps count of those that are open. */
export function socketService(
  net: NetLike,
  options: ServiceOptions,
  onSocket: (socket: Socket) => void,
  onFinish: (socket: Socket) => void,
): ServiceHandle {
  const open = new Set<Socket>();
  // one function for all sockets: five closures each would be a tenth of an idle connection's memory
  function closed(this: Socket): void {
    open.delete(this);
  }
  const server = net.createServer(options, (socket) => {
    open.add(socket);
    socket.on("close", closed).on("error", end);
    onSocket(socket);
  });
  return {
    server,
    finish() {
      for (const socket of open) onFinish(socket);
    },
  };
}
