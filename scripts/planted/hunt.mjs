/**
 * One process and one thread that fuzzes every target in turn until the first finding: node hunt.mjs DIST SECONDS SEED. Says a line a second, and
 * at the end what it found as JSON, or null.
 */
import { pathToFileURL } from "node:url";
import { join, resolve } from "node:path";

const [dist, seconds, seed] = process.argv.slice(2);
const load = (file) => import(pathToFileURL(join(resolve(dist), file)).href);
const { Engine } = await load("tools/fuzz/engine.js");
const { loadCounted } = await load("tools/fuzz/branches.js");
const { namedRng } = await load("base/rng.js");

/** ms of each target before the next: sequences find most, parsers need little. */
const SLICES = process.env.SLICES ? JSON.parse(process.env.SLICES) : { connection: 400, stack: 400, listener: 200, reassembly: 100, options: 50, codec: 50 };

const { harness, counters } = await loadCounted();
let found = null;
const engines = Object.keys(SLICES).map((target) => {
  const engine = new Engine({
    target,
    harness,
    counters,
    rng: namedRng(Number(seed), `planted/${target}`),
    onFound: ({ violation }) => {
      if (process.env.IGNORE !== undefined && new RegExp(process.env.IGNORE).test(violation.message)) return;
      found ??= { target, ...violation };
    },
  });
  return { engine, slice: SLICES[target] };
});

const began = performance.now();
const elapsed = () => (performance.now() - began) / 1000;
let told = 0;
search: while (elapsed() < Number(seconds)) {
  for (const { engine, slice } of engines) {
    const end = performance.now() + slice;
    while (performance.now() < end) {
      engine.run(4);
      if (found !== null) break search;
    }
    if (elapsed() - told > 1) {
      told = elapsed();
      console.log(`${told.toFixed(0)} s`);
    }
  }
}
const executions = engines.reduce((n, { engine }) => n + engine.executions, 0);
console.log(JSON.stringify({ found, seconds: elapsed(), executions }));
