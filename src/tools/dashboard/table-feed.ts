/**
 * The connection table for everybody who looks: sampled once for all, sent to each as what changed since the frame it had last.
 * Without a listener nothing is sampled and nothing kept.
 */
import type { ServerResponse } from "node:http";
import { type ConnectionRow, type Controlled, rowOf, summary } from "../control/index.ts";
import { EventStream } from "./event-stream.ts";
import type { LinkState, TableFrame, TableRow } from "./messages.ts";
import { Pulse } from "./pulse.ts";

/** ms. */
const EVERY = 500;
/** Of the connections that are shown; all are counted. */
const MOST_ROWS = 5000;
/** Ends that are remembered; who was away for longer gets everything anew. */
const MOST_GONE = 20_000;

interface Entry {
  row: TableRow;
  /** The sample in which it last changed, and in which it was last seen. */
  changed: number;
  seen: number;
  acked: number;
  received: number;
}

interface Listener {
  readonly stream: EventStream;
  /** The sample that it was told last; 0: none. */
  last: number;
}

export class TableFeed {
  readonly #stack: Controlled;
  readonly #link: () => LinkState | null;
  readonly #began: number;
  readonly #listeners = new Set<Listener>();
  readonly #entries = new Map<string, Entry>();
  readonly #gone: { readonly id: number; readonly sample: number }[] = [];
  /** Ends up to this sample were forgotten. */
  #forgotten = 0;
  #sample = 0;
  #at = 0;
  #lastId = 0;
  #common: Omit<TableFrame, "whole" | "rows" | "gone"> | null = null;
  readonly #pulse = new Pulse(EVERY, () => this.tick());

  constructor(stack: Controlled, link: () => LinkState | null) {
    this.#stack = stack;
    this.#link = link;
    this.#began = stack.now();
  }

  listen(response: ServerResponse): EventStream {
    const stream = new EventStream(response, () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size > 0) return;
      this.#pulse.stop();
      this.#entries.clear();
      this.#gone.length = 0;
      this.#forgotten = this.#sample;
    });
    const listener: Listener = { stream, last: 0 };
    this.#listeners.add(listener);
    this.#take();
    this.#tell(listener);
    this.#pulse.start();
    return stream;
  }

  /** Samples once, if anybody takes a frame. */
  tick(): void {
    const ready = [...this.#listeners].filter(({ stream }) => stream.takes());
    if (ready.length === 0) return;
    this.#take();
    for (const listener of ready) this.#tell(listener);
  }

  #take(): void {
    const { core } = this.#stack;
    const now = this.#stack.now();
    const span = now - this.#at;
    const sample = ++this.#sample;
    const all = core.connections();
    for (const c of all.slice(0, MOST_ROWS)) this.#note(rowOf(c, now), sample, span);
    for (const [key, entry] of this.#entries) {
      if (entry.seen === sample) continue;
      this.#entries.delete(key);
      this.#gone.push({ id: entry.row.id, sample });
    }
    while (this.#gone.length > MOST_GONE) this.#forgotten = this.#gone.shift()!.sample;
    this.#at = now;
    this.#common = {
      sample,
      at: now,
      omitted: Math.max(0, all.length - MOST_ROWS),
      summary: summary(this.#stack, now - this.#began),
      listeners: core.listening(),
      link: this.#link(),
    };
  }

  #note(c: ConnectionRow, sample: number, span: number): void {
    const local = `${c.localAddress}:${c.localPort}`;
    const remote = `${c.remoteAddress}:${c.remotePort}`;
    const key = `${local} ${remote} ${c.iss}`;
    const old = this.#entries.get(key);
    const rate = (bytes: number, before: number): number =>
      old === undefined || span <= 0 ? 0 : Math.round((Math.max(0, bytes - before) * 8000) / span);
    const row: TableRow = {
      id: old?.row.id ?? ++this.#lastId,
      state: c.state,
      local,
      remote,
      sendRate: rate(c.bytesAcked, old?.acked ?? 0),
      receiveRate: rate(c.bytesReceived, old?.received ?? 0),
      sendQueued: c.sendQueued,
      receiveQueued: c.receiveQueued,
      cwnd: c.cwnd,
      srtt: c.srtt,
      retransmits: c.retransmits,
      limit: c.limit.text,
    };
    const changed = old === undefined || differs(old.row, row) ? sample : old.changed;
    const { bytesAcked: acked, bytesReceived: received } = c;
    this.#entries.set(key, { row, changed, seen: sample, acked, received });
  }

  #tell(listener: Listener): void {
    const { last } = listener;
    const whole = last === 0 || last < this.#forgotten;
    const rows: TableRow[] = [];
    for (const { row, changed } of this.#entries.values()) {
      if (whole || changed > last) rows.push(row);
    }
    const gone = whole ? [] : this.#gone.filter((g) => g.sample > last).map(({ id }) => id);
    const frame: TableFrame = { ...this.#common!, whole, rows, gone };
    listener.last = this.#sample;
    listener.stream.send(JSON.stringify(frame));
  }
}

function differs(a: TableRow, b: TableRow): boolean {
  for (const key of Object.keys(b) as (keyof TableRow)[]) if (a[key] !== b[key]) return true;
  return false;
}
