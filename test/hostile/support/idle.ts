/** What a stack costs that has nothing to do. */
import { expect } from "vitest";
import { TunWorld } from "./tun-world.ts";
import type { World } from "./world.ts";

/** Real time that is looked at, ms. */
const LOOK = 1000;

/** Less than 5 % of a processor; only a process of its own shows it. */
export async function idles(w: World): Promise<void> {
  if (!(w instanceof TunWorld)) return;
  await w.settle();
  const before = await w.cpu();
  const began = performance.now();
  await new Promise((resolve) => setTimeout(resolve, LOOK));
  const used = (await w.cpu()) - before;
  expect(used / (performance.now() - began), "share of a processor").toBeLessThan(0.05);
}
