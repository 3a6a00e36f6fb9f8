/** What a simulated run leaves: figures, series over time, and the segments of each flow. Plain data, made for JSON and for pictures. */

/** Columns of equal length; `t` is virtual time in milliseconds and never falls. */
export interface Series {
  readonly t: number[];
  readonly [column: string]: number[];
}

/** Kinds of marks in a time-sequence graph. */
export type MarkKind = "data" | "retransmission" | "ack" | "window" | "sack" | "dropped" | "ce";

/** One segment or edge as seen at the sender: relative sequence numbers [from, to) in bytes, ACK and window lines have from === to. */
export interface Marks {
  readonly t: number[];
  readonly kind: MarkKind[];
  readonly from: number[];
  readonly to: number[];
}

/** What one flow did. */
export interface FlowResult {
  readonly name: string;
  /** Names of hosts. */
  readonly from: string;
  readonly to: string;
  readonly congestionControl: string;
  /** Bytes that the receiving user got, and when (ms of virtual time): first byte asked for, last byte got. */
  readonly bytes: number;
  readonly start: number;
  readonly end: number;
  /** Bits a second of payload over [start, end]. */
  readonly goodput: number;
  readonly retransmits: number;
  readonly timeouts: number;
  /** ms; 0 where there was no sample. */
  readonly rttMin: number;
  readonly rttMean: number;
  /** "done", "running" at the end of the run, or why it failed. */
  readonly outcome: string;
  /** Of a flow of requests: when each answer was there, and how long it took (columns t, time; ms). Null for others. */
  readonly answers: Series | null;
  /** Columns cwnd, ssthresh, flight (bytes), srtt, rtt (ms), rate (bit/s delivered in the last interval). */
  readonly series: Series;
  readonly marks: Marks | null;
}

/** What one direction of a link did. */
export interface LinkResult {
  /** "a>b", one direction. */
  readonly name: string;
  readonly packets: number;
  readonly bytes: number;
  /** Packets lost by the loss model, by a full queue, by AQM, by a cut; marked CE; duplicated; corrupted; reordered. */
  readonly lost: number;
  readonly overflowed: number;
  readonly aqmDropped: number;
  readonly cut: number;
  /** Packets larger than the MTU: dropped, and cut into fragments. */
  readonly tooBig: number;
  readonly fragmented: number;
  readonly marked: number;
  readonly duplicated: number;
  readonly corrupted: number;
  readonly reordered: number;
  /** Packets that waited in the queue, over the samples, and ms that the last packet had waited, on average; 0 without a rate. */
  readonly queueMean: number;
  readonly queueMost: number;
  readonly waitMean: number;
  /** Columns queueBytes, queuePackets, delay (ms that the last packet waited in the queue). */
  readonly series: Series;
}

/** What one run did. */
export interface SimRun {
  readonly scenario: string;
  readonly seed: number;
  /** Parameters of a sweep by name; empty without one. */
  readonly parameters: Readonly<Record<string, number | string | boolean>>;
  readonly replicate: number;
  /** ms of virtual time that passed. */
  readonly duration: number;
  readonly flows: readonly FlowResult[];
  readonly links: readonly LinkResult[];
  /** SHA-256 of the log of all packets in order, hexadecimal: equal for equal seeds on every machine. */
  readonly digest: string;
}
