/** `tuntcp nc`: netcat over the stack. Standard input goes to the peer, the peer to standard output. */
import { once } from "node:events";
import type { Socket } from "node:net";
import type { Command } from "commander";
import { lineOf } from "../base/errors.ts";
import type { TcpServer } from "../sockets/tcp-server.ts";
import { parseIpv4 } from "../wire/address.ts";
import { addDeviceOptions, checkDeviceOptions, type RawDeviceOptions } from "./device-options.ts";
import { CommandFailure, EXIT_FAILED, EXIT_TIMEOUT, usage } from "./failure.ts";
import { endOnSignals } from "./lifecycle.ts";
import { openStack, type OpenedStack } from "./open-stack.ts";
import { runRootless } from "./rootless.ts";

interface NcOptions extends RawDeviceOptions {
  readonly l?: boolean;
  readonly N?: boolean;
  readonly w?: string;
  readonly k?: boolean;
  readonly v?: boolean;
}

interface Job {
  readonly listen: boolean;
  readonly host: string;
  readonly port: number;
  /** Shut down writing at the end of input. */
  readonly shutdown: boolean;
  /** ms; 0: wait for ever. */
  readonly timeout: number;
  readonly keep: boolean;
  readonly say: (line: string) => void;
}

export function registerNc(program: Command): void {
  const command = program
    .command("nc")
    .summary("netcat over the stack")
    .description(
      "Connects to HOST PORT, or listens on a port with -l; standard input goes to the peer and the peer to standard output.\n\nExample: echo hello | tuntcp nc -N 192.0.2.1 7",
    )
    .argument("<host-or-port>", "the peer's address, or with -l the port")
    .argument("[port]", "the peer's port")
    .option("-l", "listen for a connection")
    .option("-N", "shut down writing at the end of input")
    .option("-w <seconds>", "end when nothing could be connected, or nothing moves, for so long")
    .option("-k", "with -l: keep listening after a connection has ended")
    .option("-v", "say what happens");
  addDeviceOptions(command).action(nc);
}

function portOf(text: string): number {
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port < 1 || port > 65535) {
    throw usage(`${text}: a port is a number from 1 to 65535`);
  }
  return port;
}

function jobOf(first: string, second: string | undefined, raw: NcOptions): Job {
  const listen = raw.l === true;
  checkArguments(listen, first, second, raw);
  return {
    listen,
    host: listen ? "" : first,
    port: portOf(listen ? first : second!),
    shutdown: raw.N === true,
    timeout: timeoutOf(raw.w),
    keep: raw.k === true,
    say: raw.v === true ? (line) => void process.stderr.write(`${line}\n`) : () => {},
  };
}

function checkArguments(
  listen: boolean,
  first: string,
  second: string | undefined,
  raw: NcOptions,
): void {
  if (listen && second !== undefined) throw usage("nc -l takes a port and nothing else");
  if (!listen && second === undefined) throw usage("nc needs HOST and PORT (or -l and a port)");
  if (raw.k === true && !listen) throw usage("-k goes with -l");
  if (!listen && parseIpv4(first) === null) throw usage(`${first}: give the peer's IPv4 address`);
}

/** ms, 0 for none. */
function timeoutOf(text: string | undefined): number {
  if (text === undefined) return 0;
  const seconds = Number(text);
  if (!(seconds > 0 && seconds < 1e6)) throw usage(`-w ${text}: give a number of seconds above 0`);
  return seconds * 1000;
}

async function nc(first: string, second: string | undefined, raw: NcOptions): Promise<void> {
  const options = checkDeviceOptions(raw);
  const job = jobOf(first, second, raw);
  if (options.rootless) {
    process.exitCode = await runRootless();
    return;
  }
  const stack = await openStack(options);
  endOnSignals(() => stack.close());
  try {
    if (job.listen) await serve(stack, job);
    else
      await relay(
        stack.net.connect({ host: job.host, port: job.port, allowHalfOpen: true }),
        job,
        true,
      );
  } catch (error) {
    throw error instanceof CommandFailure
      ? error
      : new CommandFailure(EXIT_FAILED, `nc: ${lineOf(error)}`);
  } finally {
    await settle(stack);
    await stack.close();
    process.stdin.destroy();
  }
}

/** What is still owed to the peer leaves before the device closes, within a limit. */
async function settle(stack: OpenedStack): Promise<void> {
  const end = Date.now() + 2000;
  const owed = (): boolean =>
    stack.core
      .connections()
      .some((c) => c.state !== "TIME-WAIT" && c.state !== "FIN-WAIT-2" && c.state !== "CLOSED");
  while (owed() && Date.now() < end) await new Promise((resolve) => setTimeout(resolve, 5));
}

async function serve(stack: OpenedStack, job: Job): Promise<void> {
  const server: TcpServer = stack.net.createServer({ allowHalfOpen: true });
  server.listen({ port: job.port, backlog: 1 });
  await once(server, "listening");
  job.say(`listening on port ${job.port}`);
  do {
    const [socket] = (await once(server, "connection")) as [Socket];
    if (!job.keep) server.close();
    job.say(`connection from ${socket.remoteAddress}:${socket.remotePort}`);
    await relay(socket, job, !job.keep);
  } while (job.keep);
}

/** Both directions with back-pressure, until both have ended. */
async function relay(socket: Socket, job: Job, last: boolean): Promise<void> {
  const { stdin, stdout } = process;
  if (job.timeout > 0) {
    socket.setTimeout(job.timeout, () => {
      socket.destroy(
        new CommandFailure(EXIT_TIMEOUT, `nc: nothing happened for ${job.timeout / 1000} s`),
      );
    });
  }
  socket.once("connect", () => job.say(`connected to ${job.host} port ${job.port}`));
  const toPeer = (chunk: Buffer): void => {
    if (!socket.write(chunk)) stdin.pause();
  };
  const inputEnds = (): void => {
    if (job.shutdown) socket.end();
  };
  stdin.on("data", toPeer);
  stdin.on("end", inputEnds);
  socket.on("drain", () => stdin.resume());
  socket.on("data", (chunk: Buffer) => {
    if (!stdout.write(chunk)) {
      socket.pause();
      stdout.once("drain", () => socket.resume());
    }
  });
  // The peer's end ends it, once everything that was read has left. With -N our own input has an end: it decides,
  // or the rest of the input would be cut without a word. At a terminal nobody is made to type it.
  socket.on("end", () => {
    const moreToSend = job.shutdown && !job.keep && !stdin.readableEnded && !stdin.isTTY;
    if (!moreToSend) socket.end();
  });
  try {
    await once(socket, "close");
  } finally {
    stdin.off("data", toPeer);
    stdin.off("end", inputEnds);
    if (!last) stdin.pause();
  }
  job.say("connection closed");
}
