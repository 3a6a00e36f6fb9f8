// A fuzzer small enough to be checked by eye: an input is some bytes, its features are the pairs of neighbours, and one that holds 7
// before 7 is a finding. Inputs are made from the corpus, so what a job finds depends on the rounds before.

/** Numbers below 2^32 out of a seed (xorshift). */
function numbers(seed) {
  let x = seed | 1;
  return () => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return x >>> 0;
  };
}

export function beginToy(_specification, job, pace) {
  const next = numbers(job.seed);
  const reached = new Set(job.known);
  const inputs = [];
  const findings = [];
  let executions = 0;
  const one = () => {
    const { corpus } = job;
    const from = corpus.length === 0 ? [] : [...corpus[next() % corpus.length]];
    const data = Uint8Array.from([...from.slice(0, next() % 6), next() % 12, next() % 12]);
    const pairs = [...data.keys()].slice(1).map((i) => data[i - 1] * 256 + data[i]);
    const features = [...new Set(pairs.filter((pair) => !reached.has(pair)))];
    for (const feature of features) reached.add(feature);
    if (features.length > 0) inputs.push({ data, features });
    if (pairs.includes(7 * 256 + 7))
      findings.push({ data: Uint8Array.of(7, 7), what: "7 before 7" });
    executions++;
  };
  return {
    step() {
      const end = Date.now() + 5;
      while (executions < job.executions && (executions === 0 || Date.now() < end)) {
        one();
        const until = Date.now() + pace;
        while (Date.now() < until);
      }
      return executions >= job.executions;
    },
    outcome: () => ({ executions, inputs, findings }),
  };
}
