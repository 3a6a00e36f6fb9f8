/** The line of a segment behind the ports: `S 0:0(0) win 65535 <mss 1460>`. */
import { ACK } from "../wire/tcp-segment.ts";
import { scanTcpOptions } from "./option-text.ts";
import { type IpFields, NO_BYTES, type Packet, type TcpFields } from "./packet.ts";
import {
  atEnd,
  closed,
  fitting,
  Once,
  scanData,
  scanIpWords,
  scanLength,
  wordOf,
} from "./scan-parts.ts";
import type { Scanner } from "./scanner.ts";
import { parseTcpFlags } from "./tcp-flags.ts";
import { tcpOptionsSize } from "./tcp-option.ts";

const U16 = 65535;
const U32 = 0xffffffff;
/** Bytes of options that a header has room for. */
const OPTION_ROOM = 40;
const TCP_WORDS = ["ack", "win", "urg", "doff", "rsv", "sum", "data"] as const;

/** What was written, as all else has its usual value. */
export interface SaidSegment {
  readonly packet: Packet & { readonly ip: IpFields; readonly tcp: TcpFields };
  /**
   * `flags`, `seq`, `length`, `ack`, `win`, `urg`, `doff`, `rsv`, `sum`, `<…>`, `data`, and the fields of IPv4 as `ip ttl`.
   */
  readonly said: ReadonlySet<string>;
}

/** With `open`, flags may be `*` for any, and numbers may be missing. */
export function scanSegment(s: Scanner, ip: IpFields, tcp: TcpFields, open: boolean): SaidSegment {
  const once = new Once(s);
  if (!open || !s.take("*")) scanFlags(s, once, tcp);
  const length = open && !s.atNumber() ? null : scanNumbers(s, once, tcp);
  const packet = { ip, tcp, icmp: null, payload: NO_BYTES, trailer: NO_BYTES };
  let data: Uint8Array | null = null;
  while (!atEnd(s)) {
    if (s.take("<")) {
      once.mark("<…>");
      tcp.options = s.take(">") ? [] : closed(s, scanTcpOptions(s));
    } else if (s.take("[")) scanIpWords(s, once, packet, ip);
    else {
      const word = wordOf(s, once, TCP_WORDS);
      if (word === "data") data = scanData(s);
      else scanTcpWord(s, word, tcp);
    }
  }
  const size = tcpOptionsSize(tcp.options);
  if (size > OPTION_ROOM && tcp.dataOffset === null) {
    s.fail(
      `the options take ${size} bytes of ${OPTION_ROOM}: give doff N to send them all the same`,
    );
  }
  packet.payload = fitting(s, length, data);
  return { packet, said: once.seen };
}

export function scanTcp(s: Scanner, ip: IpFields, tcp: TcpFields): Packet {
  const { packet, said } = scanSegment(s, ip, tcp, false);
  if ((tcp.flags & ACK) !== 0 && !said.has("ack")) s.fail('the flag "." needs "ack N"');
  return packet;
}

/** Letters, and a dot among or behind them; "-" alone. */
function scanFlags(s: Scanner, once: Once, tcp: TcpFields): void {
  const start = s.at;
  const text = s.take("-") ? "-" : s.takeWord();
  const flags = parseTcpFlags(text);
  if (flags === null) {
    s.at = start;
    s.fail(`expected flags out of SFRPUEWA and . (or - for none), not ${s.here()}`);
  }
  tcp.flags = flags;
  once.mark("flags");
}

/** `1:11(10)`, or less of it; the length, null where none was said. */
function scanNumbers(s: Scanner, once: Once, tcp: TcpFields): number | null {
  const start = s.at;
  tcp.seq = s.number("the sequence number", U32);
  once.mark("seq");
  const end = s.take(":") ? s.number("the end of the sequence numbers", U32) : null;
  const length = scanLength(s);
  if (length !== null) once.mark("length");
  if (end === null) return length;
  if (length === null) s.fail("expected the length in brackets, as 1:11(10)");
  if ((tcp.seq + length) >>> 0 !== end) {
    s.fail(`${tcp.seq}:${end}(${length}): the numbers are ${(end - tcp.seq) >>> 0} apart`, start);
  }
  return length;
}

function scanTcpWord(
  s: Scanner,
  word: Exclude<(typeof TCP_WORDS)[number], "data">,
  tcp: TcpFields,
): void {
  switch (word) {
    case "ack":
      tcp.ack = s.number(word, U32);
      return;
    case "win":
      tcp.window = s.number(word, U16);
      return;
    case "urg":
      tcp.urgentPointer = s.number(word, U16);
      return;
    case "doff":
      tcp.dataOffset = s.number(word, 15);
      return;
    case "rsv":
      tcp.reserved = s.number(word, 7);
      return;
    case "sum":
      tcp.checksum = s.number(word, U16);
      return;
  }
}
