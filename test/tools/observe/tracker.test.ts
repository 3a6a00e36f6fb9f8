/** The tracker against conversations of two stacks, whose states are known from the stacks, and of hand-made segments. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { type Conversation, Tracker } from "../../../src/tools/observe/tracker.ts";
import { type Ipv4Address, parseIpv4 } from "../../../src/wire/address.ts";
import { IPV4_HEADER, PROTO_TCP, writeIpv4 } from "../../../src/wire/ipv4.ts";
import { seq } from "../../../src/wire/seq.ts";
import { ACK, createTcpSegment, FIN, RST, SYN } from "../../../src/wire/tcp-segment.ts";
import { tcpHeaderLength, writeTcp } from "../../../src/wire/tcp.ts";
import { type Watched, watched } from "./watched.ts";

const CLIENT: Ipv4Address = parseIpv4("192.0.2.1")!;
const SERVER: Ipv4Address = parseIpv4("192.0.2.2")!;

/**
 * Who receives is known at once; what the sender did since it sent is not on the wire yet. A listener listens
 * on when a connection of its is over: the ladder speaks of the connection.
 */
function sameStates(w: Watched): void {
  const { seen, told } = w.states();
  const ofReceivers = (all: readonly string[]): string[] =>
    all.map((both, i) => both.split(" ")[w.fromLeft[i]! ? 1 : 0]!.replace("LISTEN", "CLOSED"));
  expect(ofReceivers(seen)).toEqual(ofReceivers(told));
  expect(seen.at(-1)).toBe(told.at(-1)!.replace("LISTEN", "CLOSED"));
}

test.each(["A", "B"])(
  "open, data both ways, %s closes first: states as the stacks have them",
  (closer) => {
    const w = watched();
    const [first, second] = closer === "A" ? [w.wire.a, w.wire.b] : [w.wire.b, w.wire.a];
    w.wire.b.listens(80);
    w.wire.a.connects(w.wire.b, 80, 50000);
    w.wire.runs(100);
    w.wire.a.endpoint!.send(new Uint8Array(5000));
    w.wire.runs(200);
    w.wire.b.endpoint!.send(new Uint8Array(300));
    w.wire.runs(200);
    first.endpoint!.shutdown();
    w.wire.runs(200);
    second.endpoint!.shutdown();
    w.wire.runs(200);
    sameStates(w);
    const [c] = w.tracker.conversations;
    expect([c!.left, c!.right]).toEqual(["192.0.2.1:50000", "192.0.2.2:80"]);
    expect([c!.leftAtFirst, c!.rightAtFirst]).toEqual(["CLOSED", "LISTEN"]);
    expect(statesOf(c).at(-1)).toBe(closer === "A" ? "TIME-WAIT CLOSED" : "CLOSED TIME-WAIT");
  },
);

test.each([
  ["FINs that cross", ["CLOSING CLOSING"]],
  ["three segments", ["FIN-WAIT-1 CLOSE-WAIT", "TIME-WAIT LAST-ACK"]],
])("a close with %s goes through %j", (kind, expected) => {
  const w = watched();
  w.wire.b.listens(80);
  w.wire.a.connects(w.wire.b, 80, 50000);
  w.wire.runs(100);
  const { b } = w.wire;
  if (kind === "three segments") {
    b.onEvents = (endpoint) => void (endpoint.atEnd && endpoint.shutdown());
  } else b.endpoint!.shutdown();
  w.wire.a.endpoint!.shutdown();
  w.wire.runs(200);
  const { seen } = w.states();
  for (const states of expected) expect(seen).toContain(states);
  expect(seen.at(-1)).toBe(kind === "three segments" ? "TIME-WAIT CLOSED" : "TIME-WAIT TIME-WAIT");
});

test("SYNs that cross pass through SYN-RECEIVED at both ends", () => {
  const w = watched();
  w.wire.a.connects(w.wire.b, 50001, 50000);
  w.wire.b.connects(w.wire.a, 50000, 50001);
  w.wire.runs(200);
  // the watcher learns of the second SYN when it passes
  expect(w.states().seen.at(-1)).toBe("ESTABLISHED ESTABLISHED");
  expect(w.tracker.conversations).toHaveLength(1);
  expect(w.tracker.conversations[0]).toMatchObject({
    leftAtFirst: "CLOSED",
    rightAtFirst: "CLOSED",
  });
});

test("a refusal: nobody listened, and both ends are CLOSED", () => {
  const w = watched();
  w.wire.a.connects(w.wire.b, 81, 50000);
  w.wire.runs(100);
  expect(w.states().seen).toEqual(["SYN-SENT CLOSED", "CLOSED CLOSED"]);
  expect(w.tracker.conversations[0]!.rightAtFirst).toBe("CLOSED");
});

test("an abort closes both ends at once", () => {
  const w = watched();
  w.wire.b.listens(80);
  w.wire.a.connects(w.wire.b, 80, 50000);
  w.wire.runs(100);
  w.wire.a.endpoint!.abort();
  w.wire.runs(100);
  expect(w.states().seen.at(-1)).toBe("CLOSED CLOSED");
});

test("what is sent again is called so, and a lost last ACK shows TIME-WAIT answering", () => {
  let fins = 0;
  const w = watched({
    lose: (from, s) => from === "A" && fins > 0 && (s.flags & FIN) === 0 && fins++ === 1,
  });
  w.wire.b.listens(80);
  w.wire.a.connects(w.wire.b, 80, 50000);
  w.wire.runs(100);
  w.wire.a.endpoint!.shutdown();
  w.wire.runs(100);
  fins = 1;
  w.wire.b.endpoint!.shutdown();
  w.wire.runs(2000);
  const again = w.tracker.conversations[0]!.rungs.filter((r) => r.remark === "retransmission");
  expect(again).toHaveLength(1);
  expect(again[0]!.flags & (FIN | SYN)).toBe(FIN);
  expect(w.states().seen.at(-1)).toBe("TIME-WAIT CLOSED");
});

test("text behind a hole and a FIN behind it change the state only when the hole is filled", () => {
  const w = watched({ lose: (from, s, n) => from === "A" && s.payloadLength > 1000 && n === 2 });
  w.wire.b.listens(80);
  w.wire.a.connects(w.wire.b, 80, 50000);
  w.wire.runs(100);
  w.wire.a.endpoint!.send(new Uint8Array(4000));
  w.wire.a.endpoint!.shutdown();
  w.wire.runs(3000);
  sameStates(w);
});

test("a capture that begins in the middle does not pretend to know the states", () => {
  const w = watched();
  w.wire.b.listens(80);
  w.wire.a.connects(w.wire.b, 80, 50000);
  w.wire.runs(100);
  const late = new Tracker();
  const input = w.wire.b.stack.input.bind(w.wire.b.stack);
  w.wire.b.stack.input = (buffer, offset, length, flags, now) => {
    late.packet(now, buffer.subarray(offset, offset + length), null);
    return input(buffer, offset, length, flags, now);
  };
  w.wire.a.endpoint!.send(new Uint8Array(10));
  w.wire.runs(100);
  w.wire.a.endpoint!.abort();
  w.wire.runs(100);
  const { rungs } = late.conversations[0]!;
  expect(rungs.map((r) => `${r.left} ${r.right}`)).toEqual(["? ?", "CLOSED CLOSED"]);
  expect([rungs[0]!.seq, rungs[0]!.length]).toEqual([1, 10]);
});

interface Made {
  readonly seq: number;
  readonly ack?: number;
  readonly flags: number;
  readonly text?: number;
  readonly window?: number;
  /** One block. */
  readonly sack?: readonly [number, number];
}

/** From the client (port 50000, numbers from 1000) or the server (port 80, numbers from 5000). */
function packetOf(client: boolean, made: Made): Uint8Array {
  const [source, destination] = client ? [CLIENT, SERVER] : [SERVER, CLIENT];
  const s = createTcpSegment();
  [s.sourcePort, s.destinationPort] = client ? [50_000, 80] : [80, 50_000];
  [s.seq, s.ack, s.flags] = [seq(made.seq), seq(made.ack ?? 0), made.flags];
  s.window = made.window ?? 1000;
  if (made.sack !== undefined) {
    s.sackCount = 1;
    s.sack.set(made.sack);
  }
  const length = IPV4_HEADER + tcpHeaderLength(s) + (made.text ?? 0);
  const bytes = new Uint8Array(length);
  writeIpv4(bytes, 0, length, 0, 0, true, 64, PROTO_TCP, source, destination);
  writeTcp(bytes, IPV4_HEADER, s);
  return bytes;
}

/** Three segments of an open, then these: `[from the client, segment, what the capture says]`. */
function followed(...more: readonly (readonly [boolean, Made, string?])[]): Tracker {
  const tracker = new Tracker();
  const open: readonly (readonly [boolean, Made, string?])[] = [
    [true, { seq: 1000, flags: SYN }],
    [false, { seq: 5000, ack: 1001, flags: SYN | ACK }],
    [true, { seq: 1001, ack: 5001, flags: ACK }],
  ];
  [...open, ...more].forEach(([client, made, remark], i) =>
    tracker.packet(i, packetOf(client, made), remark ?? null),
  );
  return tracker;
}

function statesOf(c: Conversation | undefined): string[] {
  return c!.rungs.map((r) => `${r.left} ${r.right}`);
}

test("what a capture says an end dropped does not change that end", () => {
  const reset: Made = { seq: 1500, flags: RST };
  const heeded = followed([false, { seq: 5001, ack: 1001, flags: RST }]);
  expect(statesOf(heeded.conversations[0]).at(-1)).toBe("CLOSED CLOSED");
  const dropped = followed([true, reset, "dropped: reset not at RCV.NXT"]);
  expect(statesOf(dropped.conversations[0]).at(-1)).toBe("CLOSED ESTABLISHED");
  expect(dropped.conversations[0]!.rungs.at(-1)!.remark).toBe("dropped: reset not at RCV.NXT");
});

test("duplicate ACKs, window updates, zero windows, probes and retransmissions are remarked on", () => {
  const text: Made = { seq: 1001, ack: 5001, flags: ACK, text: 100 };
  const { conversations } = followed(
    [true, text],
    [true, { ...text, seq: 1101 }],
    [false, { seq: 5001, ack: 1101, flags: ACK }],
    [false, { seq: 5001, ack: 1101, flags: ACK }],
    [true, { ...text, seq: 1101 }],
    [false, { seq: 5001, ack: 1101, flags: ACK, window: 2000 }],
    [false, { seq: 5001, ack: 1101, flags: ACK, window: 3000, sack: [1151, 1201] }],
    [false, { seq: 5001, ack: 1201, flags: ACK, window: 0 }],
    [true, { seq: 1200, ack: 5001, flags: ACK }],
  );
  expect(conversations[0]!.rungs.slice(3).map((r) => r.remark)).toEqual([
    "",
    "",
    "",
    "duplicate ACK",
    "retransmission",
    "window update",
    "duplicate ACK",
    "zero window",
    "keep-alive or window probe",
  ]);
});

test("where the capture has a hole, an ACK tells what came through", () => {
  const { conversations } = followed(
    [true, { seq: 1501, ack: 5001, flags: ACK | FIN }],
    [false, { seq: 5001, ack: 1502, flags: ACK }],
    [false, { seq: 5001, ack: 1502, flags: ACK | FIN }],
  );
  expect(statesOf(conversations[0]).slice(3)).toEqual([
    "FIN-WAIT-1 ESTABLISHED",
    "FIN-WAIT-2 CLOSE-WAIT",
    "TIME-WAIT LAST-ACK",
  ]);
});

test("a FIN behind a hole waits until the hole is filled, and what was held counts once", () => {
  const { conversations } = followed(
    [true, { seq: 1101, ack: 5001, flags: ACK, text: 50 }],
    [true, { seq: 1151, ack: 5001, flags: ACK | FIN }],
    [true, { seq: 1001, ack: 5001, flags: ACK, text: 100 }],
    [true, { seq: 1001, ack: 5001, flags: ACK, text: 20 }],
    [false, { seq: 5001, ack: 1152, flags: ACK }],
  );
  expect(statesOf(conversations[0]).slice(3)).toEqual([
    "ESTABLISHED ESTABLISHED",
    "FIN-WAIT-1 ESTABLISHED",
    "FIN-WAIT-1 CLOSE-WAIT",
    "FIN-WAIT-1 CLOSE-WAIT",
    "FIN-WAIT-2 CLOSE-WAIT",
  ]);
});

test("a reset sends a listener's half-open connection back to LISTEN, and leaves TIME-WAIT alone", () => {
  const tracker = new Tracker();
  const made: readonly (readonly [boolean, Made])[] = [
    [true, { seq: 1000, flags: SYN }],
    [false, { seq: 5000, ack: 1001, flags: SYN | ACK }],
    [true, { seq: 1001, flags: RST }],
  ];
  made.forEach(([client, m], i) => tracker.packet(i, packetOf(client, m), null));
  expect(statesOf(tracker.conversations[0]).at(-1)).toBe("CLOSED LISTEN");
  const { conversations } = followed(
    [true, { seq: 1001, ack: 5001, flags: ACK | FIN }],
    [false, { seq: 5001, ack: 1002, flags: ACK | FIN }],
    [false, { seq: 5002, flags: RST }],
  );
  expect(statesOf(conversations[0]).at(-1)).toBe("TIME-WAIT CLOSED");
});

test("blocks of SACK count from the first number of the end they speak of", () => {
  const tracker = followed();
  const s: Made = { seq: 5001, ack: 1001, flags: ACK, sack: [1101, 1201] };
  tracker.packet(3, packetOf(false, s), null);
  expect(tracker.conversations[0]!.rungs[3]!.options).toBe("sack 101:201");
});

test("a SYN between the same ends after the end is another connection, a repeated one is not", () => {
  const again: Made = { seq: 9000, flags: SYN };
  expect(followed([true, { seq: 1001, flags: RST }], [true, again]).conversations).toHaveLength(2);
  const tracker = new Tracker();
  for (const at of [0, 1000]) tracker.packet(at, packetOf(true, again), null);
  expect(tracker.conversations).toHaveLength(1);
  expect(tracker.conversations[0]!.rungs[1]!.remark).toBe("retransmission");
});

test("packets cut behind their headers are followed, those cut within are counted", () => {
  const tracker = new Tracker();
  const whole = packetOf(true, { seq: 1001, ack: 5001, flags: ACK, text: 500 });
  tracker.packet(0, whole.subarray(0, 40), null);
  expect(tracker.conversations[0]!.rungs[0]!.length).toBe(500);
  for (const length of [0, 1, 19, 20, 39]) tracker.packet(1, whole.subarray(0, length), null);
  expect(tracker.skipped).toBe(5);
  expect(tracker.conversations[0]!.rungs).toHaveLength(1);
});

test("no bytes make it throw", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), fc.boolean(), (bytes, ipv4) => {
      const tracker = new Tracker();
      if (ipv4)
        bytes.set(packetOf(true, { seq: 1, flags: SYN }).subarray(0, Math.min(20, bytes.length)));
      tracker.packet(0, bytes, null);
      expect(tracker.skipped + tracker.conversations.length).toBe(1);
    }),
  );
});
