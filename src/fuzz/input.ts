/**
 * An input: a head of 8 bytes that says how the world begins, and steps. Any string of bytes is one; what is missing counts as 0.
 * Two forms say the same: bytes, which mutators change, and an {@link Input}, which is read, compared and minimised.
 */
import { createStep, readStep, type Step, STEP_BYTES, writeStep } from "./step.ts";

/** Bytes of a head. */
export const HEAD_BYTES = 8;
/** Steps of an input at most; what follows in the bytes is not looked at. */
export const MAX_STEPS = 512;

/** Where flow 0 stands before the first step: brought there by a peer that makes no mistake. */
export const OPENINGS = [
  "listen",
  "established",
  "connecting",
  "connected",
  "syn-received",
  "crossed",
  "fin-wait-1",
  "fin-wait-2",
  "close-wait",
  "closing",
  "last-ack",
  "time-wait",
] as const;
/** One of {@link OPENINGS}. */
export type Opening = (typeof OPENINGS)[number];

/** How the world begins. */
export interface Head {
  opening: Opening;
  /** Which settings the stack has: index into PROFILES. */
  profile: number;
  /** Of the stack's randomness: 16 bits. */
  seed: number;
  /** Where the peers' ISNs lie: index into PEER_ISNS. */
  peerIsn: number;
  /** What the peers' SYNs offer: bits as OPTION_MSS. */
  synOptions: number;
  /** How: see options.ts. */
  synForm: number;
}

/** An input in words. */
export interface Input {
  readonly head: Head;
  readonly steps: readonly Step[];
}

/** Initial sequence numbers of the peers': where something wraps, and where nothing does. */
export const PEER_ISNS: readonly number[] = [
  0xfffffffd, 0, 1, 0x7ffffffe, 0x80000000, 0xffff0000, 0x12345678, 0xfffffc18,
];

/** A head whose bytes are 0. */
export function createHead(): Head {
  return { opening: "listen", profile: 0, seed: 0, peerIsn: 0, synOptions: 0, synForm: 0 };
}

/** How many steps these bytes have; the last may be cut short. */
export function stepCount(data: Uint8Array): number {
  return Math.min(MAX_STEPS, Math.max(0, Math.ceil((data.length - HEAD_BYTES) / STEP_BYTES)));
}

/** Reads the head that `data` begins with into `out`. */
export function readHead(data: Uint8Array, out: Head): void {
  const byte = (i: number): number => (i < data.length ? data[i]! : 0);
  out.opening = OPENINGS[byte(0) % OPENINGS.length]!;
  out.profile = byte(1) & 15;
  out.seed = (byte(2) << 8) | byte(3);
  out.peerIsn = byte(4) & 7;
  out.synOptions = byte(5);
  out.synForm = byte(6);
}

/** What the bytes of an input mean. */
export function decode(data: Uint8Array): Input {
  const head = createHead();
  readHead(data, head);
  const steps = Array.from({ length: stepCount(data) }, (_, i) => {
    const step = createStep();
    readStep(data, HEAD_BYTES + i * STEP_BYTES, step);
    return step;
  });
  return { head, steps };
}

/** The bytes that decode to it: `decode(encode(input))` is `input`. */
export function encode({ head, steps }: Input): Uint8Array {
  const data = new Uint8Array(HEAD_BYTES + steps.length * STEP_BYTES);
  data[0] = OPENINGS.indexOf(head.opening);
  data[1] = head.profile;
  data[2] = head.seed >> 8;
  data[3] = head.seed & 255;
  data[4] = head.peerIsn;
  data[5] = head.synOptions;
  data[6] = head.synForm;
  steps.forEach((step, i) => writeStep(step, data, HEAD_BYTES + i * STEP_BYTES));
  return data;
}
