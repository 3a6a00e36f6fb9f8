/** What a program's handlers can do wrong with a connection (row H152). */
import type { TcpSocket } from "../../../src/sockets/tcp-socket.ts";

/** Opens a connection back to the peer, as a handler that re-enters the stack does. */
export type Back = () => TcpSocket;

export const MISDEEDS: Readonly<
  Record<string, (s: TcpSocket, told: (what: string) => void, back: Back) => void>
> = {
  "throws in connection": () => {
    throw new Error("in connection");
  },
  "throws in data": (s) =>
    void s.on("data", () => {
      throw new Error("in data");
    }),
  rejects: (s) => void s.on("data", () => Promise.reject(new Error("in a promise"))),
  "destroys in data": (s) => void s.on("data", () => s.destroy()),
  "writes after the end": (s, told) => {
    s.on("error", (error) => told((error as NodeJS.ErrnoException).code ?? ""));
    s.end();
    s.write("late");
  },
  "throws in close": (s) => {
    s.on("data", () => s.destroy());
    s.on("close", () => {
      throw new Error("in close");
    });
  },
  "connects in close": (s, told, back) => {
    s.on("data", () => s.destroy());
    s.on("close", () => {
      const again = back();
      again.on("connect", () => again.destroy());
      again.on("error", () => told("refused"));
    });
  },
};

/** What the program is told where nobody catches, and what its handlers of errors hear. */
export const UNCAUGHT = ["in a promise", "in close", "in connection", "in data"];
export const HEARD = ["ERR_STREAM_WRITE_AFTER_END", "refused"];
