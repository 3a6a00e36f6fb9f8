/** ICMP as a host speaks it (RFC 1122 §3.2.2, RFC 5927): what is answered, what is believed, and what never leaves. */
import { describe, expect, test } from "vitest";
import { seededRng } from "../../src/base/rng.ts";
import { instantOf } from "../../src/base/time.ts";
import { IcmpRateLimit } from "../../src/stack/icmp-limit.ts";
import type { Endpoint } from "../../src/tcp/endpoint.ts";
import { ipv4 } from "../../src/wire/address.ts";
import { PROTO_ICMP } from "../../src/wire/ipv4.ts";
import { seq } from "../../src/wire/seq.ts";
import { ACK, PSH, SYN } from "../../src/wire/tcp-segment.ts";
import {
  at,
  BareStack,
  bodyOf,
  decode,
  fragmentsOf,
  HERE,
  icmpPacket,
  ipPacket,
  type Sent,
  tcpPacket,
  THERE,
} from "../support/ip-packets.ts";

const SCTP = 132;
const BYTES = Uint8Array.from({ length: 64 }, (_, i) => i + 1);

function bytes(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 7) & 255);
}

/** A connection to port 1000 whose SYN was sent, and that SYN. */
function opening(w: BareStack, remotePort = 1000): { c: Endpoint; syn: Uint8Array } {
  const c = w.stack.connect({ remoteAddress: THERE, remotePort, owner: null });
  return { c, syn: w.sent()[0]!.bytes };
}

/** The same, established, with 10 bytes under way in `packet`. */
function established(w: BareStack): { c: Endpoint; packet: Uint8Array } {
  const { c, syn } = opening(w);
  const ours = decode(syn).tcp!;
  const ports = { sourcePort: 1000, destinationPort: ours.sourcePort };
  w.gives(tcpPacket(SYN | ACK, { ...ports, seq: seq(500), ack: seq(ours.seq + 1), mss: 1460 }));
  w.sent();
  expect(c.state).toBe("ESTABLISHED");
  c.send(bytes(10));
  return { c, packet: w.sent()[0]!.bytes };
}

/** The peer acknowledges `packet` and sends 5 bytes, which are taken. */
function stillWorks(w: BareStack, c: Endpoint, packet: Uint8Array): void {
  const ours = decode(packet).tcp!;
  const ports = { sourcePort: 1000, destinationPort: ours.sourcePort };
  const ack = seq(ours.seq + ours.payloadLength);
  const text = { buffer: bytes(5), payloadLength: 5 };
  w.gives(tcpPacket(PSH | ACK, { ...ports, seq: seq(501), ack, ...text }));
  expect([c.state, c.bytesAcked, c.receive()?.length]).toEqual(["ESTABLISHED", 10, 5]);
}

describe("an echo request", () => {
  test.each([0, 1, 56, 1472])("with %i bytes comes back with all of them [792-ECHO]", (size) => {
    const w = new BareStack();
    w.gives(icmpPacket(8, 0, 0xbeef0007 | 0, bytes(size)));
    const [reply, ...more] = w.sent();
    expect(more).toEqual([]);
    expect([reply!.ip.source, reply!.ip.destination]).toEqual([HERE, THERE]);
    expect(reply!.icmp).toMatchObject({ type: 0, code: 0, identifier: 0xbeef, sequence: 7 });
    expect(bodyOf(reply!.icmp!)).toEqual(bytes(size));
  });

  test("is answered by the address that was asked [1122-3.2.2.6-SRC]", () => {
    const second = at("198.51.100.2");
    const w = new BareStack({
      addresses: [
        { address: HERE, prefix: 24 },
        { address: second, prefix: 24 },
      ],
    });
    for (const own of [HERE, second]) {
      w.gives(icmpPacket(8, 0, 1, BYTES, { destination: own }));
      expect(w.sent().map((s) => s.ip.source)).toEqual([own]);
    }
    for (const all of ["192.0.2.255", "255.255.255.255", "224.0.0.1"]) {
      w.gives(icmpPacket(8, 0, 1, BYTES, { destination: at(all) }));
    }
    expect(w.sent()).toEqual([]);
  });

  test("with a wrong checksum, or of a type nobody knows, draws nothing [792-CKSUM, 1122-3.2.2-TYPE]", () => {
    const w = new BareStack();
    const wrong = icmpPacket(8, 0, 1, BYTES);
    wrong[40]! ^= 1;
    w.gives(wrong);
    for (const type of [1, 2, 4, 5, 6, 7, 9, 10, 13, 15, 17, 30, 41, 200, 255]) {
      expect(w.gives(icmpPacket(type, 0, 0, BYTES)), String(type)).toMatch(/^dropped/);
    }
    expect(w.sent()).toEqual([]);
    w.gives(icmpPacket(8, 0, 1, BYTES));
    expect(w.sent()).toHaveLength(1);
  });
});

describe("an error received", () => {
  const soft: [string, number, number][] = [
    ["network unreachable", 3, 0],
    ["host unreachable", 3, 1],
    ["source route failed", 3, 5],
    ["time exceeded on the way", 11, 0],
    ["time exceeded in reassembly", 11, 1],
    ["parameter problem", 12, 0],
  ];
  test.each(soft)(
    "%s leaves an established connection able to transfer, and an open going on [MUST-56, 1122-4.2.3.9-SOFT]",
    (_, type, code) => {
      const w = new BareStack();
      const { c, packet } = established(w);
      w.gives(icmpPacket(type, code, 0, packet.subarray(0, 28)));
      expect(c.softError).not.toBe(null);
      stillWorks(w, c, packet);

      const v = new BareStack();
      const open = opening(v);
      v.gives(icmpPacket(type, code, 0, open.syn.subarray(0, 28)));
      v.sent();
      expect([open.c.state, open.c.error]).toEqual(["SYN-SENT", null]);
      expect(open.c.softError).not.toBe(null);
    },
  );

  test.each([2, 3])(
    "unreachable code %i ends an open, and is only noted when synchronised [SHLD-26, 5927-5.2-HARD]",
    (code) => {
      const w = new BareStack();
      const { c, packet } = established(w);
      w.gives(icmpPacket(3, code, 0, packet.subarray(0, 28)));
      expect(c.softError?.code).toBe("ECONNREFUSED");
      stillWorks(w, c, packet);

      const v = new BareStack();
      const open = opening(v);
      v.gives(icmpPacket(3, code, 0, open.syn.subarray(0, 28)));
      v.sent();
      expect([open.c.state, open.c.error?.code]).toEqual(["CLOSED", "ECONNREFUSED"]);
    },
  );

  test("source quench changes nothing [MUST-55]", () => {
    const w = new BareStack();
    const { c, packet } = established(w);
    const before = c.info();
    w.gives(icmpPacket(4, 0, 0, packet.subarray(0, 28)));
    expect(w.sent()).toEqual([]);
    expect([c.info(), c.softError]).toEqual([before, null]);
  });

  test("finds its connection by header and 8 bytes; a shorter quote does nothing [1122-3.2.2-SHORT]", () => {
    const w = new BareStack();
    const { c, syn } = opening(w);
    for (let size = 0; size < 28; size++) {
      // what would complete the quote lies behind the end of the packet
      const packet = icmpPacket(3, 3, 0, syn.subarray(0, size));
      const padded = new Uint8Array([...packet, ...syn.subarray(size)]);
      expect(w.gives(padded)).toMatch(/^dropped/);
    }
    w.sent();
    expect([c.state, c.softError]).toEqual(["SYN-SENT", null]);
    expect(w.gives(icmpPacket(3, 3, 0, syn.subarray(0, 28)))).toBe(null);
    w.sent();
    expect(c.state).toBe("CLOSED");
  });

  test("counts from SND.UNA up to SND.NXT, and not beside that [5927-4.1-SEQ]", () => {
    const w = new BareStack();
    const { c, packet } = established(w);
    const una = decode(packet).tcp!.seq;
    const quoting = (number: number): Uint8Array => {
      const quoted = packet.slice(0, 28);
      new DataView(quoted.buffer).setInt32(24, number);
      return icmpPacket(3, 1, 0, quoted);
    };
    for (const outside of [una - 1, una + 10]) w.gives(quoting(outside));
    expect(c.softError).toBe(null);
    w.gives(quoting(una + 9));
    expect(c.softError?.code).toBe("EHOSTUNREACH");
    const v = new BareStack();
    const other = established(v);
    v.gives(icmpPacket(3, 1, 0, other.packet.subarray(0, 28)));
    expect(other.c.softError).not.toBe(null);
  });
});

describe("an error sent", () => {
  test("protocol unreachable quotes header and 8 bytes as they came, with no service bits [1122-3.2.2-QUOTE, 1122-3.2.2.1-GEN]", () => {
    const w = new BareStack();
    for (const options of [[], [7, 7, 4, 0, 0, 0, 0, 0]]) {
      const packet = ipPacket(BYTES, { protocol: SCTP, tos: 0xb8, ttl: 3, options });
      w.gives(packet);
      const [error, ...more] = w.sent();
      expect(more).toEqual([]);
      expect(error!.ip).toMatchObject({ source: HERE, destination: THERE, tos: 0 });
      expect(error!.icmp).toMatchObject({ type: 3, code: 2, identifier: 0, sequence: 0 });
      expect(bodyOf(error!.icmp!)).toEqual(packet.slice(0, 20 + options.length + 8));
    }
  });

  test("TCP refuses with RST and never with an ICMP message [1122-3.2.2.1-GEN]", () => {
    const w = new BareStack();
    w.gives(tcpPacket(SYN));
    const sent = w.sent();
    expect(sent.map((s) => s.icmp)).toEqual([null]);
    expect(sent[0]!.tcp!.flags & 4).toBe(4);
  });

  const bad: [string, number[], number][] = [
    ["of length 0", [1, 1, 200, 0], 22],
    ["of length 1", [68, 1], 20],
    ["past the header", [1, 7, 9, 4], 21],
    ["without a length", [1, 1, 1, 148], 23],
  ];
  test.each(bad)(
    "an IP option %s draws a parameter problem that points at it [1122-3.2.2.5-PARAM]",
    (_, options, pointer) => {
      const w = new BareStack().listens();
      const packet = tcpPacket(SYN, {}, { options });
      w.gives(packet);
      const [error, ...more] = w.sent();
      expect(more).toEqual([]);
      expect(error!.icmp).toMatchObject({ type: 12, code: 0, pointer });
      expect(bodyOf(error!.icmp!)).toEqual(packet.slice(0, 32));
      expect(w.stack.connections()).toEqual([]);
    },
  );

  test("never answers an ICMP error, a broadcast, a later fragment or a source that is no host [1122-3.2.2-NEVER]", () => {
    const w = new BareStack();
    const [first, later] = fragmentsOf(ipPacket(BYTES, { protocol: SCTP }), 32) as [
      Uint8Array,
      Uint8Array,
    ];
    const wrong = [200, 0, 0, 0];
    const error = icmpPacket(3, 3, 0, BYTES, { options: wrong });
    const unknown = icmpPacket(40, 0, 0, BYTES, { options: wrong });
    const badLater = { options: wrong, dontFragment: false, fragmentOffset: 32 };
    w.gives(error, unknown, later, ipPacket(BYTES, { protocol: SCTP, ...badLater }));
    for (const to of ["192.0.2.255", "255.255.255.255", "224.0.0.1", "192.0.2.77"]) {
      w.gives(ipPacket(BYTES, { protocol: SCTP, destination: at(to) }));
      w.gives(tcpPacket(SYN, {}, { options: wrong, destination: at(to) }));
    }
    for (const from of ["0.0.0.0", "127.0.0.1", "224.0.0.1", "255.255.255.255", "192.0.2.255"]) {
      w.gives(ipPacket(BYTES, { protocol: SCTP, source: at(from) }));
      w.gives(tcpPacket(SYN, {}, { options: wrong, source: at(from) }));
    }
    expect(w.sent()).toEqual([]);
    // what is left of the datagram whose later fragment came: now it is whole, and is answered
    w.gives(first);
    expect(w.sent()).toHaveLength(1);
    // a query with the same bad option is answered
    w.gives(icmpPacket(8, 0, 0, BYTES, { options: wrong }));
    expect(w.sent().map((s) => s.icmp?.type)).toEqual([12]);
  });

  test("neither does time exceeded answer an ICMP error, or a datagram whose first fragment never came [1122-3.2.2-NEVER]", () => {
    const w = new BareStack();
    const [head] = fragmentsOf(icmpPacket(3, 1, 0, bytes(64)), 32);
    const [, tail] = fragmentsOf(ipPacket(BYTES, { protocol: SCTP, identification: 9 }), 32);
    w.gives(head!, tail!);
    w.until(200_000);
    expect(w.sent()).toEqual([]);
  });

  test("of one peer they go one in icmp_ratelimit after six, and another peer has his own", () => {
    const w = new BareStack({ settings: { icmp_ratelimit: 500 } });
    const provoke = (from: string, n: number): number => {
      for (let i = 0; i < n; i++) w.gives(ipPacket(BYTES, { protocol: SCTP, source: at(from) }));
      return w.sent().length;
    };
    expect(provoke("192.0.2.1", 100)).toBe(6);
    expect(provoke("192.0.2.3", 4)).toBe(4);
    w.now = 499;
    expect(provoke("192.0.2.1", 3)).toBe(0);
    w.now = 1001;
    expect(provoke("192.0.2.1", 3)).toBe(2);
    expect(w.stack.counters.get("IcmpOutRateLimited")).toBe(94 + 3 + 1);
  });

  test("of the whole stack they stay under 100 a second, by a limit that nobody can count out [H011]", () => {
    const perSecond = (seed: number): number[] => {
      const limit = new IcmpRateLimit(seededRng(seed), 0, instantOf(0));
      return [0, 1, 2, 3, 4].map((second) => {
        let n = 0;
        for (let i = 0; i < 10_000; i++) {
          if (limit.take(ipv4(i), instantOf(second * 1000 + i / 10))) n++;
        }
        return n;
      });
    };
    const [a, b] = [perSecond(1), perSecond(2)];
    for (const n of [...a, ...b]) expect(n > 40 && n <= 100).toBe(true);
    expect(new Set([...a, ...b]).size).toBeGreaterThan(4);
  });
});

test("under overload no source quench leaves, nor any other error that was not asked for [6633-3-QUENCH]", () => {
  const w = new BareStack({
    settings: { tcp_max_syn_backlog: 4, tcp_syncookies: 0, ipfrag_high_thresh: 65536 },
  }).listens();
  const seen = new Set<number>();
  const look = (sent: readonly Sent[]): void => {
    for (const { icmp } of sent) if (icmp !== null) seen.add(icmp.type);
  };
  for (let i = 0; i < 2000; i++) {
    w.now = i;
    const source = ipv4(THERE + 2 + (i % 200));
    w.gives(tcpPacket(SYN, { sourcePort: 1024 + i }, { source }));
    w.gives(ipPacket(bytes(1400), { source, protocol: SCTP, identification: i }));
    w.gives(fragmentsOf(ipPacket(bytes(1400), { source, identification: i }), 800)[0]!);
    w.gives(icmpPacket(8, 0, i, bytes(1400), { source }));
    look(w.sent());
  }
  w.until(100_000);
  look(w.sent());
  expect([...seen].toSorted((a, b) => a - b)).toEqual([0, 3, 11]);
  expect(PROTO_ICMP).toBe(1);
});
