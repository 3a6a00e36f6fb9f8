/**
 * The small pieces whose cost is measured: codec, checksum, table, timers, the machine for a segment, two stacks. One
 * list, for `tuntcp bench --pieces` and for the run under mitata (scripts/bench.mjs).
 */
import { seededRng } from "../../base/rng.ts";
import { instantOf, NEVER } from "../../base/time.ts";
import { ConnectionTable } from "../../stack/connection-table.ts";
import { TimerWheel, type WheelEntry } from "../../stack/timer-wheel.ts";
import { ipv4 } from "../../wire/address.ts";
import { checksum } from "../../wire/checksum.ts";
import { createIpv4Header, PROTO_TCP, readIpv4, writeIpv4 } from "../../wire/ipv4.ts";
import { seq } from "../../wire/seq.ts";
import { ACK, createTcpSegment, SYN, type TcpSegment } from "../../wire/tcp-segment.ts";
import { fillTcpChecksum, readTcp, writeTcp } from "../../wire/tcp.ts";
import { createMachine } from "./machine.ts";
import { PACKET_PIECES } from "./packets.ts";
import { createScoreboard } from "./scoreboard.ts";
import { createSynFlood } from "./syn-flood.ts";
import { createTransfer } from "./transfer.ts";

export interface PieceSpec {
  readonly name: string;
  /** Pieces of one group are compared with each other. */
  readonly group: string;
  /** Prepares, and returns what does it once. */
  readonly make: () => () => unknown;
}

const HERE = ipv4(0xc0000202 | 0);
const THERE = ipv4(0xc0000201 | 0);

/** Armed at once, for the timers. */
const ARMED = [1e3, 1e4, 1e5, 1e6] as const;

/** Ranges that a sender holds as SACKed. */
const HELD = [10, 100, 1000, 10_000] as const;

export const PIECES: readonly PieceSpec[] = [
  ...codec(),
  ...PACKET_PIECES,
  ...[100, 10_000].map(lookUp),
  ...ARMED.map(startAndStop),
  {
    group: "machine",
    name: "a segment of 1,448 bytes taken, checksum vouched for",
    make: () => createMachine().data,
  },
  { group: "machine", name: "a pure ACK taken", make: () => createMachine().ack },
  {
    group: "machine",
    name: "an ACK taken and a segment of 1,448 bytes sent, with its checksum",
    make: () => createMachine().send,
  },
  {
    group: "machine",
    name: "a SYN taken and answered with a cookie, with its checksum",
    make: () => createSynFlood().syn,
  },
  ...HELD.map(sackOver),
  {
    group: "pair",
    name: "64 KiB from stack to stack in memory, MTU 1500, checksums",
    make: () => createTransfer(1500),
  },
];

export function timerName(armed: number): string {
  return `start and stop a timer, ${armed} armed`;
}

function packet(payload: number, change: (s: TcpSegment) => void): Uint8Array {
  const segment = createTcpSegment();
  segment.flags = ACK;
  segment.sourcePort = 40000;
  segment.destinationPort = 80;
  segment.window = 1000;
  segment.hasTimestamps = true;
  change(segment);
  const bytes = new Uint8Array(1500);
  const length = 20 + writeTcp(bytes, 20, segment) + payload;
  writeIpv4(bytes, 0, length, 0, 1, true, 64, PROTO_TCP, THERE, HERE);
  fillTcpChecksum(bytes, 20, length - 20, THERE, HERE);
  return bytes.subarray(0, length);
}

function threeBlocks(s: TcpSegment): void {
  s.sackCount = 3;
  s.sack.set([3000, 4000, 5000, 6000, 7000, 8000].map((n) => seq(n)));
}

function synOptions(s: TcpSegment): void {
  s.flags = SYN;
  s.mss = 1460;
  s.windowScale = 7;
  s.sackPermitted = true;
}

function reading(name: string, bytes: Uint8Array, vouchedFor: boolean): PieceSpec {
  const out = createTcpSegment();
  const length = bytes.length - 20;
  const read = (): unknown => readTcp(bytes, 20, length, THERE, HERE, vouchedFor, out);
  return { group: "codec", name, make: () => read };
}

function writing(name: string, change: (s: TcpSegment) => void): PieceSpec {
  const segment = createTcpSegment();
  segment.hasTimestamps = true;
  change(segment);
  const bytes = new Uint8Array(100);
  return { group: "codec", name, make: () => () => writeTcp(bytes, 20, segment) };
}

function summing(name: string, length: number): PieceSpec {
  const bytes = new Uint8Array(length).fill(0x5a);
  return { group: "checksum", name, make: () => () => checksum(bytes, 0, length) };
}

function codec(): PieceSpec[] {
  const full = packet(1448, () => {});
  const header = createIpv4Header();
  const out = new Uint8Array(20);
  const write = (): void => writeIpv4(out, 0, 1500, 0, 1, true, 64, PROTO_TCP, THERE, HERE);
  return [
    {
      group: "codec",
      name: "read an IPv4 header",
      make: () => () => readIpv4(full, 0, full.length, header),
    },
    { group: "codec", name: "write an IPv4 header", make: () => write },
    reading("read a TCP header, timestamps, checksum vouched for", full, true),
    reading("read a TCP header, timestamps and 3 SACK blocks", packet(0, threeBlocks), true),
    reading("read a SYN with all its options", packet(0, synOptions), true),
    reading("read a segment of 1,448 bytes, checksum verified", full, false),
    writing("write a TCP header, timestamps", () => {}),
    writing("write a TCP header, timestamps and 3 SACK blocks", threeBlocks),
    writing("write a SYN with all its options", synOptions),
    summing("checksum of 1,448 bytes", 1448),
    summing("checksum of 64 KiB", 65536),
  ];
}

function lookUp(size: number): PieceSpec {
  const make = (): (() => unknown) => {
    const table = new ConnectionTable<object>(seededRng(1));
    for (let i = 0; i < size; i++) table.insert(HERE, 80, THERE, 1024 + i, {});
    let at = 0;
    return () => {
      at = at + 1 === size ? 0 : at + 1;
      return table.get(HERE, 80, THERE, 1024 + at);
    };
  };
  return { group: "table", name: `find one of ${size} connections`, make };
}

/** The window is twice as many segments; how large it is should not matter. */
function sackOver(ranges: number): PieceSpec {
  return {
    group: "scoreboard",
    name: `an ACK with 3 SACK blocks taken by the scoreboard, ${ranges} ranges held`,
    make: () => createScoreboard(ranges).ack,
  };
}

/**
 * Of a connection that is at work: its own entry is in the cache, as it is when a segment has just been taken, and its
 * deadlines are those of a retransmission timer, 200 ms to 1.2 s ahead. The others are armed over two hours, as
 * keep-alive is, and untouched.
 */
function startAndStop(armed: number): PieceSpec {
  const entry = (): WheelEntry => ({
    wheelDeadline: NEVER,
    wheelNext: null,
    wheelPrev: null,
    wheelSlot: -1,
  });
  const make = (): (() => unknown) => {
    const wheel = new TimerWheel(instantOf(0));
    const rng = seededRng(5);
    for (let i = 0; i < armed; i++) {
      wheel.schedule(entry(), instantOf(1 + ((rng.i32() >>> 0) % 7_200_000)));
    }
    const mine = entry();
    let i = 0;
    return () => {
      i = (i + 1) & 1023;
      wheel.schedule(mine, instantOf(200 + i));
      wheel.cancel(mine);
    };
  };
  return { group: "timers", name: timerName(armed), make };
}
