/** The targets by name, and each as the function of bytes that Jazzer.js, libFuzzer and OSS-Fuzz call. */
import { Broken } from "./broken.ts";
import { CodecTarget, OptionsTarget } from "./parsers.ts";
import { ReassemblyTarget } from "./pieces.ts";
import { sequenceTargets } from "./sequences.ts";
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
