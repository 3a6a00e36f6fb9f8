/**
 * Lives of connections: each way in which one is opened, used and ended, as a script of two ends. A script tells what
 * did not come as the rules have it; where packets are lost it only has to come to an end.
 */
import { below } from "../../src/base/rng.ts";
import type { TcpState } from "../../src/tcp/state.ts";
import { ACK, FIN, SYN } from "../../src/wire/tcp-segment.ts";
import type { Listener } from "../../src/stack/listener.ts";
import { Conn } from "./conn.ts";
import { type Script, type Side, type Until, Wire } from "./wire.ts";

/** Who listens: for all, for nobody (no listener), and with a short accept queue that is emptied late. */
export const PORT = 80;
const NOBODY = 81;
const SLOW = 82;

const SHORT = 20_000;
/** ms: R2 of data is 924 s, and 1,389 s where a lost SYN left an RTO of 3 s (RFC 6298 §5.7); of a SYN it is 255 s. */
const LONG = 1_500_000;

export class World extends Wire {
  /** What was not as it should be; the first few. */
  readonly violations: string[] = [];
  violated = 0;
  begun = 0;
  ended = 0;
  bytes = 0;
  readonly kinds = new Map<string, number>();
  /** States in which a connection was aborted. */
  readonly abortedIn = new Map<string, number>();
  /** Ends that wait to be accepted, by stack and ports. */
  readonly expected: { readonly A: Map<number, Conn>; readonly B: Map<number, Conn> } = {
    A: new Map(),
    B: new Map(),
  };
  private fixedPort = 1024;

  constructor(seed: number) {
    // B answers each SYN with a cookie, A keeps a queue
    super({ seed, delay: 5, b: { tcp_syncookies: 2 } });
    for (const side of [this.a, this.b]) {
      const accept = (listener: Listener): void => this.accepts(side, listener);
      side.stack.listen({ port: PORT, owner: { onConnection: accept } });
      const later = (listener: Listener): void => {
        function* accepting(): Script {
          yield 3000;
          accept(listener);
        }
        this.starts(accepting(), 0);
      };
      side.stack.listen({ port: SLOW, backlog: 1, owner: { onConnection: later } });
    }
  }

  private accepts(side: Side, listener: Listener): void {
    for (let e = listener.accept(); e !== null; e = listener.accept()) {
      const conn = this.expected[side.name].get(e.localPort * 65_536 + e.remotePort);
      if (conn === undefined || conn.endpoint !== null) {
        // the end of a life that nobody waits for any more
        e.abort();
        continue;
      }
      conn.endpoint = e;
      e.owner = conn;
      conn.onEvents(e, 0);
    }
  }

  /** Ports for connections whose pair is to be known before, or used again. */
  port(): number {
    this.fixedPort = this.fixedPort === 16_383 ? 1024 : this.fixedPort + 1;
    return this.fixedPort;
  }

  wrong(what: string): void {
    this.violated++;
    if (this.violations.length < 20) this.violations.push(`at ${this.now} ms: ${what}`);
  }

  left(): string[] {
    const found: string[] = [];
    for (const { name, stack } of [this.a, this.b]) {
      const inside = stack as unknown as {
        readonly wheel: { readonly size: number };
        readonly table: { readonly size: number };
        readonly timeWaits: { readonly size: number; readonly aside: Map<unknown, unknown> };
        readonly accounts: { readonly stuck: Set<unknown>; readonly orphans: number };
        readonly listeners: { readonly byPort: Map<number, { readonly halfOpen: number }[]> };
        readonly marked: { readonly isEmpty: boolean };
      };
      const counts = {
        connections: inside.table.size,
        timers: inside.wheel.size,
        bytes: stack.memoryUsed,
        timeWaits: inside.timeWaits.size + inside.timeWaits.aside.size,
        stuck: inside.accounts.stuck.size,
        orphans: inside.accounts.orphans,
        marked: inside.marked.isEmpty ? 0 : 1,
        waiting: stack.listening().reduce((n, row) => n + row.waiting, 0),
        halfOpen: [...inside.listeners.byPort.values()].flat().reduce((n, l) => n + l.halfOpen, 0),
        listeners: stack.listening().length - 2,
        deadline: stack.nextTimeout() === Infinity ? 0 : 1,
      };
      for (const [what, n] of Object.entries(counts))
        if (n !== 0) found.push(`${name} ${what} ${n}`);
    }
    if (this.expected.A.size + this.expected.B.size + this.filters.size + this.lossy.size > 0)
      found.push("the scripts' own");
    return found;
  }
}

/** One life: its two ends, and what its script needs of them. */
class Life {
  readonly w: World;
  readonly near: Conn;
  readonly far: Conn;
  readonly kind: string;
  readonly isLossy: boolean;
  private key = -1;
  private place = -1;

  constructor(w: World, kind: string, isLossy: boolean, near: Side) {
    this.w = w;
    this.kind = kind;
    this.isLossy = isLossy;
    this.near = new Conn(near);
    this.far = new Conn(w.other(near));
  }

  expects(holds: boolean, what: string): void {
    if (!holds && !this.isLossy) {
      const ends = [this.near, this.far].map((c) => `${c.state} ${c.error?.code ?? ""}`);
      this.w.wrong(`${this.kind} from ${this.near.side.name}: ${what} (${ends.join(", ")})`);
    }
  }

  until(holds: () => boolean, ms: number = SHORT): Until {
    return { holds, ms };
  }

  reaches(conn: Conn, ...states: TcpState[]): Until {
    return this.until(() => states.includes(conn.state));
  }

  /** Opens from near; `localPort` 0: an ephemeral one. */
  connects(remotePort = PORT, localPort = 0): void {
    const { near, far, w } = this;
    const remoteAddress = far.side.address;
    near.endpoint = near.side.stack.connect({ remoteAddress, remotePort, localPort, owner: near });
    this.place = remotePort * 65_536 + near.endpoint.localPort;
    w.expected[far.side.name].set(this.place, far);
    this.key = w.keyOf(near.side, near.endpoint.localPort, remotePort);
    if (this.isLossy) w.lossy.add(this.key);
  }

  /** What the wire loses of this connection. */
  loses(filter: (from: Side, flags: number) => boolean): void {
    this.w.filters.set(this.key, filter);
  }

  heals(): void {
    this.w.filters.delete(this.key);
  }

  *opens(remotePort = PORT, localPort = 0): Script {
    this.connects(remotePort, localPort);
    yield* this.isOpen();
  }

  *isOpen(): Script {
    const open = yield this.until(
      () => this.near.state === "ESTABLISHED" && this.far.state === "ESTABLISHED",
    );
    this.expects(open, "not open");
  }

  /** SYNs that cross. */
  crosses(): void {
    const { near, far, w } = this;
    const [p, q] = [w.port(), w.port()];
    const there = { remoteAddress: far.side.address, remotePort: q, localPort: p, owner: near };
    const here = { remoteAddress: near.side.address, remotePort: p, localPort: q, owner: far };
    near.endpoint = near.side.stack.connect(there);
    far.endpoint = far.side.stack.connect(here);
    this.key = w.keyOf(near.side, p, q);
    if (this.isLossy) w.lossy.add(this.key);
  }

  *opensAtOnce(): Script {
    this.crosses();
    const seen = yield this.reaches(this.near, "SYN-RECEIVED");
    this.expects(seen, "no SYN-RECEIVED");
    yield* this.isOpen();
  }

  /** `bytes` from one end to the other, all of them read. */
  *moves(from: Conn, to: Conn, bytes: number): Script {
    if (from.endpoint === null || to.endpoint === null) return;
    const goal = to.received + bytes;
    let left = bytes;
    for (let tries = 0; left > 0 && tries < 100; tries++) {
      if (!from.maySend) return;
      left -= from.sends(left);
      if (left > 0) yield this.until(() => from.endpoint!.sendSpace > 0 || from.closed);
    }
    const come = yield this.until(() => to.received >= goal || to.closed || from.closed, 60_000);
    this.expects(come && to.received === goal, `${to.received} of ${goal} bytes`);
    this.w.bytes += bytes;
  }

  *talks(): Script {
    const { near, far, w } = this;
    const most = below(w.rng, 20) === 0 ? 60_000 : 600;
    if (w.rng.i32() < 0) yield* this.moves(near, far, 1 + below(w.rng, most));
    if (w.rng.i32() < 0) yield* this.moves(far, near, 1 + below(w.rng, most));
  }

  aborts(conn: Conn): void {
    const { abortedIn } = this.w;
    if (conn.endpoint === null) return;
    abortedIn.set(conn.state, (abortedIn.get(conn.state) ?? 0) + 1);
    conn.endpoint.abort();
  }

  /** Aborts near in the state that it was brought to. */
  *abortsIn(state: TcpState): Script {
    const seen = yield this.reaches(this.near, state, "CLOSED");
    this.expects(seen && this.near.state === state, `not in ${state}`);
    this.aborts(this.near);
    this.expects(this.near.state === "CLOSED", `aborted in ${state}, not closed`);
  }

  /** Both ends are over for their users. */
  *bothClosed(ms: number = SHORT): Script {
    const over = (c: Conn): boolean => c.endpoint === null || c.closed || c.state === "CLOSED";
    const done = (): boolean => over(this.near) && over(this.far);
    if (ms <= SHORT) yield this.until(done, ms);
    else for (let t = 0; t < ms && !done(); t += 5000) yield 5000;
    this.expects(done(), "not closed");
  }

  /** Nothing of this life stays but what waits by itself. */
  *finish(): Script {
    const { near, far, w } = this;
    // what was lost may leave one end waiting for long: its program gives up
    for (const c of [near, far]) if (c.endpoint !== null && !c.closed) c.endpoint.abort();
    this.heals();
    yield 1000;
    // a SYN that came late may have been accepted
    for (const c of [near, far]) if (c.endpoint !== null && !c.closed) c.endpoint.abort();
    for (const c of [near, far])
      if (c.wrong > 0) w.wrong(`${this.kind}: ${c.wrong} pieces with wrong bytes`);
    w.lossy.delete(this.key);
    if (w.expected[far.side.name].get(this.place) === far)
      w.expected[far.side.name].delete(this.place);
    w.ended++;
  }
}

type Kind = (l: Life) => Script;

/** After an open of one kind or another, and perhaps some talk. */
function opened(rest: Kind): Kind {
  return function* (l) {
    if (below(l.w.rng, 8) === 0) yield* l.opensAtOnce();
    else yield* l.opens();
    yield* l.talks();
    yield* rest(l);
  };
}

function orderly(l: Life): void {
  l.expects(l.near.error === null && l.far.error === null, "an error after an orderly end");
}

/** The wire carries nothing more. */
const CUT = (): boolean => true;

const KINDS: readonly (readonly [name: string, weight: number, kind: Kind])[] = [
  [
    "close: first who opened",
    12,
    opened(function* (l) {
      l.near.endpoint?.shutdown();
      yield l.until(() => l.far.peerEnded);
      yield* l.moves(l.far, l.near, below(l.w.rng, 3000));
      l.far.endpoint?.shutdown();
      yield* l.bothClosed();
      orderly(l);
    }),
  ],
  [
    "close: first who was opened to",
    12,
    opened(function* (l) {
      l.far.endpoint?.shutdown();
      yield l.until(() => l.near.peerEnded);
      l.near.endpoint?.shutdown();
      yield* l.bothClosed();
      orderly(l);
    }),
  ],
  [
    "close: in three segments",
    12,
    opened(function* (l) {
      l.far.answersEnd = true;
      l.near.endpoint?.shutdown();
      yield* l.bothClosed();
      orderly(l);
    }),
  ],
  [
    "close: both at once",
    8,
    opened(function* (l) {
      l.near.endpoint?.shutdown();
      l.far.endpoint?.shutdown();
      yield* l.bothClosed();
      orderly(l);
    }),
  ],
  [
    "close: with data behind it, nobody reads any more",
    4,
    opened(function* (l) {
      l.near.endpoint?.close();
      yield 20;
      l.far.sends(100);
      yield* l.bothClosed();
      l.expects(l.far.error?.code === "ECONNRESET", "no reset for data after close");
    }),
  ],
  [
    "close: with unread data",
    4,
    opened(function* (l) {
      l.near.reads = false;
      l.far.sends(500);
      yield l.until(() => l.near.endpoint!.receiveQueued >= 500);
      l.near.endpoint?.close();
      yield* l.bothClosed();
      l.expects(l.far.error?.code === "ECONNRESET", "no reset for unread data");
    }),
  ],
  [
    "close: a peer that never ends, tcp_fin_timeout",
    3,
    opened(function* (l) {
      l.near.endpoint?.close();
      yield 61_000;
      l.expects(l.near.state === "CLOSED", "FIN-WAIT-2 outlives tcp_fin_timeout");
      l.far.endpoint?.shutdown();
      yield* l.bothClosed();
    }),
  ],
  ["TIME-WAIT: its place taken by an open of ours", 4, reuse("near")],
  ["TIME-WAIT: its place taken by a SYN", 4, reuse("far")],
  [
    "open: refused",
    5,
    function* (l) {
      l.connects(NOBODY);
      yield* l.bothClosed();
      l.expects(l.near.error?.code === "ECONNREFUSED", "not refused");
    },
  ],
  [
    "open: never answered",
    2,
    function* (l) {
      l.connects();
      l.loses(CUT);
      yield* l.bothClosed(LONG);
      l.expects(l.near.error?.code === "ETIMEDOUT", "no timeout of a SYN");
    },
  ],
  [
    "open: the SYN-ACK never arrives",
    3,
    function* (l) {
      l.connects();
      l.loses((from) => from === l.far.side);
      yield 70_000;
      l.aborts(l.near);
    },
  ],
  [
    "open: given up, its SYN-ACK refused",
    3,
    function* (l) {
      l.connects();
      yield below(l.w.rng, 10);
      l.near.endpoint?.close();
      yield 50;
      l.expects(l.near.state === "CLOSED" && l.far.endpoint === null, "not given up");
    },
  ],
  [
    "open: SYNs that cross, both lost then",
    2,
    function* (l) {
      l.crosses();
      l.loses((_from, flags) => (flags & (SYN | ACK)) !== SYN);
      yield* l.bothClosed(LONG);
      l.expects(l.near.error?.code === "ETIMEDOUT", "no timeout in SYN-RECEIVED");
    },
  ],
  [
    "open: into a full accept queue",
    4,
    function* (l) {
      l.connects(SLOW);
      yield l.until(() => l.far.endpoint !== null, SHORT);
      yield* l.talks();
      l.far.answersEnd = true;
      l.near.endpoint?.shutdown();
      yield* l.bothClosed();
    },
  ],
  [
    "open: the listener closes before it is accepted",
    2,
    function* (l) {
      const { stack } = l.far.side;
      const owner = { onConnection: (): void => {} };
      const listener = stack.listen({ port: 0, owner });
      l.connects(listener.port);
      yield below(l.w.rng, 20);
      listener.close();
      yield* l.bothClosed(300_000);
      l.expects(l.near.error !== null, "no reset from a listener that closed");
    },
  ],
  [
    "abort: by one end",
    6,
    opened(function* (l) {
      const [one, two] = below(l.w.rng, 2) === 0 ? [l.near, l.far] : [l.far, l.near];
      one.sends(below(l.w.rng, 5000));
      l.aborts(one);
      yield* l.bothClosed();
      l.expects(two.error?.code === "ECONNRESET", "an abort without a reset");
    }),
  ],
  [
    "abort: by both ends at once",
    3,
    opened(function* (l) {
      l.aborts(l.near);
      l.aborts(l.far);
      yield* l.bothClosed();
    }),
  ],
  [
    "abort: in SYN-SENT",
    2,
    function* (l) {
      l.connects();
      yield* l.abortsIn("SYN-SENT");
      yield 50;
    },
  ],
  [
    "abort: in SYN-RECEIVED",
    2,
    function* (l) {
      l.crosses();
      yield* l.abortsIn("SYN-RECEIVED");
      yield* l.bothClosed(LONG);
    },
  ],
  [
    "abort: in FIN-WAIT-1",
    2,
    opened(function* (l) {
      l.near.endpoint?.shutdown();
      yield* l.abortsIn("FIN-WAIT-1");
      yield* l.bothClosed();
    }),
  ],
  [
    "abort: in FIN-WAIT-2",
    2,
    opened(function* (l) {
      l.near.endpoint?.shutdown();
      yield* l.abortsIn("FIN-WAIT-2");
      yield* l.bothClosed();
    }),
  ],
  [
    "abort: in CLOSE-WAIT",
    2,
    opened(function* (l) {
      l.far.endpoint?.shutdown();
      yield* l.abortsIn("CLOSE-WAIT");
      yield* l.bothClosed();
    }),
  ],
  [
    "abort: in CLOSING",
    2,
    opened(function* (l) {
      l.near.endpoint?.shutdown();
      l.far.endpoint?.shutdown();
      yield* l.abortsIn("CLOSING");
      yield* l.bothClosed();
    }),
  ],
  [
    "abort: in LAST-ACK",
    2,
    opened(function* (l) {
      l.near.answersEnd = true;
      l.far.endpoint?.shutdown();
      yield* l.abortsIn("LAST-ACK");
      yield* l.bothClosed();
    }),
  ],
  [
    "abort: in TIME-WAIT",
    2,
    opened(function* (l) {
      l.far.answersEnd = true;
      l.near.endpoint?.shutdown();
      yield* l.abortsIn("TIME-WAIT");
      yield* l.bothClosed();
    }),
  ],
  [
    "death: user timeout",
    3,
    opened(function* (l) {
      l.loses(CUT);
      for (const c of [l.near, l.far]) {
        c.endpoint?.setUserTimeout(3000 + below(l.w.rng, 5000));
        c.sends(1000);
      }
      yield* l.bothClosed();
      l.expects(l.near.error?.code === "ETIMEDOUT", "no user timeout");
    }),
  ],
  [
    "death: R2",
    2,
    opened(function* (l) {
      l.loses(CUT);
      for (const c of [l.near, l.far]) c.sends(1000);
      yield* l.bothClosed(LONG);
      l.expects(l.near.error?.code === "ETIMEDOUT", "R2 never came");
    }),
  ],
  [
    "death: an orphan's last data",
    2,
    opened(function* (l) {
      l.loses(CUT);
      l.near.sends(3000);
      l.near.endpoint?.close();
      l.far.endpoint?.setKeepAlive(true, 20_000, 1000, 3);
      yield* l.bothClosed(LONG);
      l.expects(l.far.error?.code === "ETIMEDOUT", "no keep-alive");
    }),
  ],
  [
    "death: keep-alive",
    3,
    opened(function* (l) {
      for (const c of [l.near, l.far]) c.endpoint?.setKeepAlive(true, 10_000, 1000, 3);
      yield 25_000;
      l.expects(l.near.state === "ESTABLISHED", "a keep-alive that was answered ended it");
      l.loses(CUT);
      yield* l.bothClosed(60_000);
      l.expects(l.near.error?.code === "ETIMEDOUT", "no keep-alive");
    }),
  ],
  [
    "death: in FIN-WAIT-1, CLOSING and LAST-ACK, no answer",
    2,
    opened(function* (l) {
      l.loses((_from, flags) => (flags & FIN) === 0);
      l.near.endpoint?.shutdown();
      yield below(l.w.rng, 12);
      l.far.endpoint?.shutdown();
      yield 500;
      l.loses(CUT);
      yield* l.bothClosed(LONG);
    }),
  ],
  [
    "life: a closed window, then read or aborted",
    3,
    opened(function* (l) {
      l.far.reads = false;
      if (l.near.closed || l.near.endpoint === null || l.far.endpoint === null) return;
      const sent = l.near.sends(200_000);
      const goal = l.far.received + sent;
      yield 5000 + below(l.w.rng, 60_000);
      l.expects(l.near.state === "ESTABLISHED", "a closed window ended it");
      if (l.w.rng.i32() < 0) {
        l.aborts(l.far);
      } else {
        l.far.reads = true;
        l.far.read();
        const all = yield l.until(() => l.far.received >= goal || l.near.closed, 60_000);
        l.expects(all && l.far.received === goal, "a window that opened again moved too little");
        l.far.answersEnd = true;
        l.near.endpoint.shutdown();
      }
      yield* l.bothClosed();
    }),
  ],
];

/** A connection that ends with `waits` in TIME-WAIT, and another of the same pair within that time. */
function reuse(waits: "near" | "far"): Kind {
  return function* (l) {
    const port = l.w.port();
    yield* l.opens(PORT, port);
    yield* l.talks();
    const [first, second] = waits === "near" ? [l.near, l.far] : [l.far, l.near];
    second.answersEnd = true;
    first.endpoint?.shutdown();
    yield* l.bothClosed();
    l.expects(first.state === "TIME-WAIT", "no TIME-WAIT");
    yield 1100 + below(l.w.rng, 50_000);
    const again = new Life(l.w, l.kind, l.isLossy, l.near.side);
    // with loss an end may still be about its FIN, or have heard it again just now
    if (l.isLossy && l.near.state !== "CLOSED") yield 60_000;
    if (l.isLossy && l.near.state !== "CLOSED" && l.near.state !== "TIME-WAIT") return;
    yield* again.opens(PORT, port);
    yield* again.talks();
    again.far.answersEnd = true;
    again.near.endpoint?.shutdown();
    yield* again.bothClosed();
    yield* again.finish();
    l.w.ended--;
  };
}

const TOTAL = KINDS.reduce((n, [, weight]) => n + weight, 0);

/** One life of a kind that chance picks; every third loses, doubles and reorders packets. */
export function* life(w: World): Script {
  w.begun++;
  let pick = below(w.rng, TOTAL);
  let at = 0;
  while (pick >= KINDS[at]![1]) pick -= KINDS[at++]![1];
  const [name, , kind] = KINDS[at]!;
  w.kinds.set(name, (w.kinds.get(name) ?? 0) + 1);
  const l = new Life(w, name, below(w.rng, 3) === 0, below(w.rng, 2) === 0 ? w.a : w.b);
  yield* kind(l);
  yield* l.finish();
}

export const KIND_NAMES: readonly string[] = KINDS.map(([name]) => name);
