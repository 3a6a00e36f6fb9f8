/**
 * Threads that run jobs for a worker of a queue. The main thread never computes: it must go on telling the broker that its jobs
 * are alive. A thread that dies fails its own job alone.
 */
import { Worker } from "node:worker_threads";
import type { Job } from "../job.ts";
import type { Parcel } from "./parcel.ts";

export interface Task {
  /** Where the parcel is laid out. */
  readonly folder: string;
  readonly parcel: Parcel;
  readonly job: Job;
}

export interface Outcome {
  /** The run as JSON, in gzip. */
  readonly packed: Uint8Array;
  readonly sha256: string;
}

export type FromThread = { readonly outcome: Outcome } | { readonly wrong: string };

interface Waiting {
  readonly task: Task;
  readonly resolve: (outcome: Outcome) => void;
  readonly reject: (error: Error) => void;
}

export class Threads {
  private readonly most: number;
  private readonly idle: Worker[] = [];
  private readonly all: Set<Worker> = new Set();
  private readonly queue: Waiting[] = [];

  constructor(most: number) {
    this.most = most;
  }

  run(task: Task): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      this.queue.push({ task, resolve, reject });
      this.next();
    });
  }

  async stop(): Promise<void> {
    this.queue.length = 0;
    await Promise.all([...this.all].map((worker) => worker.terminate()));
  }

  private next(): void {
    if (this.queue.length === 0) return;
    const worker = this.idle.pop() ?? (this.all.size < this.most ? this.start() : null);
    if (worker === null) return;
    const { task, resolve, reject } = this.queue.shift()!;
    const ended = (why: string): void => {
      this.all.delete(worker);
      reject(new Error(why));
      this.next();
    };
    const onExit = (): void => ended("the thread of the run ended before its time");
    worker.once("exit", onExit);
    worker.once("message", (answer: FromThread) => {
      worker.off("exit", onExit);
      this.idle.push(worker);
      if ("wrong" in answer) reject(new Error(answer.wrong));
      else resolve(answer.outcome);
      this.next();
    });
    worker.postMessage(task);
  }

  private start(): Worker {
    const worker = new Worker(new URL("./thread-main.js", import.meta.url));
    // it exits as well, and that is heard
    worker.on("error", () => {});
    this.all.add(worker);
    return worker;
  }
}
