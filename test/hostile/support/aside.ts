/** A part of a row that wants other settings: in memory only, with the same look at the invariants. */
import { type MemoryOptions, MemoryWorld } from "./memory-world.ts";
import { checkInvariants } from "./invariants.ts";
import { type World } from "./world.ts";

export async function aside(
  w: World,
  options: MemoryOptions,
  run: (v: MemoryWorld) => Promise<void>,
): Promise<void> {
  if (!w.virtual) return;
  const v = new MemoryWorld(options);
  await run(v);
  await checkInvariants(v);
}
