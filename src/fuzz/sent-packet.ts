/** Looks at a packet that the stack sent: lengths, checksums, options and fields, strictly, and without the stack's codecs (I8). */
import { broken } from "./broken.ts";
import { get16, pseudoSum, sum } from "./bytes.ts";

const TCP = 6;
const ICMP = 1;

function wrong(why: string): never {
  return broken("I8", `the stack sent a packet with ${why}`);
}

/** Throws a {@link Broken} where something is wrong; true for a control segment in the sense of I4. */
export function checkSent(b: Uint8Array, length: number): boolean {
  if (length < 20 || b[0]! >> 4 !== 4) wrong("no IPv4 header");
  const header = (b[0]! & 15) * 4;
  if (header < 20 || header > length) wrong("a wrong header length");
  if (get16(b, 2) !== length) wrong("a wrong total length");
  if (sum(b, 0, header) !== 0xffff) wrong("a wrong header checksum");
  const fragment = get16(b, 6) & 0xbfff;
  const isIcmp = b[9] === ICMP;
  if (!isIcmp && b[9] !== TCP) wrong("a protocol that is none of ours");
  if (fragment !== 0) {
    // only a large echo reply is cut
    if (!isIcmp || (fragment & 0x8000) !== 0) wrong("fragment fields");
    return false;
  }
  if (isIcmp) {
    if (length < header + 8 || sum(b, header, length) !== 0xffff) wrong("a wrong ICMP checksum");
    return b[header] !== 0;
  }
  return checkTcp(b, header, length);
}

function checkTcp(b: Uint8Array, at: number, length: number): boolean {
  if (length < at + 20) wrong("a TCP header cut short");
  // the sum names the destination at the end of a source route, not the next hop
  if (at === 20 && sum(b, at, length, pseudoSum(b, length - at)) !== 0xffff)
    wrong("a wrong TCP checksum");
  const header = (b[at + 12]! >> 4) * 4;
  if (header < 20 || at + header > length) wrong("a wrong data offset");
  if ((b[at + 12]! & 14) !== 0) wrong("reserved bits set");
  const flags = b[at + 13]!;
  if ((flags & 6) === 6 || (flags & 3) === 3) wrong("flags that exclude each other");
  if ((flags & 0x16) === 0) wrong("neither SYN nor RST nor ACK");
  checkOptions(b, at + 20, at + header);
  return at + header === length && (flags & 1) === 0;
}

function checkOptions(b: Uint8Array, from: number, end: number): void {
  for (let i = from; i < end && b[i] !== 0;) {
    if (b[i] === 1) {
      i++;
      continue;
    }
    const size = i + 1 < end ? b[i + 1]! : 0;
    if (size < 2 || i + size > end) wrong("a malformed option");
    i += size;
  }
}
