import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { instantOf, NEVER } from "../../src/base/time.ts";
import { cpuSeconds } from "../support/full.ts";
import { TimerWheel, type WheelEntry } from "../../src/stack/timer-wheel.ts";

interface Timer extends WheelEntry {
  readonly id: number;
}

function timer(id: number): Timer {
  return { id, wheelDeadline: NEVER, wheelNext: null, wheelPrev: null, wheelSlot: -1 };
}

function idsAt(wheel: TimerWheel, now: number): number[] {
  const fired: number[] = [];
  wheel.advance(instantOf(now), (e) => fired.push((e as Timer).id));
  return fired;
}

/** What the wheel has to do, as a list searched from end to end. */
class Model {
  private armed: { id: number; deadline: number; order: number }[] = [];
  private order = 0;

  get size(): number {
    return this.armed.length;
  }

  schedule(id: number, deadline: number): void {
    this.cancel(id);
    if (deadline !== Infinity) this.armed.push({ id, deadline, order: this.order++ });
  }

  cancel(id: number): void {
    this.armed = this.armed.filter((t) => t.id !== id);
  }

  next(): number {
    return Math.min(Infinity, ...this.armed.map((t) => t.deadline));
  }

  advance(now: number, expire: (id: number) => void): void {
    for (;;) {
      const due = this.armed
        .filter((t) => t.deadline <= now)
        .toSorted((a, b) => a.deadline - b.deadline || a.order - b.order)[0];
      if (due === undefined) return;
      this.cancel(due.id);
      expire(due.id);
    }
  }
}

describe("the timer wheel", () => {
  test("fires what is due to the fraction of a millisecond, and nothing before", () => {
    const wheel = new TimerWheel(instantOf(1000.25));
    const a = timer(1);
    wheel.schedule(a, instantOf(1005.75));
    expect(idsAt(wheel, 1005.5)).toEqual([]);
    expect(wheel.nextDeadline()).toBe(1005.75);
    expect(idsAt(wheel, 1005.75)).toEqual([1]);
    expect(a.wheelSlot).toBe(-1);
    expect(wheel.size).toBe(0);
  });

  test("a deadline in the past fires with the next advance", () => {
    const wheel = new TimerWheel(instantOf(5000));
    wheel.schedule(timer(1), instantOf(10));
    expect(wheel.nextDeadline()).toBe(10);
    expect(idsAt(wheel, 5000)).toEqual([1]);
  });

  test("a deadline of NEVER stops the timer, and arming again moves it", () => {
    const wheel = new TimerWheel(instantOf(0));
    const a = timer(1);
    wheel.schedule(a, instantOf(10));
    wheel.schedule(a, instantOf(30));
    expect(wheel.size).toBe(1);
    expect(idsAt(wheel, 29)).toEqual([]);
    wheel.schedule(a, NEVER);
    expect(wheel.size).toBe(0);
    expect(wheel.nextDeadline()).toBe(NEVER);
    expect(idsAt(wheel, 100)).toEqual([]);
  });

  test("equal deadlines fire in the order of arming, whatever level each was armed into", () => {
    const wheel = new TimerWheel(instantOf(0));
    wheel.schedule(timer(1), instantOf(20000));
    idsAt(wheel, 10000);
    wheel.schedule(timer(2), instantOf(20000));
    idsAt(wheel, 19967);
    wheel.schedule(timer(3), instantOf(20000));
    wheel.schedule(timer(4), instantOf(20000));
    expect(idsAt(wheel, 20000)).toEqual([1, 2, 3, 4]);
  });

  test("does not ask to be called at once for what lies a full turn ahead", () => {
    for (const [now, deadline] of [
      [100, 16480], // in the slot of a higher level that stands for the present too
      [20000, 20000 + 1048500],
    ] as const) {
      const wheel = new TimerWheel(instantOf(now));
      wheel.schedule(timer(1), instantOf(deadline));
      expect(wheel.nextDeadline()).toBeGreaterThan(now + 10000);
      expect(wheel.nextDeadline()).toBeLessThanOrEqual(deadline);
    }
  });

  test("a leap of years costs no more than what is armed", () => {
    const wheel = new TimerWheel(instantOf(0));
    const year = 365 * 86400 * 1000;
    wheel.schedule(timer(1), instantOf(3 * year));
    wheel.schedule(timer(2), instantOf(5));
    const start = cpuSeconds();
    expect(idsAt(wheel, 3 * year - 1)).toEqual([2]);
    expect(idsAt(wheel, 10 * year)).toEqual([1]);
    // tick by tick this would be 3 * 10^11 steps
    expect(cpuSeconds() - start).toBeLessThan(1);
  });

  test("equal deadlines keep their order where two levels come down at the same tick", () => {
    const wheel = new TimerWheel(instantOf(0));
    const due = 2 * 16384 + 100;
    wheel.schedule(timer(1), instantOf(due)); // far: third level
    expect(idsAt(wheel, due - 15000)).toEqual([]);
    wheel.schedule(timer(2), instantOf(due)); // nearer: second level, whose slot begins with that of the third
    expect(idsAt(wheel, due)).toEqual([1, 2]);
  });

  test("does as a sorted list does, also when what fires arms and stops others", () => {
    const delay = fc.oneof(
      fc.integer({ min: -20, max: 600 }),
      fc.double({ min: 0, max: 300, noNaN: true }),
      fc.integer({ min: 0, max: 100000 }),
      fc.integer({ min: 0, max: 3_000_000_000 }),
      fc.constant(Infinity),
    );
    const id = fc.nat({ max: 15 });
    const command = fc.oneof(
      fc.record({ kind: fc.constant("arm" as const), id, delay }),
      // on a coarse grid, so that many deadlines are equal
      fc.record({ kind: fc.constant("grid" as const), id, delay: fc.nat({ max: 30000 }) }),
      fc.record({ kind: fc.constant("advance" as const), id, delay: fc.nat({ max: 4000 }) }),
      fc.record({ kind: fc.constant("stop" as const), id, delay }),
      fc.record({ kind: fc.constant("advance" as const), id, delay }),
      fc.record({ kind: fc.constant("exactly" as const), id, delay }),
    );
    // what a timer does as it fires: arms another later, or stops one
    const reaction = fc.option(
      fc.record({ other: id, delay: fc.integer({ min: 1, max: 70000 }), stop: fc.boolean() }),
    );
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 1e6, noNaN: true }),
        fc.array(command, { maxLength: 60, size: "max" }),
        fc.array(reaction, { minLength: 16, maxLength: 16 }),
        (origin, commands, reactions) => {
          let now = origin;
          const wheel = new TimerWheel(instantOf(now));
          const model = new Model();
          const timers = Array.from({ length: 16 }, (_, i) => timer(i));
          for (const c of commands) {
            if (c.kind === "arm" || c.kind === "grid") {
              const at = now + c.delay;
              const deadline = c.kind === "arm" ? at : Math.ceil(at / 5000) * 5000;
              wheel.schedule(timers[c.id]!, instantOf(deadline));
              model.schedule(c.id, deadline);
            } else if (c.kind === "stop") {
              wheel.cancel(timers[c.id]!);
              model.cancel(c.id);
            } else {
              if (c.kind === "exactly") now = Math.max(now, Math.min(model.next(), now + 1e9));
              else if (Number.isFinite(c.delay)) now += Math.max(0, c.delay);
              const fired: number[] = [];
              const expected: number[] = [];
              // each timer reacts once an advance, so that two cannot keep each other going
              const react = (
                list: number[],
                fire: number,
                arm: (i: number, at: number) => void,
                stop: (i: number) => void,
              ): void => {
                const r = reactions[fire];
                if (r && !list.includes(fire)) {
                  if (r.stop) stop(r.other);
                  else arm(r.other, now - 35000 + r.delay);
                }
                list.push(fire);
              };
              wheel.advance(instantOf(now), (e) =>
                react(
                  fired,
                  (e as Timer).id,
                  (i, at) => wheel.schedule(timers[i]!, instantOf(at)),
                  (i) => wheel.cancel(timers[i]!),
                ),
              );
              model.advance(now, (i) =>
                react(
                  expected,
                  i,
                  (j, at) => model.schedule(j, at),
                  (j) => model.cancel(j),
                ),
              );
              expect(fired).toEqual(expected);
            }
            expect(wheel.size).toBe(model.size);
            expect(wheel.nextDeadline()).toBeLessThanOrEqual(model.next());
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});
