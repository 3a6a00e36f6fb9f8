/** The public names of the fuzzing harness. Nothing in it does I/O. */
export * from "./input.ts";
export * from "./outcome.ts";
export * from "./step.ts";
export * from "./target.ts";
