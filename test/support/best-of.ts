/**
 * Limits of time on a machine that has other things to do as well: what is slow by itself is slow in each of several looks,
 * what was in its way is not.
 */

/** The least of up to `looks` figures; the first one below `limit` is the last one taken. */
export async function bestOf(
  looks: number,
  limit: number,
  look: () => Promise<number> | number,
): Promise<number> {
  let best = Infinity;
  for (let n = 0; n < looks && best >= limit; n++) best = Math.min(best, await look());
  return best;
}
