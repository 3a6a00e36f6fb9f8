/** Packets with any field wrong, and bytes that nearly are one. */
import fc from "fast-check";
import {
  encode,
  type IcmpFields,
  type IpFields,
  type IpOption,
  type Ipv4Address,
  type Packet,
  type TcpFields,
  type TcpOption,
} from "../../src/packet/index.ts";

const u3 = fc.nat(7);
const u4 = fc.nat(15);
const u8 = fc.nat(255);
const u16 = fc.nat(65535);
const u32 = fc.oneof(
  fc.integer({ min: 0, max: 0xffffffff }),
  fc.constantFrom(0, 1, 0x7fffffff, 0x80000000, 0xffffffff),
);
const address = fc.integer() as fc.Arbitrary<Ipv4Address>;
const bytes = (least: number, most: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: least, maxLength: most });
/** Mostly to be filled in. */
const given = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | null> =>
  fc.option(value, { freq: 2, nil: null });

export const tcpOption: fc.Arbitrary<TcpOption> = fc.oneof(
  fc.record({ kind: fc.constantFrom("eol" as const, "nop" as const, "sackOK" as const) }),
  fc.record({ kind: fc.constant("mss" as const), value: u16 }),
  fc.record({ kind: fc.constant("wscale" as const), value: u8 }),
  fc.record({
    kind: fc.constant("sack" as const),
    blocks: fc.array(fc.tuple(u32, u32), { maxLength: 4 }),
  }),
  fc.record({ kind: fc.constant("TS" as const), val: u32, ecr: u32 }),
  fc.record({
    kind: fc.constant("uto" as const),
    value: fc.nat(0x7fff),
    minutes: fc.boolean(),
  }),
  fc.record({ kind: fc.constant("md5" as const), digest: bytes(0, 18) }),
  fc.record({ kind: fc.constantFrom("FO" as const, "FOEXP" as const), cookie: bytes(0, 18) }),
  fc.record({
    kind: fc.constant("ECN" as const),
    first: fc.constantFrom("e0b" as const, "e1b" as const),
    counters: fc.array(fc.nat(0xffffff), { minLength: 1, maxLength: 3 }),
  }),
  fc.record({ kind: fc.constant("raw" as const), bytes: bytes(0, 12) }),
);

export const ipOption: fc.Arbitrary<IpOption> = fc.oneof(
  fc.record({ kind: fc.constantFrom("eol" as const, "nop" as const) }),
  fc.record({ kind: fc.constant("ra" as const), value: u16 }),
  fc.record({
    kind: fc.constantFrom("rr" as const, "lsrr" as const, "ssrr" as const),
    pointer: u8,
    route: fc.array(address, { maxLength: 9 }),
  }),
  fc.record({ kind: fc.constant("raw" as const), bytes: bytes(0, 12) }),
);

const ip: fc.Arbitrary<IpFields> = fc.record({
  version: given(u4),
  ihl: given(u4),
  tos: u8,
  totalLength: given(u16),
  id: u16,
  reservedFlag: fc.boolean(),
  dontFragment: fc.boolean(),
  moreFragments: fc.boolean(),
  fragmentOffset: fc.oneof(
    fc.constant(0),
    fc.nat(8191).map((n) => 8 * n),
  ),
  ttl: u8,
  protocol: given(u8),
  checksum: given(u16),
  source: address,
  destination: address,
  options: fc.array(ipOption, { maxLength: 3 }),
});

const tcp: fc.Arbitrary<TcpFields> = fc
  .record({
    sourcePort: u16,
    destinationPort: u16,
    seq: u32,
    ack: u32,
    dataOffset: given(u4),
    reserved: u3,
    flags: fc.nat(511),
    window: u16,
    checksum: given(u16),
    urgentPointer: u16,
    options: fc.array(tcpOption, { maxLength: 4 }),
  })
  // more options than fit are said with a data offset
  .map((t) => ({ ...t, dataOffset: t.options.length > 1 ? (t.dataOffset ?? 5) : t.dataOffset }));

const icmp: fc.Arbitrary<IcmpFields> = fc.record({
  type: fc.oneof(u8, fc.constantFrom(0, 3, 5, 8, 11, 12)),
  code: fc.oneof(u8, fc.constant(4)),
  checksum: given(u16),
  rest: fc.oneof(u32, u16),
});

const text = fc
  .string({ maxLength: 40 })
  .map((s) => Uint8Array.from(s, (c) => c.charCodeAt(0) & 255));
const payload = fc.oneof(
  bytes(0, 64),
  text,
  fc.tuple(fc.nat(100), u8).map(([n, b]) => new Uint8Array(n).fill(b)),
);

export const packetArbitrary: fc.Arbitrary<Packet> = fc.oneof(
  { weight: 6, arbitrary: withBody(tcp, fc.constant(null)) },
  { weight: 3, arbitrary: withBody(fc.constant(null), icmp) },
  {
    weight: 2,
    arbitrary: withBody(fc.constant(null), fc.constant(null)).map((p) => ({
      ...p,
      ip: { ...p.ip!, protocol: p.ip!.protocol ?? 17 },
    })),
  },
  {
    weight: 1,
    arbitrary: bytes(0, 30).map((b) => ({
      ip: null,
      tcp: null,
      icmp: null,
      payload: b,
      trailer: new Uint8Array(0),
    })),
  },
);

function withBody(
  t: fc.Arbitrary<TcpFields | null>,
  i: fc.Arbitrary<IcmpFields | null>,
): fc.Arbitrary<Packet> {
  return fc.record({ ip, tcp: t, icmp: i, payload, trailer: fc.oneof(bytes(0, 0), bytes(0, 9)) });
}

/** Any bytes, and those of a packet with a few changed or cut off. */
export const anyBytes: fc.Arbitrary<Uint8Array> = fc.oneof(
  bytes(0, 120),
  bytes(20, 120).map((b) => {
    b[0] = 0x40 | (b[0]! & 15);
    return b;
  }),
  fc
    .tuple(
      packetArbitrary.map(encode),
      fc.array(fc.tuple(fc.nat(150), u8), { maxLength: 4 }),
      fc.option(fc.nat(150), { nil: null }),
    )
    .map(([b, changes, cut]) => {
      for (const [at, value] of changes) if (at < b.length) b[at] = value;
      return cut === null ? b : b.slice(0, cut);
    }),
);
