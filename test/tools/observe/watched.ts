/** A tracker that watches two of our stacks in virtual time, beside what the stacks say of themselves. */
import { Tracker } from "../../../src/tools/observe/tracker.ts";
import { TwoStacks, type WireOptions } from "../../support/two-stacks.ts";

export interface Watched {
  readonly wire: TwoStacks;
  readonly tracker: Tracker;
  /** Of each segment: A sent it. */
  readonly fromLeft: boolean[];
  /** As a ladder has it, beside what the stacks say of themselves. */
  states(): { readonly seen: string[]; readonly told: string[] };
}

/** Watches the wire: each packet that arrives, when it arrives. */
export function watched(options: WireOptions = {}): Watched {
  const wire = new TwoStacks(options);
  const tracker = new Tracker();
  const told: string[] = [];
  const fromLeft: boolean[] = [];
  for (const side of [wire.a, wire.b]) {
    const other = side === wire.a ? wire.b : wire.a;
    const input = side.stack.input.bind(side.stack);
    side.stack.input = (buffer, offset, length, flags, now) => {
      tracker.packet(now, buffer.subarray(offset, offset + length), null);
      const remark = input(buffer, offset, length, flags, now);
      const [left, right] = side === wire.a ? [side, other] : [other, side];
      fromLeft.push(side === wire.b);
      told.push(`${left.state} ${right.state}`);
      return remark;
    };
  }
  const seen = (): string[] =>
    tracker.conversations.flatMap((c) => c.rungs.map((r) => `${r.left} ${r.right}`));
  return { wire, tracker, fromLeft, states: () => ({ seen: seen(), told }) };
}
