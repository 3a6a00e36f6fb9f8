/** What the server tells the page, and what the page may ask for: types only, shared by both. */
import type { LinkCounters } from "../../netem/link.ts";
import type { TcpInfo } from "../../tcp/info.ts";

/** As of src/tools/control, without what a browser lacks. */
interface ConnectionRow extends TcpInfo {
  readonly limit: { readonly by: string; readonly text: string };
}

interface ListenerRow {
  readonly address: string;
  readonly port: number;
  readonly waiting: number;
  readonly backlog: number;
}

interface StackSummary {
  readonly version: string;
  readonly pid: number;
  readonly tun: string;
  readonly addresses: readonly string[];
  readonly uptime: number;
  readonly states: Readonly<Record<string, number>>;
  readonly listeners: number;
  readonly memory: number;
  readonly counters: Readonly<Record<string, number>>;
}

/** Of one connection; `id` is its own for its whole life. Rates are bits a second since the sample before. */
export interface TableRow {
  readonly id: number;
  readonly state: string;
  readonly local: string;
  readonly remote: string;
  readonly sendRate: number;
  readonly receiveRate: number;
  /** Bytes. */
  readonly sendQueued: number;
  readonly receiveQueued: number;
  readonly cwnd: number;
  /** ms; 0 before the first sample. */
  readonly srtt: number;
  /** Segments. */
  readonly retransmits: number;
  /** Why it does not go faster. */
  readonly limit: string;
}

export interface LinkState {
  /** The specification in force; empty: the link as it is. */
  readonly spec: string;
  readonly counters: { readonly in: LinkCounters; readonly out: LinkCounters } | null;
}

export interface TableFrame {
  /** Number and time (ms of the stack's clock) of the sample. */
  readonly sample: number;
  readonly at: number;
  /** Everything, or only rows that changed since the frame before. */
  readonly whole: boolean;
  readonly rows: readonly TableRow[];
  /** Ids of connections that are no more. */
  readonly gone: readonly number[];
  /** Connections beyond what the table takes. */
  readonly omitted: number;
  readonly summary: StackSummary;
  readonly listeners: readonly ListenerRow[];
  readonly link: LinkState | null;
}

/** A segment on the ladder: time in ms, numbers relative to both ends' first ones. */
export interface SeenSegment {
  readonly number: number;
  readonly at: number;
  /** We sent it. */
  readonly out: boolean;
  readonly flags: string;
  readonly seq: number;
  readonly length: number;
  /** 0 without ACK. */
  readonly ack: number;
  readonly window: number;
  readonly options: string;
  readonly remark: string;
  /** States of both ends after it. */
  readonly own: string;
  readonly peer: string;
}

export interface ConnectionFrame {
  readonly sample: number;
  readonly at: number;
  /** What `ss --json` says at that moment; null: the connection is no more. */
  readonly connection: ConnectionRow | null;
  readonly sendRate: number;
  readonly receiveRate: number;
  readonly segments: readonly SeenSegment[];
  /** Segments that passed and are not shown, as there were too many for one frame. */
  readonly missed: number;
}

/** Bodies of POST. */
export interface NamedConnection {
  /** `192.0.2.2:80`. */
  readonly local: string;
  readonly remote: string;
}

export interface ImpairRequest {
  /** As of `--impair`; empty for the link as it is. */
  readonly spec: string;
}
