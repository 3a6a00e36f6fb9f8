/**
 * SYNs from ever other clients to a listener that answers each with a cookie: what a stack costs under a flood, without
 * device, clock or event loop. One packet, patched in place.
 */
import { readI32, writeI32 } from "../../base/bytes.ts";
import { NO_OFFLOAD, RX_CHECKSUM_GOOD } from "../../base/device.ts";
import { seededRng } from "../../base/rng.ts";
import { instantOf } from "../../base/time.ts";
import { Stack } from "../../stack/stack.ts";
import { ipv4, type Ipv4Address } from "../../wire/address.ts";
import { PROTO_TCP, writeIpv4 } from "../../wire/ipv4.ts";
import { createTcpSegment, SYN } from "../../wire/tcp-segment.ts";
import { writeTcp } from "../../wire/tcp.ts";

const HERE = ipv4(0xc0000202 | 0);
/** 198.18.0.0/15 is for benchmarks (RFC 2544): so many clients. */
const CLIENTS = 0xc6120001 | 0;
const COUNT = 131_000;
/** A prime: clients come back in another order. */
const STEP = 7919;
/** ms between two SYNs: 200,000 a second. */
const PACE = 0.005;
/** Where the sequence number stands in the packet. */
const AT_SEQ = 24;

export interface SynFlood {
  readonly stack: Stack;
  /** One SYN with all options; a SYN-ACK whose number is a cookie leaves. */
  readonly syn: () => void;
  /** SYN-ACKs so far. */
  readonly answers: () => number;
}

export function createSynFlood(): SynFlood {
  const buffer = new Uint8Array(2048);
  const nothing = (): void => {};
  let answers = 0;
  const stack = new Stack({
    addresses: [{ address: HERE, prefix: 24 }],
    rng: seededRng(1),
    now: instantOf(0),
    settings: { tcp_syncookies: 2 },
    sender: {
      mtu: 1500,
      offload: NO_OFFLOAD,
      buffer,
      offset: 0,
      append: nothing,
      reserve: () => true,
      commit: () => void answers++,
      flush: nothing,
    },
  });
  stack.listen({ port: 80, owner: { onConnection: nothing } });
  const packet = synPacket();
  const { length } = packet;
  let now = 1;
  let at = 0;
  return {
    stack,
    syn(): void {
      at = (at + STEP) % COUNT;
      now += PACE;
      from(packet, ipv4(CLIENTS + at));
      writeI32(packet, AT_SEQ, (readI32(packet, AT_SEQ) + STEP) | 0);
      const time = instantOf(now);
      stack.input(packet, 0, length, RX_CHECKSUM_GOOD, time);
      stack.poll(time);
    },
    answers: () => answers,
  };
}

function from(packet: Uint8Array, client: Ipv4Address): void {
  writeIpv4(packet, 0, packet.length, 0, 1, true, 64, PROTO_TCP, client, HERE);
}

/** TCP's checksum is left out: the device vouches for it. */
function synPacket(): Uint8Array {
  const segment = createTcpSegment();
  segment.flags = SYN;
  segment.sourcePort = 40000;
  segment.destinationPort = 80;
  segment.window = 65535;
  segment.mss = 1460;
  segment.windowScale = 7;
  segment.sackPermitted = true;
  segment.hasTimestamps = true;
  segment.tsVal = 1000;
  const bytes = new Uint8Array(80);
  return bytes.subarray(0, 20 + writeTcp(bytes, 20, segment));
}
