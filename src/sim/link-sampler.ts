/** The queue of a link over time, and what the link counted. */
import type { SimLink } from "./network.ts";
import type { LinkResult } from "./record.ts";

export class LinkSampler {
  private readonly link: SimLink;
  private readonly series = {
    t: [] as number[],
    queueBytes: [] as number[],
    queuePackets: [] as number[],
    delay: [] as number[],
  };

  constructor(link: SimLink) {
    this.link = link;
  }

  /** A link without a rate has no queue, and its columns stay empty. */
  sample(now: number): void {
    const { model } = this.link;
    if (model.spec.rate === 0) return;
    this.series.t.push(now);
    this.series.queueBytes.push(model.queueBytes);
    this.series.queuePackets.push(model.queuePackets);
    this.series.delay.push(model.lastWait);
  }

  result(): LinkResult {
    const { queuePackets, delay } = this.series;
    return {
      name: this.link.name,
      ...this.link.model.counters,
      queueMean: mean(queuePackets),
      queueMost: queuePackets.reduce((most, n) => (n > most ? n : most), 0),
      waitMean: mean(delay),
      series: this.series,
    };
  }
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, n) => sum + n, 0) / values.length;
}
