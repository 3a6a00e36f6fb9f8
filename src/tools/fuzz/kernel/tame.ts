/**
 * Makes of any input one that a kernel can be asked about: a single flow, no long delay (a kernel lives in real time), calls that its
 * sockets have, and damage that leaves the packet one of this connection.
 */
import type { Input } from "../../../fuzz/input.ts";
import {
  CALL_ABORT,
  CALL_CLOSE,
  CALL_COUNT,
  CALL_NO_DELAY,
  CALL_SEND,
  CALL_SHUTDOWN,
  DAMAGE_DATA_OFFSET,
  DAMAGE_NONE,
  DAMAGE_RESERVED_BITS,
  DAMAGE_TCP_CHECKSUM,
  OP_ANSWER,
  OP_CALL,
  OP_FRAGMENTS,
  OP_ICMP,
  OP_SEGMENT,
  OPTION_COOKIE,
  OPTION_USER_TIMEOUT,
  type Step,
} from "../../../fuzz/step.ts";

/** Steps of a sequence: but for that of delayed ACKs no timer runs out in so short a time. */
export const MOST_STEPS = 12;

/** Bytes of text in a packet that a TUN of 1500 takes with any options. */
const LONGEST = 1400;

const CALLS: ReadonlySet<number> = new Set([
  CALL_SEND,
  CALL_SHUTDOWN,
  CALL_CLOSE,
  CALL_ABORT,
  CALL_NO_DELAY,
]);
const DAMAGES: ReadonlySet<number> = new Set([
  DAMAGE_NONE,
  DAMAGE_TCP_CHECKSUM,
  DAMAGE_DATA_OFFSET,
  DAMAGE_RESERVED_BITS,
]);

export function tame(input: Input): Input {
  const head = { ...input.head, profile: 0, synOptions: tameOptions(input.head.synOptions) };
  return { head, steps: input.steps.slice(0, MOST_STEPS).map(tameStep) };
}

/** Of kind `call`: its number. */
export function callOf(step: Step): number {
  return step.flags % CALL_COUNT;
}

function tameStep(step: Step): Step {
  const base: Step = {
    ...step,
    flow: 0,
    delay: 0,
    length: step.length > LONGEST ? LONGEST : step.length,
    options: tameOptions(step.options),
    damage: DAMAGES.has(step.damage) ? step.damage : DAMAGE_NONE,
    ecn: 0,
  };
  if (step.op === OP_ICMP) return { ...base, op: OP_ANSWER };
  if (step.op === OP_FRAGMENTS) return { ...base, op: OP_SEGMENT };
  if (step.op === OP_CALL && callOf(step) === CALL_SEND) return { ...base, length: step.length };
  if (step.op === OP_CALL && !CALLS.has(callOf(step))) return { ...base, flags: CALL_SEND };
  return base;
}

/** Fast Open and the user timeout are other people's business: Linux knows no option of RFC 5482. */
function tameOptions(options: number): number {
  return options & ~(OPTION_COOKIE | OPTION_USER_TIMEOUT);
}
