/**
 * Packets byte by byte, right or wrong as a row wants them, and a reader that is strict about what the stack sends.
 * None of it uses the stack's codecs, so that one mistake cannot hide in both.
 */

export const ECHO = 7;
export const SINK = 9;
/** Nobody listens there. */
export const CLOSED_PORT = 4999;

/** "192.0.2.1" as an unsigned number. */
export function addr(text: string): number {
  return text.split(".").reduce((n, part) => n * 256 + Number(part), 0);
}

export const STACK: number = addr("192.0.2.2");
export const PEER: number = addr("192.0.2.66");
export const HONEST: number = addr("192.0.2.77");

export const FIN = 1;
export const SYN = 2;
export const RST = 4;
export const PSH = 8;
export const ACK = 16;
export const URG = 32;
export const TCP = 6;
export const ICMP = 1;

const LETTERS = "FSRP.UEW";

/** "S." as bits; "-" for none. */
export function flagsOf(text: string): number {
  let bits = 0;
  for (const c of text) if (c !== "-") bits |= 1 << LETTERS.indexOf(c);
  return bits;
}

function lettersOf(bits: number): string {
  const text = "SFRP.UEW"
    .split("")
    .filter((c) => (bits & (1 << LETTERS.indexOf(c))) !== 0)
    .join("");
  return text === "" ? "-" : text;
}

export function sum(bytes: Uint8Array, from: number, to: number, start = 0): number {
  let total = start;
  for (let i = from; i < to; i++) total += i % 2 === from % 2 ? bytes[i]! * 256 : bytes[i]!;
  while (total > 0xffff) total = (total % 65536) + Math.floor(total / 65536);
  return total;
}

function put16(b: Uint8Array, at: number, value: number): void {
  b[at] = (value >>> 8) & 255;
  b[at + 1] = value & 255;
}

export function put32(b: Uint8Array, at: number, value: number): void {
  put16(b, at, Math.floor(value / 65536) % 65536);
  put16(b, at + 2, value % 65536);
}

export function get16(b: Uint8Array, at: number): number {
  return b[at]! * 256 + b[at + 1]!;
}

export function get32(b: Uint8Array, at: number): number {
  return get16(b, at) * 65536 + get16(b, at + 2);
}

export interface IpParts {
  source?: number;
  destination?: number;
  protocol?: number;
  id?: number;
  ttl?: number;
  tos?: number;
  /** Reserved, DF and MF in the top three bits, the offset in units of 8 below. */
  fragment?: number;
  /** A multiple of 4 bytes. */
  options?: Uint8Array;
}

export function ip(parts: IpParts, payload: Uint8Array): Uint8Array {
  const options = parts.options ?? new Uint8Array(0);
  const header = 20 + options.length;
  const b = new Uint8Array(header + payload.length);
  b[0] = 0x40 + header / 4;
  b[1] = parts.tos ?? 0;
  put16(b, 2, b.length);
  put16(b, 4, parts.id ?? 1);
  put16(b, 6, parts.fragment ?? 0x4000);
  b[8] = parts.ttl ?? 64;
  b[9] = parts.protocol ?? TCP;
  put32(b, 12, parts.source ?? PEER);
  put32(b, 16, parts.destination ?? STACK);
  b.set(options, 20);
  b.set(payload, header);
  return sealIp(b);
}

/** The header checksum anew, over as many bytes as the header claims and there are. */
export function sealIp(b: Uint8Array): Uint8Array {
  put16(b, 10, 0);
  put16(b, 10, 0xffff - sum(b, 0, Math.min(b.length, (b[0]! & 15) * 4)));
  return b;
}

export interface TcpParts extends IpParts {
  sport: number;
  dport: number;
  seq: number;
  ack?: number;
  flags: number;
  window?: number;
  urgent?: number;
  /** A multiple of 4 bytes. */
  tcpOptions?: Uint8Array;
  /** In words, as it is written into the header. */
  dataOffset?: number;
  /** Low nibble of byte 12: reserved bits and AE. */
  reserved?: number;
  payload?: Uint8Array;
  ipOptions?: Uint8Array;
}

export function tcp(parts: TcpParts): Uint8Array {
  const options = parts.tcpOptions ?? new Uint8Array(0);
  const payload = parts.payload ?? new Uint8Array(0);
  const t = new Uint8Array(20 + options.length + payload.length);
  put16(t, 0, parts.sport);
  put16(t, 2, parts.dport);
  put32(t, 4, parts.seq >>> 0);
  put32(t, 8, (parts.ack ?? 0) >>> 0);
  t[12] = (parts.dataOffset ?? 5 + options.length / 4) * 16 + (parts.reserved ?? 0);
  t[13] = parts.flags;
  put16(t, 14, parts.window ?? 65535);
  put16(t, 18, parts.urgent ?? 0);
  t.set(options, 20);
  t.set(payload, 20 + options.length);
  const { source = PEER, destination = STACK } = parts;
  put16(t, 16, 0xffff - pseudoSum(t, source, destination));
  return ip({ ...parts, ...(parts.ipOptions ? { options: parts.ipOptions } : {}) }, t);
}

function pseudoSum(t: Uint8Array, source: number, destination: number): number {
  const pseudo = new Uint8Array(12);
  put32(pseudo, 0, source);
  put32(pseudo, 4, destination);
  put16(pseudo, 8, TCP);
  put16(pseudo, 10, t.length);
  return sum(t, 0, t.length, sum(pseudo, 0, 12));
}

/** The TCP checksum anew, after a byte was changed by hand. */
export function sealTcp(b: Uint8Array): Uint8Array {
  const at = (b[0]! & 15) * 4;
  const t = b.subarray(at);
  put16(t, 16, 0);
  put16(t, 16, 0xffff - pseudoSum(t, get32(b, 12), get32(b, 16)));
  return b;
}

export function icmp(
  parts: IpParts,
  type: number,
  code: number,
  rest: number,
  body: Uint8Array,
): Uint8Array {
  const m = new Uint8Array(8 + body.length);
  m[0] = type;
  m[1] = code;
  put32(m, 4, rest);
  m.set(body, 8);
  put16(m, 2, 0xffff - sum(m, 0, m.length));
  return ip({ protocol: ICMP, ...parts }, m);
}

/** Cuts a packet into fragments at multiples of 8 bytes. */
export function fragments(packet: Uint8Array, size: number, id: number): Uint8Array[] {
  const body = packet.subarray(20);
  const out: Uint8Array[] = [];
  for (let at = 0; at < body.length; at += size) {
    const part = body.subarray(at, at + size);
    const more = at + size < body.length ? 0x2000 : 0;
    const { protocol, source, destination } = {
      protocol: packet[9]!,
      source: get32(packet, 12),
      destination: get32(packet, 16),
    };
    out.push(ip({ protocol, source, destination, id, fragment: more + at / 8 }, part));
  }
  return out;
}

/** Options by kind, one after the other, padded with NOPs: `option(2, 5, 180)` is MSS 1460. */
export function options(...list: (readonly number[])[]): Uint8Array {
  const bytes = list.flat();
  while (bytes.length % 4 !== 0) bytes.push(1);
  return Uint8Array.from(bytes);
}

export const mss = (n: number): number[] => [2, 4, n >>> 8, n & 255];
export const wscale = (n: number): number[] => [3, 3, n];
export const sackOk: readonly number[] = [4, 2];
export function timestamps(val: number, ecr: number): number[] {
  const b = new Uint8Array(10);
  b.set([8, 10]);
  put32(b, 2, val >>> 0);
  put32(b, 6, ecr >>> 0);
  return [...b];
}
/** Absolute edges. */
export function sack(...edges: number[]): number[] {
  const b = new Uint8Array(4 * edges.length);
  edges.forEach((edge, i) => put32(b, 4 * i, edge >>> 0));
  return [5, 2 + b.length, ...b];
}

/** What the stack sent. */
export interface Seen {
  readonly source: number;
  readonly destination: number;
  readonly protocol: number;
  readonly id: number;
  readonly df: boolean;
  readonly bytes: Uint8Array;
  /** Zeroes where it is not TCP. */
  readonly sport: number;
  readonly dport: number;
  readonly seq: number;
  readonly ack: number;
  readonly flags: number;
  readonly window: number;
  readonly reserved: number;
  readonly options: ReadonlyMap<number, Uint8Array>;
  readonly payload: Uint8Array;
  /** -1 where it is not ICMP. */
  readonly icmpType: number;
  readonly icmpCode: number;
  at: number;
}

/** Throws where a length or a checksum is wrong: invariant I8. */
export function readSent(b: Uint8Array, at: number): Seen {
  const wrong = (why: string): never => {
    throw new Error(`I8: the stack sent a packet with ${why}: ${Buffer.from(b).toString("hex")}`);
  };
  if (b.length < 20 || b[0] !== 0x45) wrong("a wrong first byte");
  if (get16(b, 2) !== b.length) wrong("a wrong total length");
  if (sum(b, 0, 20) !== 0xffff) wrong("a wrong header checksum");
  const common = {
    source: get32(b, 12),
    destination: get32(b, 16),
    protocol: b[9]!,
    id: get16(b, 4),
    df: (b[6]! & 0x40) !== 0,
    bytes: b,
    at,
  };
  const fragment = get16(b, 6) & 0xbfff;
  const none = { sport: 0, dport: 0, seq: 0, ack: 0, flags: 0, window: 0, reserved: 0 };
  if (fragment !== 0) {
    // only a large echo reply is cut
    if (b[9] !== ICMP || (fragment & 0x8000) !== 0) wrong("fragment fields");
    if ((fragment & 0x2000) !== 0 && b.length % 8 !== 4) wrong("a fragment of a bad length");
    const payload = b.subarray((fragment & 0x1fff) === 0 ? 28 : 20);
    return { ...common, ...none, options: new Map(), payload, icmpType: 0, icmpCode: 0 };
  }
  if (b[9] === ICMP) {
    if (sum(b, 20, b.length) !== 0xffff) wrong("a wrong ICMP checksum");
    const [icmpType, icmpCode] = [b[20]!, b[21]!];
    return { ...common, ...none, options: new Map(), payload: b.subarray(28), icmpType, icmpCode };
  }
  if (b[9] !== TCP) wrong("a protocol that is none of ours");
  const t = b.subarray(20);
  if (pseudoSum(t, common.source, common.destination) !== 0xffff) wrong("a wrong TCP checksum");
  const header = (t[12]! >> 4) * 4;
  if (header < 20 || header > t.length) wrong("a wrong data offset");
  const found = new Map<number, Uint8Array>();
  for (let i = 20; i < header && t[i] !== 0;) {
    if (t[i] === 1) {
      i++;
      continue;
    }
    const size = t[i + 1]!;
    if (size < 2 || i + size > header) wrong("a malformed option");
    found.set(t[i]!, t.subarray(i + 2, i + size));
    i += size;
  }
  return {
    ...common,
    sport: get16(t, 0),
    dport: get16(t, 2),
    seq: get32(t, 4),
    ack: get32(t, 8),
    flags: t[13]!,
    window: get16(t, 14),
    reserved: t[12]! & 15,
    options: found,
    payload: t.subarray(header),
    icmpType: -1,
    icmpCode: -1,
  };
}

/** As tcpdump writes it, numbers relative: `S. 0:0(0) ack 1`. */
export function tell(s: Seen, iss: number, irs: number): string {
  if (s.icmpType >= 0) return `icmp ${s.icmpType}/${s.icmpCode}`;
  const from = (s.seq - iss) | 0;
  const ack = (s.flags & ACK) !== 0 ? ` ack ${(s.ack - irs) | 0}` : "";
  return `${lettersOf(s.flags)} ${from}:${from + s.payload.length}(${s.payload.length})${ack}`;
}

/** A control segment in the sense of invariant I4. */
export function isControl(s: Seen): boolean {
  return s.icmpType >= 0 ? s.icmpType !== 0 : s.payload.length === 0;
}

/** The same value again and again. */
export function times<T>(count: number, value: T): T[] {
  return Array.from({ length: count }, () => value);
}

/** Bytes that count up: what a peer sends from `from` on. */
export function pattern(from: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (from + i) % 251);
}
