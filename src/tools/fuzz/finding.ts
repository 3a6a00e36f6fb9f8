/** A failing input made small and told in full: what a replay needs, and what a reader wants. */
import type * as Harness from "../../fuzz/index.ts";
import type { Outcome, Target } from "../../fuzz/index.ts";
import { LoadError } from "../load-module/index.ts";
import type { Finding } from "./store.ts";

/** Minimises and describes; null where the input does not fail (any more). */
export function describe(
  harness: typeof Harness,
  target: Target,
  data: Uint8Array,
): Finding | null {
  const { head, unit } = harness.piecesOf(target.name);
  const small = harness.minimise(target, data, head, unit).data;
  const { violation, hash } = target.run(small, { trace: true });
  if (violation === null) return null;
  return {
    tuntcp: "fuzz finding",
    version: 1,
    target: target.name,
    data: Buffer.from(small).toString("base64"),
    input: target.toJson(small),
    violation,
    hash,
  };
}

/** Reads a finding, or an input of its words (`{"target": …, "input": …}`). Throws a LoadError with one line. */
export function parseFinding(
  harness: typeof Harness,
  file: string,
  text: string,
): { readonly finding: Partial<Finding>; readonly target: Target; readonly data: Uint8Array } {
  let finding: Partial<Finding>;
  try {
    finding = JSON.parse(text) as Partial<Finding>;
  } catch {
    throw new LoadError(`${file}: expected JSON, as tuntcp fuzz writes findings`);
  }
  const name = finding.target;
  if (typeof name !== "string" || !harness.isTargetName(name))
    throw new LoadError(`${file}: no finding of tuntcp fuzz: "target" is missing or unknown`);
  if (finding.version !== undefined && finding.version !== 1)
    throw new LoadError(`${file}: a finding of another version of tuntcp`);
  const target = harness.createTarget(name);
  if (typeof finding.data === "string") {
    return { finding, target, data: new Uint8Array(Buffer.from(finding.data, "base64")) };
  }
  try {
    return { finding, target, data: target.fromJson(finding.input) };
  } catch (error) {
    throw new LoadError(`${file}: ${(error as Error).message}`);
  }
}

/** Runs it once more, with its trace. */
export function replay(target: Target, data: Uint8Array): Outcome {
  return target.run(data, { trace: true });
}
