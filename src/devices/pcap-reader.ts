/** Reads captures: pcapng and classic pcap, both byte orders, any resolution of time. Refuses what it does not know in one line. */
import {
  BYTE_ORDER_MAGIC,
  type Direction,
  ENHANCED_PACKET,
  INTERFACE_DESCRIPTION,
  LINKTYPE_RAW,
  OPTION_COMMENT,
  OPTION_FLAGS,
  OPTION_TSRESOL,
  SECTION_HEADER,
} from "./pcapng.ts";

/** Bytes before the packet: raw IP under its three numbers, Ethernet, BSD loopback, `-i any` of Linux, old and new. */
const LINK_OFFSET: Readonly<Record<number, number>> = {
  [LINKTYPE_RAW]: 0,
  12: 0,
  228: 0,
  1: 14,
  0: 4,
  113: 16,
  276: 20,
};

export interface CapturedPacket {
  /** ms since 1970. */
  readonly time: number;
  readonly direction: Direction | null;
  readonly comment: string | null;
  /** From the IPv4 header on. */
  readonly packet: Uint8Array;
}

interface Interface {
  readonly skip: number;
  /** Units of its timestamps in a ms. */
  perMs: number;
}

/** Throws an Error with one line when the bytes are no capture. */
export function readCapture(bytes: Uint8Array): CapturedPacket[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length >= 12 && view.getUint32(0, true) === SECTION_HEADER)
    return readPcapng(bytes, view);
  if (bytes.length >= 24) {
    for (const little of [true, false]) {
      const magic = view.getUint32(0, little);
      if (magic === 0xa1b2c3d4) return readPcap(bytes, view, little, 1000);
      if (magic === 0xa1b23c4d) return readPcap(bytes, view, little, 1_000_000);
    }
  }
  throw new Error("not a capture: neither pcapng nor pcap begins like this");
}

function linkOffset(type: number): number {
  const skip = LINK_OFFSET[type];
  if (skip === undefined) throw new Error(`link type ${type} of the capture is not understood`);
  return skip;
}

function readPcap(
  bytes: Uint8Array,
  view: DataView,
  little: boolean,
  perMs: number,
): CapturedPacket[] {
  const skip = linkOffset(view.getUint32(20, little) & 0xffff);
  const out: CapturedPacket[] = [];
  for (let at = 24; at + 16 <= bytes.length;) {
    const time = view.getUint32(at, little) * 1000 + view.getUint32(at + 4, little) / perMs;
    const size = view.getUint32(at + 8, little);
    if (at + 16 + size > bytes.length) break; // cut off
    const packet = bytes.subarray(at + 16 + skip, at + 16 + size);
    out.push({ time, direction: null, comment: null, packet });
    at += 16 + size;
  }
  return out;
}

function readPcapng(bytes: Uint8Array, view: DataView): CapturedPacket[] {
  const out: CapturedPacket[] = [];
  let interfaces: Interface[] = [];
  let little = true;
  for (let at = 0; at + 12 <= bytes.length;) {
    const isSection = view.getUint32(at, true) === SECTION_HEADER;
    if (isSection) {
      little = view.getUint32(at + 8, true) === BYTE_ORDER_MAGIC;
      interfaces = [];
    }
    const type = view.getUint32(at, little);
    const size = view.getUint32(at + 4, little);
    if (size < 12 || size % 4 !== 0 || at + size > bytes.length) break; // cut off
    if (type === INTERFACE_DESCRIPTION) interfaces.push(describe(view, at, size, little));
    else if (type === ENHANCED_PACKET) {
      const from = interfaces[view.getUint32(at + 8, little)];
      const packet = from === undefined ? null : enhanced(bytes, view, at, size, little, from);
      if (packet !== null) out.push(packet);
    }
    at += size;
  }
  return out;
}

function describe(view: DataView, at: number, size: number, little: boolean): Interface {
  const found: Interface = { skip: linkOffset(view.getUint16(at + 8, little)), perMs: 1000 };
  eachOption(view, at + 16, at + size - 4, little, (code, from) => {
    if (code !== OPTION_TSRESOL) return;
    const r = view.getUint8(from);
    found.perMs = ((r & 0x80) !== 0 ? 2 ** (r & 0x7f) : 10 ** r) / 1000;
  });
  return found;
}

function enhanced(
  bytes: Uint8Array,
  view: DataView,
  at: number,
  size: number,
  little: boolean,
  from: Interface,
): CapturedPacket | null {
  const length = view.getUint32(at + 20, little);
  if (32 + length > size) return null;
  const units = view.getUint32(at + 12, little) * 4294967296 + view.getUint32(at + 16, little);
  let direction: Direction | null = null;
  let comment: string | null = null;
  eachOption(view, at + 28 + ((length + 3) & ~3), at + size - 4, little, (code, o, n) => {
    if (code === OPTION_COMMENT) comment = new TextDecoder().decode(bytes.subarray(o, o + n));
    if (code === OPTION_FLAGS && n >= 4) {
      const way = view.getUint32(o, little) & 3;
      direction = way === 1 ? "in" : way === 2 ? "out" : null;
    }
  });
  const packet = bytes.subarray(at + 28 + from.skip, at + 28 + length);
  return { time: units / from.perMs, direction, comment, packet };
}

function eachOption(
  view: DataView,
  start: number,
  end: number,
  little: boolean,
  visit: (code: number, from: number, length: number) => void,
): void {
  for (let at = start; at + 4 <= end;) {
    const code = view.getUint16(at, little);
    const length = view.getUint16(at + 2, little);
    if (code === 0 || at + 4 + length > end) return;
    visit(code, at + 4, length);
    at += 4 + ((length + 3) & ~3);
  }
}
