/**
 * The events of one connection as a qlog file (draft-ietf-quic-qlog-main-schema): a JSON text sequence whose first record
 * tells what it is. Event names are those that qlog has for QUIC where they fit; their data is TCP's.
 */
import { type Instant, elapsed } from "../../base/time.ts";
import { flightSize, inNetwork } from "../../tcp/flight.ts";
import type { TcpState } from "../../tcp/state.ts";
import type { Tcb } from "../../tcp/tcb.ts";
import { type SeqNum, seqDiff } from "../../wire/seq.ts";
import { ACK, type TcpSegment } from "../../wire/tcp-segment.ts";
import { flagNames } from "../observe/index.ts";
import { LostRanges } from "./lost-ranges.ts";
import type { LogSink } from "./trace.ts";

/** RFC 7464. */
const RECORD = "\u001e";

/** What the congestion metrics were when they were told last. */
type Metrics = Record<string, number>;

export class ConnectionLog {
  private readonly t: Tcb;
  private readonly sink: LogSink;
  private readonly began: Instant;
  private metrics: Metrics = {};
  private recovery = "open";
  private readonly lost = new LostRanges();
  private packetsSent = 0;
  private packetsReceived = 0;

  constructor(
    t: Tcb,
    local: string,
    remote: string,
    sink: LogSink,
    wallClock: string | null,
    now: Instant,
  ) {
    this.t = t;
    this.sink = sink;
    this.began = now;
    this.write(headerOf(local, remote, wallClock));
    this.event("connectivity:connection_started", now, {
      local: placeOf(local),
      remote: placeOf(remote),
    });
  }

  changes(from: TcpState, to: TcpState, why: string, now: Instant): void {
    this.event("connectivity:connection_state_updated", now, {
      old: from,
      new: to,
      ...(why === "" ? {} : { trigger: why }),
    });
    if (to === "ESTABLISHED") this.agreed(now);
    if (to !== "CLOSED") return;
    const { error } = this.t;
    this.event("connectivity:connection_closed", now, {
      trigger: why,
      ...(error === null ? {} : { connection_error: error.code }),
    });
  }

  private agreed(now: Instant): void {
    const { snd, rcv, timestamps, sack, windowScaling, ecn, congestionControl } = this.t;
    this.event("tcp:parameters_set", now, {
      initial_sequence_number: snd.iss >>> 0,
      peer_initial_sequence_number: rcv.irs >>> 0,
      maximum_segment_size: snd.mss,
      timestamps,
      sack,
      window_scale: windowScaling ? { send: snd.scale, receive: rcv.scale } : null,
      ecn: ecn !== null && ecn.agreed,
      congestion_control: congestionControl,
    });
  }

  received(s: TcpSegment, now: Instant): void {
    const { snd, rcv } = this.t;
    const header = headerFields(s, ++this.packetsReceived, rcv.irs, snd.iss);
    this.event("transport:packet_received", now, { header, raw: rawOf(s) });
  }

  sent(s: TcpSegment, remark: string | null, now: Instant): void {
    const { snd, rcv } = this.t;
    const header = headerFields(s, ++this.packetsSent, snd.iss, rcv.irs);
    const again = remark !== null && remark.startsWith("retransmission");
    this.event("transport:packet_sent", now, {
      header,
      raw: rawOf(s),
      ...(again ? { is_retransmission: true } : {}),
      ...(remark === null ? {} : { trigger: remark }),
    });
    if (again) this.lost.leaves(header.seq, header.seq + s.payloadLength);
    if (s.payloadLength > 0) this.looks(now);
  }

  expired(timer: string, now: Instant): void {
    this.event("recovery:timer_updated", now, { event_type: "expired", timer_type: timer });
  }

  /** Tells what has changed since the last look. */
  looks(now: Instant): void {
    const { t } = this;
    const una = seqDiff(t.snd.una, t.snd.iss);
    for (const [from, to] of this.lost.news(t.sent, una))
      this.event("recovery:packet_lost", now, {
        header: { packet_type: "tcp", seq: from },
        raw: { payload_length: to - from },
      });
    if (t.recovery !== this.recovery) {
      this.event("recovery:congestion_state_updated", now, { old: this.recovery, new: t.recovery });
      this.recovery = t.recovery;
    }
    const metrics = metricsOf(t);
    const changed = Object.entries(metrics).filter(([name, n]) => this.metrics[name] !== n);
    if (changed.length === 0) return;
    this.metrics = metrics;
    this.event("recovery:metrics_updated", now, Object.fromEntries(changed));
  }

  end(): void {
    this.sink.end();
  }

  private event(name: string, now: Instant, data: object): void {
    this.write({ time: round(elapsed(this.began, now)), name, data });
  }

  private write(record: object): void {
    this.sink.write(`${RECORD}${JSON.stringify(record)}\n`);
  }
}

function headerOf(local: string, remote: string, wallClock: string | null): object {
  return {
    file_schema: "urn:ietf:params:qlog:file:sequential",
    serialization_format: "application/qlog+json-seq",
    // for readers of the drafts before 10
    qlog_version: "0.3",
    qlog_format: "JSON-SEQ",
    title: `${local} to ${remote}`,
    trace: {
      title: `${local} to ${remote}`,
      vantage_point: { name: local, type: "network" },
      event_schemas: ["urn:tuntcp:qlog:tcp-1"],
      common_fields: {
        group_id: `${local} ${remote}`,
        protocol_types: ["TCP"],
        time_format: "relative_to_epoch",
        reference_time: {
          clock_type: "monotonic",
          epoch: "unknown",
          ...(wallClock === null ? {} : { wall_clock_time: wallClock }),
        },
      },
    },
  };
}

function placeOf(place: string): object {
  const [ip, port] = place.split(":");
  return { ip_v4: ip, port_v4: Number(port) };
}

interface Header {
  readonly packet_type: "tcp";
  readonly packet_number: number;
  readonly flags: readonly string[];
  readonly seq: number;
  readonly ack?: number;
  readonly window: number;
  readonly options?: object;
}

/** Numbers count from the first of their direction, as ladders have them; the window is the field, unscaled. */
function headerFields(s: TcpSegment, number: number, from: SeqNum, to: SeqNum): Header {
  const first = (s.flags & 2) !== 0 ? s.seq : from;
  const options = optionsOf(s, to);
  return {
    packet_type: "tcp",
    packet_number: number,
    flags: flagNames(s.flags).split(","),
    seq: seqDiff(s.seq, first),
    ...((s.flags & ACK) === 0 ? {} : { ack: seqDiff(s.ack, to) }),
    window: s.window,
    ...(Object.keys(options).length === 0 ? {} : { options }),
  };
}

function optionsOf(s: TcpSegment, base: SeqNum): object {
  const blocks: number[][] = [];
  for (let i = 0; i < s.sackCount; i++)
    blocks.push([2 * i, 2 * i + 1].map((at) => seqDiff(s.sack[at]! as SeqNum, base)));
  return {
    ...(s.mss > 0 ? { mss: s.mss } : {}),
    ...(s.windowScale >= 0 ? { window_scale: s.windowScale } : {}),
    ...(s.sackPermitted ? { sack_permitted: true } : {}),
    ...(s.hasTimestamps ? { timestamps: [s.tsVal >>> 0, s.tsEcr >>> 0] } : {}),
    ...(blocks.length > 0 ? { sack: blocks } : {}),
  };
}

const rawOf = ({ payloadLength }: TcpSegment): object => ({ payload_length: payloadLength });

/** As in qlog: ms and bytes. */
function metricsOf(t: Tcb): Metrics {
  const { rtt, cc } = t;
  return {
    ...(rtt.samples === 0
      ? {}
      : {
          min_rtt: round(rtt.minRtt),
          smoothed_rtt: round(rtt.srtt),
          latest_rtt: round(rtt.latest),
          rtt_variance: round(rtt.rttvar),
        }),
    ...(cc === null ? {} : { congestion_window: cc.cwnd, ssthresh: cc.ssthresh }),
    bytes_in_flight: inNetwork(t),
    unacked_bytes: flightSize(t),
    send_window: t.snd.wnd,
    rto_count: t.retries,
  };
}

/** Microseconds are fine enough, and keep the file small. */
function round(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
