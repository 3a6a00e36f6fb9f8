/**
 * The corpus and the findings of a campaign, out of the outcomes of its jobs. Outcomes of a round go in by the number of the job,
 * not by who was first, so that every worker comes to the same corpus and can begin the next round by itself.
 */
import { gunzipSync, gzipSync } from "node:zlib";
import { digestOf } from "./board.ts";
import type { Outcome } from "./work.ts";

/** An outcome without its inputs' content: that stands on the board under its digest. */
export interface Receipt {
  readonly executions: number;
  readonly inputs: readonly { readonly digest: string; readonly features: readonly number[] }[];
  readonly findings: readonly { readonly digest: string; readonly what: string }[];
}

export interface CampaignResult {
  readonly rounds: number;
  readonly executions: number;
  /** Digests, in the order they were kept. */
  readonly corpus: readonly string[];
  readonly features: number;
  /** Each once, by digest, in the order of the digests. */
  readonly findings: readonly { readonly digest: string; readonly what: string }[];
  /** Over all of the above: equal for equal results. */
  readonly digest: string;
}

export function receiptOf(outcome: Outcome): Receipt {
  return {
    executions: outcome.executions,
    inputs: outcome.inputs.map(({ data, features }) => ({
      digest: digestOf(data),
      features: features.toSorted((a, b) => a - b),
    })),
    findings: outcome.findings.map(({ data, what }) => ({ digest: digestOf(data), what })),
  };
}

export function packReceipt(receipt: Receipt): Uint8Array {
  return gzipSync(JSON.stringify(receipt));
}

export function readReceipt(data: Uint8Array): Receipt {
  return JSON.parse(gunzipSync(data).toString()) as Receipt;
}

export class Merged {
  readonly known: Set<number> = new Set();
  readonly corpus: string[] = [];
  private readonly findings: Map<string, string> = new Map();
  private executions = 0;
  private rounds = 0;

  /** `receipts` by the number of the job. */
  addRound(receipts: readonly Receipt[]): void {
    this.rounds++;
    for (const { executions, inputs, findings } of receipts) {
      this.executions += executions;
      for (const { digest, features } of inputs) this.addInput(digest, features);
      for (const { digest, what } of findings) {
        if (!this.findings.has(digest)) this.findings.set(digest, what);
      }
    }
  }

  /** Another job of the round may have reached all of it before. */
  private addInput(digest: string, features: readonly number[]): void {
    if (features.every((feature) => this.known.has(feature))) return;
    for (const feature of features) this.known.add(feature);
    if (!this.corpus.includes(digest)) this.corpus.push(digest);
  }

  result(): CampaignResult {
    const findings = [...this.findings]
      .map(([digest, what]) => ({ digest, what }))
      .toSorted((a, b) => (a.digest < b.digest ? -1 : 1));
    const { rounds, executions, corpus } = this;
    const whole = { rounds, executions, corpus, features: this.known.size, findings };
    return { ...whole, digest: digestOf(JSON.stringify(whole)) };
  }
}
