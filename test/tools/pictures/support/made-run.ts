/** A run as the simulator would leave it, made by a seed: sawteeth, queues and segments with losses, of any size. */
import { seededRng, uniform } from "../../../../src/base/rng.ts";
import type {
  FlowResult,
  LinkResult,
  MarkKind,
  Marks,
  Series,
  SimRun,
} from "../../../../src/sim/record.ts";

export interface MadeOptions {
  readonly seed?: number;
  readonly flows?: number;
  /** Samples of each series. */
  readonly samples?: number;
  /** Marks of the first flow, about. */
  readonly marks?: number;
  /** ms. */
  readonly duration?: number;
  readonly name?: string;
}

const MSS = 1448;

export function madeRun(options: MadeOptions = {}): SimRun {
  const { seed = 1, flows = 2, samples = 1000, marks = 0, duration = 20_000 } = options;
  const made = Array.from({ length: flows }, (_, i) =>
    flow(`flow${i + 1}`, seed * 100 + i, samples, duration, i === 0 ? marks : 0),
  );
  return {
    scenario: options.name ?? "made",
    seed,
    parameters: { buffer: "100kb", loss: 0.01 },
    replicate: 0,
    duration,
    flows: made,
    links: ["router1>router2", "router2>router1"].map((name, i) =>
      link(name, seed * 7 + i, i === 0 ? samples : 0, duration),
    ),
    digest: "0123456789abcdef".repeat(4),
  };
}

function flow(
  name: string,
  seed: number,
  samples: number,
  duration: number,
  marks: number,
): FlowResult {
  const rng = seededRng(seed);
  const series: Series & Record<string, number[]> = {
    t: [],
    cwnd: [],
    ssthresh: [],
    flight: [],
    srtt: [],
    rtt: [],
    rate: [],
  };
  let [cwnd, ssthresh, srtt] = [10 * MSS, 0x7fffffff, 0];
  for (let i = 0; i < samples; i++) {
    if (uniform(rng) < 12 / samples) {
      ssthresh = Math.max(2 * MSS, Math.floor(cwnd * 0.7));
      cwnd = ssthresh;
    } else {
      cwnd +=
        cwnd < ssthresh ? Math.ceil((cwnd * 40) / samples) : Math.ceil((90_000 * 12) / samples);
    }
    const rtt = i < samples / 50 ? 0 : 20 + cwnd / 5000 + 4 * uniform(rng);
    srtt = srtt === 0 ? rtt : srtt * 0.9 + rtt * 0.1;
    series["t"]!.push((i * duration) / samples);
    series["cwnd"]!.push(cwnd);
    series["ssthresh"]!.push(ssthresh);
    series["flight"]!.push(Math.floor(cwnd * (0.85 + 0.15 * uniform(rng))));
    series["rtt"]!.push(rtt);
    series["srtt"]!.push(srtt);
    series["rate"]!.push(rtt === 0 ? 0 : (cwnd * 8000) / rtt);
  }
  return {
    name,
    from: `left-${name}`,
    to: `right-${name}`,
    congestionControl: "reno",
    bytes: 12_345_678,
    start: 0,
    end: duration,
    goodput: 4.9e6,
    retransmits: 12,
    timeouts: 1,
    rttMin: 20.5,
    rttMean: 31.25,
    outcome: "done",
    answers: null,
    series,
    marks: marks === 0 ? null : makeMarks(seed + 1, marks, duration),
  };
}

/** Rounds of segments and their ACKs, in which now and then one is lost, reported and sent again. */
function makeMarks(seed: number, count: number, duration: number): Marks {
  const rng = seededRng(seed);
  const marks: Marks = { t: [], kind: [], from: [], to: [] };
  const add = (t: number, kind: MarkKind, from: number, to: number): void => {
    marks.t.push(t);
    marks.kind.push(kind);
    marks.from.push(from);
    marks.to.push(to);
  };
  const step = duration / (count / 3);
  let [sent, acked, hole] = [10 * MSS, 0, -1];
  for (let i = 0; marks.t.length < count; i++) {
    const t = i * step;
    add(t, "data", sent, sent + MSS);
    if (hole < 0 && uniform(rng) < 0.01) {
      hole = sent;
      add(t, "dropped", sent, sent + MSS);
    } else if (uniform(rng) < 0.002) {
      add(t, "ce", sent, sent + MSS);
    }
    sent += MSS;
    if (hole >= 0 && sent - hole > 20 * MSS) {
      add(t + step / 3, "retransmission", hole, hole + MSS);
      acked = sent - 2 * MSS;
      hole = -1;
    } else if (hole >= 0 && sent - hole > 8 * MSS) {
      add(t + step / 3, "sack", hole + MSS, sent - 7 * MSS);
    } else if (hole < 0) {
      acked = Math.max(acked, sent - 10 * MSS);
    }
    add(t + step / 2, "ack", acked, acked);
    add(t + step / 2, "window", acked + 200_000, acked + 200_000);
  }
  return marks;
}

function link(name: string, seed: number, samples: number, duration: number): LinkResult {
  const rng = seededRng(seed);
  const series: Series & Record<string, number[]> = {
    t: [],
    queueBytes: [],
    queuePackets: [],
    delay: [],
  };
  let packets = 0;
  for (let i = 0; i < samples; i++) {
    packets = Math.min(100, Math.max(0, packets + Math.round(6 * uniform(rng) - 2.9)));
    series["t"]!.push((i * duration) / samples);
    series["queueBytes"]!.push(packets * 1500);
    series["queuePackets"]!.push(packets);
    series["delay"]!.push(packets * 1.2);
  }
  const none = {
    lost: 0,
    aqmDropped: 0,
    cut: 0,
    tooBig: 0,
    fragmented: 0,
    marked: 0,
    duplicated: 0,
    corrupted: 0,
  };
  const queue = { queueMean: 40, queueMost: 100, waitMean: 48 };
  return {
    name,
    packets: 8000,
    bytes: 12e6,
    overflowed: 12,
    reordered: 0,
    ...none,
    ...queue,
    series,
  };
}
