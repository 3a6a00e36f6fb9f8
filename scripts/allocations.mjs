/**
 * What allocates for a segment, by function, from V8's sampling heap profiler: `node scripts/allocations.mjs` after a build.
 * `data`, `ack` and `send` are the operations of src/tools/bench/machine.ts on a core stack; `sockets` is bulk between two
 * stacks with sockets, driver and an in-memory device of MTU 1500, for each packet.
 */
import { spawnSync } from "node:child_process";
import { Session } from "node:inspector/promises";
import { fileURLToPath } from "node:url";
import { createPair, createStack } from "../dist/index.js";
import { inMemoryBulk } from "../dist/tools/bench/in-memory.js";
import { createMachine } from "../dist/tools/bench/machine.js";

const COUNT = 100_000;

/** Resolves with how many operations there were. */
function machine(op) {
  const step = createMachine()[op];
  return () => {
    for (let i = 0; i < COUNT; i++) step();
    return COUNT;
  };
}

function sockets() {
  const [a, b] = createPair({ mtu: 1500 });
  const left = createStack({ device: a, address: "192.0.2.1/24" });
  const right = createStack({ device: b, address: "192.0.2.2/24" });
  return async () => {
    const before = a.stats.delivered + b.stats.delivered;
    await inMemoryBulk(left.net, right.net, "192.0.2.2", 1);
    return a.stats.delivered + b.stats.delivered - before;
  };
}

async function profile(name) {
  const run = name === "sockets" ? sockets() : machine(name);
  for (let i = 0; i < 3; i++) await run();
  const session = new Session();
  session.connect();
  await session.post("HeapProfiler.startSampling", {
    samplingInterval: 1024,
    includeObjectsCollectedByMajorGC: true,
    includeObjectsCollectedByMinorGC: true,
  });
  const count = await run();
  const { profile: tree } = await session.post("HeapProfiler.stopSampling");
  const bytes = new Map();
  const walk = (node, caller) => {
    const { functionName, url, lineNumber } = node.callFrame;
    // what is V8's own (a view, a closure of the library) is named by who asked for it
    const own = url.includes("/dist/");
    const place = own ? `${functionName}, ${url.split("/dist/")[1]}:${lineNumber + 1}` : caller;
    const key = own ? place : `${functionName || "(V8)"} for ${caller}`;
    bytes.set(key, (bytes.get(key) ?? 0) + node.selfSize);
    for (const child of node.children) walk(child, place);
  };
  walk(tree.head, "the program");
  console.log(`\n${name}: bytes of heap for each of ${count}`);
  for (const [key, sum] of [...bytes].sort(([, x], [, y]) => y - x)) {
    if (sum / count >= 1) console.log(`${(sum / count).toFixed(0).padStart(6)}  ${key}`);
  }
}

const [name] = process.argv.slice(2);
if (name === undefined) {
  const young = ["--min-semi-space-size=256", "--max-semi-space-size=256"];
  for (const each of ["data", "ack", "send", "sockets"]) {
    const args = [...young, fileURLToPath(import.meta.url), each];
    spawnSync(process.execPath, args, { stdio: "inherit" });
  }
} else {
  await profile(name);
  process.exit(0); // a listener of the last run may still be open
}
