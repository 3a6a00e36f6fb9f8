/** TCP options (RFC 9293 §3.2, RFC 7323, RFC 2018): read into the segment's record, and written from it. */
import { readI32, readU16, writeI32, writeU16 } from "../base/bytes.ts";
import { clearOptions, MAX_COOKIE, MAX_SACK_BLOCKS, type TcpOptions } from "./tcp-segment.ts";

const END = 0;
const NOP = 1;
const MSS = 2;
const WINDOW_SCALE = 3;
const SACK_PERMITTED = 4;
const SACK = 5;
const TIMESTAMPS = 8;
const USER_TIMEOUT = 28;
const FAST_OPEN = 34;
/** Bytes: no shorter cookie is one. */
const MIN_COOKIE = 4;
/** NOP, NOP, kind 8, length 10: how nearly every segment with timestamps begins. */
const ALIGNED_TIMESTAMPS = 0x0101080a;

/**
 * Reads buf[from .. to). The first of a repeated option counts; one of a wrong length is as if absent; a
 * length that leads nowhere (0, 1, past the end) ends it as "bad-option" (MUST-7).
 */
export function readTcpOptions(
  buf: Uint8Array,
  from: number,
  to: number,
  out: TcpOptions,
): "bad-option" | null {
  clearOptions(out);
  let at = from;
  if (to - from === 12 && readI32(buf, from) === ALIGNED_TIMESTAMPS) {
    out.hasTimestamps = true;
    out.tsVal = readI32(buf, from + 4);
    out.tsEcr = readI32(buf, from + 8);
    return null;
  }
  while (at < to) {
    const kind = buf[at]!;
    if (kind === END) return null;
    if (kind === NOP) {
      at++;
      continue;
    }
    const length = at + 1 < to ? buf[at + 1]! : 0;
    if (length < 2 || at + length > to) return "bad-option";
    readOne(buf, at, kind, length, out);
    at += length;
  }
  return null;
}

function readOne(buf: Uint8Array, at: number, kind: number, length: number, out: TcpOptions): void {
  switch (kind) {
    case MSS:
      if (length === 4 && out.mss === 0) out.mss = readU16(buf, at + 2);
      return;
    case WINDOW_SCALE:
      // RFC 7323 §2.3: above 14 counts as 14
      if (length === 3 && out.windowScale < 0) {
        out.windowScale = Math.min(14, buf[at + 2]!);
        out.windowScaleOver = buf[at + 2]! > 14;
      }
      return;
    case SACK_PERMITTED:
      if (length === 2) out.sackPermitted = true;
      return;
    case SACK:
      readSack(buf, at, length, out);
      return;
    case TIMESTAMPS:
      if (length === 10 && !out.hasTimestamps) {
        out.hasTimestamps = true;
        out.tsVal = readI32(buf, at + 2);
        out.tsEcr = readI32(buf, at + 6);
      }
      return;
    case USER_TIMEOUT:
      readUserTimeout(buf, at, length, out);
      return;
    case FAST_OPEN:
      readFastOpen(buf, at, length, out);
      return;
    default:
      return; // MUST-6: skipped by its length
  }
}

/** RFC 2018 §3: 8n + 2 bytes, at most 4 blocks. */
function readSack(buf: Uint8Array, at: number, length: number, out: TcpOptions): void {
  const count = (length - 2) / 8;
  if (!Number.isInteger(count) || count < 1 || count > MAX_SACK_BLOCKS || out.sackCount > 0) return;
  out.sackCount = count;
  for (let i = 0; i < 2 * count; i++) out.sack[i] = readI32(buf, at + 2 + 4 * i);
}

/** RFC 7413 §4.1.1: empty, or an even number of bytes from 4 to 16. Only a SYN's is ever looked at. */
function readFastOpen(buf: Uint8Array, at: number, length: number, out: TcpOptions): void {
  const n = length - 2;
  if (out.fastOpen >= 0 || (n !== 0 && (n < MIN_COOKIE || n > MAX_COOKIE || n % 2 !== 0))) return;
  out.fastOpen = n;
  for (let i = 0; i < n; i++) out.cookie[i] = buf[at + 2 + i]!;
}

/** RFC 5482 §3.3: one bit says minutes, 15 bits how many of them or of seconds. */
function readUserTimeout(buf: Uint8Array, at: number, length: number, out: TcpOptions): void {
  if (length !== 4) return;
  const field = readU16(buf, at + 2);
  if (out.userTimeout === 0) out.userTimeout = (field & 0x7fff) * (field > 0x7fff ? 60 : 1);
}

/** In seconds where they fit, else in minutes, rounded up. */
function userTimeoutField(seconds: number): number {
  return seconds <= 0x7fff ? seconds : 0x8000 | Math.min(0x7fff, Math.ceil(seconds / 60));
}

/** Bytes the options take, padded to a multiple of 4. */
export function tcpOptionsLength(o: TcpOptions): number {
  let n = o.mss > 0 ? 4 : 0;
  // SACK-permitted shares the padding of the timestamps where both are there
  if (o.hasTimestamps) n += 12;
  else if (o.sackPermitted) n += 4;
  if (o.windowScale >= 0) n += 4;
  if (o.userTimeout > 0) n += 4;
  if (o.fastOpen >= 0) n += (o.fastOpen + 5) & ~3;
  if (o.sackCount > 0) n += 4 + 8 * o.sackCount;
  return n;
}

/** Writes the options in Linux's order; returns where they end. */
export function writeTcpOptions(buf: Uint8Array, from: number, o: TcpOptions): number {
  let at = from;
  if (o.mss > 0) {
    buf[at] = MSS;
    buf[at + 1] = 4;
    writeU16(buf, at + 2, o.mss);
    at += 4;
  }
  if (o.sackPermitted || o.hasTimestamps) {
    const lead = o.sackPermitted ? SACK_PERMITTED : NOP;
    buf[at] = o.sackPermitted && !o.hasTimestamps ? NOP : lead;
    buf[at + 1] = o.sackPermitted ? (o.hasTimestamps ? 2 : NOP) : NOP;
    if (o.hasTimestamps) {
      buf[at + 2] = TIMESTAMPS;
      buf[at + 3] = 10;
      writeI32(buf, at + 4, o.tsVal);
      writeI32(buf, at + 8, o.tsEcr);
      at += 12;
    } else {
      buf[at + 2] = SACK_PERMITTED;
      buf[at + 3] = 2;
      at += 4;
    }
  }
  if (o.windowScale >= 0) {
    buf[at] = NOP;
    buf[at + 1] = WINDOW_SCALE;
    buf[at + 2] = 3;
    buf[at + 3] = o.windowScale;
    at += 4;
  }
  if (o.userTimeout > 0) {
    buf[at] = USER_TIMEOUT;
    buf[at + 1] = 4;
    writeU16(buf, at + 2, userTimeoutField(o.userTimeout));
    at += 4;
  }
  if (o.fastOpen >= 0) at = writeFastOpen(buf, at, o);
  if (o.sackCount > 0) {
    buf[at] = NOP;
    buf[at + 1] = NOP;
    buf[at + 2] = SACK;
    buf[at + 3] = 2 + 8 * o.sackCount;
    at += 4;
    for (let i = 0; i < 2 * o.sackCount; i++, at += 4) writeI32(buf, at, o.sack[i]!);
  }
  return at;
}

function writeFastOpen(buf: Uint8Array, from: number, o: TcpOptions): number {
  const n = o.fastOpen;
  let at = from;
  buf[at++] = FAST_OPEN;
  buf[at++] = n + 2;
  for (let i = 0; i < n; i++) buf[at++] = o.cookie[i]!;
  // even as it is, it wants two more or none, and Linux has them behind
  if (n % 4 === 0) {
    buf[at++] = NOP;
    buf[at++] = NOP;
  }
  return at;
}
