/**
 * Random inputs, biased so that they get somewhere: most segments follow on what was said, most packets are whole, most steps
 * come at once. What is chosen is bytes of steps; see step.ts for what they mean.
 */
import type { Rng } from "../base/rng.ts";
import { HEAD_BYTES } from "./input.ts";
import { ACK, FIN, PSH, RST, SYN, URG } from "./peer.ts";
import { STEP_BYTES } from "./step.ts";

const ECE = 64;
const CWR = 128;

const FLAGS = Uint8Array.from([
  ACK,
  ACK,
  ACK,
  ACK,
  ACK,
  ACK | PSH,
  ACK | PSH,
  FIN | ACK,
  FIN | ACK,
  SYN,
  SYN,
  SYN | ACK,
  RST,
  RST | ACK,
  0,
  FIN,
  URG | ACK,
  ACK | ECE,
  ACK | CWR,
  SYN | ECE | CWR,
  SYN | FIN,
  SYN | RST,
  PSH,
  255,
]);

/** `chances` of 256 for a byte of chance, else `usual`. */
function perhaps(rng: Rng, chances: number, usual: number): number {
  const bits = rng.i32();
  return (bits & 255) < chances ? (bits >>> 8) & 255 : usual;
}

function offset(rng: Rng): number {
  const bits = rng.i32();
  const kind = bits & 255;
  if (kind < 150) return 0;
  // small, or anything
  return kind < 200 ? (bits >>> 8) & 7 : (bits >>> 8) & 255;
}

/** Writes one step at out[at ..]. */
export function generateStep(rng: Rng, out: Uint8Array, at: number): void {
  const bits = rng.i32();
  out[at] = bits & 255;
  out[at + 1] = (bits & 0x100) === 0 ? 0 : (bits >>> 9) & 7;
  out[at + 2] = perhaps(rng, 90, 0);
  out[at + 3] =
    (bits & 0xf000) === 0 ? (bits >>> 16) & 255 : FLAGS[((bits >>> 16) & 255) % FLAGS.length]!;
  out[at + 4] = perhaps(rng, 90, 0);
  out[at + 5] = offset(rng);
  out[at + 6] = perhaps(rng, 90, 0);
  out[at + 7] = offset(rng);
  out[at + 8] = perhaps(rng, 90, 0);
  const more = rng.i32();
  // long texts take long: more often short ones
  out[at + 9] = (more & 0x60000000) === 0 ? more & 31 : (more & 31) % 13;
  const some = (more >>> 5) & 15;
  out[at + 10] = some > 3 ? 0 : some > 0 ? 1 << ((more >>> 9) & 7) : (more >>> 9) & 255;
  out[at + 11] = (more >>> 17) & 255;
  out[at + 12] = perhaps(rng, 40, 0);
  const last = rng.i32();
  out[at + 13] = last & 255;
  out[at + 14] = (last & 0x100) === 0 ? 0 : (last >>> 9) & 255;
  out[at + 15] = (last >>> 17) & 255;
  // the kind of a call is any
  if ((bits & 31) >= 14 && (bits & 31) < 20) out[at + 3] = (bits >>> 16) & 255;
}

/** Writes a head and `steps` steps; the length. */
export function generateSequence(rng: Rng, out: Uint8Array, steps: number): number {
  const bits = rng.i32();
  out[0] = bits & 255;
  out[1] = (bits & 0x300) === 0 ? 0 : (bits >>> 10) & 15;
  out[2] = 0;
  out[3] = (bits >>> 14) & 255;
  out[4] = (bits >>> 22) & 7;
  const syn = rng.i32();
  // nothing, all that is usual, or any
  const offers = syn & 3;
  out[5] = offers === 0 ? 1 : offers === 1 ? 15 : offers === 2 ? 39 : (syn >>> 2) & 127;
  out[6] = (syn & 0x400) === 0 ? 0 : (syn >>> 11) & 255;
  out[7] = 0;
  for (let i = 0; i < steps; i++) generateStep(rng, out, HEAD_BYTES + i * STEP_BYTES);
  return HEAD_BYTES + steps * STEP_BYTES;
}
