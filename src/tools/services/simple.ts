/** The small services of RFC 862, 863, 864 and 867, and a source of endless bytes. */
import type { Socket } from "node:net";
import { type NetLike, type ServiceHandle, socketService } from "./service.ts";

const BLOCK = 65536;

/** What was sent comes back, then the end (RFC 862). */
export function echo(net: NetLike): ServiceHandle {
  return socketService(
    net,
    { allowHalfOpen: true },
    (socket) => {
      socket.setNoDelay(true);
      // what `socket.pipe(socket)` does, without its 1.4 KB for each connection
      socket.on("data", writeBack).on("drain", resume).on("end", end);
    },
    endIdle,
  );
}

function writeBack(this: Socket, chunk: Uint8Array): void {
  if (!this.write(chunk)) this.pause();
}

function resume(this: Socket): void {
  this.resume();
}

function end(this: Socket): void {
  this.end();
}

/** Reads and throws away (RFC 863). */
export function discard(net: NetLike): ServiceHandle {
  const onread = { callback(): void {} };
  return socketService(net, { onread }, (socket) => void socket.resume(), endIdle);
}

/** Zeros until the peer closes. */
export function source(net: NetLike): ServiceHandle {
  const zeros = Buffer.alloc(BLOCK);
  return socketService(
    net,
    { sendByReference: true },
    (socket) => pour(socket, () => zeros),
    reset,
  );
}

/** Lines of 72 printable characters, each line one character further (RFC 864). */
export function chargen(net: NetLike): ServiceHandle {
  const lines: Buffer[] = [];
  const printable = Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i)).join("");
  for (let from = 0; from < 95; from++) {
    lines.push(Buffer.from(`${(printable + printable).slice(from, from + 72)}\r\n`));
  }
  return socketService(
    net,
    {},
    (socket) => {
      let line = 0;
      pour(socket, () => lines[line++ % lines.length]!);
    },
    reset,
  );
}

/** The date and time, then the end (RFC 867). */
export function daytime(net: NetLike): ServiceHandle {
  return socketService(
    net,
    {},
    (socket) => {
      socket.resume();
      socket.end(`${new Date().toISOString()}\r\n`);
    },
    endIdle,
  );
}

/** Writes as long as the socket takes it; what the peer sends is read and thrown away. */
function pour(socket: Socket, next: () => Buffer): void {
  const more = (): void => {
    while (!socket.destroyed && socket.writable && socket.write(next()));
  };
  socket.on("drain", more);
  socket.resume();
  more();
}

/** With nothing queued the end says all; otherwise what is under way goes first, and a RST follows if it cannot. */
function endIdle(socket: Socket): void {
  if (socket.writableLength === 0) socket.end();
}

/** The stream has no end of its own: only an error tells the peer that it was cut. */
function reset(socket: Socket): void {
  socket.resetAndDestroy();
}
