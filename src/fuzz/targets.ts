/** The targets by name, and each as the function of bytes that Jazzer.js, libFuzzer and OSS-Fuzz call. */
import { Broken } from "./broken.ts";
import { CodecTarget, OptionsTarget } from "./parsers.ts";
import { ReassemblyTarget } from "./pieces.ts";
import { HEAD_BYTES } from "./input.ts";
import { STEP_BYTES } from "./step.ts";
import { SequenceTarget, sequenceTargets } from "./sequences.ts";
import { type Target, type TargetName, TARGETS } from "./target.ts";

/** A target of its own, with all that it holds. */
export function createTarget(name: TargetName): Target {
  switch (name) {
    case "codec":
      return new CodecTarget();
    case "options":
      return new OptionsTarget();
    case "reassembly":
      return new ReassemblyTarget();
    case "connection":
    case "listener":
    case "stack":
      return sequenceTargets().find((target) => target.name === name)!;
  }
}

/** What an input consists of: `head` bytes that stand for themselves, then pieces of `unit` bytes. */
export function piecesOf(name: TargetName): { readonly head: number; readonly unit: number } {
  switch (name) {
    case "codec":
    case "options":
      return { head: 0, unit: 1 };
    case "reassembly":
      return { head: 1, unit: 4 };
    case "connection":
    case "listener":
    case "stack":
      return { head: HEAD_BYTES, unit: STEP_BYTES };
  }
}

/** The counters of the model's cells that a target's runs add to; of no length where it has no model. */
export function modelCells(target: Target): Uint8Array {
  return target instanceof SequenceTarget ? target.runner.world.judgement.cells : new Uint8Array(0);
}

/** Whether there is a target of this name. */
export function isTargetName(name: string): name is TargetName {
  return (TARGETS as readonly string[]).includes(name);
}

/** `fuzz(data)`: throws where something is broken. */
export function fuzzer(name: TargetName): (data: Uint8Array) => void {
  const target = createTarget(name);
  return (data) => {
    const { violation } = target.run(data);
    if (violation === null) return;
    throw new Broken(violation.rule, `${violation.rule}: ${violation.message}`);
  };
}
