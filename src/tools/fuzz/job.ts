/** One job of a campaign: a number of executions from a corpus, the same outcome wherever and whenever it is done. */
import { namedRng, seededRng } from "../../base/rng.ts";
import type { Found, Kept } from "./engine.ts";
import { Engine } from "./engine.ts";
import type { TargetName } from "../../fuzz/index.ts";
import { loadCounted } from "./branches.ts";
import type { Begin, Fuzzing } from "./campaign/work.ts";
import { describe } from "./finding.ts";

/** Executions of one step: about 50 ms. */
const STEP = 50;

/** Loads the code with counters in it, once a process. */
export async function loadJobs(): Promise<Begin> {
  const { harness, counters } = await loadCounted();
  return ({ target }, job): Fuzzing => {
    const inputs: Kept[] = [];
    const found: Found[] = [];
    const engine = new Engine({
      target: target as TargetName,
      harness,
      counters,
      rng: seededRng(job.seed),
      known: job.known,
      onKept: (kept) => void inputs.push(kept),
      onFound: (one) => void found.push(one),
    });
    engine.corpus.push(...job.corpus);
    const before = engine.executions;
    return {
      step(): boolean {
        const left = job.executions - (engine.executions - before);
        engine.run(Math.min(STEP, left));
        return left <= STEP;
      },
      outcome: () => ({
        executions: engine.executions - before,
        inputs,
        findings: found.flatMap(({ data }) => {
          const finding = describe(harness, engine.target, data);
          if (finding === null) return [];
          const { rule, message } = finding.violation;
          const text = `${JSON.stringify(finding, null, 2)}\n`;
          return [{ data: new TextEncoder().encode(text), what: `${target}: ${rule} ${message}` }];
        }),
      }),
    };
  };
}

/** The random stream of worker `index` of a run. */
export function rngOf(
  seed: number,
  target: TargetName,
  index: number,
): ReturnType<typeof namedRng> {
  return namedRng(seed, `${target}/${index}`);
}
