/** One packet as fragments: how large, in which order, what is missing or comes twice, by the bits of a step. */
import { put16, sealIp } from "./bytes.ts";
import type { Step } from "./step.ts";

/** Bits of the step's word. */
export const FRAGMENTS_REVERSED = 1;
export const FRAGMENTS_WITHOUT_LAST = 2;
export const FRAGMENTS_WITHOUT_FIRST = 4;
/** The second comes once more, one unit earlier: it overlaps the first. */
export const FRAGMENTS_OVERLAP = 8;
/** The last says that more follow. */
export const FRAGMENTS_ENDLESS = 16;
/** The second is taken for one of another datagram. */
export const FRAGMENTS_OTHER_ID = 32;

/** At most so many: smaller pieces become larger. */
const MOST = 16;

export function cutIntoFragments(
  packet: Uint8Array,
  length: number,
  step: Step,
  identification: number,
  scratch: Uint8Array,
  deliver: (bytes: Uint8Array, length: number) => void,
): void {
  const header = Math.min(length, Math.max(20, (packet[0]! & 15) * 4));
  const body = length - header;
  const size = Math.max(8 * (1 + (step.damageAt & 31)), Math.ceil(body / MOST / 8) * 8);
  const count = Math.max(1, Math.ceil(body / size));
  const { word } = step;
  const piece = (i: number, earlier: number): void => {
    const from = Math.max(0, i * size - earlier);
    const to = Math.min(body, (i + 1) * size);
    const isLast = i === count - 1 && (word & FRAGMENTS_ENDLESS) === 0;
    for (let k = 0; k < header; k++) scratch[k] = packet[k]!;
    for (let k = from; k < to; k++) scratch[header + k - from] = packet[header + k]!;
    const total = header + to - from;
    put16(scratch, 2, total);
    const other = i === 1 && (word & FRAGMENTS_OTHER_ID) !== 0 ? 1000 : 0;
    put16(scratch, 4, (identification + other) & 0xffff);
    put16(scratch, 6, (isLast ? 0 : 0x2000) | (from >> 3));
    sealIp(scratch, total);
    deliver(scratch, total);
  };
  for (let n = 0; n < count; n++) {
    const i = (word & FRAGMENTS_REVERSED) === 0 ? n : count - 1 - n;
    if (i === 0 && (word & FRAGMENTS_WITHOUT_FIRST) !== 0) continue;
    if (i === count - 1 && (word & FRAGMENTS_WITHOUT_LAST) !== 0) continue;
    piece(i, 0);
    if (i === 1 && (word & FRAGMENTS_OVERLAP) !== 0) piece(i, 8);
  }
}
