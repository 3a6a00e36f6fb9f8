/** What a stack costs that has nothing to do. */
import { expect } from "vitest";
import { bestOf } from "../../support/best-of.ts";
import { TunWorld } from "./tun-world.ts";
import type { World } from "./world.ts";

/** Real time that is looked at, ms, and how often: the compiler and the collector may be busy still with what was before. */
const LOOK = 1000;
const LOOKS = 5;
/** Share of a processor. */
const IDLE = 0.05;

/** Less than 5 % of a processor; only a process of its own shows it. */
export async function idles(w: World): Promise<void> {
  if (!(w instanceof TunWorld)) return;
  await w.settle();
  const share = async (): Promise<number> => {
    const before = await w.cpu();
    const began = performance.now();
    await new Promise((resolve) => setTimeout(resolve, LOOK));
    const used = (await w.cpu()) - before;
    return used / (performance.now() - began);
  };
  expect(await bestOf(LOOKS, IDLE, share), "share of a processor").toBeLessThan(IDLE);
}
