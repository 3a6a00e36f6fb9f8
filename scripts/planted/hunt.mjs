/**
 * One process and one thread that fuzzes every target in turn until an input breaks a rule that it does not break without the bug:
 * node hunt.mjs DIST CLEAN SECONDS SEED. Says a line a second, and at the end what it found as JSON, or null.
 */
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [dist, clean, seconds, seed] = process.argv.slice(2);
const load = (folder, file) => import(pathToFileURL(join(resolve(folder), file)).href);
const { Engine } = await load(dist, "tools/fuzz/engine.js");
const { loadCounted } = await load(dist, "tools/fuzz/branches.js");
const { namedRng } = await load(dist, "base/rng.js");
const right = await load(clean, "fuzz/index.js");

/** ms of each target before the next: sequences find most, parsers need little. */
const SLICES = {
  connection: 400,
  stack: 400,
  listener: 200,
  reassembly: 100,
  options: 50,
  codec: 50,
};

const { harness, counters } = await loadCounted();
let found = null;

/** An engine that begins anew with what it kept whenever a finding is one without the bug, too: kinds are told once. */
class Hunter {
  executions = 0;

  constructor(target) {
    this.target = target;
    this.judge = right.createTarget(target);
    this.round = 0;
    this.begin([]);
  }

  begin(corpus) {
    this.engine = new Engine({
      target: this.target,
      harness,
      counters,
      rng: namedRng(Number(seed), `planted/${this.target}/${this.round++}`),
      onFound: ({ data, violation }) => {
        if (this.judge.run(data).violation === null)
          found ??= { target: this.target, ...violation };
        else this.doubtful = true;
      },
    });
    for (const data of corpus) this.engine.add(data);
    this.doubtful = false;
  }

  run(count) {
    this.engine.run(count);
    this.executions += count;
    if (this.doubtful && found === null) this.begin(this.engine.corpus);
  }
}

const hunters = Object.entries(SLICES).map(([target, slice]) => [new Hunter(target), slice]);
const began = performance.now();
const elapsed = () => (performance.now() - began) / 1000;
let told = 0;
search: while (elapsed() < Number(seconds)) {
  for (const [hunter, slice] of hunters) {
    const end = performance.now() + slice;
    while (performance.now() < end) {
      hunter.run(4);
      if (found !== null) break search;
    }
    if (elapsed() - told > 1) {
      told = elapsed();
      console.log(`${told.toFixed(0)} s`);
    }
  }
}
const executions = hunters.reduce((n, [hunter]) => n + hunter.executions, 0);
console.log(JSON.stringify({ found, seconds: elapsed(), executions }));
