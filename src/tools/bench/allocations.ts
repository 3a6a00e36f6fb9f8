/**
 * Bytes of V8's heap for each segment in steady state. Counted in a process of its own, whose young generation is so
 * large that nothing is collected meanwhile: what the heap grows by is what was allocated.
 */
import { PerformanceObserver } from "node:perf_hooks";
import { setImmediate } from "node:timers/promises";
import { ask, startChild } from "./child.ts";
import { createMachine } from "./machine.ts";
import { createSynFlood } from "./syn-flood.ts";

/** `control` allocates a known object: the proof that allocations are seen. */
export type AllocationOp = "data" | "ack" | "send" | "syn" | "control";

/** Three fields and three words of V8's own, 8 bytes each. */
export const CONTROL_BYTES = 48;

const COUNTED = 100_000;
/** MiB: room for 2.5 KB a segment. */
const YOUNG = 256;

export interface Allocations {
  /** Bytes of heap for each operation. */
  readonly bytes: number;
  /** Collections while it was counted: above 0 the figure says nothing. */
  readonly collections: number;
}

export async function countAllocations(op: AllocationOp): Promise<Allocations> {
  const young = [`--min-semi-space-size=${YOUNG}`, `--max-semi-space-size=${YOUNG}`];
  const child = startChild("./allocations-main", import.meta.url, ["--expose-gc", ...young]);
  try {
    return (await ask(child, { op })) as Allocations;
  } finally {
    if (child.connected) child.disconnect();
  }
}

/** In that process. */
export async function countHere(op: AllocationOp): Promise<Allocations> {
  const step = operation(op);
  const steps = (n: number): void => {
    for (let i = 0; i < n; i++) step();
  };
  // in portions: a loop is entered anew where its optimized code is to be used
  for (let i = 0; i < 20; i++) steps(COUNTED / 10);
  globalThis.gc!();
  await setImmediate();
  let collections = 0;
  const observer = new PerformanceObserver((list) => {
    collections += list.getEntries().length;
  });
  observer.observe({ entryTypes: ["gc"] });
  const before = process.memoryUsage().heapUsed;
  steps(COUNTED);
  const grown = process.memoryUsage().heapUsed - before;
  await setImmediate();
  await setImmediate(); // the observer is told from the event loop
  observer.disconnect();
  return { bytes: grown / COUNTED, collections };
}

/** Where the control's objects go, so that they are made at all. */
const kept: { last: object } = { last: {} };

function operation(op: AllocationOp): () => void {
  const machine = createMachine();
  switch (op) {
    case "data":
      return machine.data;
    case "ack":
      return machine.ack;
    case "send":
      return machine.send;
    case "syn":
      return createSynFlood().syn;
    case "control":
      return () => {
        kept.last = { a: 1, b: 2, c: 3 };
      };
  }
}
