/**
 * `tuntcp demo-pair`, which scripts/demo falls back to: the same fetch, echo and ladder between two stacks in
 * this process, where no TUN can be opened. Not in the help, as it serves nobody else.
 */
import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import type { Command } from "commander";
import type { Device } from "../base/device.ts";
import { createPair } from "../devices/pair.ts";
import { TappedDevice } from "../devices/tap.ts";
import { systemClock } from "../runtime/system.ts";
import { createStack } from "../sockets/create-stack.ts";
import type { NetModule } from "../sockets/net.ts";
import { ladder } from "../tools/observe/ladder.ts";
import { Tracker } from "../tools/observe/tracker.ts";
import { type NetLike, parseService } from "../tools/services/index.ts";
import { screen } from "./trace.ts";

const SERVER = "192.0.2.2";

export function registerDemoPair(program: Command): void {
  program
    .command("demo-pair", { hidden: true })
    .summary("a fetch and its ladder between two stacks in memory")
    .action(demoPair);
}

async function demoPair(): Promise<void> {
  const tracker = new Tracker();
  await play(tracker);
  const fetch = tracker.conversations.filter((c) => c.right === `${SERVER}:80`);
  title("the segments of that fetch: the client on the left, the server on the right");
  process.stdout.write(fetch.map((c) => ladder(c, screen(false))).join("\n"));
}

/** Shows the tracker what passes, in the order in which this end sees it. */
function watched(device: Device, tracker: Tracker): Device {
  return new TappedDevice(device, systemClock, (direction, at, buffer, offset, length, remark) =>
    tracker.packet(
      at,
      buffer.subarray(offset, offset + length),
      direction === "out" ? remark : null,
    ),
  );
}

async function play(tracker: Tracker): Promise<void> {
  const [a, b] = createPair({ names: ["client", "server"] });
  const client = createStack({ device: watched(a, tracker), address: "192.0.2.1/24" });
  const server = createStack({ device: b, address: `${SERVER}/24` });
  try {
    serve(server.net, "http:80");
    serve(server.net, "echo:7");
    title(`GET http://${SERVER}/`);
    process.stdout.write(await fetchPage(client.net));
    title("echo: a line to port 7, and back");
    process.stdout.write(await echoLine(client.net, "hello through two TCPs\n"));
  } finally {
    await client.close();
    await server.close();
  }
}

function title(text: string): void {
  process.stdout.write(`\n== ${text}\n`);
}

function serve(net: NetModule, text: string): void {
  const request = parseService(text);
  if (typeof request === "string") throw new Error(request);
  request.start(net as unknown as NetLike).server.listen(request.port);
}

/** Node's own HTTP client over our socket; both ends have closed when it resolves. */
async function fetchPage(net: NetModule): Promise<string> {
  const socket = net.connect(80, SERVER);
  const closed = once(socket, "close");
  const request = get({ path: "/", host: SERVER, createConnection: () => socket });
  const [response] = (await once(request, "response")) as [IncomingMessage];
  const text = await textOf(response);
  await closed;
  return text;
}

async function echoLine(net: NetModule, line: string): Promise<string> {
  const socket = net.connect({ port: 7, host: SERVER, allowHalfOpen: true });
  socket.end(line);
  return textOf(socket);
}

async function textOf(stream: AsyncIterable<unknown>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
