/**
 * The public names of the fuzzing harness. Nothing in it does I/O.
 *
 * @module tuntcp/fuzz
 */
export { generateSequence, generateStep } from "./generate.ts";
export * from "./input.ts";
export * from "./outcome.ts";
export { Peer, FLOWS } from "./peer.ts";
export type { Deliver } from "./peer.ts";
export { Flow } from "./flow.ts";
export { runSequence, SequenceRunner, type SequenceOptions } from "./run.ts";
export * from "./step.ts";
export * from "./model.ts";
export { minimise, type Smaller } from "./minimise.ts";
export * from "./target.ts";
export { PROFILES, type Profile } from "./profiles.ts";
export { createTarget, fuzzer, isTargetName, modelCells, piecesOf } from "./targets.ts";
