/** The scenes that can be played against the kernel, and why the others cannot. */
import { once } from "node:events";
import kernelNet from "node:net";
import { ACK, FIN, RST, SYN } from "../../../wire/tcp-segment.ts";
import type { Rung } from "../../observe/index.ts";
import type { Pair, KernelWorld } from "./world.ts";

/** What it returns is said at the end. */
export type KernelScene = (w: KernelWorld) => Promise<readonly string[]>;

const has =
  (bits: number) =>
  (rung: Rung): boolean =>
    (rung.flags & bits) === bits;

/** Settings of this stack that a scene needs. */
export const KERNEL_SETTINGS: Readonly<Record<string, readonly string[]>> = {
  "zero-window": ["tcp_rmem=4380 4380 4380"],
};

export const KERNEL_SCENES: Readonly<Record<string, KernelScene>> = {
  handshake,
  "handshake-lost-ack": handshakeLostAck,
  refused,
  data,
  "zero-window": zeroWindow,
  loss,
  close,
  "half-close": halfClose,
  "time-wait-lost-ack": timeWaitLostAck,
  abort,
  keepalive,
};

/** In one line each. */
export const NOT_WITH_THE_KERNEL: Readonly<Record<string, string>> = {
  "old-duplicate-syn": "the old SYN would have to come from a connection that the kernel once had",
  "simultaneous-open": "the kernel's SYN must leave before ours arrives, which nobody can promise",
  "close-three-segments": "the kernel acknowledges a FIN before its program hears of it",
  "simultaneous-close": "both FINs must be under way at once, which nobody can promise",
  "half-open": "the kernel would have to crash",
  "syn-queue": "it needs strangers who never answer, and a queue of two places",
  "syn-cookies": "it needs strangers who never answer, and a queue of two places",
  isn: "what is shown are this stack's own numbers",
};

async function handshake(w: KernelWorld): Promise<string[]> {
  const { port, accepted } = await w.kernelListens();
  w.begins();
  w.connects(port);
  await accepted;
  w.ends();
  return ["The kernel's program has accepted the connection."];
}

async function handshakeLostAck(w: KernelWorld): Promise<string[]> {
  const { port, accepted } = await w.kernelListens();
  let lost = false;
  w.fate = ({ flags }, outgoing) => {
    if (lost || !outgoing || (flags & SYN) !== 0) return false;
    lost = true;
    return true;
  };
  w.begins();
  w.connects(port);
  await accepted;
  w.ends();
  return ["The kernel repeated its SYN-ACK after a second, and the answer to that opened its end."];
}

async function refused(w: KernelWorld): Promise<string[]> {
  const { port } = await w.kernelListens();
  await w.close(); // nobody listens there any more
  w.begins();
  const { told, connected } = w.connects(port);
  await connected.catch(() => {});
  w.ends();
  return [`The connect fails: ${told.error}.`];
}

async function data(w: KernelWorld): Promise<string[]> {
  const { socket, kernel } = await w.open();
  let got = 0;
  kernel.once("data", () => kernel.write(Buffer.alloc(4000)));
  socket.on("data", (chunk: Buffer) => (got += chunk.length));
  socket.write(Buffer.alloc(100));
  await w.sees("the ACK of 4,000 bytes", ({ fromLeft, ack }) => fromLeft && ack === 4001);
  w.ends();
  return [`The kernel took 100 bytes, this stack took ${got}.`];
}

async function zeroWindow(w: KernelWorld): Promise<string[]> {
  const server = w.net.createServer({ pauseOnConnect: true });
  await once(server.listen(8000), "listening");
  const accepted = once(server, "connection") as Promise<[Pair["socket"]]>;
  const kernel = kernelNet.connect(8000, w.ours).on("error", () => {});
  w.begins();
  const [socket] = await accepted;
  socket.on("error", () => {});
  w.shownFrom = w.rungs.length;
  kernel.write(Buffer.alloc(8000));
  await w.sees("a window of 0", (r) => !r.fromLeft && r.window === 0 && (r.flags & RST) === 0);
  await w.sees("a window probe", (r) => r.fromLeft && r.remark.includes("probe"));
  let got = 0;
  socket.on("data", (chunk: Buffer) => (got += chunk.length));
  socket.resume();
  await w.sees("the last byte", ({ fromLeft, seq, length }) => fromLeft && seq + length >= 8001);
  await w.waits(100);
  w.ends();
  kernel.destroy();
  socket.destroy();
  server.close();
  return [`This stack's program has read ${got} bytes in the end: none was lost.`];
}

async function loss(w: KernelWorld): Promise<string[]> {
  const { socket, kernel } = await w.open();
  let got = 0;
  kernel.on("data", (chunk: Buffer) => (got += chunk.length));
  let left = 3;
  w.fate = ({ length }, outgoing) => outgoing && length > 0 && --left === 0;
  socket.write(Buffer.alloc(14_000));
  await w.sees("the last ACK", ({ fromLeft, ack }) => !fromLeft && ack === 14_001);
  await w.waits(20);
  w.ends();
  return [`The kernel took all ${got} bytes, in order.`];
}

async function close(w: KernelWorld): Promise<string[]> {
  const { socket, kernel } = await w.open(true);
  socket.resume();
  kernel.resume();
  socket.end();
  await w.sees("the ACK of our FIN", (r) => !r.fromLeft && r.left === "FIN-WAIT-2");
  await w.waits(100);
  kernel.end();
  await w.sees("the last ACK", ({ left, fromLeft }) => fromLeft && left === "TIME-WAIT");
  w.ends();
  return ["This stack stays in TIME-WAIT for 60 s (twice tcp_msl)."];
}

async function halfClose(w: KernelWorld): Promise<string[]> {
  const { socket, kernel } = await w.open(true);
  let got = 0;
  socket.on("data", (chunk: Buffer) => (got += chunk.length));
  kernel.resume();
  socket.end(Buffer.alloc(200));
  await once(kernel, "end");
  await w.waits(50);
  kernel.write(Buffer.alloc(3000));
  await w.sees("the ACK of the answer", ({ fromLeft, ack }) => fromLeft && ack === 3001);
  kernel.end();
  await w.sees("the last ACK", ({ left, fromLeft }) => fromLeft && left === "TIME-WAIT");
  w.ends();
  return [`This stack took ${got} bytes after it had ended its own side.`];
}

async function timeWaitLostAck(w: KernelWorld): Promise<string[]> {
  const { socket, kernel } = await w.open(true);
  socket.resume();
  kernel.resume();
  let answered = false;
  w.fate = ({ left, flags }, outgoing) => {
    if (answered || !outgoing || left !== "TIME-WAIT" || (flags & ACK) === 0) return false;
    answered = true;
    return true;
  };
  socket.end();
  await w.sees("the ACK of our FIN", (r) => !r.fromLeft && r.left === "FIN-WAIT-2");
  kernel.end();
  const isFin = has(FIN);
  const first = await w.sees("the kernel's FIN", (r) => !r.fromLeft && isFin(r));
  await w.sees("its FIN again", (r) => !r.fromLeft && isFin(r) && r !== first);
  await w.sees(
    "the answer to it",
    (r) => r.fromLeft && r.left === "TIME-WAIT" && !r.remark.endsWith("lost"),
  );
  w.ends();
  return ["The kernel repeated its FIN, and TIME-WAIT answered it."];
}

async function abort(w: KernelWorld): Promise<string[]> {
  const { socket, kernel } = await w.open();
  let error = "";
  kernel.on("error", ({ code }: NodeJS.ErrnoException) => (error = code ?? ""));
  kernel.resume();
  socket.write(Buffer.alloc(100));
  await w.sees("the ACK of 100 bytes", ({ fromLeft, ack }) => !fromLeft && ack === 101);
  socket.resetAndDestroy();
  await once(kernel, "close").catch(() => {});
  w.ends();
  return [`The kernel's program is told ${error}.`];
}

async function keepalive(w: KernelWorld): Promise<string[]> {
  const { socket, told } = await w.open();
  socket.setKeepAlive({ enable: true, initialDelay: 300, interval: 200, count: 3 });
  await w.sees("the answer to a probe", (r) => !r.fromLeft);
  w.fate = () => true;
  if (!socket.destroyed) await once(socket, "close").catch(() => {});
  w.ends();
  return [`This stack's program is told ${told.error}.`];
}
