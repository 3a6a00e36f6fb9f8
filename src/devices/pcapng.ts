/** Writes pcapng: one section, one interface of raw IP, a comment where the stack has something to say. */
import { closeSync, openSync, writeSync } from "node:fs";

/** LINKTYPE_RAW: an IP packet and nothing before it. */
export const LINKTYPE_RAW = 101;
export const SECTION_HEADER = 0x0a0d0d0a;
export const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
export const INTERFACE_DESCRIPTION = 1;
export const INTERFACE_STATISTICS = 5;
export const ENHANCED_PACKET = 6;
export const OPTION_COMMENT = 1;
export const OPTION_FLAGS = 2;
export const OPTION_TSRESOL = 9;
const OPTION_NAME = 2;
const OPTION_APPLICATION = 4;
const OPTION_RECEIVED = 4;
const OPTION_DROPPED = 5;
const SNAP_LENGTH = 262144;
/** Written to the file in pieces of this size: a system call a packet would halve the rate. */
const BUFFER = 262144;

/** What is waited on, in vain. */
const NEVER = new Int32Array(new SharedArrayBuffer(4));

export type Direction = "in" | "out";

export class PcapngWriter {
  private readonly fd: number;
  private readonly ownsFd: boolean;
  private readonly buffer = Buffer.alloc(BUFFER);
  private used = 0;
  private packets = 0;
  private dropped = 0;
  private closed = false;
  private last = 0;

  /** `path` may be `-` for stdout. Throws the system's error when the file cannot be made. */
  constructor(path: string, interfaceName: string) {
    this.ownsFd = path !== "-";
    this.fd = this.ownsFd ? openSync(path, "w", 0o600) : 1;
    this.section();
    this.interface(interfaceName);
  }

  /** `at`: ms since 1970, fractions count. `remark` becomes the packet's comment. */
  packet(
    at: number,
    direction: Direction,
    bytes: Uint8Array,
    offset: number,
    length: number,
    remark: string | null,
  ): void {
    if (this.closed) return;
    this.packets++;
    if (remark !== null && remark.startsWith("dropped")) this.dropped++;
    this.last = at;
    const comment = remark === null ? null : Buffer.from(remark, "utf8");
    const options = 8 + (comment === null ? 0 : 4 + pad(comment.length)) + 4;
    const size = 32 + pad(length) + options;
    const start = this.begin(ENHANCED_PACKET, size);
    const b = this.buffer;
    b.writeUInt32LE(0, start + 8);
    this.time(start + 12, at);
    b.writeUInt32LE(length, start + 20);
    b.writeUInt32LE(length, start + 24);
    b.set(bytes.subarray(offset, offset + length), start + 28);
    b.fill(0, start + 28 + length, start + 28 + pad(length));
    let o = start + 28 + pad(length);
    b.writeUInt16LE(OPTION_FLAGS, o);
    b.writeUInt16LE(4, o + 2);
    b.writeUInt32LE(direction === "in" ? 1 : 2, o + 4);
    o += 8;
    if (comment !== null) o = this.option(o, OPTION_COMMENT, comment);
    this.end(o, start, size);
  }

  flush(): void {
    let from = 0;
    while (from < this.used) from += write(this.fd, this.buffer, from, this.used - from);
    this.used = 0;
  }

  /** Statistics, then the file. Idempotent; everything is written when it returns. */
  close(): void {
    if (this.closed) return;
    const size = 24 + 12 + 12 + 4;
    const start = this.begin(INTERFACE_STATISTICS, size);
    const b = this.buffer;
    b.writeUInt32LE(0, start + 8);
    this.time(start + 12, this.last);
    let o = this.counter(start + 20, OPTION_RECEIVED, this.packets);
    o = this.counter(o, OPTION_DROPPED, this.dropped);
    this.end(o, start, size);
    this.closed = true;
    this.flush();
    if (this.ownsFd) closeSync(this.fd);
  }

  private section(): void {
    const name = Buffer.from("tuntcp");
    const size = 28 + 4 + pad(name.length) + 4;
    const start = this.begin(SECTION_HEADER, size);
    const b = this.buffer;
    b.writeUInt32LE(BYTE_ORDER_MAGIC, start + 8);
    b.writeUInt16LE(1, start + 12);
    b.writeUInt16LE(0, start + 14);
    b.writeBigInt64LE(-1n, start + 16);
    this.end(this.option(start + 24, OPTION_APPLICATION, name), start, size);
  }

  private interface(interfaceName: string): void {
    const name = Buffer.from(interfaceName);
    const size = 20 + 4 + pad(name.length) + 8 + 4;
    const start = this.begin(INTERFACE_DESCRIPTION, size);
    const b = this.buffer;
    b.writeUInt16LE(LINKTYPE_RAW, start + 8);
    b.writeUInt16LE(0, start + 10);
    b.writeUInt32LE(SNAP_LENGTH, start + 12);
    let o = this.option(start + 16, OPTION_NAME, name);
    o = this.option(o, OPTION_TSRESOL, Uint8Array.of(6)); // microseconds
    this.end(o, start, size);
  }

  private begin(type: number, size: number): number {
    if (this.used + size > this.buffer.length) this.flush();
    const start = this.used;
    this.buffer.writeUInt32LE(type, start);
    this.buffer.writeUInt32LE(size, start + 4);
    this.used += size;
    return start;
  }

  private end(at: number, start: number, size: number): void {
    this.buffer.writeUInt32LE(0, at); // end of options
    this.buffer.writeUInt32LE(size, start + size - 4);
  }

  private time(at: number, ms: number): void {
    const us = Math.round(ms * 1000);
    this.buffer.writeUInt32LE(Math.floor(us / 4294967296), at);
    this.buffer.writeUInt32LE(us % 4294967296, at + 4);
  }

  private option(at: number, code: number, value: Uint8Array): number {
    const b = this.buffer;
    b.writeUInt16LE(code, at);
    b.writeUInt16LE(value.length, at + 2);
    b.set(value, at + 4);
    b.fill(0, at + 4 + value.length, at + 4 + pad(value.length));
    return at + 4 + pad(value.length);
  }

  private counter(at: number, code: number, value: number): number {
    this.buffer.writeUInt16LE(code, at);
    this.buffer.writeUInt16LE(8, at + 2);
    this.buffer.writeBigUInt64LE(BigInt(value), at + 4);
    return at + 12;
  }
}

function pad(n: number): number {
  return (n + 3) & ~3;
}

/** As writeSync, but waits where standard output is a full pipe, which Node has made one that does not block. */
function write(fd: number, bytes: Uint8Array, from: number, length: number): number {
  for (;;) {
    try {
      return writeSync(fd, bytes, from, length);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
      Atomics.wait(NEVER, 0, 0, 1);
    }
  }
}
