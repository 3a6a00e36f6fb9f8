/** What is known of one flow while it runs, and the series and marks that it leaves. Fed by the trace of the stacks. */
import type { Endpoint } from "../tcp/endpoint.ts";
import { flightSize } from "../tcp/flight.ts";
import type { Tcb } from "../tcp/tcb.ts";
import { seqDiff } from "../wire/seq.ts";
import { ACK, SYN, type TcpSegment } from "../wire/tcp-segment.ts";
import type { FlowPlan } from "./plan.ts";
import type { FlowResult, MarkKind, Marks } from "./record.ts";

interface FlowSeries {
  readonly [column: string]: number[];
  readonly t: number[];
  readonly cwnd: number[];
  readonly ssthresh: number[];
  readonly flight: number[];
  readonly srtt: number[];
  readonly rtt: number[];
  readonly rate: number[];
}

/** Round trips as the sender measured them; ms. */
class RoundTrips {
  min = Infinity;
  sum = 0;
  count = 0;
  last = 0;
  private seen = 0;
  private srtt = 0;

  /** A sample moves the smoothed time by an eighth of its distance, so two of these tell the sample (RFC 6298 §2.3). */
  look(t: Tcb): void {
    const { samples, srtt } = t.rtt;
    if (samples === this.seen) return;
    this.last = samples === 1 || samples > this.seen + 1 ? srtt : srtt + 7 * (srtt - this.srtt);
    this.count++;
    this.sum += this.last;
    if (t.rtt.minRtt < this.min) this.min = t.rtt.minRtt;
    this.seen = samples;
    this.srtt = srtt;
  }

  /** Another connection's samples follow. */
  another(): void {
    this.seen = 0;
    this.srtt = 0;
  }
}

export class FlowStats {
  readonly plan: FlowPlan;
  /** Of the user's bytes, at whom they are for. */
  bytes = 0;
  /** ms; -1: not yet. */
  started = -1;
  lastByte = -1;
  /** When it ended, done or failed. */
  over = -1;
  retransmits = 0;
  timeouts = 0;
  outcome = "";
  /** The connection whose window is shown: the one that sends the data. */
  sender: Tcb | null = null;
  /** Of a user function: how many bytes its connections received until now. */
  counts: (() => number) | null = null;
  private readonly trips = new RoundTrips();
  private readonly series: FlowSeries = {
    t: [],
    cwnd: [],
    ssthresh: [],
    flight: [],
    srtt: [],
    rtt: [],
    rate: [],
  };
  /** When each answer was there, and how long it had taken from the request on; ms. */
  private readonly answers: { readonly t: number[]; readonly time: number[] } = { t: [], time: [] };
  private readonly marks: Marks | null;
  private sampled = 0;
  private sampledAt = 0;
  private retries = 0;
  /** Its name is kept, as a connection that is over has none. */
  private controller = "";

  constructor(plan: FlowPlan) {
    this.plan = plan;
    this.marks = plan.marks ? { t: [], kind: [], from: [], to: [] } : null;
  }

  /** From now on this connection's window and round trips are the flow's. */
  shows(endpoint: Endpoint): void {
    this.sender = endpoint as unknown as Tcb;
    this.trips.another();
    this.retries = 0;
  }

  received(length: number, now: number): void {
    this.bytes += length;
    this.lastByte = now;
  }

  /** One request was answered, whole. */
  answered(asked: number, now: number): void {
    this.answers.t.push(now);
    this.answers.time.push(now - asked);
  }

  ends(outcome: string, now: number): void {
    if (this.over >= 0) return;
    this.outcome = outcome;
    this.over = now;
  }

  segmentReceived(t: Tcb, s: TcpSegment, now: number): void {
    if (this.counts !== null && s.payloadLength > 0) this.lastByte = now;
    if (t !== this.sender) return;
    this.trips.look(t);
    if (this.marks === null || (s.flags & ACK) === 0) return;
    const ack = seqDiff(s.ack, t.snd.iss) - 1;
    this.mark("ack", ack, ack, now);
    const scale = (s.flags & SYN) === 0 && t.windowScaling ? t.snd.scale : 0;
    const edge = ack + s.window * 2 ** scale;
    this.mark("window", edge, edge, now);
    for (let i = 0; i < s.sackCount; i++) {
      const [left, right] = [s.sack[2 * i]!, s.sack[2 * i + 1]!];
      const from = ack + ((left - s.ack) | 0);
      this.mark("sack", from, from + ((right - left) | 0), now);
    }
  }

  segmentSent(t: Tcb, s: TcpSegment, remark: string | null, now: number): void {
    const again = remark !== null && remark.startsWith("retransmission");
    if (again) this.retransmits++;
    if (t !== this.sender) return;
    this.trips.look(t);
    if (t.cc !== null) this.controller = t.cc.name;
    // each expiry counts itself in `retries`, and new data acknowledged sets that back
    if (again && t.retries > this.retries) this.timeouts++;
    this.retries = t.retries;
    if (this.marks === null || s.payloadLength === 0) return;
    const from = seqDiff(s.seq, t.snd.iss) - 1;
    this.mark(again ? "retransmission" : "data", from, from + s.payloadLength, now);
  }

  mark(kind: MarkKind, from: number, to: number, now: number): void {
    const { marks } = this;
    if (marks === null) return;
    marks.t.push(now);
    marks.kind.push(kind);
    marks.from.push(from);
    marks.to.push(to);
  }

  sample(now: number): void {
    if (this.started < 0 || (this.over >= 0 && this.over < this.sampledAt)) return;
    const t = this.sender;
    const { series } = this;
    if (this.counts !== null) this.bytes = this.counts();
    const span = now - Math.max(this.sampledAt, this.started);
    series.t.push(now);
    series.rate.push(span > 0 ? ((this.bytes - this.sampled) * 8000) / span : 0);
    if (t !== null) this.trips.look(t);
    series.rtt.push(this.trips.last);
    series.srtt.push(t === null ? 0 : t.rtt.srtt);
    series.flight.push(t === null ? 0 : flightSize(t));
    const cc = t === null ? null : t.cc;
    series.cwnd.push(cc === null ? 0 : cc.cwnd);
    series.ssthresh.push(cc === null ? 0 : cc.ssthresh);
    this.sampled = this.bytes;
    this.sampledAt = now;
  }

  result(now: number): FlowResult {
    const { plan, trips } = this;
    if (this.counts !== null) this.bytes = this.counts();
    const start = this.started < 0 ? plan.start : this.started;
    const end = Math.max(start, this.lastByte);
    // what has no end is measured until the run's
    const span = (this.over >= 0 ? end : Math.max(end, now)) - start;
    return {
      name: plan.name,
      from: plan.from,
      to: plan.to,
      congestionControl: this.controller,
      bytes: this.bytes,
      start,
      end,
      goodput: span > 0 ? (this.bytes * 8000) / span : 0,
      retransmits: this.retransmits,
      timeouts: this.timeouts,
      rttMin: trips.count === 0 ? 0 : trips.min,
      rttMean: trips.count === 0 ? 0 : trips.sum / trips.count,
      outcome: this.state(),
      answers: this.plan.kind === "request" ? this.answers : null,
      series: this.series,
      marks: this.marks,
    };
  }

  private state(): string {
    if (this.outcome !== "") return this.outcome;
    return this.started < 0 ? "not started" : "running";
  }
}
