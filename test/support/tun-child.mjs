// Runs inside a network namespace of its own and drives a TUN device: reports events as JSON lines,
// takes commands as lines on stdin. Arguments: folder of the compiled sources, scenario, JSON options.

import { once } from "node:events";
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { Duplex } from "node:stream";
import { isMainThread, Worker, workerData } from "node:worker_threads";

const [folder, scenario, json] = isMainThread ? process.argv.slice(2) : workerData;
const options = JSON.parse(json);
const { openTun } = await import(`${folder}/devices/tun.js`);
const { probeTun, tryTun } = await import(`${folder}/devices/probe.js`);

const say = (event) => process.stdout.write(`${JSON.stringify(event)}\n`);

/** Answers pings, touching what differs only, so that the checksum can be adjusted in place. */
function echoReceiver(device, seen) {
  return {
    onPacket(buffer, offset, length, flags) {
      seen.packets++;
      const protocol = buffer[offset + 9];
      seen.protocols[protocol] = (seen.protocols[protocol] ?? 0) + 1;
      if (protocol === 6 && (flags & 1) === 1) seen.vouched++;
      if (offset % 4 !== 0) seen.misaligned++;
      if (protocol !== 1 || buffer[offset + 20] !== 8 || !device.reserve(length)) return null;
      const at = device.offset;
      const split = options.gather === true ? 28 : length;
      device.buffer.set(buffer.subarray(offset, offset + split), at);
      device.buffer.copyWithin(at + 12, at + 16, at + 20);
      device.buffer.set(buffer.subarray(offset + 12, offset + 16), at + 16);
      device.buffer[at + 20] = 0;
      let sum = ((device.buffer[at + 22] << 8) | device.buffer[at + 23]) + 0x0800;
      sum = (sum & 0xffff) + (sum >>> 16);
      device.buffer[at + 22] = sum >>> 8;
      device.buffer[at + 23] = sum & 0xff;
      if (split < length) device.append(buffer, offset + split, offset + length);
      device.commit(split, false, 0, null);
      return null;
    },
    onBatchEnd: () => device.flush(),
    onDeviceLost: (error) => say({ event: "lost", code: error.code }),
  };
}

function headerSum(buffer, from, to) {
  let sum = 0;
  for (let i = from; i < to; i += 2) sum += (buffer[i] << 8) | buffer[i + 1];
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return sum;
}

/** A TCP segment 192.0.2.2:80 -> 192.0.2.1:port with its payload by reference. */
function sendSegment(device, { port = 9, size, gso = 0, csum = false, bad = false }) {
  if (!device.reserve(40)) return false;
  const b = device.buffer;
  const at = device.offset;
  b.fill(0, at, at + 40);
  const length = 40 + size;
  b.set([bad ? 0x95 : 0x45, 0, length >> 8, length & 255, 0, 0, 0x40, 0, 64, 6], at);
  b.set([192, 0, 2, 2, 192, 0, 2, 1], at + 12);
  const header = ~headerSum(b, at, at + 20) & 0xffff;
  b.set([header >> 8, header & 255], at + 10);
  b.set([0, 80, port >> 8, port & 255, 0, 0, 0, 1, 0, 0, 0, 1, 0x50, 0x18, 0xff, 0xff], at + 20);
  const tcpLength = length - 20;
  let sum = headerSum(b, at + 12, at + 20) + 6 + tcpLength;
  const payload = new Uint8Array(size);
  if (!csum) sum = ~headerSum(b, at + 20, at + 40) + 0x10000 - sum;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  b.set([sum >> 8, sum & 255], at + 36);
  device.append(payload, 0, size);
  device.commit(40, csum, gso, null);
  return true;
}

async function serve() {
  const device = openTun(options);
  const seen = { packets: 0, vouched: 0, misaligned: 0, protocols: {} };
  device.start(echoReceiver(device, seen));
  say({ event: "open", name: device.name, mtu: device.mtu, offload: device.offload });
  for await (const line of createInterface({ input: process.stdin })) {
    const [command, argument] = line.split(/ (.*)/s);
    if (command === "stats") say({ event: "stats", ...device.stats, seen });
    if (command === "persist") device.setPersist(argument === "1");
    if (command === "send") {
      const what = JSON.parse(argument);
      for (let i = 0; i < what.count; i++) sendSegment(device, what);
      device.flush();
      say({ event: "sent", ...device.stats });
    }
    if (command === "close") {
      await Promise.all([device.close(), device.close()]);
      await device.close();
      say({ event: "closed", reserve: device.reserve(40) });
      // Now nothing else may keep the process.
      process.stdin.destroy();
      return;
    }
  }
}

/**
 * A TUN as packages on npm show it: a Duplex in byte mode, one chunk a packet, with methods of its own beside; it
 * wants Buffers and takes its time to write.
 */
class StreamTun extends Duplex {
  #device;

  constructor(device) {
    super();
    this.#device = device;
    device.start({
      onPacket: (buffer, offset, length) => {
        this.push(Buffer.from(buffer.subarray(offset, offset + length)));
        return null;
      },
      onBatchEnd() {},
      onDeviceLost: (error) => this.destroy(error),
    });
  }

  get mtu() {
    return this.#device.mtu;
  }

  get name() {
    return this.#device.name;
  }

  ref() {
    this.#device.ref();
  }

  unref() {
    this.#device.unref();
  }

  release() {
    this.destroy();
  }

  _read() {}

  _write(chunk, _encoding, done) {
    if (!Buffer.isBuffer(chunk)) return done(new TypeError("not a Buffer"));
    if (this.#device.reserve(chunk.length)) {
      this.#device.buffer.set(chunk, this.#device.offset);
      this.#device.commit(chunk.length, false, 0, null);
      this.#device.flush();
    }
    setImmediate(() => done());
  }

  _destroy(error, done) {
    this.#device.close().then(() => done(error), done);
  }
}

/** Our stack over such a stream: HTTP on port 80, which gives back what it got. */
async function stackOverDuplex() {
  const { duplexDevice } = await import(`${folder}/devices/duplex.js`);
  const { createStack } = await import(`${folder}/sockets/create-stack.js`);
  const stream = new StreamTun(openTun({ ...options, offload: "off" }));
  const device = duplexDevice(stream, { name: stream.name, mtu: stream.mtu });
  const stack = createStack({ device, address: "192.0.2.2/24" });
  const http = createServer((request, response) => request.pipe(response));
  const server = stack.net.createServer((socket) => http.emit("connection", socket));
  server.listen(80, () => say({ event: "open" }));
  for await (const _line of createInterface({ input: process.stdin })) break;
  // what close itself has to send depends on how far the peer's FIN has come
  const dropped = device.stats.dropped;
  await stack.close();
  say({ event: "closed", destroyed: stream.destroyed, dropped });
  process.stdin.destroy();
}

function failure(action) {
  try {
    action();
    return null;
  } catch (error) {
    return { code: error.code, errno: error.errno, syscall: error.syscall };
  }
}

async function inWorker(inner) {
  const file = new URL(import.meta.url);
  const worker = new Worker(file, { workerData: [folder, inner, json] });
  if (inner === "terminated") setTimeout(() => void worker.terminate(), 300);
  const [code] = await once(worker, "exit");
  // The descriptor went with the worker, so that the device is free again.
  const again = tryTun(options.name);
  say({ event: "worker", code, again: again.ok });
}

switch (scenario) {
  case "serve":
    await serve();
    break;
  case "stack-over-duplex":
    await stackOverDuplex();
    break;
  case "open":
    say({ event: "failure", failure: failure(() => void openTun(options).close()) });
    break;
  case "twice": {
    const first = openTun(options);
    say({
      event: "failure",
      failure: failure(() => openTun(options)),
      trial: tryTun(options.name),
    });
    await first.close();
    break;
  }
  case "probe":
    say({ event: "probe", facts: probeTun(options.name) });
    break;
  case "unref": {
    const device = openTun(options);
    device.start({ onPacket: () => null, onBatchEnd() {}, onDeviceLost() {} });
    device.unref();
    break;
  }
  case "never-started":
    openTun(options);
    break;
  case "worker-ends":
    await inWorker("exits");
    break;
  case "worker-terminated":
    await inWorker("terminated");
    break;
  case "exits":
  case "terminated": {
    const device = openTun(options);
    device.start({ onPacket: () => null, onBatchEnd() {}, onDeviceLost() {} });
    if (scenario === "exits") setTimeout(() => process.exit(0), 100);
    break;
  }
  case "throws": {
    const device = openTun(options);
    process.once("uncaughtException", (error) => {
      say({ event: "uncaught", message: error.message });
      void device.close().then(() => process.exit(0));
    });
    device.start({
      onPacket() {
        throw new Error("from the receiver");
      },
      onBatchEnd() {},
      onDeviceLost() {},
    });
    say({ event: "open" });
    break;
  }
  default:
    throw new Error(`no scenario ${scenario}`);
}
