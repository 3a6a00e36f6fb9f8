/**
 * `NODE_DEBUG`: what a stack does, in lines on stderr for whoever asks. Sections: tuntcp (connections), tuntcp-tun (the
 * device), tuntcp-ip (packets not taken), tuntcp-tcp (segments), tuntcp-timer (timers). Nothing is made for a section that is off.
 */
import { debuglog } from "node:util";
import type { Device } from "../base/device.ts";
import type { Instant } from "../base/time.ts";
import type { Endpoint } from "../tcp/endpoint.ts";
import type { TcpState } from "../tcp/state.ts";
import type { TcpTrace } from "../tcp/trace.ts";
import { formatIpv4 } from "../wire/address.ts";
import { formatPacket, formatSegment } from "../wire/format.ts";
import type { TcpSegment } from "../wire/tcp-segment.ts";

const connections = debuglog("tuntcp");
const device = debuglog("tuntcp-tun");
const ip = debuglog("tuntcp-ip");
const tcp = debuglog("tuntcp-tcp");
const timer = debuglog("tuntcp-timer");

function pair(e: Endpoint): string {
  const local = `${formatIpv4(e.localAddress)}:${e.localPort}`;
  return `${local} ${formatIpv4(e.remoteAddress)}:${e.remotePort}`;
}

const lines: TcpTrace = {
  stateChange(endpoint: Endpoint, from: TcpState, to: TcpState, why: string): void {
    if (!connections.enabled) return;
    const told = why === "" ? "" : ` (${why})`;
    connections("%s: %s -> %s%s", pair(endpoint), from, to, told);
  },
  segmentReceived(endpoint: Endpoint, segment: TcpSegment): void {
    if (tcp.enabled) tcp("%s: < %s", pair(endpoint), formatSegment(segment));
  },
  segmentSent(endpoint: Endpoint, segment: TcpSegment, remark: string | null): void {
    if (!tcp.enabled) return;
    const said = remark === null ? "" : ` (${remark})`;
    tcp("%s: > %s%s", pair(endpoint), formatSegment(segment), said);
  },
  timerExpired(endpoint: Endpoint, name: string, now: Instant): void {
    if (!timer.enabled) return;
    const { rto, srtt, retries } = endpoint.info(now);
    timer(
      "%s: %s ran out; rto %s ms, srtt %s ms, %d times before",
      pair(endpoint),
      name,
      rto.toFixed(0),
      srtt.toFixed(1),
      retries,
    );
  },
};

export const trace: TcpTrace | null =
  connections.enabled || tcp.enabled || timer.enabled ? lines : null;

/** Whether anybody reads of packets that are not taken, and of the device. */
export const PACKETS: boolean = ip.enabled;
export const DEVICE: boolean = device.enabled;

export function drop(buffer: Uint8Array, offset: number, length: number, remark: string): void {
  ip("%s: %s", remark, formatPacket(buffer, offset, length));
}

export function opened({ name, mtu, offload }: Device, addresses: string): void {
  const { checksum, tso } = offload;
  const helps = tso ? "checksums and segmentation" : checksum ? "checksums" : "nothing";
  device("%s: open, %s, mtu %d, offloads %s", name, addresses, mtu, helps);
}

export function batch({ name }: Device, packets: number, bytes: number): void {
  device("%s: %d packets came, %d bytes", name, packets, bytes);
}

export function deviceEnd({ name }: Device, how: string): void {
  device("%s: %s", name, how);
}

export function late(by: number): void {
  timer("the process was held up for %s ms: the device is read before timers count", by.toFixed(0));
}
