/**
 * Where inputs that are worth keeping are kept: a folder as libFuzzer has it, memory, or what campaigns share. An input's name is
 * the SHA-1 of its bytes in hexadecimal, so that putting it twice is putting it once.
 */
import { createHash } from "node:crypto";
import type { TargetName, Violation } from "../../fuzz/index.ts";

export function contentHash(data: Uint8Array): string {
  return createHash("sha1").update(data).digest("hex");
}

/** A failing input as a file of its own: plain JSON, all that a replay needs. */
export interface Finding {
  readonly tuntcp: "fuzz finding";
  readonly version: 1;
  readonly target: TargetName;
  /** The input's bytes in base64. */
  readonly data: string;
  /** The same for reading, as the target's `toJson` writes it. Not read again. */
  readonly input: unknown;
  readonly violation: Violation;
  /** Hash of the trace: a replay that gives another is another run. */
  readonly hash: string;
}

/** What is a finding of the same kind: target, rule and the kind of the message. Its name in a store. */
export function findingName(finding: Finding): string {
  const { target, violation } = finding;
  const kind = `${target} ${violation.rule} ${violation.message.split(":", 1)[0]!}`;
  return `${target}-${violation.rule}-${contentHash(new TextEncoder().encode(kind)).slice(0, 12)}`;
}

export interface CorpusStore {
  /** Names of the inputs of one target, in any order. */
  list(target: TargetName): Promise<string[]>;
  has(target: TargetName, hash: string): Promise<boolean>;
  get(target: TargetName, hash: string): Promise<Uint8Array | null>;
  /** Its name. Idempotent. */
  put(target: TargetName, data: Uint8Array): Promise<string>;
  /** Keeps it under {@link findingName}, unless one that is as short or shorter is there; true when it was kept. */
  putFinding(finding: Finding): Promise<boolean>;
  findings(): Promise<Finding[]>;
  close(): Promise<void>;
}
