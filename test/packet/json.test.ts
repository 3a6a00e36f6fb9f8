/** Packets as JSON and as a program says them, changed and cut. */
import { expect, test } from "vitest";
import {
  change,
  encode,
  formatPacket,
  fragments,
  fromJson,
  isPacketError,
  packet,
  type PacketError,
  type PacketInput,
  packetLength,
  parsePacket,
  type Packet,
  toJson,
} from "../../src/packet/index.ts";

const BASE: PacketInput = {
  ip: { source: "192.0.2.1", destination: "192.0.2.2" },
  tcp: { sourcePort: 1234, destinationPort: 80, flags: "S", seq: 5, options: "mss 1460,nop" },
};

test("what is not said is filled in", () => {
  expect(formatPacket(packet(BASE))).toBe(
    "192.0.2.1:1234 > 192.0.2.2:80 S 5:5(0) win 65535 <mss 1460,nop>",
  );
  expect(formatPacket(packet({ ...BASE, text: "hi" }))).toContain("S 5:7(2) win 65535");
  expect(formatPacket(packet({ raw: "4500" }))).toBe("raw 4500");
  expect(
    formatPacket(
      packet({
        ip: { source: "192.0.2.9", destination: "192.0.2.1", options: ["ra 0"] },
        icmp: { type: 3, code: 3 },
        quote: BASE,
      }),
    ),
  ).toBe(
    "192.0.2.9 > 192.0.2.1 icmp unreachable port_unreachable (28) {192.0.2.1:1234 > 192.0.2.2:80 - 5:5(0) win 0 [length 48]} [opt ra 0]",
  );
});

test("the JSON form has names for everything and leaves out what is filled in", () => {
  const read = parsePacket(
    '192.0.2.1:1 > 192.0.2.2:2 P. 7 ack 9 win 5 sum 0x0001 <TS val 1 ecr 2,sack 1:2> data "ab" [DF,opt lsrr 192.0.2.7]',
  ) as Packet;
  expect(toJson(read)).toEqual({
    ip: {
      source: "192.0.2.1",
      destination: "192.0.2.2",
      tos: 0,
      id: 0,
      dontFragment: true,
      ttl: 64,
      options: [{ kind: "lsrr", pointer: 4, route: ["192.0.2.7"] }],
    },
    tcp: {
      sourcePort: 1,
      destinationPort: 2,
      seq: 7,
      ack: 9,
      flags: "P.",
      window: 5,
      checksum: 1,
      options: [
        { kind: "TS", val: 1, ecr: 2 },
        { kind: "sack", blocks: [[1, 2]] },
      ],
    },
    payload: "6162",
  });
});

const IP = BASE.ip;
test.each<[unknown, string]>([
  [5, "the packet is an object"],
  [{}, "the packet has neither ip nor raw"],
  [{ ip: { source: "192.0.2.1" } }, "ip.destination is missing"],
  [{ ip: { source: "x", destination: "y" } }, "ip.source is an IPv4 address"],
  [{ ...BASE, icmp: { type: 3 } }, "the packet is TCP or ICMP, not both"],
  [{ ...BASE, udp: {} }, 'the packet has no field "udp"'],
  [{ ip: IP, tcp: { sourcePort: 1 } }, "tcp.destinationPort is missing"],
  [{ ip: IP, icmp: {} }, "icmp.type is missing"],
  [{ ip: { ...IP, ttl: 256 } }, "ip.ttl is a whole number from 0 to 255"],
  [{ ip: { ...IP, id: null } }, "ip.id is a whole number from 0 to 65535"],
  [{ ip: { ...IP, fragmentOffset: 12 } }, "ip.fragmentOffset is a multiple of 8"],
  [{ ip: { ...IP, dontFragment: 1 } }, "ip.dontFragment is true or false"],
  [{ ...BASE, tcp: { ...BASE.tcp, window: -1 } }, "tcp.window is a whole number"],
  [{ ...BASE, tcp: { ...BASE.tcp, windw: 1 } }, 'no field "windw"; did you mean window?'],
  [{ ...BASE, tcp: { ...BASE.tcp, flags: "Q" } }, "tcp.flags is letters"],
  [{ ...BASE, tcp: { ...BASE.tcp, options: 5 } }, "tcp.options is a list"],
  [{ ...BASE, tcp: { ...BASE.tcp, options: ["mms 5"] } }, "mms is no TCP option"],
  [{ ...BASE, tcp: { ...BASE.tcp, options: [{ kind: "x" }] } }, "tcp.options: the kinds are"],
  [{ ...BASE, tcp: { ...BASE.tcp, options: [{ kind: "mss" }] } }, "mss needs value"],
  [
    { ...BASE, tcp: { ...BASE.tcp, options: [{ kind: "sack", blocks: [[1]] }] } },
    "a block is [left, right]",
  ],
  [{ ...BASE, payload: "0" }, "payload is no even number of hex digits"],
  [{ ...BASE, payload: "00", text: "x" }, "payload and text both say"],
  [{ ...BASE, text: "€" }, "text is a byte each character"],
  [{ raw: "00", trailer: "00" }, "raw stands alone"],
])("%j is refused: %s", (value, why) => {
  const read = fromJson(value);
  expect(isPacketError(read)).toBe(true);
  expect((read as PacketError).error).toContain(why);
});

test("a program's mistake is an exception with Node's code", () => {
  expect(() => packet({})).toThrow("EINVAL: the packet has neither ip nor raw");
  expect(() => change(packet(BASE), { tcp: { window: -1 } })).toThrow("EINVAL: tcp.window");
  expect(() => change(packet({ raw: "00" }), { tcp: { window: 1 } })).toThrow("raw bytes");
});

test("a change leaves everything else, and the packet it was made from, as it is", () => {
  const base = packet({ ...BASE, text: "abc" });
  const line = formatPacket(base);
  const wrong = change(base, { ip: { ttl: 1 }, tcp: { checksum: 7, options: [] } });
  expect(formatPacket(wrong)).toBe(
    '192.0.2.1:1234 > 192.0.2.2:80 S 5:8(3) win 65535 sum 0x0007 data "abc" [ttl 1]',
  );
  expect(formatPacket(change(wrong, { tcp: { checksum: null }, text: "" }))).toBe(
    "192.0.2.1:1234 > 192.0.2.2:80 S 5:5(0) win 65535 [ttl 1]",
  );
  expect(formatPacket(base)).toBe(line);
});

test("fragments carry the whole between them, each small enough", () => {
  const whole = packet({
    ip: { ...IP, id: 77, dontFragment: true, options: ["ra 0"] },
    tcp: { sourcePort: 1, destinationPort: 2, flags: "." },
    payload: Uint8Array.from({ length: 1000 }, (_, i) => i & 255),
  });
  const pieces = fragments(whole, 300);
  expect(pieces).toHaveLength(4);
  const body = encode(whole).subarray(24);
  let at = 0;
  for (const [i, piece] of pieces.entries()) {
    expect(packetLength(piece)).toBeLessThanOrEqual(300);
    expect(piece.ip).toMatchObject({
      id: 77,
      fragmentOffset: at,
      moreFragments: i < 3,
      dontFragment: false,
      checksum: null,
      totalLength: null,
    });
    const bytes = encode(piece).subarray(24);
    expect(bytes).toEqual(body.subarray(at, at + bytes.length));
    at += bytes.length;
  }
  expect(at).toBe(body.length);
  expect(fragments(whole, 2000)).toEqual([whole]);
  expect(() => fragments(whole, 28)).toThrow("no fragment fits an MTU of 28");
  expect(() => fragments(packet({ raw: "00" }), 300)).toThrow("raw bytes have no fragments");
});
