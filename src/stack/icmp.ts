/** ICMP as a host speaks it: echo, errors handed to the connection they quote, errors sent within a limit. */
import { readU16, writeI32 } from "../base/bytes.ts";
import type { ErrorCode, Failure } from "../base/errors.ts";
import type { Instant } from "../base/time.ts";
import { formatIpv4, ipv4, type Ipv4Address } from "../wire/address.ts";
import { readI32 } from "../base/bytes.ts";
import { createIcmpMessage, type IcmpMessage, readIcmp } from "../wire/icmpv4.ts";
import {
  createIpv4Header,
  type Ipv4Header,
  PROTO_ICMP,
  PROTO_TCP,
  readIpv4,
  writeIpv4,
} from "../wire/ipv4.ts";
import { seq } from "../wire/seq.ts";
import type { TcpConnection } from "../tcp/connection.ts";
import type { Counters } from "./counters.ts";
import type { HalfOpen } from "./half-open.ts";
import type { IcmpRateLimit } from "./icmp-limit.ts";
import type { PacketOutput } from "./packet-output.ts";

const ECHO_REPLY = 0;
const UNREACHABLE = 3;
export const ECHO_REQUEST = 8;
const TIME_EXCEEDED = 11;
const PARAMETER_PROBLEM = 12;

export type FindConnection = (
  local: Ipv4Address,
  localPort: number,
  remote: Ipv4Address,
  remotePort: number,
) => TcpConnection | null;

/** Why such a message is dropped; of several stacks that share one address another may know the connection. */
export const NOBODYS_ERROR = "ICMP error for no connection";

export class IcmpHandler {
  private readonly output: PacketOutput;
  private readonly counters: Counters;
  private readonly find: FindConnection;
  private readonly nextId: (source: Ipv4Address, destination: Ipv4Address) => number;
  private readonly message: IcmpMessage = createIcmpMessage();
  private readonly limit: IcmpRateLimit;

  constructor(
    output: PacketOutput,
    counters: Counters,
    find: FindConnection,
    nextId: (source: Ipv4Address, destination: Ipv4Address) => number,
    limit: IcmpRateLimit,
  ) {
    this.output = output;
    this.counters = counters;
    this.find = find;
    this.nextId = nextId;
    this.limit = limit;
  }

  input(
    header: Ipv4Header,
    buffer: Uint8Array,
    offset: number,
    length: number,
    now: Instant,
  ): string | null {
    this.counters.add("IcmpInMsgs");
    const m = this.message;
    const bad = readIcmp(buffer, offset, length, m);
    if (bad !== null) {
      this.counters.add("IcmpInErrors");
      return `dropped: ICMP ${bad}`;
    }
    switch (m.type) {
      case ECHO_REQUEST: {
        // identifier and sequence come back as they are, and so does every byte (RFC 792)
        const rest = readI32(buffer, offset + 4);
        const id = this.nextId(header.destination, header.source);
        this.output.icmp(
          header.destination,
          header.source,
          ECHO_REPLY,
          0,
          rest,
          buffer,
          m.bodyOffset,
          m.bodyOffset + m.bodyLength,
          id,
        );
        return null;
      }
      case UNREACHABLE:
      case TIME_EXCEEDED:
      case PARAMETER_PROBLEM:
        return this.error(m, buffer, now);
      default:
        // source quench (RFC 6633), redirect and what nobody knows: silently
        this.counters.add("IcmpInIgnored");
        return "dropped: ICMP type not used";
    }
  }

  /** To the connection that the quoted headers name (RFC 9293 §3.9.2.2, MUST-54). */
  private error(m: IcmpMessage, buffer: Uint8Array, now: Instant): string | null {
    const at = m.bodyOffset;
    const ihl = m.bodyLength >= 20 ? (buffer[at]! & 15) * 4 : 0;
    if (
      ihl < 20 ||
      buffer[at]! >> 4 !== 4 ||
      m.bodyLength < ihl + 8 ||
      buffer[at + 9] !== PROTO_TCP
    ) {
      return this.counters.drop("IcmpInErrors", "ICMP error that quotes nothing of ours");
    }
    const local = ipv4(readI32(buffer, at + 12));
    const remote = ipv4(readI32(buffer, at + 16));
    const connection = this.find(
      local,
      readU16(buffer, at + ihl),
      remote,
      readU16(buffer, at + ihl + 2),
    );
    if (connection === null) return this.counters.drop("IcmpInErrors", NOBODYS_ERROR);
    const quoted = seq(readI32(buffer, at + ihl + 4));
    let taken: boolean;
    if (m.type === UNREACHABLE && m.code === 4) {
      taken = connection.onPathMtu(m.nextHopMtu, readU16(buffer, at + 2), quoted, now);
    } else {
      const hard = m.type === UNREACHABLE && (m.code === 2 || m.code === 3);
      taken = connection.onIcmpError(hard, describe(m, remote), quoted, now);
    }
    if (!taken)
      return this.counters.drop(
        "TcpExtOutOfWindowIcmps",
        "ICMP error that quotes nothing under way",
      );
    connection.env.mark(connection);
    return null;
  }

  /**
   * An error in answer to a packet at `buffer[offset ..]` that came for us alone: header and 8 bytes are quoted
   * (RFC 1122 §3.2.2). `rest`: the second word. None answers an ICMP error or a fragment but the first.
   */
  send(
    header: Ipv4Header,
    buffer: Uint8Array,
    offset: number,
    type: number,
    code: number,
    rest: number,
    now: Instant,
  ): void {
    if (header.fragmentOffset !== 0 || isIcmpError(header, buffer, offset)) return;
    if (!this.limit.take(header.source, now)) {
      this.counters.add("IcmpOutRateLimited");
      return;
    }
    const to = offset + Math.min(header.totalLength, header.headerLength + 8);
    this.output.icmp(header.destination, header.source, type, code, rest, buffer, offset, to, 0);
  }

  /** Time exceeded, code 1: only with fragment 0 held is there something to quote (RFC 1122 §3.3.2). */
  reassemblyTimeout(first: Uint8Array, now: Instant): void {
    const h = createIpv4Header();
    // the header names the length of the whole fragment, of which `first` is the head
    if (readIpv4(first, 0, readU16(first, 2), h) === null) {
      this.send(h, first, 0, TIME_EXCEEDED, 1, 0, now);
    }
  }

  /** Nobody is to be found where a SYN wants to go. What is quoted is as it came in all that a client looks at. */
  synUnreachable(h: HalfOpen, toNet: boolean, now: Instant): void {
    const quoted = new Uint8Array(40);
    writeIpv4(quoted, 0, 40, 0, 0, true, 64, PROTO_TCP, h.remote, h.local);
    writeI32(quoted, 20, (h.remotePort << 16) | h.localPort);
    writeI32(quoted, 24, h.irs);
    const header = createIpv4Header();
    if (readIpv4(quoted, 0, 40, header) !== null) return;
    this.send(header, quoted, 0, UNREACHABLE, toNet ? 0 : 1, 0, now);
  }

  /** Nobody speaks the packet's protocol. */
  protocolUnreachable(header: Ipv4Header, buffer: Uint8Array, offset: number, now: Instant): void {
    this.send(header, buffer, offset, UNREACHABLE, 2, 0, now);
  }

  /** A bad IP option, at `header.badOptionAt` of the packet (RFC 1122 §3.2.2.5). */
  badOption(header: Ipv4Header, buffer: Uint8Array, offset: number, now: Instant): void {
    this.send(header, buffer, offset, PARAMETER_PROBLEM, 0, header.badOptionAt << 24, now);
  }
}

/** All types but the queries and their answers count as errors, unknown ones too (RFC 1122 §3.2.2). */
function isIcmpError(header: Ipv4Header, buffer: Uint8Array, offset: number): boolean {
  if (header.protocol !== PROTO_ICMP) return false;
  if (header.totalLength === header.headerLength) return true;
  const type = buffer[offset + header.headerLength]!;
  return type !== ECHO_REQUEST && type !== ECHO_REPLY && (type < 13 || type > 18);
}

function describe(m: IcmpMessage, remote: Ipv4Address): Failure {
  const who = formatIpv4(remote);
  if (m.type === TIME_EXCEEDED)
    return { code: "EHOSTUNREACH", message: `time exceeded on the way to ${who}` };
  if (m.type === PARAMETER_PROBLEM)
    return { code: "EHOSTUNREACH", message: `parameter problem on the way to ${who}` };
  const codes: Readonly<Record<number, ErrorCode>> = {
    0: "ENETUNREACH",
    1: "EHOSTUNREACH",
    2: "ECONNREFUSED",
    3: "ECONNREFUSED",
    6: "ENETUNREACH",
    9: "ENETUNREACH",
    13: "EHOSTUNREACH",
  };
  const code = codes[m.code] ?? "EHOSTUNREACH";
  return { code, message: `ICMP unreachable, code ${m.code}, from the way to ${who}` };
}
