/** Whether numbers look drawn at random: Pearson's chi-square, by bytes, by bins and by steps. */

/** ln Γ(x) for x > 0, by Lanczos' series. */
function lnGamma(x: number): number {
  const c = [
    676.5203681218851, -1259.1392167224028, 771.3234287776531, -176.6150291621406,
    12.507343278686905, -0.13857109526572012, 9.984369578019572e-6, 1.5056327351493116e-7,
  ];
  const t = x + 6.5;
  const sum = c.reduce((s, ci, i) => s + ci / (x + i), 0.9999999999998099);
  return 0.5 * Math.log(2 * Math.PI) + (x - 0.5) * Math.log(t) - t + Math.log(sum);
}

/** The chance of a chi-square of `x` or more with `freedom` degrees: the upper incomplete gamma function, regularized. */
export function chiSquareTail(x: number, freedom: number): number {
  const a = freedom / 2;
  const z = x / 2;
  if (z <= 0) return 1;
  const front = Math.exp(a * Math.log(z) - z - lnGamma(a));
  if (z < a + 1) {
    let term = 1 / a;
    let sum = term;
    for (let n = a + 1; term > sum * 1e-15; n++) {
      term *= z / n;
      sum += term;
    }
    return 1 - front * sum;
  }
  // Lentz's continued fraction
  let b = z + 1 - a;
  let c = 1e300;
  let d = 1 / b;
  let h = d;
  for (let i = 1; i < 10_000; i++) {
    const an = -i * (i - a);
    b += 2;
    d = 1 / (an * d + b);
    c = b + an / c;
    h *= d * c;
    if (Math.abs(d * c - 1) < 1e-14) break;
  }
  return front * h;
}

/** p of the bins' counts being drawn from equal chances. */
export function uniformity(counts: readonly number[]): number {
  const total = counts.reduce((a, b) => a + b, 0);
  const fair = total / counts.length;
  const x = counts.reduce((sum, n) => sum + (n - fair) ** 2 / fair, 0);
  return chiSquareTail(x, counts.length - 1);
}

/** p of each byte of `width`-byte numbers, the lowest first. */
export function byteUniformity(values: readonly number[], width: number): number[] {
  return Array.from({ length: width }, (_, byte) => {
    const counts = Array.from({ length: 256 }, () => 0);
    for (const v of values) counts[(v >>> (8 * byte)) & 0xff]!++;
    return uniformity(counts);
  });
}

/** p of values in [first, first + span) by `bins` equal bins of that range. */
export function rangeUniformity(
  values: readonly number[],
  first: number,
  span: number,
  bins: number,
): number {
  const counts = Array.from({ length: bins }, () => 0);
  for (const v of values) counts[Math.floor(((v - first) * bins) / span)]!++;
  return uniformity(counts);
}

/** Differences of neighbours, modulo. */
export function steps(values: readonly number[], modulus: number): number[] {
  return values.slice(1).map((v, i) => (((v - values[i]!) % modulus) + modulus) % modulus);
}

/** How often the most frequent value occurs. */
export function mostFrequent(values: readonly number[]): number {
  const counts = new Map<number, number>();
  for (const v of values) counts.set(v, (counts.get(v) ?? 0) + 1);
  return Math.max(...counts.values());
}
