/** Source routes (RFC 9293 §3.9.2.1, RFC 791 §3.1): given by the user, turned round from the peer's, on all of a connection. */
import { describe, expect, test } from "vitest";
import type { Endpoint } from "../../src/tcp/endpoint.ts";
import { DEFAULT_SETTINGS, type Settings } from "../../src/tcp/config.ts";
import { ConnectionTable } from "../../src/stack/connection-table.ts";
import { SourceRoutes } from "../../src/stack/source-routes.ts";
import { seededRng } from "../../src/base/rng.ts";
import { instantOf } from "../../src/base/time.ts";
import { formatIpv4, ipv4 } from "../../src/wire/address.ts";
import { seq, type SeqNum } from "../../src/wire/seq.ts";
import { returnRoute } from "../../src/wire/source-route.ts";
import { ACK, FIN, PSH, RST, SYN } from "../../src/wire/tcp-segment.ts";
import {
  at,
  BareStack,
  decode,
  HERE,
  type IpFields,
  type Sent,
  tcpPacket,
  THERE,
} from "../support/ip-packets.ts";

const [G1, G2, G3] = [at("192.0.2.11"), at("198.51.100.12"), at("203.0.113.13")];
const ACCEPT: Partial<Settings> = { accept_source_route: 1 };

/** The option as it arrives at its end, what it went through recorded in order. */
function arrived(hops: readonly number[], kind = 131): IpFields {
  const length = 3 + 4 * hops.length;
  const bytes = hops.flatMap((a) => [a >>> 24, (a >>> 16) & 255, (a >>> 8) & 255, a & 255]);
  return { options: [kind, length, length + 1, ...bytes] };
}

/** Where a packet goes, hop by hop to the end, read by hand from its bytes; [] without a route. */
function way({ bytes, ip }: Sent): string[] {
  if (ip.headerLength === 20) return [];
  expect([bytes[20], bytes[22], bytes[21]! % 4]).toEqual([131, 4, 3]);
  const list = [formatIpv4(ip.destination)];
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  for (let p = 23; p < 20 + bytes[21]!; p += 4) list.push(formatIpv4(ipv4(view.getInt32(p))));
  return list;
}

function sent(w: BareStack): Sent[] {
  return w.sentTo(THERE);
}

const BACK = ["198.51.100.12", "192.0.2.11", "192.0.2.1"];

/** A passive open by a peer whose packets came as `route` says. */
function accepted(w: BareStack, route: IpFields): { c: Endpoint; iss: SeqNum; seen: Sent[] } {
  w.gives(tcpPacket(SYN, { seq: seq(100), mss: 1460 }, route));
  const seen = sent(w);
  const iss = seen[0]!.tcp!.seq;
  w.gives(tcpPacket(ACK, { seq: seq(101), ack: seq(iss + 1) }));
  return { c: w.stack.connections()[0]!, iss, seen };
}

describe("a passive open", () => {
  test("answers along the SYN's completed route, turned round, with every segment [MUST-53]", () => {
    const w = new BareStack({ settings: ACCEPT }).listens();
    const { c, iss, seen } = accepted(w, arrived([G1, G2]));
    c.send(new Uint8Array(5000));
    seen.push(...sent(w));
    w.until(5000); // repeats
    w.gives(
      tcpPacket(PSH | ACK, {
        seq: seq(101),
        ack: seq(iss + 1),
        payloadLength: 1,
        buffer: new Uint8Array(1),
      }),
    );
    w.until(6000);
    c.abort();
    seen.push(...sent(w));
    expect(seen.length).toBeGreaterThan(7);
    for (const s of seen) expect(way(s)).toEqual(BACK);
    expect(seen[0]!.tcp!.flags).toBe(SYN | ACK);
    expect(seen.at(-1)!.tcp!.flags & RST).toBe(RST);
    // IP options come off the text (MUST-16): 12 bytes of them here
    expect(Math.max(...seen.map((s) => s.bytes.length))).toBe(1500);
    expect(Math.max(...seen.map((s) => s.tcp!.payloadLength))).toBe(1448);
  });

  test("understands a record that begins with the source, one of no hops, and a strict one [MUST-53]", () => {
    const first = (route: IpFields): Sent => {
      const w = new BareStack({ settings: ACCEPT }).listens();
      w.gives(tcpPacket(SYN, { seq: seq(100) }, route));
      return sent(w)[0]!;
    };
    expect(way(first(arrived([THERE, G1, G2])))).toEqual(BACK);
    expect(way(first(arrived([])))).toEqual([]);
    expect(first(arrived([G1], 137)).bytes[20]).toBe(137);
  });

  test("drops a route that is not at its end, and every route without the setting", () => {
    const underway = { options: [131, 11, 8, 192, 0, 2, 11, 198, 51, 100, 12] };
    const short = { options: [131, 2, 0, 0] };
    for (const route of [underway, short]) {
      const w = new BareStack({ settings: ACCEPT }).listens();
      expect(w.gives(tcpPacket(SYN, {}, route))).toBe("dropped: source route");
      expect(sent(w)).toEqual([]);
    }
    const w = new BareStack().listens();
    expect(w.gives(tcpPacket(SYN, {}, arrived([G1])))).toBe("dropped: source route");
    expect([sent(w), w.stack.connections()]).toEqual([[], []]);
  });

  test("of the same peer, later and without a route, has none", () => {
    const w = new BareStack({ settings: ACCEPT }).listens();
    const { c } = accepted(w, arrived([G1, G2]));
    c.abort();
    sent(w);
    expect(accepted(w, {}).seen.map(way)).toEqual([[]]);
  });
});

describe("a later route of the peer", () => {
  const text = (s: SeqNum, ack: SeqNum): object => ({
    seq: s,
    ack,
    payloadLength: 1,
    buffer: new Uint8Array(1),
  });

  test("replaces the earlier one, if its segment is taken [SHLD-24]", () => {
    const w = new BareStack({ settings: ACCEPT }).listens();
    const { c, iss } = accepted(w, arrived([G1, G2]));
    const ack = seq(iss + 1);
    w.gives(tcpPacket(PSH | ACK, text(seq(900_000), ack), arrived([G3]))); // out of the window
    w.until(1000);
    expect(sent(w).map(way)).toEqual([BACK]);
    w.gives(tcpPacket(PSH | ACK, text(seq(101), ack), arrived([G3])));
    w.until(2000);
    expect(sent(w).map(way)).toEqual([["203.0.113.13", "192.0.2.1"]]);
    c.send(new Uint8Array(3000));
    expect(sent(w).map((s) => s.tcp!.payloadLength)[0]).toBe(1452);
  });

  test("does not replace what the user gave [MUST-52]", () => {
    const w = new BareStack({ settings: ACCEPT });
    const to = { remoteAddress: THERE, remotePort: 80, owner: null };
    const c = w.stack.connect({ ...to, sourceRoute: [G1, G2] });
    const [syn] = sent(w);
    const ports = { sourcePort: 80, destinationPort: c.localPort };
    const ack = seq(syn!.tcp!.seq + 1);
    w.gives(tcpPacket(SYN | ACK, { ...ports, seq: seq(5), ack }, arrived([G3])));
    w.gives(tcpPacket(PSH | ACK, { ...text(seq(6), ack), ...ports }, arrived([G3])));
    w.until(1000);
    c.send(new Uint8Array(10));
    const seen = sent(w);
    expect(c.bytesReceived).toBe(1);
    expect(seen.length).toBeGreaterThan(1);
    for (const s of seen) expect(way(s)).toEqual(["192.0.2.11", "198.51.100.12", "192.0.2.1"]);
  });
});

describe("an active open", () => {
  test("carries the route that the user gave, from the SYN to the FIN [MUST-51]", () => {
    const w = new BareStack();
    const to = { remoteAddress: THERE, remotePort: 80, owner: null };
    const c = w.stack.connect({ ...to, sourceRoute: [G3] });
    const seen = sent(w);
    const ports = { sourcePort: 80, destinationPort: c.localPort };
    const iss = seen[0]!.tcp!.seq;
    w.gives(tcpPacket(SYN | ACK, { ...ports, seq: seq(5), ack: seq(iss + 1), mss: 1460 }));
    c.send(new Uint8Array(2000));
    c.shutdown();
    seen.push(...sent(w));
    for (const s of seen) expect(way(s)).toEqual(["203.0.113.13", "192.0.2.1"]);
    expect(seen[0]!.tcp!.flags).toBe(SYN);
    expect(seen.at(-1)!.tcp!.flags & FIN).toBe(FIN);
    expect(c.info().sndMss).toBe(1500 - 40 - 8);
    // another connection has none
    w.stack.connect({ ...to, remotePort: 81 });
    expect(sent(w).map(way)).toEqual([[]]);
  });

  test("has up to nine hops, each one host", () => {
    const w = new BareStack();
    const to = { remoteAddress: THERE, remotePort: 80, owner: null };
    const nine = Array<typeof G1>(9).fill(G1);
    w.stack.connect({ ...to, sourceRoute: nine });
    expect(sent(w)[0]!.ip.headerLength).toBe(60);
    for (const sourceRoute of [[], [...nine, G1], [at("224.0.0.1")], [at("0.0.0.0")]]) {
      expect(() => w.stack.connect({ ...to, sourceRoute })).toThrow(/source route/);
    }
    expect(sent(w)).toEqual([]);
    expect(w.stack.connections()).toHaveLength(1);
  });
});

describe("what SYNs that came to nothing leave behind", () => {
  const NOW = instantOf(5000);
  const table = new ConnectionTable<object>(seededRng(1));
  const settings = { ...DEFAULT_SETTINGS, ...ACCEPT };

  function syn(routes: SourceRoutes, port: number, route: IpFields, now = NOW): string | null {
    const { bytes, ip, tcp } = decode(tcpPacket(SYN, { sourcePort: port }, route));
    expect(ip.sourceRoute && routes.refuses(ip, bytes)).toBe(false);
    routes.begin(ip, tcp!, now);
    const found = routes.find(HERE, 80, THERE, port);
    return found === null ? null : formatIpv4(found.firstHop);
  }

  test("is bounded, and goes where nobody has the socket pair any more", () => {
    const routes = new SourceRoutes(settings, table);
    table.insert(HERE, 80, THERE, 1, {});
    for (let port = 1; port <= 4096; port++) syn(routes, port, arrived([G1]), instantOf(0));
    expect(syn(routes, 5000, arrived([G1]), instantOf(999))).toBe(null);
    expect(syn(routes, 5000, arrived([G1]), NOW)).toBe("192.0.2.11");
    expect(routes.find(HERE, 80, THERE, 1)).not.toBe(null);
    expect(routes.find(HERE, 80, THERE, 2)).toBe(null);
  });

  test("is not used for the next SYN of that pair", () => {
    const routes = new SourceRoutes(settings, table);
    expect(syn(routes, 7, arrived([G1]))).toBe("192.0.2.11");
    expect(syn(routes, 7, arrived([G3]))).toBe("203.0.113.13");
    expect(syn(routes, 7, {})).toBe(null);
    expect(routes.isEmpty).toBe(true);
  });
});

test("a route turned round names at most what an option holds, whatever the bytes say", () => {
  for (let length = 3; length <= 40; length++) {
    const bytes = new Uint8Array(64).fill(9);
    bytes.set([131, length, length + 1], 4);
    const route = returnRoute(bytes, 4, HERE);
    expect(route === null || route.option.length <= 40).toBe(true);
  }
});
