// So many idle connections between two built stacks in memory, as endpoints or with their sockets, and what one end of
// one takes. Arguments: folder of the package, count, "endpoints" or "sockets".

const [root, countText, kind] = process.argv.slice(2);
const { createPair, createStack } = await import(`${root}/dist/index.js`);
const { parseIpv4 } = await import(`${root}/dist/wire/address.js`);
const COUNT = Number(countText);
/** What a listener takes at once, and connections to one port: fewer than there are ephemeral ports. */
const WAVE = 200;
const A_PORT = 40_000;

const [deviceA, deviceB] = createPair();
const a = createStack({ device: deviceA, address: "192.0.2.1/24" });
const b = createStack({ device: deviceB, address: "192.0.2.2/24" });
const ports = Array.from({ length: Math.ceil(COUNT / A_PORT) }, (_, i) => 1000 + i);
const pause = (ms) => new Promise((resolve) => void setTimeout(resolve, ms));

async function used() {
  for (let i = 0; i < 3; i++) {
    globalThis.gc();
    await pause(50);
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

const kept = [];
const silent = { onEvents() {} };
const accepting = {
  onConnection(listener) {
    for (let e = listener.accept(); e !== null; e = listener.accept()) {
      e.owner = silent;
      kept.push(e);
    }
  },
};
const host = "192.0.2.2";
const remoteAddress = parseIpv4(host);
const drivers = { endpoints: byEndpoint, sockets: bySocket };
for (const port of ports) {
  if (kind === "endpoints") b.core.listen({ port, owner: accepting });
  else
    await new Promise((resolve) => b.net.createServer((s) => kept.push(s)).listen(port, resolve));
}

function byEndpoint(port) {
  kept.push(a.core.connect({ remoteAddress, remotePort: port, owner: silent }));
}

function bySocket(port) {
  kept.push(a.net.connect(port, host));
}

async function open(count, from) {
  for (let at = from; at < from + count; at += WAVE) {
    const wave = Math.min(WAVE, from + count - at);
    for (let i = 0; i < wave; i++) drivers[kind](ports[Math.floor((at + i) / A_PORT)]);
    // both ends of each stand in the list once it is established
    while (kept.length < 2 * (at + wave)) await pause(0);
  }
}

const first = Math.min(1000, COUNT / 5);
await open(first, 0); // what is compiled once is not theirs
const before = await used();
await open(COUNT - first, first);
await pause(300);
const bytes = ((await used()) - before) / (COUNT - first) / 2;
const states = (stack) => new Set(stack.core.connections().map((c) => c.state));
console.log(
  JSON.stringify({
    bytes,
    ends: a.core.connections().length + b.core.connections().length,
    states: [...states(a), ...states(b)],
  }),
);
process.exit(0);
