/** What somebody may have meant who typed a name that is not known. */

/** The first of `known` with the least edit distance; capitals count for nothing. */
export function nearest<T extends string>(text: string, known: readonly T[]): T {
  // no known name is longer than 64, and the cost is the product of the lengths
  const typed = text.slice(0, 64).toLowerCase();
  let [best] = known as readonly [T];
  let least = Infinity;
  for (const name of known) {
    const distance = editDistance(typed, name);
    if (distance >= least) continue;
    least = distance;
    best = name;
  }
  return best;
}

/** Levenshtein's, with one row. */
function editDistance(a: string, b: string): number {
  const row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    let diagonal = row[0]!;
    row[0] = i;
    for (let j = 1; j <= b.length; j++) {
      const above = row[j]!;
      const change = diagonal + (a[i - 1] === b[j - 1] ? 0 : 1);
      row[j] = Math.min(above + 1, row[j - 1]! + 1, change);
      diagonal = above;
    }
  }
  return row[b.length]!;
}
