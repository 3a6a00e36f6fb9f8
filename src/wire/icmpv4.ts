/** ICMP messages (RFC 792, RFC 1191): echo and errors. */
import { readU16, writeI32, writeU16, writeU8 } from "../base/bytes.ts";
import { checksum, foldSum, sum16 } from "./checksum.ts";

const HEADER = 8;

export interface IcmpMessage {
  type: number;
  code: number;
  /** Echo. */
  identifier: number;
  sequence: number;
  /** Fragmentation needed: 0 from routers that do not say. */
  nextHopMtu: number;
  /** Parameter problem. */
  pointer: number;
  buffer: Uint8Array;
  bodyOffset: number;
  bodyLength: number;
}

export type IcmpMalformed = "truncated" | "bad-checksum";

export function createIcmpMessage(): IcmpMessage {
  return {
    type: 0,
    code: 0,
    identifier: 0,
    sequence: 0,
    nextHopMtu: 0,
    pointer: 0,
    buffer: new Uint8Array(0),
    bodyOffset: 0,
    bodyLength: 0,
  };
}

export function readIcmp(
  buf: Uint8Array,
  offset: number,
  length: number,
  out: IcmpMessage,
): IcmpMalformed | null {
  if (length < HEADER) return "truncated";
  if (foldSum(sum16(buf, offset, offset + length)) !== 0xffff) return "bad-checksum";
  out.type = buf[offset]!;
  out.code = buf[offset + 1]!;
  out.identifier = readU16(buf, offset + 4);
  out.sequence = readU16(buf, offset + 6);
  out.pointer = buf[offset + 4]!;
  out.nextHopMtu = out.sequence;
  out.buffer = buf;
  out.bodyOffset = offset + HEADER;
  out.bodyLength = length - HEADER;
  return null;
}

/** Writes a message whose second word is `rest` and whose body is body[from .. to); returns its length. */
export function writeIcmp(
  buf: Uint8Array,
  offset: number,
  type: number,
  code: number,
  rest: number,
  body: Uint8Array,
  from: number,
  to: number,
): number {
  const length = HEADER + to - from;
  writeU8(buf, offset, type);
  writeU8(buf, offset + 1, code);
  writeU16(buf, offset + 2, 0);
  writeI32(buf, offset + 4, rest);
  buf.set(body.subarray(from, to), offset + HEADER);
  writeU16(buf, offset + 2, checksum(buf, offset, offset + length));
  return length;
}
