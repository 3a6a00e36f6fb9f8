// A program on a stack of its own, for tests against the kernel in a namespace: HTTP, or echo connections to the kernel's
// side. Arguments: JSON with `settings`, `offload`, `capture` (file), `mark` (every nth ECN-capable packet of each way gets CE),
// `fastOpen` (of the listener), and `connect`: { port, size, fastOpen } for each of a list, once a line comes. Ends when stdin
// does, and then says what it counted.

import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";

const [json] = process.argv.slice(2);
const options = JSON.parse(json);
const dist = new URL("../../../dist/", import.meta.url);
const { openTun, createStack } = await import(new URL("index.js", dist));
const { Middleware } = await import(new URL("devices/middleware.js", dist));
const { checksum } = await import(new URL("wire/checksum.js", dist));
const { captureDevice } = await import(new URL("devices/capture.js", dist));
const { systemClock } = await import(new URL("runtime/system.js", dist));

const say = (event) => process.stdout.write(`${JSON.stringify(event)}\n`);

/** A router whose queue is never empty. */
class Marker extends Middleware {
  #every;
  #counts = { in: 0, out: 0 };
  marked = { in: 0, out: 0 };

  constructor(inner, every) {
    super(inner);
    this.#every = every;
  }

  #mark(buffer, offset, way) {
    if ((buffer[offset + 1] & 3) === 0 || ++this.#counts[way] % this.#every !== 0) return;
    buffer[offset + 1] |= 3;
    buffer.fill(0, offset + 10, offset + 12);
    const sum = checksum(buffer, offset, offset + 20);
    buffer[offset + 10] = sum >> 8;
    buffer[offset + 11] = sum & 0xff;
    this.marked[way]++;
  }

  outgoing(buffer, offset, length, needsChecksum, gsoSize, remark) {
    this.#mark(buffer, offset, "out");
    this.forward(buffer, offset, length, needsChecksum, gsoSize, remark);
  }

  incoming(receiver) {
    return {
      onPacket: (buffer, offset, length, flags) => {
        this.#mark(buffer, offset, "in");
        return receiver.onPacket(buffer, offset, length, flags);
      },
      onBatchEnd: () => receiver.onBatchEnd(),
      onDeviceLost: (error) => receiver.onDeviceLost(error),
    };
  }
}

const tun = openTun({ name: "tt0", offload: options.offload ?? "auto" });
let device = options.mark === undefined ? tun : new Marker(tun, options.mark);
const { marked } = device;
if (options.capture !== undefined) device = captureDevice(device, options.capture, systemClock);
const stack = createStack({ device, address: "192.0.2.2/24", settings: options.settings ?? {} });

/** `GET /N` gives N bytes; what is sent up is answered with its hash. */
const http = createServer((request, response) => {
  if (request.method === "GET") {
    response.end(Buffer.alloc(Number(request.url.slice(1)), "0123456789"));
    return;
  }
  const hash = createHash("sha256");
  request.on("data", (chunk) => hash.update(chunk));
  request.on("end", () => response.end(hash.digest("hex")));
});
const server = stack.net.createServer((socket) => {
  http.emit("connection", socket);
  socket.once("close", () => say({ event: "closed", info: last.get(socket) }));
  const note = () => last.set(socket, socket.getTcpInfo());
  socket.on("data", note);
  socket.on("end", note);
});
const last = new WeakMap();
server.listen({ port: 80, fastOpen: options.fastOpen ?? 0 }, () => say({ event: "ready" }));

/** Sends `size` bytes to an echo, takes them back, and says whether they are the same. */
async function echo({ port, size, fastOpen }) {
  const socket = stack.net.connect({ port, host: "192.0.2.1", fastOpen });
  const bytes = Buffer.alloc(size, "abcdefghijklmnopqrstuvwxyz");
  const got = [];
  socket.on("data", (chunk) => got.push(chunk));
  let info = null;
  socket.on("end", () => (info = socket.getTcpInfo()));
  socket.end(bytes);
  await once(socket, "close");
  say({ event: "echoed", same: Buffer.concat(got).equals(bytes), info });
}

await once(process.stdin, "data");
for (const each of options.connect ?? []) await echo(each);
say({ event: "connected" });

process.stdin.resume();
await once(process.stdin, "end");
const counters = Object.fromEntries(stack.core.counters.entries());
await stack.close();
say({ event: "counted", counters, marked });
process.exit(0);
