/**
 * One stack on each queue of a TUN, each in a worker thread. A worker that dies takes its own connections with it and no
 * other: its queue stays attached, a new worker takes it over, and answers what comes for the old connections with RST.
 */
import { Worker } from "node:worker_threads";
import { lineOf } from "../../base/errors.ts";
import type { TunQueue, TunQueues } from "../../devices/tun-queues.ts";
import type { EndRequest, FromWorker, ToWorker, WorkerData, WorkerPlan } from "./messages.ts";
import { mergeReports, type StackReport } from "./report.ts";

export interface PoolEvents {
  /** A worker has ended without being told to, and is started again. */
  onRestart?(index: number, reason: string): void;
  /** It cannot go on: the device has gone, or a worker dies each time it is started. */
  onFailure?(reason: string): void;
}

/** So many ends within this time mean that starting again does not help. */
const MOST_RESTARTS = 5;
const WITHIN_MS = 10_000;
const REPORT_WITHIN_MS = 2000;

interface Slot {
  readonly queue: TunQueue;
  worker: Worker | null;
  ready: boolean;
  /** When it ended, the last times. */
  readonly ends: number[];
}

export class WorkerPool {
  readonly #plan: WorkerPlan;
  readonly #events: PoolEvents;
  readonly #queues: TunQueues;
  readonly #slots: Slot[];
  readonly #waiting: Map<number, (answer: FromWorker | null) => void> = new Map();
  #lastId = 0;
  #ending = false;
  #started: { resolve(): void; reject(error: Error): void } | null = null;

  /** Takes over the queues. */
  constructor(queues: TunQueues, plan: WorkerPlan, events: PoolEvents = {}) {
    this.#queues = queues;
    this.#plan = plan;
    this.#events = events;
    this.#slots = queues.queues.map((queue) => ({ queue, worker: null, ready: false, ends: [] }));
  }

  get size(): number {
    return this.#slots.length;
  }

  /** Resolves when every worker listens. Rejects with the reason of the first that cannot. */
  start(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#started = { resolve, reject };
      this.#slots.forEach((slot, index) => this.#launch(slot, index));
    });
  }

  /** Counters and connections of all workers as one. */
  async report(): Promise<StackReport> {
    return mergeReports((await this.reports()).filter((r) => r !== null));
  }

  /** Of each worker; null for one that is being started, or does not answer. */
  reports(): Promise<(StackReport | null)[]> {
    return Promise.all(
      this.#slots.map(async (slot) => {
        const answer = await this.#ask(slot, (id) => ({ type: "report", id }));
        return answer?.type === "report" ? answer.report : null;
      }),
    );
  }

  /** Closes or aborts a connection, whichever worker has it; false: none has. */
  async end(end: EndRequest): Promise<boolean> {
    const answers = await Promise.all(
      this.#slots.map((slot) => this.#ask(slot, (id) => ({ type: "end", id, end }))),
    );
    return answers.some((answer) => answer?.type === "ended" && answer.found);
  }

  /** Ends one worker at once, as if it had died: for tests, and for whoever must. */
  async terminate(index: number): Promise<void> {
    await this.#slots[index]?.worker?.terminate();
  }

  /** No new connections, `graceMs` for those under way, then every worker and the queues. */
  async finish(graceMs: number): Promise<void> {
    this.#ending = true;
    await Promise.all(
      this.#slots.map(({ worker }) => {
        if (worker === null) return Promise.resolve();
        const exit = new Promise<void>((resolve) => void worker.once("exit", () => resolve()));
        send(worker, { type: "finish", graceMs });
        return exit;
      }),
    );
    this.#queues.close();
  }

  #ask(slot: Slot, question: (id: number) => ToWorker): Promise<FromWorker | null> {
    const { worker } = slot;
    if (worker === null || !slot.ready) return Promise.resolve(null);
    const id = ++this.#lastId;
    return new Promise((resolve) => {
      const patience = setTimeout(() => answer(null), REPORT_WITHIN_MS);
      const answer = (message: FromWorker | null): void => {
        clearTimeout(patience);
        this.#waiting.delete(id);
        resolve(message);
      };
      this.#waiting.set(id, answer);
      send(worker, question(id));
    });
  }

  #launch(slot: Slot, index: number): void {
    const data: WorkerData = { ...this.#plan, queue: slot.queue };
    const worker = new Worker(new URL("./worker-main.js", import.meta.url), { workerData: data });
    let reason = "it ended";
    slot.worker = worker;
    slot.ready = false;
    worker.on("message", (message: FromWorker) => this.#onMessage(slot, message));
    worker.on("error", (error: unknown) => {
      reason = lineOf(error);
    });
    worker.on("exit", () => {
      slot.worker = null;
      if (!this.#ending) this.#onDeath(slot, index, reason);
    });
  }

  #onMessage(slot: Slot, message: FromWorker): void {
    switch (message.type) {
      case "ready":
        slot.ready = true;
        if (this.#slots.every((s) => s.ready)) this.#settle(null);
        return;
      case "report":
      case "ended":
        this.#waiting.get(message.id)?.(message);
        return;
      case "stray":
        for (const { worker } of this.#slots) {
          if (worker !== null && worker !== slot.worker) send(worker, message);
        }
        return;
      case "failed":
      case "lost":
        this.#fail(message.message);
        return;
      case "finished":
        return;
    }
  }

  #onDeath(slot: Slot, index: number, reason: string): void {
    const now = performance.now();
    slot.ends.push(now);
    const recent = slot.ends.filter((at) => now - at < WITHIN_MS);
    if (recent.length > MOST_RESTARTS) {
      this.#fail(`worker ${index} has ended ${recent.length} times in a row: ${reason}`);
      return;
    }
    this.#events.onRestart?.(index, reason);
    this.#launch(slot, index);
  }

  #fail(reason: string): void {
    if (this.#ending) return;
    this.#ending = true;
    for (const { worker } of this.#slots) void worker?.terminate();
    this.#queues.close();
    if (this.#started === null) this.#events.onFailure?.(reason);
    else this.#settle(new Error(reason));
  }

  #settle(error: Error | null): void {
    const started = this.#started;
    this.#started = null;
    if (error === null) started?.resolve();
    else started?.reject(error);
  }
}

function send(worker: Worker, message: ToWorker): void {
  worker.postMessage(message);
}
