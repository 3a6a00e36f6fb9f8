/** What a stack does against those who do not mean well. */
import { parseIpv4 } from "../../../wire/address.ts";
import { oldSyn } from "../hand-made.ts";
import type { Scene } from "../scene.ts";
import type { Stage } from "../stage.ts";

/** SYNs of strangers who will never answer, a tenth of a second apart. */
function flood(s: Stage, count: number): void {
  s.fate = ({ target }) => (target.startsWith("192.0.2.10") ? "lost" : undefined);
  for (let i = 1; i <= count; i++) {
    const address = `192.0.2.10${i}`;
    const syn = oldSyn(parseIpv4(address)!, s.b.address, 1000 + i, 80, 1_000_000 * i);
    s.injects(syn, `from ${address}`);
    s.runs(100);
  }
}

export const synQueue: Scene = {
  topic: "syn-queue",
  title: "A queue of half-open connections fills up",
  about:
    "Strangers send SYNs and never answer. Each takes a place of the queue (here it has two; tcp_max_syn_backlog) until the SYN-ACK was repeated in vain often enough. Without SYN cookies an honest client is turned away as long as the queue is full.",
  stage: {
    settings: { tcp_max_syn_backlog: 2, tcp_syncookies: 0, tcp_synack_retries: 1 },
  },
  play(s) {
    s.b.listens(80);
    flood(s, 2);
    s.a.connects(s.b, 80, 40000);
    s.runs(8000);
    const { counters } = s.b.stack;
    const drops = counters.get("TcpExtTCPReqQFullDrop");
    return [
      `SYNs that found no room: ${drops} (TcpExtTCPReqQFullDrop). A got in when the strangers' entries had timed out: ${s.a.state}.`,
    ];
  },
  notes: [
    ["A SYN", "a place is taken"],
    ["B SYN,ACK", "nobody will ever acknowledge this"],
    ["A SYN", "the second and last place"],
    ["A SYN seq 0", "an honest client: no room, no answer"],
    ["A SYN seq 0", "still none"],
    ["A SYN seq 0", "the strangers were given up: there is room again"],
  ],
};

export const synCookies: Scene = {
  topic: "syn-cookies",
  title: "SYN cookies: no memory for those who may not exist",
  about:
    "The same flood, with tcp_syncookies 1. When the queue is full, B keeps nothing of a SYN: what it must know is in the sequence number of its SYN-ACK, signed. The ACK of an honest client brings it back.",
  stage: {
    settings: { tcp_max_syn_backlog: 2, tcp_syncookies: 1 },
  },
  play(s) {
    s.b.listens(80);
    flood(s, 3);
    s.a.connects(s.b, 80, 40000);
    s.runs(200);
    s.a.sends(10);
    s.runs(200);
    const { counters } = s.b.stack;
    return [
      `Cookies sent: ${counters.get("TcpExtSyncookiesSent")}, come back: ${counters.get("TcpExtSyncookiesRecv")}. A is ${s.a.state}, B took ${s.b.received} bytes.`,
    ];
  },
  notes: [
    ["A SYN", "the queue has two places"],
    ["A SYN", "and this takes the second one"],
    ["A SYN", "no room any more, but an answer all the same"],
    ["B SYN,ACK", "its number is a cookie: a keyed hash of addresses, ports and time, and the MSS"],
    ["A SYN seq 0", "an honest client in the middle of the flood"],
    ["B SYN,ACK seq 0 ack 1", "answered like the strangers, and forgotten"],
    ["A ACK seq 1 ack 1", "this ACK carries the cookie back: only now is there a connection"],
  ],
};

export const isn: Scene = {
  topic: "isn",
  title: "Initial sequence numbers cannot be guessed",
  about:
    "Each connection begins at a number made of a clock of 4 microseconds and a keyed hash of its addresses and ports (RFC 6528). For the same pair it only grows, so that old segments do not fit; for another pair it is anywhere.",
  play(s) {
    s.b.listens(80, 64);
    const told: string[] = [];
    let first = 0;
    for (const [i, port] of [40000, 40001, 40002, 40000].entries()) {
      const endpoint = s.a.connects(s.b, 80, port);
      s.runs(25);
      const { iss } = endpoint.info();
      if (i === 0) first = iss;
      const again = i === 3 ? `, the pair of the first: ${(iss - first) >>> 0} above it` : "";
      told.push(
        `at ${(s.time - 25).toFixed(0).padStart(4)} ms from port ${port}: ISN ${iss}${again}`,
      );
      endpoint.abort();
      s.runs(75);
    }
    return told;
  },
  notes: [["A SYN seq 0", "numbers in these lines are relative; the true ones stand below"]],
};

export const DEFENCE: readonly Scene[] = [synQueue, synCookies, isn];
