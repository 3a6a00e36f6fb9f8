/** Sequences for a kernel: mostly what peers do, with numbers near where something ends, and now and then anything at all. */
import { below, type Rng } from "../../../base/rng.ts";
import { type Input, OPENINGS } from "../../../fuzz/input.ts";
import { ACK, FIN, PSH, RST, SYN, URG } from "../../../fuzz/peer.ts";
import {
  ACK_COUNT,
  CALL_ABORT,
  CALL_CLOSE,
  CALL_NO_DELAY,
  CALL_SEND,
  CALL_SHUTDOWN,
  createStep,
  DAMAGE_DATA_OFFSET,
  DAMAGE_RESERVED_BITS,
  DAMAGE_TCP_CHECKSUM,
  LENGTHS,
  OFFSETS,
  OP_AGAIN,
  OP_ANSWER,
  OP_CALL,
  OP_SEGMENT,
  OP_TEXT,
  OPTION_MSS,
  OPTION_SACK,
  OPTION_SACK_OK,
  OPTION_SCALE,
  OPTION_TIMESTAMPS,
  OPTION_UNKNOWN,
  SEQ_COUNT,
  type Step,
  WINDOWS,
} from "../../../fuzz/step.ts";
import { MOST_STEPS, tame } from "./tame.ts";

const SYN_OPTIONS = [OPTION_MSS, OPTION_SCALE, OPTION_SACK_OK, OPTION_TIMESTAMPS];

/** How often, of the sum. */
type Weighted = readonly (readonly [weight: number, value: number])[];

const OPS: Weighted = [
  [50, OP_SEGMENT],
  [15, OP_TEXT],
  [10, OP_ANSWER],
  [7, OP_AGAIN],
  [18, OP_CALL],
];
const FLAGS: Weighted = [
  [40, ACK],
  [10, ACK | PSH],
  [14, FIN | ACK],
  [9, SYN],
  [4, SYN | ACK],
  [8, RST],
  [5, RST | ACK],
  [2, URG | ACK],
  [2, 0],
  [2, FIN],
  [1, SYN | FIN],
  [1, SYN | RST],
];
const CALLS: Weighted = [
  [10, CALL_SEND],
  [3, CALL_SHUTDOWN],
  [2, CALL_CLOSE],
  [1, CALL_ABORT],
  [1, CALL_NO_DELAY],
];
const DAMAGES: readonly number[] = [DAMAGE_TCP_CHECKSUM, DAMAGE_DATA_OFFSET, DAMAGE_RESERVED_BITS];
const NEAR: readonly number[] = [0, 0, 0, 0, 0, 0, 1, -1, 2, -2, 10, -10];

export function generate(rng: Rng): Input {
  const chance = (percent: number): boolean => below(rng, 100) < percent;
  const one = <T>(of: ArrayLike<T>): T => of[below(rng, of.length)]!;
  const step = (): Step => {
    const base = createStep();
    base.op = weighted(rng, OPS);
    base.length = chance(50) ? 0 : one(LENGTHS);
    base.window = chance(70) ? 65535 : one(WINDOWS);
    base.word = below(rng, 65536);
    base.optionForm = chance(90) ? below(rng, 64) << 2 : below(rng, 256);
    if (base.op === OP_CALL) return { ...base, flags: weighted(rng, CALLS) };
    if (base.op !== OP_SEGMENT) return base;
    base.flags = chance(97) ? weighted(rng, FLAGS) : below(rng, 256);
    if (chance(35)) base.seqBase = below(rng, SEQ_COUNT);
    base.seqOffset = chance(85) ? one(NEAR) : one(OFFSETS);
    if (chance(35)) base.ackBase = below(rng, ACK_COUNT);
    base.ackOffset = chance(85) ? one(NEAR) : one(OFFSETS);
    base.options = optionsOf(rng, (base.flags & SYN) !== 0);
    if (chance(4)) base.damage = one(DAMAGES);
    base.damageAt = below(rng, 256);
    return base;
  };
  const head = {
    opening: one(OPENINGS),
    profile: 0,
    seed: below(rng, 65536),
    peerIsn: below(rng, 8),
    synOptions: optionsOf(rng, true),
    // timestamps that are right, and any scale and MSS
    synForm: below(rng, 64) << 2,
  };
  const steps = Array.from({ length: 3 + below(rng, MOST_STEPS - 2) }, step);
  return tame({ head, steps });
}

function optionsOf(rng: Rng, isSyn: boolean): number {
  if (isSyn) {
    return SYN_OPTIONS.reduce((all, option) => (below(rng, 3) > 0 ? all | option : all), 0);
  }
  const roll = below(rng, 100);
  if (roll < 15) return OPTION_SACK;
  // where they were agreed on: without
  if (roll === 15 && below(rng, 3) === 0) return OPTION_TIMESTAMPS;
  return roll < 20 ? OPTION_UNKNOWN : 0;
}

function weighted(rng: Rng, from: Weighted): number {
  let left = below(
    rng,
    from.reduce((sum, [weight]) => sum + weight, 0),
  );
  for (const [weight, value] of from) {
    if (left < weight) return value;
    left -= weight;
  }
  return from[0]![1];
}
