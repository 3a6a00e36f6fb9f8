// The built stack on a TUN that exists already, with an echo and an HTTP service; says on stdin's wish what it holds.
// Arguments: folder of the package, name of the TUN, the stack's address with its prefix length.

import { createInterface } from "node:readline";

const [root, name, address] = process.argv.slice(2);
const { createStack, openTun } = await import(`${root}/dist/index.js`);
const { parseService, startServices } = await import(`${root}/dist/tools/services/index.js`);

const stack = createStack({ device: openTun({ name }), address });
await startServices(stack.net, ["http:80", "echo:7"].map(parseService));

/** Bytes after everything that can be forgotten is. */
async function report() {
  for (let i = 0; i < 3; i++) {
    globalThis.gc();
    await new Promise((resolve) => void setTimeout(resolve, 50));
  }
  const { heapUsed, arrayBuffers, rss } = process.memoryUsage();
  const states = {};
  for (const { state } of stack.core.connections()) states[state] = (states[state] ?? 0) + 1;
  const counters = Object.fromEntries(stack.core.counters.entries());
  return { held: heapUsed + arrayBuffers, rss, states, counters, charged: stack.core.memoryUsed };
}

createInterface({ input: process.stdin }).on("line", async (line) => {
  console.log(`${JSON.stringify(await report())}\nend of ${line}`);
});
console.log("ready");
