/** What the main thread and its workers tell each other, and what a worker is started with. */
import type { TunQueue } from "../../devices/tun-queues.ts";
import type { Settings } from "../../tcp/config.ts";
import type { StackReport } from "./report.ts";

/** All of it survives a structured clone. */
export interface WorkerPlan {
  /** `"192.0.2.2/24"`. */
  readonly address: string;
  readonly settings: Partial<Settings>;
  /** `name:port`, as on the command line. */
  readonly services: readonly string[];
  /** The folder for event logs, which exists. */
  readonly qlog: string | null;
}

export interface WorkerData extends WorkerPlan {
  readonly queue: TunQueue;
}

export interface EndRequest {
  readonly how: "close" | "abort";
  readonly local: string;
  readonly remote: string;
}

export type ToWorker =
  | { readonly type: "report"; readonly id: number }
  /** Ends a connection, named as `192.0.2.2:80`. */
  | { readonly type: "end"; readonly id: number; readonly end: EndRequest }
  | { readonly type: "stray"; readonly packet: Uint8Array }
  | { readonly type: "finish"; readonly graceMs: number };

export type FromWorker =
  | { readonly type: "ready" }
  /** It cannot serve: a port is taken, an address is wrong. */
  | { readonly type: "failed"; readonly message: string }
  /** The device behind the queue has gone. */
  | { readonly type: "lost"; readonly message: string }
  | { readonly type: "report"; readonly id: number; readonly report: StackReport }
  | { readonly type: "ended"; readonly id: number; readonly found: boolean }
  /** A packet that may belong to a connection of another worker. */
  | { readonly type: "stray"; readonly packet: Uint8Array }
  | { readonly type: "finished" };
