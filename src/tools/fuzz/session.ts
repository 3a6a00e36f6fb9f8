/** Fuzzes one target with several threads: what one of them keeps the others hear of, and what stops moving is ended. */
import { Worker } from "node:worker_threads";
import * as harness from "../../fuzz/index.ts";
import type { TargetName } from "../../fuzz/index.ts";
import { countedCode, coverageOf } from "./branches.ts";
import type { FromThread, Share, Standing, ToThread } from "./messages.ts";
import type { CorpusStore, Finding } from "./store.ts";

export interface SessionOptions {
  readonly target: TargetName;
  readonly seed: number;
  readonly threads: number;
  /** Executions in all; Infinity where time decides. */
  readonly runs: number;
  /** ms; Infinity where executions decide. */
  readonly time: number;
  readonly guided: boolean;
  readonly store: CorpusStore;
  /** False: inputs that reach something new are not written. */
  readonly keeps: boolean;
  readonly signal: AbortSignal;
  readonly onProgress: (report: SessionReport) => void;
}

export interface Part {
  readonly taken: number;
  readonly all: number;
}

export interface SessionReport {
  readonly target: TargetName;
  readonly executions: number;
  /** ms since the threads were ready. */
  readonly elapsed: number;
  readonly features: number;
  readonly corpus: number;
  /** By room; empty where nothing was counted. */
  readonly branches: Readonly<Record<string, Part>>;
  /** By branch, 1 where it was taken. */
  readonly taken: Uint8Array;
  /** Of the model's table; null for a target without states. */
  readonly cells: { readonly hit: number; readonly possible: number } | null;
  /** Cells by index, 1 where hit. */
  readonly cellsHit: Uint8Array;
  readonly findings: readonly { readonly finding: Finding; readonly isNew: boolean }[];
}

/** ms without a sign of life after which an input does not end: minimising may take a while. */
const PATIENCE = 60_000;

const POSSIBLE: readonly number[] = Array.from({ length: harness.CELLS }, (_, i) => i).filter((i) =>
  harness.isPossible(i),
);

interface Thread {
  readonly worker: Worker;
  readonly current: SharedArrayBuffer;
  standing: Standing | null;
  heard: number;
}

export class Session {
  private readonly options: SessionOptions;
  private readonly threads: Thread[] = [];
  private readonly writes: Promise<unknown>[] = [];
  private readonly found = new Map<string, { finding: Finding; isNew: boolean }>();
  private readonly branches: Uint8Array;
  private readonly cells: Uint8Array = new Uint8Array(harness.CELLS);
  private readonly files: ReturnType<typeof countedCode>["files"];
  private began = 0;
  private stopping = false;

  constructor(options: SessionOptions) {
    this.options = options;
    const counted = options.guided ? countedCode() : null;
    this.files = counted?.files ?? [];
    this.branches = new Uint8Array(counted?.count ?? 0);
  }

  async run(): Promise<SessionReport> {
    const { options } = this;
    const names = await options.store.list(options.target);
    const inputs = await Promise.all(names.map((n) => options.store.get(options.target, n)));
    const corpus = inputs.filter((data) => data !== null);
    const stop = (): void => this.stop();
    options.signal.addEventListener("abort", stop, { once: true });
    const watch = setInterval(() => this.watch(), 500);
    try {
      await Promise.all(Array.from({ length: options.threads }, (_, i) => this.thread(i, corpus)));
    } finally {
      clearInterval(watch);
      options.signal.removeEventListener("abort", stop);
      await Promise.all(this.threads.map(({ worker }) => worker.terminate()));
    }
    await Promise.all(this.writes);
    return this.report();
  }

  private shareOf(index: number, corpus: readonly Uint8Array[], current: SharedArrayBuffer): Share {
    const { target, seed, runs, threads, guided } = this.options;
    const each = Number.isFinite(runs) ? Math.ceil((runs - index) / threads) : Infinity;
    return { target, seed, index, runs: each, guided, corpus, current };
  }

  private async thread(index: number, corpus: readonly Uint8Array[]): Promise<void> {
    const current = new SharedArrayBuffer(4 + 65_536);
    const workerData = this.shareOf(index, corpus, current);
    const worker = new Worker(new URL("./thread-main.js", import.meta.url), { workerData });
    const thread: Thread = { worker, current, standing: null, heard: performance.now() };
    this.threads.push(thread);
    await new Promise<void>((resolve, reject) => {
      worker.on("message", (message: FromThread) => {
        thread.heard = performance.now();
        this.take(message, thread);
        if ("done" in message) resolve();
      });
      worker.on("error", reject);
      worker.on("exit", () => resolve());
    });
  }

  private take(message: FromThread, from: Thread): void {
    if ("ready" in message) {
      if (this.began === 0) this.began = performance.now();
    } else if ("kept" in message) {
      if (this.options.keeps) this.write(this.options.store.put(this.options.target, message.kept));
      const told: ToThread = { input: message.kept };
      for (const { worker } of this.threads) if (worker !== from.worker) worker.postMessage(told);
    } else if ("finding" in message) {
      this.takeFinding(message.finding);
    } else {
      from.standing = "done" in message ? message.done : message.standing;
      merge(this.branches, from.standing.branches);
      merge(this.cells, from.standing.cells);
      this.options.onProgress(this.report());
    }
  }

  private takeFinding(finding: Finding): void {
    const { rule, message } = finding.violation;
    const kind = `${rule} ${message.split(":", 1)[0]!}`;
    const known = this.found.get(kind);
    if (known !== undefined && known.finding.data.length <= finding.data.length) return;
    const entry = { finding, isNew: true };
    this.found.set(kind, entry);
    this.write(this.options.store.putFinding(finding).then((kept) => (entry.isNew = kept)));
  }

  private write(work: Promise<unknown>): void {
    this.writes.push(work);
  }

  private stop(): void {
    if (this.stopping) return;
    this.stopping = true;
    const told: ToThread = { stop: true };
    for (const { worker } of this.threads) worker.postMessage(told);
  }

  /** Time, and threads that say nothing any more. */
  private watch(): void {
    const now = performance.now();
    if (this.began > 0 && now - this.began >= this.options.time) this.stop();
    for (const thread of this.threads) {
      if (thread.standing === null || now - thread.heard < PATIENCE) continue;
      thread.heard = Infinity;
      this.takeFinding(this.endless(thread));
      void thread.worker.terminate();
    }
  }

  /** The input under way does not end, so nobody can make it smaller. */
  private endless({ current }: Thread): Finding {
    const { target } = this.options;
    const length = new Int32Array(current, 0, 1)[0]!;
    const data = new Uint8Array(current).slice(4, 4 + length);
    return {
      tuntcp: "fuzz finding",
      version: 1,
      target,
      data: Buffer.from(data).toString("base64"),
      input: harness.createTarget(target).toJson(data),
      violation: { rule: "I5", step: 0, message: "an input that does not end" },
      hash: "",
    };
  }

  report(): SessionReport {
    const { target } = this.options;
    const standings = this.threads.flatMap(({ standing }) => (standing === null ? [] : [standing]));
    const sum = (of: (s: Standing) => number): number => standings.reduce((n, s) => n + of(s), 0);
    const rooms = coverageOf(this.files, (branch) => this.branches[branch] === 1);
    const hasCells = standings.some(({ cells }) => cells.length > 0);
    return {
      target,
      executions: sum((s) => s.executions),
      elapsed: this.began === 0 ? 0 : performance.now() - this.began,
      features: Math.max(0, ...standings.map((s) => s.features)),
      corpus: Math.max(0, ...standings.map((s) => s.corpus)),
      branches: Object.fromEntries(rooms),
      taken: this.branches,
      cells: hasCells
        ? { hit: POSSIBLE.filter((i) => this.cells[i] === 1).length, possible: POSSIBLE.length }
        : null,
      cellsHit: this.cells,
      findings: [...this.found.values()],
    };
  }
}

function merge(into: Uint8Array, from: Uint8Array): void {
  for (let i = 0; i < from.length; i++) if (from[i] !== 0) into[i] = 1;
}
