/**
 * One connection for everybody who looks at it: its figures, and the segments that pass. Packets are looked at only while there
 * is a watch, and of each watch only the last segments are kept.
 */
import type { ServerResponse } from "node:http";
import type { PacketTap } from "../../devices/tap.ts";
import type { Endpoint } from "../../tcp/endpoint.ts";
import { parseIpv4 } from "../../wire/address.ts";
import { type ConnectionRow, type Controlled, named, rowOf } from "../control/index.ts";
import { flagNames, type Rung, Tracker } from "../observe/index.ts";
import { EventStream } from "./event-stream.ts";
import type { ConnectionFrame, NamedConnection, SeenSegment } from "./messages.ts";
import { Pulse } from "./pulse.ts";

/** ms. */
const EVERY = 100;
/** Segments that are kept for the next frames. */
const MOST_KEPT = 400;
/** Headers of IPv4 and TCP with all options. */
const HEADERS = 120;
const PROTO_TCP = 6;

interface Listener {
  readonly stream: EventStream;
  /** Number of the segment that it was told last. */
  last: number;
  /** When it last heard, ms, and what had moved by then. */
  at: number;
  acked: number;
  received: number;
}

class Watch {
  readonly name: NamedConnection;
  readonly listeners: Set<Listener> = new Set();
  readonly #stack: Controlled;
  readonly #ends: readonly [address: number, port: number, address: number, port: number];
  readonly #tracker = new Tracker();
  #endpoint: Endpoint | null = null;
  readonly #iss: number;
  readonly #segments: SeenSegment[] = [];
  #count = 0;
  #sample = 0;
  readonly #pulse = new Pulse(EVERY, () => this.tick());

  /** Throws a line where there is no such connection. */
  constructor(stack: Controlled, name: NamedConnection) {
    this.#stack = stack;
    this.name = name;
    this.#ends = [...placeOf(name.local), ...placeOf(name.remote)];
    this.#endpoint = named(stack.core, { ...name });
    const info = this.#endpoint.info(stack.now());
    this.#iss = info.iss;
    this.#tracker.resume(info);
  }

  listen(response: ServerResponse, onClose: () => void): EventStream {
    const stream = new EventStream(response, () => {
      this.listeners.delete(listener);
      if (this.listeners.size === 0) this.#pulse.stop();
      onClose();
    });
    const listener: Listener = { stream, last: 0, at: 0, acked: 0, received: 0 };
    this.listeners.add(listener);
    this.#tell(listener, this.#stack.now(), this.#look());
    this.#pulse.start();
    return stream;
  }

  tick(): void {
    const ready = [...this.listeners].filter(({ stream }) => stream.takes());
    if (ready.length === 0) return;
    this.#sample++;
    const now = this.#stack.now();
    const row = this.#look();
    for (const listener of ready) this.#tell(listener, now, row);
  }

  isOf(source: number, sourcePort: number, target: number, targetPort: number): boolean {
    const [own, ownPort, peer, peerPort] = this.#ends;
    return source === own && sourcePort === ownPort
      ? target === peer && targetPort === peerPort
      : source === peer && sourcePort === peerPort && target === own && targetPort === ownPort;
  }

  /** A packet of this connection; `bytes` is its own. */
  packet(at: number, bytes: Uint8Array, remark: string | null): void {
    this.#tracker.packet(at, bytes, remark);
    const { conversations } = this.#tracker;
    // a new one in its place
    if (conversations.length > 1) conversations.splice(0, conversations.length - 1);
    const { left, rungs } = conversations[0]!;
    for (const rung of rungs.splice(0))
      this.#segments.push(this.#seen(rung, left === this.name.local));
    if (this.#segments.length >= 2 * MOST_KEPT) this.#segments.splice(0, MOST_KEPT);
  }

  #seen(rung: Rung, ownIsLeft: boolean): SeenSegment {
    const { time, flags, seq, length, ack, window, options, remark, left, right } = rung;
    return {
      number: ++this.#count,
      at: time,
      out: rung.fromLeft === ownIsLeft,
      flags: flagNames(flags),
      seq,
      length,
      ack,
      window,
      options,
      remark,
      own: ownIsLeft ? left : right,
      peer: ownIsLeft ? right : left,
    };
  }

  /** As `ss` sees it now; the connection that has its place later is another one. */
  #look(): ConnectionRow | null {
    const now = this.#stack.now();
    const state = this.#endpoint?.state;
    // what is half-open or in TIME-WAIT is handed out as a picture of that moment
    if (state === undefined || state === "SYN-RECEIVED" || isEnding(state)) {
      try {
        this.#endpoint = named(this.#stack.core, { ...this.name });
      } catch {
        this.#endpoint = null;
      }
    }
    if (this.#endpoint === null) return null;
    const row = rowOf(this.#endpoint, now);
    return row.iss === this.#iss ? row : null;
  }

  #tell(listener: Listener, now: number, row: ConnectionRow | null): void {
    const span = now - listener.at;
    const rate = (bytes: number, before: number): number =>
      listener.at === 0 || span <= 0 ? 0 : Math.round((Math.max(0, bytes - before) * 8000) / span);
    const fresh = this.#segments.filter(({ number }) => number > listener.last);
    const segments = fresh.slice(-MOST_KEPT);
    const first = segments[0]?.number ?? this.#count + 1;
    const frame: ConnectionFrame = {
      sample: this.#sample,
      at: now,
      connection: row,
      sendRate: row === null ? 0 : rate(row.bytesAcked, listener.acked),
      receiveRate: row === null ? 0 : rate(row.bytesReceived, listener.received),
      segments,
      missed: Math.max(0, first - listener.last - 1),
    };
    listener.last = this.#count;
    listener.at = now;
    listener.acked = row?.bytesAcked ?? 0;
    listener.received = row?.bytesReceived ?? 0;
    listener.stream.send(JSON.stringify(frame));
  }
}

function isEnding(state: string): boolean {
  return state === "TIME-WAIT" || state === "CLOSED";
}

function placeOf(text: string): [address: number, port: number] {
  const [address, port] = text.split(":");
  return [parseIpv4(address!)!, Number(port)];
}

export class ConnectionFeed {
  readonly #stack: Controlled;
  readonly #watches = new Map<string, Watch>();
  /** Asks for packets, or (null) no longer. */
  readonly #observe: (tap: PacketTap | null) => void;

  constructor(stack: Controlled, observe: (tap: PacketTap | null) => void) {
    this.#stack = stack;
    this.#observe = observe;
  }

  /** Throws a line where there is no such connection. */
  listen(name: NamedConnection, response: () => ServerResponse): EventStream {
    const key = `${name.local} ${name.remote}`;
    let watch = this.#watches.get(key);
    if (watch === undefined) {
      watch = new Watch(this.#stack, name);
      this.#watches.set(key, watch);
      if (this.#watches.size === 1) this.#observe(this.#tap);
    }
    const watched = watch;
    return watched.listen(response(), () => {
      if (watched.listeners.size > 0 || this.#watches.get(key) !== watched) return;
      this.#watches.delete(key);
      if (this.#watches.size === 0) this.#observe(null);
    });
  }

  /** Only what is compared is read of a packet that nobody watches. */
  readonly #tap: PacketTap = (_direction, at, buffer, offset, length, remark) => {
    const headers = (buffer[offset]! & 15) * 4;
    if (length < headers + 20 || buffer[offset + 9] !== PROTO_TCP) return;
    const view = new DataView(buffer.buffer, buffer.byteOffset + offset, headers + 4);
    const [source, target] = [view.getInt32(12), view.getInt32(16)];
    const [sourcePort, targetPort] = [view.getUint16(headers), view.getUint16(headers + 2)];
    for (const watch of this.#watches.values()) {
      if (!watch.isOf(source, sourcePort, target, targetPort)) continue;
      watch.packet(at, buffer.slice(offset, offset + Math.min(length, HEADERS)), remark);
    }
  };
}
