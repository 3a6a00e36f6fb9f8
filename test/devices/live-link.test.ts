/** A link that is made bad, watched and left alone while it runs; what offload made large is cut as a wire would have it. */
import { expect, test } from "vitest";
import {
  type DeviceOffload,
  type PacketReceiver,
  RX_CHECKSUM_GOOD,
  RX_KEEPABLE,
} from "../../src/base/device.ts";
import { type Instant, instantOf } from "../../src/base/time.ts";
import { CutReceived } from "../../src/devices/cut-received.ts";
import { parseImpairment, type ImpairmentSpec } from "../../src/devices/impairment-spec.ts";
import { LiveLink } from "../../src/devices/live-link.ts";
import { createPair } from "../../src/devices/pair.ts";
import { ipv4 } from "../../src/wire/address.ts";
import { createIpv4Header, PROTO_TCP, readIpv4, writeIpv4 } from "../../src/wire/ipv4.ts";
import { seq } from "../../src/wire/seq.ts";
import { ACK, createTcpSegment, CWR, FIN, PSH } from "../../src/wire/tcp-segment.ts";
import { fillTcpPseudoSum, readTcp, writeTcp } from "../../src/wire/tcp.ts";

const OFFLOAD: DeviceOffload = { checksum: true, tso: true };
const [SOURCE, TARGET] = [ipv4(0xc0000201 | 0), ipv4(0xc0000202 | 0)];

function spec(text: string): ImpairmentSpec {
  const parsed = parseImpairment(text);
  if (typeof parsed === "string") throw new Error(parsed);
  return parsed;
}

interface Seen {
  readonly bytes: Uint8Array;
  readonly flags: number;
}

function receiver(seen: Seen[]): PacketReceiver {
  return {
    onPacket(buffer, offset, length, flags) {
      seen.push({ bytes: buffer.slice(offset, offset + length), flags });
      return null;
    },
    onBatchEnd() {},
    onDeviceLost() {},
  };
}

/** A link over one end of a pair, with time and timers by hand. */
function world() {
  const pair = createPair({ schedule: "manual", offload: OFFLOAD });
  const [inner, peer] = pair;
  let now = 0;
  const timers: { at: number; fire: () => void }[] = [];
  const link = new LiveLink(inner, {
    clock: { now: (): Instant => instantOf(now) },
    setTimer(fire, ms) {
      const timer = { at: now + ms, fire };
      timers.push(timer);
      return () => void timers.splice(timers.indexOf(timer), 1);
    },
  });
  const [near, far]: [Seen[], Seen[]] = [[], []];
  link.start(receiver(near));
  peer.start(receiver(far));
  const pass = (ms: number): void => {
    for (const end = now + ms; ;) {
      const next = timers.toSorted((a, b) => a.at - b.at)[0];
      if (next === undefined || next.at > end) {
        now = end;
        break;
      }
      now = next.at;
      timers.splice(timers.indexOf(next), 1);
      next.fire();
      pair.deliver();
    }
    pair.deliver();
  };
  const send = (from: typeof link | typeof peer, bytes: Uint8Array, cut = 0): void => {
    expect(from.reserve(bytes.length)).toBe(true);
    from.buffer.set(bytes, from.offset);
    from.commit(bytes.length, from.offload.checksum, cut, null);
    from.flush();
    pair.deliver();
  };
  return { peer, link, near, far, pass, send };
}

/** A segment of `length` bytes, each its place in the stream; the checksum left to a device. */
function segment(length: number, flags: number): Uint8Array {
  const s = createTcpSegment();
  Object.assign(s, { sourcePort: 9, destinationPort: 7, seq: seq(1000), ack: seq(5), flags });
  Object.assign(s, { window: 100, hasTimestamps: true, tsVal: 1, tsEcr: 2 });
  const bytes = new Uint8Array(20 + 60 + length);
  const header = writeTcp(bytes, 20, s);
  const whole = bytes.subarray(0, 20 + header + length);
  for (let i = 0; i < length; i++) whole[20 + header + i] = i % 251;
  writeIpv4(whole, 0, whole.length, 0, 0xffff, true, 64, PROTO_TCP, SOURCE, TARGET);
  fillTcpPseudoSum(whole, 20, header + length, SOURCE, TARGET);
  return whole;
}

/** Fails where a checksum is wrong. */
function read(bytes: Uint8Array) {
  const [h, s] = [createIpv4Header(), createTcpSegment()];
  expect(readIpv4(bytes, 0, bytes.length, h)).toBe(null);
  expect(h.totalLength).toBe(bytes.length);
  expect(readTcp(bytes, 20, bytes.length - 20, h.source, h.destination, false, s)).toBe(null);
  return { id: h.identification, flags: s.flags, seq: s.seq, payload: payloadOf(s) };
}

const payloadOf = (s: ReturnType<typeof createTcpSegment>): number[] => [
  ...s.buffer.subarray(s.payloadOffset, s.payloadOffset + s.payloadLength),
];

test("as long as nobody asks, packets pass untouched, with all that the device within can do", () => {
  const { link, near, far, send, peer } = world();
  expect(link.offload).toBe(OFFLOAD);
  const large = segment(40_000, ACK);
  send(link, large, 1448);
  send(peer, large, 1448);
  expect(far.map(({ bytes }) => bytes)).toEqual([large]);
  expect(near.map(({ bytes }) => bytes)).toEqual([large]);
  expect(near[0]!.flags & RX_KEEPABLE).toBe(RX_KEEPABLE);
});

test("a bad link has no offload, and what comes in large is cut before it is hurt", () => {
  const { link, near, far, send, peer, pass } = world();
  link.impair(spec("in.drop=2,delay=10ms"));
  expect(link.offload).toEqual({ checksum: false, tso: false });
  send(peer, segment(3000, ACK | PSH | FIN | CWR), 1448);
  expect(near).toEqual([]);
  pass(10);
  const pieces = near.map(({ bytes }) => read(bytes));
  expect(pieces.map(({ id, flags, seq: at, payload }) => [id, flags, at, payload.length])).toEqual([
    [0xffff, ACK | CWR, 1000, 1448],
    [1, ACK | PSH | FIN, 1000 + 2896, 104],
  ]);
  expect(pieces[1]!.payload[0]).toBe(2896 % 251);
  send(link, segment(10, ACK));
  expect(far).toEqual([]);
  pass(10);
  expect(far).toHaveLength(1);
});

test("what was under way when the link became good again still arrives, once", () => {
  const { link, near, far, send, peer, pass } = world();
  link.impair(spec("delay=20ms"));
  send(link, segment(1, ACK));
  send(peer, segment(2, ACK));
  link.impair(null);
  expect(link.offload).toBe(OFFLOAD);
  send(link, segment(3, ACK));
  send(peer, segment(4, ACK));
  const sizes = (seen: readonly Seen[]): number[] => seen.map(({ bytes }) => bytes.length - 52);
  expect([sizes(far), sizes(near)]).toEqual([[3], [4]]);
  pass(20);
  expect([sizes(far), sizes(near)]).toEqual([
    [3, 1],
    [4, 2],
  ]);
  expect(link.impairment).toBe(null);
});

test("a watcher sees what the stack sends and gets, over a bad link too, and nothing after it has left", () => {
  const { link, near, far, send, peer, pass } = world();
  const seen: [string, number, number][] = [];
  link.watch((direction, at, _buffer, _offset, length) => seen.push([direction, at, length - 52]));
  send(link, segment(1, ACK));
  link.impair(spec("loss=100%"));
  send(link, segment(2, ACK));
  send(peer, segment(3, ACK));
  link.impair(spec("delay=5ms"));
  send(peer, segment(4, ACK));
  pass(5);
  link.watch(null);
  send(link, segment(5, ACK));
  pass(5);
  expect(seen).toEqual([
    ["out", 0, 1],
    ["out", 0, 2],
    ["in", 5, 4],
  ]);
  expect([far.length, near.length]).toEqual([2, 1]);
});

test("only packets that are too large, or were left open, are written anew", () => {
  const pair = createPair({ schedule: "manual", offload: OFFLOAD });
  const [inner, peer] = pair;
  const seen: Seen[] = [];
  new CutReceived(inner).start(receiver(seen));
  const noise = Uint8Array.of(0x45, 1, 2, 3);
  peer.reserve(4);
  peer.buffer.set(noise, peer.offset);
  peer.commit(4, true, 0, null);
  const small = segment(100, ACK);
  peer.reserve(small.length);
  peer.buffer.set(small, peer.offset);
  peer.commit(small.length, true, 0, null);
  peer.flush();
  pair.deliver();
  expect(seen[0]).toEqual({ bytes: noise, flags: RX_CHECKSUM_GOOD });
  expect(seen[1]!.flags).toBe(0);
  expect(read(seen[1]!.bytes).payload).toHaveLength(100);
});
