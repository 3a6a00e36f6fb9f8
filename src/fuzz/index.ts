/** The public names of the fuzzing harness. Nothing in it does I/O. */
export * from "./input.ts";
export * from "./outcome.ts";
export { Peer, FLOWS } from "./peer.ts";
export type { Deliver } from "./peer.ts";
export { Flow } from "./flow.ts";
export * from "./step.ts";
export * from "./target.ts";
