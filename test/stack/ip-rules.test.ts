/** What a host owes IP (RFC 791, RFC 1122 §3.2-3.3, RFC 6864): whose packets it takes, what its own look like, fragments. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type Cidr,
  formatIpv4,
  inPrefix,
  ipv4,
  isSubnetBroadcast,
  isUnicast,
} from "../../src/wire/address.ts";
import { seq } from "../../src/wire/seq.ts";
import { ACK, FIN, PSH, RST, SYN } from "../../src/wire/tcp-segment.ts";
import {
  at,
  BareStack,
  bodyOf,
  fragmentsOf,
  HERE,
  icmpPacket,
  type IpFields,
  ipPacket,
  tcpPacket,
  THERE,
} from "../support/ip-packets.ts";

const NO_HOSTS = ["0.0.0.0", "0.1.2.3", "127.0.0.1", "224.0.0.1", "239.1.2.3", "240.0.0.1"];
const BROADCASTS = ["255.255.255.255", "192.0.2.255"];

/** Every kind of packet that would be answered if it came properly. */
function provocations(f: IpFields): Uint8Array[] {
  return [
    tcpPacket(SYN, {}, f),
    tcpPacket(ACK, {}, f),
    tcpPacket(FIN | ACK, {}, f),
    tcpPacket(SYN, { destinationPort: 81 }, f),
    icmpPacket(8, 0, 1, new Uint8Array(8), f),
    ipPacket(new Uint8Array(8), { ...f, protocol: 132 }),
  ];
}

describe("a packet", () => {
  test("that is answered when it comes properly, is one for the tests below", () => {
    for (const packet of provocations({})) {
      const w = new BareStack().listens();
      w.gives(packet);
      expect(w.sent()).toHaveLength(1);
    }
  });

  test("from a source that no host can have is dropped silently [1122-3.2.1.3-SRC]", () => {
    const w = new BareStack().listens();
    for (const from of [...NO_HOSTS, ...BROADCASTS, formatIpv4(HERE)]) {
      for (const packet of provocations({ source: at(from) })) {
        expect(w.gives(packet), from).toMatch(/^dropped/);
      }
    }
    expect([w.sent(), w.stack.connections()]).toEqual([[], []]);
  });

  test("for another host, a broadcast or a group is dropped silently [1122-3.2.1.3-DST]", () => {
    const w = new BareStack().listens();
    for (const to of ["192.0.2.3", "198.51.100.2", "224.0.0.1", "0.0.0.0", ...BROADCASTS]) {
      for (const packet of provocations({ destination: at(to) })) {
        expect(w.gives(packet), to).toMatch(/^dropped/);
      }
    }
    expect([w.sent(), w.stack.connections()]).toEqual([[], []]);
  });

  test("of another version, or with lengths that contradict one another, draws nothing [1122-3.2.1.1-VER, 791-3.1-HDR]", () => {
    const w = new BareStack().listens();
    for (const version of [0, 5, 6, 15]) w.gives(tcpPacket(SYN, {}, { version }));
    const syn = tcpPacket(SYN);
    for (const size of [0, 1, 19, 20, 39]) w.gives(syn.subarray(0, size));
    expect(w.sent()).toEqual([]);
    w.gives(new Uint8Array([...syn, 1, 2, 3]));
    expect(w.sent()).toHaveLength(1);
  });

  test.each([0, 1, 255])("with TTL %i is taken [1122-3.2.1.7-TTL]", (ttl) => {
    const w = new BareStack().listens();
    w.gives(tcpPacket(SYN, {}, { ttl }));
    const [answer] = w.sent();
    expect(answer!.tcp!.flags).toBe(SYN | ACK);
    expect(answer!.ip.ttl).toBe(64);
  });

  const options: [string, number[]][] = [
    ["unknown", [0x9e, 4, 1, 2]],
    ["record route", [7, 11, 4, 0, 0, 0, 0, 0, 0, 0, 0]],
    ["timestamp", [68, 8, 5, 0, 0, 0, 0, 0]],
    ["timestamp, full", [68, 8, 9, 0xf0, 0, 0, 0, 0]],
    ["router alert", [148, 4, 0, 0]],
    ["forty fillers", Array<number>(40).fill(1)],
  ];
  test.each(options)(
    "with an IP option (%s) is taken as one without [MUST-50, 1122-3.2.1.8-OPT, MAY-10, MAY-11]",
    (_, list) => {
      const w = new BareStack().listens();
      w.gives(tcpPacket(SYN, { mss: 700 }, { options: list }));
      const [answer] = w.sent();
      expect(answer!.tcp!.flags).toBe(SYN | ACK);
      expect(answer!.ip.headerLength).toBe(20);
    },
  );

  test("with a bad option length ends in nothing worse than an ICMP message [1122-3.2.1.8-OPT]", () => {
    for (const bad of [0, 1, 40, 200, 255]) {
      const w = new BareStack().listens();
      w.gives(tcpPacket(SYN, {}, { options: [1, 0x9e, bad, 0] }));
      expect(w.sent().map((s) => s.icmp?.type)).toEqual([12]);
      expect(w.stack.counters.get("IpInHdrErrors")).toBe(1);
    }
  });
});

describe("what is sent", () => {
  test.each([1, 7, 255])(
    "has the TTL that ip_default_ttl says: %i [MUST-49, 1122-3.2.1.7-TTL]",
    (ttl) => {
      const w = new BareStack({ settings: { ip_default_ttl: ttl } }).listens();
      w.stack.connect({ remoteAddress: THERE, remotePort: 9, owner: null });
      w.gives(...provocations({ source: ipv4(THERE + 2) }), ...provocations({}));
      w.gives(...fragmentsOf(icmpPacket(8, 0, 1, new Uint8Array(3000)), 1480));
      const sent = w.sent();
      expect(sent.length).toBeGreaterThan(10);
      expect(new Set(sent.map((s) => s.ip.ttl))).toEqual(new Set([ttl]));
    },
  );

  test("0 is no TTL that can be set [1122-3.2.1.7-TTL]", () => {
    expect(() => new BareStack({ settings: { ip_default_ttl: 0 } })).toThrow(/ip_default_ttl/);
  });

  test("keeps the address that the connection began with, whoever the peer is [MUST-45, 1122-3.2.1.3-DST]", () => {
    const second = at("198.51.100.2");
    const addresses: Cidr[] = [
      { address: HERE, prefix: 24 },
      { address: second, prefix: 24 },
    ];
    const w = new BareStack({ addresses }).listens();
    // the peer is of the first address's network and speaks to the second
    const to = { destination: second };
    w.gives(tcpPacket(SYN, { seq: seq(1), mss: 1460 }, to));
    const [synAck] = w.sent();
    const ack = seq(synAck!.tcp!.seq + 1);
    w.gives(tcpPacket(ACK, { seq: seq(2), ack }, to));
    w.sent();
    const c = w.stack.connections()[0]!;
    c.send(new Uint8Array(5000));
    const sent = [synAck!, ...w.sent()];
    w.until(3000); // retransmissions
    sent.push(...w.sent());
    w.gives(tcpPacket(PSH | ACK, { seq: seq(2), ack, payloadLength: 1, buffer: BYTE }, to));
    w.until(4000);
    c.abort();
    sent.push(...w.sent());
    expect(sent.length).toBeGreaterThan(6);
    expect(new Set(sent.map((s) => s.ip.source))).toEqual(new Set([second]));
    expect(sent.at(-1)!.tcp!.flags & RST).toBe(RST);
  });

  test("is in fragments only where DF is clear, and those of one datagram alone share a number [6864-4-ONLY, 6864-4.3-UNIQUE]", () => {
    const w = new BareStack({ mtu: 576 }).listens();
    const ids = new Set<number>();
    for (let i = 0; i < 300; i++) {
      w.gives(...fragmentsOf(icmpPacket(8, 0, i, new Uint8Array(1000).fill(i)), 504));
      const pieces = w.sent();
      expect(pieces).toHaveLength(2);
      expect(pieces.map((s) => s.ip.dontFragment)).toEqual([false, false]);
      expect(pieces[0]!.ip.identification).toBe(pieces[1]!.ip.identification);
      ids.add(pieces[0]!.ip.identification);
      const echo = new BareStack({ addresses: [{ address: THERE, prefix: 24 }], mtu: 576 });
      echo.gives(...pieces.map((s) => s.bytes));
      expect(echo.stack.counters.get("IpReasmOKs")).toBe(1);
    }
    expect(ids.size).toBe(300);
    w.gives(...provocations({ source: ipv4(THERE + 2) }));
    for (const { ip, bytes } of w.sent()) {
      expect([ip.dontFragment, ip.moreFragments, ip.fragmentOffset]).toEqual([true, false, 0]);
      expect(bytes.length).toBeLessThanOrEqual(576);
    }
  });

  test("with DF set may have any number, and such a number is ignored when received [6864-4.1-ATOMIC]", () => {
    const w = new BareStack().listens();
    const [head, tail] = fragmentsOf(icmpPacket(8, 0, 1, new Uint8Array(64)), 40) as [
      Uint8Array,
      Uint8Array,
    ];
    w.gives(head, icmpPacket(8, 0, 2, new Uint8Array(8)), icmpPacket(8, 0, 2, new Uint8Array(8)));
    expect(w.sent()).toHaveLength(2);
    w.gives(tail);
    expect(w.sent()).toHaveLength(1);
  });
});

const BYTE = Uint8Array.of(1);

test("every form of broadcast address is known, and none becomes a source [1122-3.3.6-BCAST]", () => {
  const known: [string, Cidr, boolean][] = [
    ["192.0.2.255", { address: HERE, prefix: 24 }, true],
    ["192.0.2.127", { address: HERE, prefix: 25 }, true],
    ["192.0.2.255", { address: HERE, prefix: 25 }, false],
    ["192.0.2.3", { address: HERE, prefix: 30 }, true],
    ["192.0.2.3", { address: HERE, prefix: 31 }, false],
    ["192.0.255.255", { address: HERE, prefix: 16 }, true],
    ["192.0.2.255", { address: HERE, prefix: 16 }, false],
  ];
  for (const [text, own, expected] of known) {
    expect(isSubnetBroadcast(at(text), own), `${text}/${own.prefix}`).toBe(expected);
  }
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 30 }), fc.integer(), (prefix, n) => {
      const own: Cidr = { address: ipv4(n), prefix };
      const ones = ipv4(n | (2 ** (32 - prefix) - 1));
      expect(isSubnetBroadcast(ones, own)).toBe(true);
      expect(isSubnetBroadcast(ipv4(ones - 1), own)).toBe(false);
      expect(inPrefix(ones, own)).toBe(true);
    }),
  );
  expect(isUnicast(at("255.255.255.255"))).toBe(false);
  const w = new BareStack().listens();
  for (const text of BROADCASTS) {
    const localAddress = at(text);
    const remote = { remoteAddress: THERE, remotePort: 9, owner: null };
    expect(() => w.stack.connect({ ...remote, localAddress })).toThrow(/not an address/);
    w.gives(...provocations({ destination: localAddress }));
  }
  expect(w.sent()).toEqual([]);
});

describe("fragments", () => {
  const echo = (size: number, f: IpFields = {}): Uint8Array =>
    icmpPacket(8, 0, 5, new Uint8Array(size).fill(3), { dontFragment: false, ...f });

  test("of 68 bytes bring in a datagram of 576, which also comes whole [791-3.2-576]", () => {
    const w = new BareStack({ mtu: 576 });
    const whole = echo(548);
    expect(whole).toHaveLength(576);
    w.gives(whole);
    w.gives(...fragmentsOf(whole, 48));
    const replies = w.sent();
    expect(replies.map((s) => bodyOf(s.icmp!).length)).toEqual([548, 548]);
  });

  test.each([576, 1500, 9000])(
    "bring in whatever an MTU of %i lets through whole [1122-3.3.2-EMTUR]",
    (mtu) => {
      const w = new BareStack({ mtu });
      w.gives(...fragmentsOf(echo(mtu - 28), 512).toReversed());
      expect(w.sent().map((s) => s.bytes.length)).toEqual([mtu]);
    },
  );

  test("are let go when the datagram comes whole under their number [791-3.2-REASM]", () => {
    const w = new BareStack();
    const [head, tail] = fragmentsOf(echo(64), 40) as [Uint8Array, Uint8Array];
    w.gives(head, echo(64));
    expect(w.sent()).toHaveLength(1);
    w.gives(tail);
    w.until(100_000);
    expect(w.sent()).toEqual([]);
  });

  test("wait ipfrag_time from the first on, then go, with time exceeded if the first was there [1122-3.3.2-TIME, 1122-3.2.2-QUOTE]", () => {
    const w = new BareStack({ settings: { ipfrag_time: 60 } });
    const [head, middle, tail] = fragmentsOf(echo(64), 24) as Uint8Array[];
    w.gives(head!);
    w.until(59_000);
    w.gives(middle!, tail!);
    expect(w.sent().map((s) => s.icmp?.type)).toEqual([0]);

    const late = fragmentsOf(echo(64, { identification: 2 }), 24) as Uint8Array[];
    w.gives(late[0]!);
    w.until(100_000);
    w.gives(late[1]!);
    w.until(118_999);
    expect(w.sent()).toEqual([]);
    w.until(119_001);
    const [error, ...more] = w.sent();
    expect(more).toEqual([]);
    expect(error!.icmp).toMatchObject({ type: 11, code: 1 });
    expect(bodyOf(error!.icmp!)).toEqual(late[0]!.slice(0, 28));
    w.gives(late[2]!);
    w.until(300_000);
    expect(w.sent()).toEqual([]); // nor is the rest put together, nor does its end draw a message
    expect(w.stack.counters.get("IpReasmTimeout")).toBe(1);
  });
});
