/** Runs the bytes of an input through a stack of their own, and says what came of it. */
import { Broken } from "./broken.ts";
import { honestEcho } from "./honest.ts";
import { createHead, HEAD_BYTES, readHead, stepCount } from "./input.ts";
import { eachOpening } from "./openings.ts";
import type { Outcome, RunOptions, Violation } from "./outcome.ts";
import { createStep, readStep, STEP_BYTES } from "./step.ts";
import { Trace } from "./trace.ts";
import { World } from "./world.ts";

/** Which of the flows an input may use: a step's flow is taken modulo this. */
export interface SequenceOptions extends RunOptions {
  readonly flows?: number;
}

const FINE: Outcome = { violation: null, hash: "", trace: [] };

/** Runs inputs one after the other; everything but the stack itself is used again. */
export class SequenceRunner {
  readonly world: World = new World();
  private readonly head = createHead();
  private readonly step = createStep();

  /** Runs one input from its beginning; what breaks a rule is in the outcome, and nothing is thrown. */
  run(data: Uint8Array, options: SequenceOptions = {}): Outcome {
    const trace = options.trace === true ? new Trace() : null;
    const violation = this.attempt(data, options.flows ?? 8, trace);
    if (trace === null) return violation === null ? FINE : { violation, hash: "", trace: [] };
    trace.add(this.world.now, this.world.at, "event", violation?.message ?? "end");
    return { violation, hash: trace.digits, trace: trace.events };
  }

  private attempt(data: Uint8Array, flows: number, trace: Trace | null): Violation | null {
    const { world, head, step } = this;
    try {
      readHead(data, head);
      world.begin(head, trace);
      eachOpening(head, (s) => world.step(s));
      world.check();
      const count = stepCount(data);
      for (let i = 0; i < count; i++) {
        world.at = i;
        readStep(data, HEAD_BYTES + i * STEP_BYTES, step);
        step.flow %= flows;
        world.step(step);
        world.check();
      }
      world.at = count;
      world.end((head.seed & 1) === 1);
      honestEcho(world);
      world.end(false);
      return null;
    } catch (error) {
      if (error instanceof Broken) {
        return { rule: error.rule, step: world.at, message: error.message };
      }
      return { rule: "I1", step: world.at, message: thrown(error) };
    }
  }
}

/** The message, and where it was thrown: the first line of the stack that is of the core. */
function thrown(error: unknown): string {
  if (!(error instanceof Error)) return `thrown: ${String(error)}`;
  const place = /\/(?:base|wire|tcp|stack)\/[\w/-]+\.[jt]s/.exec(error.stack ?? "")?.[0] ?? "";
  return `thrown: ${error.name} ${error.message.split("\n", 1)[0]!}${place === "" ? "" : ` in ${place.slice(1).replace(/\.[jt]s$/, "")}`}`;
}

/** One input with a runner of its own. */
export function runSequence(data: Uint8Array, options: SequenceOptions = {}): Outcome {
  return new SequenceRunner().run(data, options);
}
