/**
 * What a stack tells over `node:diagnostics_channel`, under one prefix; docs/looking-inside.md lists the messages. Nothing is
 * made and nobody watches the connections while no channel has a subscriber.
 */
import { type Channel, channel } from "node:diagnostics_channel";
import type { PacketRemark } from "../base/device.ts";
import type { Instant } from "../base/time.ts";
import type { Endpoint } from "../tcp/endpoint.ts";
import type { Tcb } from "../tcp/tcb.ts";
import type { TcpTrace } from "../tcp/trace.ts";
import { formatIpv4 } from "../wire/address.ts";
import { formatPacket } from "../wire/format.ts";
import { seqDiff } from "../wire/seq.ts";

const CONNECTION = channel("tuntcp:connection");
const STATE = channel("tuntcp:state");
const RETRANSMIT = channel("tuntcp:retransmit");
const LOSS = channel("tuntcp:loss");
const CWND = channel("tuntcp:cwnd");
const DROP = channel("tuntcp:drop");

/** Those that need a watcher of connections. */
const WATCHING: readonly Channel[] = [CONNECTION, STATE, RETRANSMIT, LOSS, CWND];

export function hasWatchers(): boolean {
  for (let i = 0; i < WATCHING.length; i++) if (WATCHING[i]!.hasSubscribers) return true;
  return false;
}

/** Of every message about a connection. `at`: ms, as `performance.now()`. */
interface About {
  readonly connection: Endpoint;
  /** `192.0.2.2:80` */
  readonly local: string;
  readonly remote: string;
  readonly at: number;
}

function about(endpoint: Endpoint, at: Instant): About {
  return {
    connection: endpoint,
    local: `${formatIpv4(endpoint.localAddress)}:${endpoint.localPort}`,
    remote: `${formatIpv4(endpoint.remoteAddress)}:${endpoint.remotePort}`,
    at,
  };
}

/** What was told of a connection last, bytes. */
interface Known {
  cwnd: number;
  ssthresh: number;
  lost: number;
}

export class ChannelTrace implements TcpTrace {
  private readonly known = new WeakMap<Endpoint, Known>();

  stateChange(
    endpoint: Endpoint,
    from: Tcb["state"],
    to: Tcb["state"],
    why: string,
    now: Instant,
  ): void {
    if (STATE.hasSubscribers) STATE.publish({ ...about(endpoint, now), from, to, why });
    if (to === "ESTABLISHED" && CONNECTION.hasSubscribers) {
      // only who is asked has a listener
      const passive = (endpoint as unknown as Tcb).listener !== null || from === "LISTEN";
      CONNECTION.publish({ ...about(endpoint, now), opened: passive ? "passive" : "active" });
    }
  }

  segmentReceived(): void {}

  segmentSent(
    endpoint: Endpoint,
    segment: { readonly seq: Tcb["snd"]["una"]; readonly payloadLength: number },
    remark: string | null,
    now: Instant,
  ): void {
    if (remark === null || !remark.startsWith("retransmission") || !RETRANSMIT.hasSubscribers)
      return;
    const { snd } = endpoint as unknown as Tcb;
    RETRANSMIT.publish({
      ...about(endpoint, now),
      seq: seqDiff(segment.seq, snd.iss),
      length: segment.payloadLength,
      why: remark,
    });
  }

  updated(endpoint: Endpoint, now: Instant): void {
    if (!CWND.hasSubscribers && !LOSS.hasSubscribers) return;
    const { cc, sent, recovery } = endpoint as unknown as Tcb;
    if (cc === null) return;
    const { cwnd, ssthresh } = cc;
    const lost = sent === null ? 0 : sent.lost;
    const known = this.known.get(endpoint) ?? { cwnd: 0, ssthresh: 0, lost: 0 };
    if (lost > known.lost && LOSS.hasSubscribers)
      LOSS.publish({ ...about(endpoint, now), bytes: lost - known.lost, lost, recovery });
    if ((cwnd !== known.cwnd || ssthresh !== known.ssthresh) && CWND.hasSubscribers)
      CWND.publish({ ...about(endpoint, now), cwnd, ssthresh, before: known.cwnd });
    this.known.set(endpoint, { cwnd, ssthresh, lost });
  }
}

/** A packet that came and was not taken; `remark` says why. */
export function tellDrop(
  buffer: Uint8Array,
  offset: number,
  length: number,
  remark: PacketRemark,
  at: Instant,
): void {
  if (!DROP.hasSubscribers) return;
  DROP.publish({
    why: remark,
    packet: formatPacket(buffer, offset, length),
    bytes: buffer.slice(offset, offset + length),
    at,
  });
}
