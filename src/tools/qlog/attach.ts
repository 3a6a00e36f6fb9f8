/** Logs the connections of a running stack. */
import type { Stack } from "../../stack/stack.ts";
import { type LogOpener, qlogTrace } from "./trace.ts";

/**
 * From now on each connection of `stack` writes its events to what `open` returns for it, a stream for one, until the function
 * that is returned is called. Logs are JSON text sequences (RFC 7464); names of files of them end in `.sqlog`.
 */
export function qlog(stack: Stack | { readonly core: Stack }, open: LogOpener): () => void {
  const core = "core" in stack ? stack.core : stack;
  // the stack's clock is monotonic: readers are told what the wall clock shows
  const began = new Date().toISOString();
  const trace = qlogTrace(open, began);
  const leave = core.watch(trace);
  return () => {
    leave();
    trace.end();
  };
}
