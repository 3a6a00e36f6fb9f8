/** A segment on its way out: the record that is filled again for each, and where its payload lies. */
import { clearOptions, createTcpSegment, type TcpSegment } from "../../wire/tcp-segment.ts";

export interface Outgoing {
  readonly segment: TcpSegment;
  /** Payload: `length` bytes of the send buffer from `offset` on. */
  offset: number;
  length: number;
  /** One packet, though longer than the MSS: a path MTU probe. */
  whole: boolean;
  /** ECN codepoint of its packet. */
  ecn: number;
  /** TTL and DSCP of a packet without a connection; a TTL of 0 is the stack's. */
  ttl: number;
  typeOfService: number;
  /** For captures: why it leaves, when that is not plain. */
  remark: string | null;
}

export function createOutgoing(): Outgoing {
  return {
    segment: createTcpSegment(),
    offset: 0,
    length: 0,
    whole: false,
    ecn: 0,
    ttl: 0,
    typeOfService: 0,
    remark: null,
  };
}

export function resetOutgoing(out: Outgoing): void {
  clearOptions(out.segment);
  out.segment.flags = 0;
  out.segment.urgentPointer = 0;
  out.offset = 0;
  out.length = 0;
  out.whole = false;
  out.ecn = 0;
  out.ttl = 0;
  out.typeOfService = 0;
  out.remark = null;
}
