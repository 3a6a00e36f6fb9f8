/** A part of a row that wants other settings: a stack of its own, held to the invariants by itself. */
import { judged } from "./invariants.ts";
import type { World, WorldOptions } from "./world.ts";

export async function aside(
  w: World,
  id: string,
  options: WorldOptions,
  run: (v: World) => Promise<void>,
): Promise<void> {
  const v = await w.another(options);
  try {
    await judged(v, id, async () => await run(v));
  } finally {
    await v.end();
  }
}
