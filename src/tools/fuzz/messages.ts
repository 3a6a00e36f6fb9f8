/** What the main thread and a fuzzing thread say to each other. */
import type { TargetName } from "../../fuzz/index.ts";
import type { Finding } from "./store.ts";

export interface Share {
  readonly target: TargetName;
  readonly seed: number;
  /** Which of the threads. */
  readonly index: number;
  /** Executions of this thread; Infinity where time decides. */
  readonly runs: number;
  /** Branches are counted, and inputs follow them. */
  readonly guided: boolean;
  readonly corpus: readonly Uint8Array[];
  /** The input under way: its length in the first four bytes. */
  readonly current: SharedArrayBuffer;
}

export type ToThread = { readonly input: Uint8Array } | { readonly stop: true };

export interface Standing {
  readonly executions: number;
  readonly features: number;
  readonly corpus: number;
  /** By branch and by cell of the model: reached. */
  readonly branches: Uint8Array;
  readonly cells: Uint8Array;
}

export type FromThread =
  | { readonly ready: true }
  | { readonly standing: Standing }
  | { readonly kept: Uint8Array }
  | { readonly finding: Finding }
  | { readonly done: Standing };
