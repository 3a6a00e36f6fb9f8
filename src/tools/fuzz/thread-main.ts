/** A fuzzing thread: one engine on one target, in slices, so that it hears what the others found. */
import { setImmediate } from "node:timers/promises";
import { parentPort, workerData } from "node:worker_threads";
import * as plain from "../../fuzz/index.ts";
import { loadCounted } from "./branches.ts";
import { Engine } from "./engine.ts";
import { describe } from "./finding.ts";
import { rngOf } from "./job.ts";
import type { FromThread, Share, Standing, ToThread } from "./messages.ts";

/** ms between two messages about where it stands. */
const TELL_EVERY = 250;
/** ms of a slice, about. */
const SLICE = 20;

const port = parentPort!;
const share = workerData as Share;
let stopped = false;
const heard: Uint8Array[] = [];

function say(message: FromThread): void {
  port.postMessage(message);
}

port.on("message", (message: ToThread) => {
  if ("stop" in message) stopped = true;
  else heard.push(message.input);
});

async function main(): Promise<void> {
  const counted = share.guided ? await loadCounted() : null;
  const harness = counted?.harness ?? plain;
  const current = new Uint8Array(share.current);
  const length = new Int32Array(share.current, 0, 1);
  const engine: Engine = new Engine({
    target: share.target,
    harness,
    counters: counted?.counters ?? null,
    rng: rngOf(share.seed, share.target, share.index),
    onInput(data, size) {
      length[0] = size;
      current.set(data.subarray(0, size), 4);
    },
    onKept: ({ data }) => say({ kept: data }),
    onFound: ({ data }) => {
      const finding = describe(harness, engine.target, data);
      if (finding !== null) say({ finding });
    },
  });
  say({ ready: true });
  for (const data of share.corpus) engine.add(data, !share.guided);
  const standing = (): Standing => ({
    executions: engine.executions,
    features: engine.features,
    corpus: engine.corpus.length,
    branches: engine.taken,
    cells: engine.cellsReached(),
  });
  let told = performance.now();
  let size = 16;
  const before = engine.executions;
  while (!stopped && engine.executions - before < share.runs) {
    const began = performance.now();
    engine.run(Math.min(size, share.runs - (engine.executions - before)));
    const took = performance.now() - began;
    if (took < SLICE / 2) size *= 2;
    else if (took > SLICE * 2) size = Math.max(1, size >> 1);
    if (performance.now() - told > TELL_EVERY) {
      told = performance.now();
      say({ standing: standing() });
    }
    await setImmediate();
    for (const data of heard.splice(0)) engine.add(data);
  }
  say({ done: standing() });
  port.close();
}

await main();
