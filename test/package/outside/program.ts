/** A stranger's program, compiled strictly against the installed package: every entry, as its documents show it. */
import { once } from "node:events";
import http from "node:http";
import net from "node:net";
import {
  createPair,
  createStack,
  DEFAULT_SETTINGS,
  type Device,
  loopback,
  openTun,
  type Settings,
  StackError,
  type TcpInfo,
  type TcpState,
  TcpServer,
  TcpSocket,
  type UserStack,
} from "tuntcp";
import { formatFailure, runDrill } from "tuntcp/drill";
import { fuzzer } from "tuntcp/fuzz";
import { decode, encode, formatPacket, isPacketError, parsePacket } from "tuntcp/packet";
import type { stack as underneath } from "tuntcp/register";
import { scenario, simulate } from "tuntcp/sim";

const settings: Partial<Settings> = { tcp_sack: 0, tcp_keepalive_time: 60 };
const device: Device = loopback({ mtu: 1500 });
const stack: UserStack = createStack({ device, address: "127.0.0.1/8", settings });

export function tun(name: string): UserStack {
  return createStack({ device: openTun({ name }), address: ["192.0.2.2/24"] });
}

export async function echo(): Promise<string> {
  const server = stack.net.createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket));
  server.listen(7);
  await once(server, "listening");
  const socket = stack.net.connect({ port: 7, host: "127.0.0.1" });
  // they are what other libraries ask for
  const asNode: net.Socket = socket;
  const serverAsNode: net.Server = server;
  const info: TcpInfo | null = socket.getTcpInfo();
  const state: TcpState | undefined = info?.state;
  asNode.end("hello");
  let text = "";
  for await (const chunk of socket) text += String(chunk);
  serverAsNode.close();
  return `${text} ${state ?? ""}`;
}

export function web(): http.Server {
  const server = http.createServer((_request, response) => response.end("hello\n"));
  stack.net.createServer((socket) => server.emit("connection", socket)).listen(80);
  return server;
}

export function others(): string[] {
  const [left, right] = createPair();
  const parsed = parsePacket("192.0.2.1:1234 > 192.0.2.2:80 S 0:0(0) win 65535");
  if (isPacketError(parsed)) return [parsed.error];
  const bytes = encode(parsed);
  const run = simulate(
    scenario({
      name: "outside",
      duration: "100ms",
      links: [{ from: "a", to: "b", rate: "10mbit", delay: "5ms" }],
      flows: [{ from: "a", to: "b" }],
    }),
    { seed: 7 },
  );
  const drill = runDrill(" 0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n", { file: "outside" });
  const target: (data: Uint8Array) => void = fuzzer("codec");
  target(bytes);
  return [
    left.name,
    right.name,
    formatPacket(decode(bytes)),
    run.digest,
    drill.failure === null ? "passed" : formatFailure(drill.failure),
    String(DEFAULT_SETTINGS.tcp_syn_retries),
  ];
}

export function isOurs(error: unknown): error is StackError {
  return error instanceof StackError && error.code === "ECONNRESET";
}

export type Underneath = typeof underneath;

export const classes: readonly [typeof TcpSocket, typeof TcpServer] = [TcpSocket, TcpServer];

console.log(await echo(), others().join("; "));
await stack.close();
