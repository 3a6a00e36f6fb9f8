/** Big-endian reads and writes. The caller has checked the length; this is the only unchecked indexing. */

export function readU8(b: Uint8Array, at: number): number {
  return b[at]!;
}

export function readU16(b: Uint8Array, at: number): number {
  return (b[at]! << 8) | b[at + 1]!;
}

/** 32 bits as an int32: V8 keeps it a small integer, which an unsigned value above 2^31 is not. */
export function readI32(b: Uint8Array, at: number): number {
  return (b[at]! << 24) | (b[at + 1]! << 16) | (b[at + 2]! << 8) | b[at + 3]!;
}

export function writeU8(b: Uint8Array, at: number, v: number): void {
  b[at] = v;
}

export function writeU16(b: Uint8Array, at: number, v: number): void {
  b[at] = v >>> 8;
  b[at + 1] = v;
}

export function writeI32(b: Uint8Array, at: number, v: number): void {
  b[at] = v >>> 24;
  b[at + 1] = v >>> 16;
  b[at + 2] = v >>> 8;
  b[at + 3] = v;
}
