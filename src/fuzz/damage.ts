/** What can be wrong with a packet on purpose: before its checksums are made, or after. */
import { put16, sealIp } from "./bytes.ts";
import {
  DAMAGE_BYTE,
  DAMAGE_BYTE_UNREPAIRED,
  DAMAGE_CUT,
  DAMAGE_DATA_OFFSET,
  DAMAGE_DESTINATION,
  DAMAGE_HEADER_LENGTH,
  DAMAGE_IP_CHECKSUM,
  DAMAGE_IP_OPTIONS,
  DAMAGE_OPTION_BYTE,
  DAMAGE_PROTOCOL,
  DAMAGE_RESERVED_BITS,
  DAMAGE_SOURCE,
  DAMAGE_TCP_CHECKSUM,
  DAMAGE_TOTAL_LENGTH,
  DAMAGE_VERSION,
  type Step,
} from "./step.ts";

/** Afterwards the segment may be a right one that says something else than the peer remembers. */
export function spoilsText(damage: number): boolean {
  return (
    damage === DAMAGE_BYTE ||
    damage === DAMAGE_DATA_OFFSET ||
    damage === DAMAGE_OPTION_BYTE ||
    damage === DAMAGE_HEADER_LENGTH
  );
}

/** Options of IPv4, each four bytes or eight: nothing, a timestamp, routes, and such as cannot be skipped. */
const IP_OPTIONS: readonly (readonly number[])[] = [
  [1, 1, 1, 0],
  [68, 8, 5, 0, 0, 0, 0, 0],
  [131, 7, 4, 192, 0, 2, 99, 0],
  [137, 7, 4, 192, 0, 2, 99, 0],
  [7, 7, 4, 0, 0, 0, 0, 0],
  [130, 1, 0, 0],
  [148, 4, 0, 0],
  [68, 40, 5, 0],
];

/** Changes b[0 .. length) before checksums are made; its new length. */
export function breakBefore(b: Uint8Array, length: number, step: Step): number {
  const at = step.damageAt;
  switch (step.damage) {
    case DAMAGE_DATA_OFFSET:
      b[32] = (at << 4) | (b[32]! & 15);
      return length;
    case DAMAGE_RESERVED_BITS:
      b[32] = (b[32]! & 0xf0) | (at & 15);
      return length;
    case DAMAGE_OPTION_BYTE: {
      const room = (b[32]! >> 4) * 4 - 20;
      if (room > 0) b[40 + (at % room)] = step.word & 255;
      return length;
    }
    case DAMAGE_BYTE:
      flip(b, length, step);
      return length;
    case DAMAGE_IP_OPTIONS:
      return insertOptions(b, length, IP_OPTIONS[at & 7]!);
    case DAMAGE_SOURCE:
      // its own, a broadcast, a group, nobody's, a loopback, another host
      b.set(ODD_ADDRESSES[at & 7]!, 12);
      return length;
    case DAMAGE_DESTINATION:
      b.set(ODD_ADDRESSES[at & 7]!, 16);
      return length;
    case DAMAGE_PROTOCOL:
      b[9] = at;
      return length;
    default:
      return length;
  }
}

const ODD_ADDRESSES: readonly (readonly number[])[] = [
  [192, 0, 2, 2],
  [192, 0, 2, 255],
  [224, 0, 0, 1],
  [0, 0, 0, 0],
  [127, 0, 0, 1],
  [255, 255, 255, 255],
  [192, 0, 2, 200],
  [240, 0, 0, 1],
];

/** Changes it after checksums are made; its new length. */
export function breakAfter(b: Uint8Array, length: number, step: Step): number {
  const at = step.damageAt;
  switch (step.damage) {
    case DAMAGE_TCP_CHECKSUM:
      b[36]! ^= at | 1;
      return length;
    case DAMAGE_IP_CHECKSUM:
      b[10]! ^= at | 1;
      return length;
    case DAMAGE_TOTAL_LENGTH:
      return resealed(b, length, () => put16(b, 2, (at & 128) === 0 ? at : length + at - 128));
    case DAMAGE_VERSION:
      return resealed(b, length, () => (b[0] = (at << 4) | (b[0]! & 15)));
    case DAMAGE_HEADER_LENGTH:
      return resealed(b, length, () => (b[0] = 0x40 | (at & 15)));
    case DAMAGE_CUT:
      return Math.max(0, length - 1 - at);
    case DAMAGE_BYTE_UNREPAIRED:
      flip(b, length, step);
      return length;
    default:
      return length;
  }
}

/** The checksum of the IPv4 header is made anew, so that what was changed is what is wrong. */
function resealed(b: Uint8Array, length: number, change: () => void): number {
  change();
  sealIp(b, length);
  return length;
}

function flip(b: Uint8Array, length: number, step: Step): void {
  b[(step.damageAt * 5 + (step.word >> 8)) % length]! ^= step.word & 255;
}

function insertOptions(b: Uint8Array, length: number, options: readonly number[]): number {
  b.copyWithin(20 + options.length, 20, length);
  b.set(options, 20);
  b[0] = 0x45 + options.length / 4;
  put16(b, 2, length + options.length);
  return length + options.length;
}
