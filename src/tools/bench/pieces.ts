/** What the small pieces cost, in nanoseconds each: codec, checksum, table, wheel, and the machine for a segment. */
import { seededRng } from "../../base/rng.ts";
import { instantOf, NEVER } from "../../base/time.ts";
import { NO_OFFLOAD } from "../../base/device.ts";
import { ConnectionTable } from "../../stack/connection-table.ts";
import { Stack } from "../../stack/stack.ts";
import { TimerWheel, type WheelEntry } from "../../stack/timer-wheel.ts";
import type { Endpoint } from "../../tcp/endpoint.ts";
import { ipv4 } from "../../wire/address.ts";
import { checksum } from "../../wire/checksum.ts";
import { createIpv4Header, PROTO_TCP, readIpv4, writeIpv4 } from "../../wire/ipv4.ts";
import { seq, seqAdd } from "../../wire/seq.ts";
import { ACK, createTcpSegment, SYN, type TcpSegment } from "../../wire/tcp-segment.ts";
import { fillTcpChecksum, readTcp, writeTcp } from "../../wire/tcp.ts";

export interface Piece {
  readonly name: string;
  /** Nanoseconds; the median of the rounds. */
  readonly ns: number;
}

const ROUNDS = 9;
const ROUND_MS = 40;
const HERE = ipv4(0xc0000202 | 0);
const THERE = ipv4(0xc0000201 | 0);

/** Runs `step(n)`, which does n of the thing, often enough to be measured. */
export function measurePiece(name: string, step: (n: number) => void): Piece {
  let n = 64;
  for (;;) {
    const began = performance.now();
    step(n);
    if (performance.now() - began >= ROUND_MS / 4) break;
    n *= 2;
  }
  const rounds: number[] = [];
  for (let i = 0; i < ROUNDS; i++) {
    const began = performance.now();
    step(n);
    rounds.push(((performance.now() - began) * 1e6) / n);
  }
  rounds.sort((a, b) => a - b);
  return { name, ns: rounds[ROUNDS >> 1]! };
}

export function measurePieces(): Piece[] {
  return [...codec(), ...tables(), ...timers([1e3]), ...machine()];
}

function packet(payload: number): { bytes: Uint8Array; segment: TcpSegment } {
  const segment = createTcpSegment();
  segment.flags = ACK;
  segment.sourcePort = 40000;
  segment.destinationPort = 80;
  segment.hasTimestamps = true;
  segment.window = 1000;
  const bytes = new Uint8Array(20 + 32 + payload);
  writeTcp(bytes, 20, segment);
  writeIpv4(bytes, 0, bytes.length, 0, 1, true, 64, PROTO_TCP, THERE, HERE);
  fillTcpChecksum(bytes, 20, bytes.length - 20, THERE, HERE);
  return { bytes, segment };
}

function codec(): Piece[] {
  const { bytes, segment } = packet(1448);
  const header = createIpv4Header();
  const out = createTcpSegment();
  const large = new Uint8Array(65536);
  const times = (f: () => unknown) => (n: number) => {
    for (let i = 0; i < n; i++) f();
  };
  return [
    measurePiece(
      "read an IPv4 header",
      times(() => readIpv4(bytes, 0, bytes.length, header)),
    ),
    measurePiece(
      "read a TCP header, checksum vouched for",
      times(() => readTcp(bytes, 20, bytes.length - 20, THERE, HERE, true, out)),
    ),
    measurePiece(
      "write a TCP header",
      times(() => writeTcp(bytes, 20, segment)),
    ),
    measurePiece(
      "checksum of 1,448 bytes",
      times(() => checksum(bytes, 52, 1500)),
    ),
    measurePiece(
      "checksum of 64 KiB",
      times(() => checksum(large, 0, 65536)),
    ),
  ];
}

function tables(): Piece[] {
  const pieces: Piece[] = [];
  for (const size of [100, 10_000]) {
    const table = new ConnectionTable<object>(seededRng(1));
    for (let i = 0; i < size; i++) table.insert(HERE, 80, THERE, 1024 + i, {});
    const find = (n: number): void => {
      for (let i = 0; i < n; i++) table.get(HERE, 80, THERE, 1024 + (i % size));
    };
    pieces.push(measurePiece(`find one of ${size} connections`, find));
  }
  return pieces;
}

/** Starting and stopping one timer while so many others are armed. */
export function timers(counts: readonly number[]): Piece[] {
  return counts.map((count) => {
    const wheel = new TimerWheel(instantOf(0));
    const rng = seededRng(5);
    const entry = (): WheelEntry => ({
      wheelDeadline: NEVER,
      wheelNext: null,
      wheelPrev: null,
      wheelSlot: -1,
    });
    for (let i = 0; i < count; i++) {
      wheel.schedule(entry(), instantOf(1 + ((rng.i32() >>> 0) % 7_200_000)));
    }
    const mine = entry();
    return measurePiece(`start and stop a timer, ${count} armed`, (n) => {
      for (let i = 0; i < n; i++) {
        wheel.schedule(mine, instantOf(200 + (i & 1023)));
        wheel.cancel(mine);
      }
    });
  });
}

/** A segment of 1,448 bytes in, and the ACK for every second one out, packets and all. */
function machine(): Piece[] {
  const sender = {
    mtu: 1500,
    offload: NO_OFFLOAD,
    buffer: new Uint8Array(2048),
    offset: 0,
    reserve: () => true,
    append: () => {},
    commit: () => {},
    flush: () => {},
  };
  const now = instantOf(1);
  const stack = new Stack({
    addresses: [{ address: HERE, prefix: 24 }],
    rng: seededRng(9),
    now,
    sender,
  });
  const owner = {
    onEvents(endpoint: Endpoint): void {
      while (endpoint.receive() !== null);
    },
  };
  stack.listen({
    port: 80,
    owner: {
      onConnection(listener): void {
        const endpoint = listener.accept();
        if (endpoint !== null) endpoint.owner = owner;
      },
    },
  });
  const { bytes, segment } = packet(1448);
  const send = (length: number): void => {
    const header = writeTcp(bytes, 20, segment);
    writeIpv4(bytes, 0, 20 + header + length, 0, 1, true, 64, PROTO_TCP, THERE, HERE);
    fillTcpChecksum(bytes, 20, header + length, THERE, HERE);
    stack.input(bytes, 0, 20 + header + length, 0, now);
    stack.poll(now);
  };
  segment.hasTimestamps = false;
  segment.flags = SYN;
  send(0);
  const iss = (sender.buffer[24]! << 24) | (sender.buffer[25]! << 16) | (sender.buffer[26]! << 8);
  segment.flags = ACK;
  segment.seq = seq(1);
  segment.ack = seqAdd(seq(iss | sender.buffer[27]!), 1);
  send(0);
  const step = (n: number): void => {
    for (let i = 0; i < n; i++) {
      send(1448);
      segment.seq = seqAdd(segment.seq, 1448);
    }
  };
  const piece = measurePiece("a segment of 1,448 bytes made, checked and taken", step);
  const taken = stack.connections()[0]?.bytesReceived ?? 0;
  return taken > 0 ? [piece] : [];
}
