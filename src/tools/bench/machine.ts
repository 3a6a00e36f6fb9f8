/**
 * One connection of a core stack, and a peer that consists of two packets which are patched in place: what the
 * stack costs for a segment, without device, clock or event loop, and with next to no work of the peer's in the figure.
 */
import { readI32, writeI32, writeU16 } from "../../base/bytes.ts";
import { NO_OFFLOAD, RX_CHECKSUM_GOOD } from "../../base/device.ts";
import { seededRng } from "../../base/rng.ts";
import { instantOf } from "../../base/time.ts";
import { Stack } from "../../stack/stack.ts";
import type { Endpoint } from "../../tcp/endpoint.ts";
import { ipv4 } from "../../wire/address.ts";
import { PROTO_TCP, writeIpv4 } from "../../wire/ipv4.ts";
import { ACK, createTcpSegment, SYN } from "../../wire/tcp-segment.ts";
import { writeTcp } from "../../wire/tcp.ts";

const HERE = ipv4(0xc0000202 | 0);
const THERE = ipv4(0xc0000201 | 0);
/** What a segment carries beside timestamps where the MTU is 1500. */
const SEGMENT = 1448;
/** Ten segments: so many are under way, whatever the congestion window grows to. */
const PEER_WINDOW = 10 * SEGMENT;
/** ms between two segments: 1 Gbit/s; a fraction, as clocks read. */
const PACE = 0.0117;

/** Where fields stand in a packet whose only option is timestamps. */
const AT_SEQ = 24;
const AT_ACK = 28;
const AT_WINDOW = 34;
const AT_TSVAL = 44;
const AT_TSECR = 48;
const HEADERS = 52;

export interface Machine {
  /** A segment in order is taken, and its text by the user; an ACK leaves for every second one. */
  readonly data: () => void;
  /** An ACK is taken that only changes the window. */
  readonly ack: () => void;
  /** The ACK of one segment is taken, and the next segment leaves. */
  readonly send: () => void;
  readonly endpoint: Endpoint;
}

export function createMachine(): Machine {
  const buffer = new Uint8Array(2048);
  let sentTo = 0;
  const commit = (used: number): void => {
    if (used > HEADERS) sentTo = (readI32(buffer, AT_SEQ) + used - HEADERS) | 0;
  };
  const nothing = (): void => {};
  const sender = { mtu: 1500, offload: NO_OFFLOAD, buffer, offset: 0, append: nothing };
  const { stack, endpointOf } = listening({
    ...sender,
    reserve: () => true,
    commit,
    flush: nothing,
  });

  let now = 1;
  const take = (packet: Uint8Array): void => {
    now += PACE;
    const time = instantOf(now);
    stack.input(packet, 0, packet.length, RX_CHECKSUM_GOOD, time);
    stack.poll(time);
  };
  take(peerPacket(SYN, 0));
  const text = peerPacket(ACK, SEGMENT);
  const pure = peerPacket(ACK, 0);
  let seq = 1;
  let acked = (readI32(buffer, AT_SEQ) + 1) | 0;
  const patch = (packet: Uint8Array): void => {
    writeI32(packet, AT_SEQ, seq);
    writeI32(packet, AT_ACK, acked);
    writeI32(packet, AT_TSVAL, now | 0);
    writeI32(packet, AT_TSECR, readI32(buffer, AT_TSVAL));
  };
  patch(pure);
  writeI32(pure, AT_TSECR, 0); // the SYN-ACK has its options in other places
  take(pure);
  const endpoint = endpointOf();
  sentTo = acked;
  const block = new Uint8Array(65536);
  let window = PEER_WINDOW;
  return {
    endpoint,
    data(): void {
      patch(text);
      take(text);
      seq = (seq + SEGMENT) | 0;
    },
    ack(): void {
      window ^= 1;
      patch(pure);
      writeU16(pure, AT_WINDOW, window);
      take(pure);
    },
    send(): void {
      if (endpoint.sendQueued <= PEER_WINDOW) endpoint.send(block);
      if (acked === sentTo) stack.poll(instantOf(now)); // the first segments leave
      acked = (acked + Math.min(SEGMENT, (sentTo - acked) | 0)) | 0;
      patch(pure);
      take(pure);
    },
  };
}

type Sender = ConstructorParameters<typeof Stack>[0]["sender"];

/** A stack with a listener whose connection reads whatever comes. */
function listening(sender: Sender): { stack: Stack; endpointOf: () => Endpoint } {
  // always the same: nobody reads what came, and fresh memory would be the system's cost, not the stack's
  const memory = new Uint8Array(65536);
  const stack = new Stack({
    addresses: [{ address: HERE, prefix: 24 }],
    rng: seededRng(9),
    now: instantOf(0),
    sender,
    allocate: () => memory,
  });
  let accepted: Endpoint | null = null;
  const owner = {
    onEvents(endpoint: Endpoint): void {
      while (endpoint.receive() !== null);
    },
  };
  stack.listen({
    port: 80,
    owner: {
      onConnection(listener): void {
        accepted = listener.accept();
        accepted!.owner = owner;
      },
    },
  });
  return {
    stack,
    endpointOf(): Endpoint {
      if (accepted === null) throw new Error("the peer's handshake was not taken");
      return accepted;
    },
  };
}

/** TCP's checksum is left out: the device vouches for it. */
function peerPacket(flags: number, payload: number): Uint8Array {
  const segment = createTcpSegment();
  segment.flags = flags;
  segment.sourcePort = 40000;
  segment.destinationPort = 80;
  segment.window = PEER_WINDOW;
  segment.hasTimestamps = true;
  if (flags === SYN) {
    segment.mss = 1460;
    segment.sackPermitted = true;
  }
  const bytes = new Uint8Array(2048);
  const length = 20 + writeTcp(bytes, 20, segment) + payload;
  writeIpv4(bytes, 0, length, 0, 1, true, 64, PROTO_TCP, THERE, HERE);
  return bytes.subarray(0, length);
}
