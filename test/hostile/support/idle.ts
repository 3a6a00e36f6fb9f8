/** What a stack costs that has nothing to do. */
import { expect } from "vitest";
import { bestOf } from "../../support/best-of.ts";
import { TunWorld } from "./tun-world.ts";
import { FULL, type World } from "./world.ts";

/** Real time that is looked at, ms, and how often: the compiler and the collector may be busy still with what was before. */
const LOOK = 1000;
const LOOKS = 5;
/** Share of a processor. */
const IDLE = 0.05;
/** Turns of the event loop in a look: our two questions take some; a timer of one millisecond would make a thousand. */
const TURNS = 100;

/**
 * Less than 5 % of a processor; only a process of its own shows it. On a machine that runs other tests beside this one the collector
 * alone may take that much, so each day the event loop's turns are counted: what does not wake up costs nothing.
 */
export async function idles(w: World): Promise<void> {
  if (!(w instanceof TunWorld)) return;
  await w.settle();
  const look = async (): Promise<void> => await new Promise((done) => void setTimeout(done, LOOK));
  const turns = await w.ask<number>("turns");
  await look();
  expect((await w.ask<number>("turns")) - turns, "turns of the event loop").toBeLessThan(TURNS);
  if (!FULL) return;
  const share = async (): Promise<number> => {
    const before = await w.cpu();
    const began = performance.now();
    await look();
    const used = (await w.cpu()) - before;
    return used / (performance.now() - began);
  };
  expect(await bestOf(LOOKS, IDLE, share), "share of a processor").toBeLessThan(IDLE);
}
