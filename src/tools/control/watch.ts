/** Segments of a running stack, told as they pass: their headers, as a capture would have them. */
import type { Instant } from "../../base/time.ts";
import type { Stack } from "../../stack/stack.ts";
import type { Endpoint } from "../../tcp/endpoint.ts";
import { IPV4_HEADER, PROTO_TCP, writeIpv4 } from "../../wire/ipv4.ts";
import type { TcpSegment } from "../../wire/tcp-segment.ts";
import { writeTcp } from "../../wire/tcp.ts";
import type { Asker, Handlers } from "./server.ts";

export interface SeenSegment {
  /** ms, of the stack's clock. */
  readonly time: number;
  /** IPv4 and TCP headers in base64; the total length counts the payload, which is not there. */
  readonly packet: string;
  readonly remark: string | null;
  /** So many before it were not told, as who asked did not read. */
  readonly missed: number;
}

const LONGEST_PACKET = 65_535;

/** `port`: only connections with it at one end. */
export function watchHandler(core: Stack): Handlers[string] {
  return ({ port = null }, asker) => {
    if (asker === undefined) throw new Error("watch: over the control socket only");
    if (port !== null && typeof port !== "number") throw new Error("port: a number");
    const leave = core.watch(new Teller(asker, port).trace);
    asker.onEnd(leave);
  };
}

class Teller {
  private readonly asker: Asker;
  private readonly port: number | null;
  private readonly headers = new Uint8Array(IPV4_HEADER + 60);
  private missed = 0;
  readonly trace = {
    stateChange: (): void => {},
    segmentReceived: (e: Endpoint, s: TcpSegment, now: Instant): void =>
      this.tells(e, s, false, null, now),
    segmentSent: (e: Endpoint, s: TcpSegment, remark: string | null, now: Instant): void =>
      this.tells(e, s, true, remark, now),
  };

  constructor(asker: Asker, port: number | null) {
    this.asker = asker;
    this.port = port;
  }

  private tells(
    e: Endpoint,
    s: TcpSegment,
    outgoing: boolean,
    remark: string | null,
    now: Instant,
  ): void {
    const { localAddress, localPort, remoteAddress, remotePort } = e;
    if (this.port !== null && this.port !== localPort && this.port !== remotePort) return;
    const [sourcePort, destinationPort] = outgoing
      ? [localPort, remotePort]
      : [remotePort, localPort];
    const { headers } = this;
    // what leaves gets its ports later
    const size = writeTcp(headers, IPV4_HEADER, { ...s, sourcePort, destinationPort });
    const [from, to] = outgoing ? [localAddress, remoteAddress] : [remoteAddress, localAddress];
    const total = Math.min(IPV4_HEADER + size + s.payloadLength, LONGEST_PACKET);
    writeIpv4(headers, 0, total, 0, 0, true, 64, PROTO_TCP, from, to);
    const packet = Buffer.from(headers.buffer, 0, IPV4_HEADER + size).toString("base64");
    const told: SeenSegment = { time: now, packet, remark, missed: this.missed };
    if (this.asker.tell(told)) this.missed = 0;
    else this.missed++;
  }
}
