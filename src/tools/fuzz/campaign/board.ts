/** Where the workers of a campaign meet: who does which job, and what came of it. A broker is one, and so is a shared folder. */
import { createHash } from "node:crypto";

/** A job that this worker does, until it says so or falls silent. */
export interface Claim {
  readonly job: number;
  /** A sign of life; without one the job goes to another worker. */
  keep(): Promise<void>;
  /** The outcome stands on the board. */
  done(): Promise<void>;
  /** Somebody else is to do it. */
  giveBack(): Promise<void>;
}

/** `inputs` widened the coverage, `findings` broke a rule. */
export type ObjectKind = "inputs" | "findings";

export interface Board {
  /** For messages, without passwords. */
  readonly shown: string;
  /** Puts down the specification unless one stands here; gives the one that stands. Null asks only. */
  open(specification: string | null): Promise<string | null>;
  /** A job of the round that has no outcome and that nobody does, or null: for the moment there is none. */
  claim(round: number, jobs: number): Promise<Claim | null>;
  /** By content: what stands already stays. */
  put(kind: ObjectKind, digest: string, data: Uint8Array): Promise<void>;
  /** Throws where there is none. */
  get(kind: ObjectKind, digest: string): Promise<Uint8Array>;
  /** The first outcome of a job stays. */
  putOutcome(round: number, job: number, data: Uint8Array): Promise<void>;
  /** By job, those that stand. */
  outcomes(round: number): Promise<Map<number, Uint8Array>>;
  /** ms to wait where `claim` gave nothing. */
  readonly pause: number;
  close(): Promise<void>;
}

export function digestOf(data: Uint8Array | string): string {
  return createHash("sha256").update(data).digest("hex");
}
