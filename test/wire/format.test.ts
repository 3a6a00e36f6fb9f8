/** One line a packet: typical ones to the letter, and some line for any bytes. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseIpv4 } from "../../src/wire/address.ts";
import { formatFlags, formatPacket, formatSegment } from "../../src/wire/format.ts";
import { writeIcmp } from "../../src/wire/icmpv4.ts";
import { writeIpv4 } from "../../src/wire/ipv4.ts";
import { seq } from "../../src/wire/seq.ts";
import { tcpHeaderLength, writeTcp } from "../../src/wire/tcp.ts";
import {
  ACK,
  createTcpSegment,
  CWR,
  ECE,
  FIN,
  PSH,
  RST,
  SYN,
  type TcpSegment,
  URG,
} from "../../src/wire/tcp-segment.ts";
import { guarded, seal, surrounded } from "./support.ts";

const A = parseIpv4("192.0.2.1")!;
const B = parseIpv4("192.0.2.2")!;

function segment(given: Partial<TcpSegment>): TcpSegment {
  const s = createTcpSegment();
  Object.assign(s, { sourcePort: 40000, destinationPort: 80, window: 65535 }, given);
  return s;
}

/** An IPv4 packet of `protocol` around `body`. */
function packet(protocol: number, body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(20 + body.length);
  bytes.set(body, 20);
  writeIpv4(bytes, 0, bytes.length, 0, 7, false, 64, protocol, A, B);
  return bytes;
}

function tcp(s: TcpSegment, payload = 0): Uint8Array {
  const body = new Uint8Array(tcpHeaderLength(s) + payload);
  writeTcp(body, 0, s);
  return packet(6, body);
}

const line = (bytes: Uint8Array): string => formatPacket(bytes, 0, bytes.length);

describe("a TCP segment", () => {
  test("a SYN shows its options in the order in which they are sent", () => {
    const s = segment({ seq: seq(100), flags: SYN, mss: 1460, sackPermitted: true });
    Object.assign(s, { hasTimestamps: true, tsVal: -1, tsEcr: 0, windowScale: 7 });
    expect(line(tcp(s))).toBe(
      "192.0.2.1:40000 > 192.0.2.2:80 S 100:100(0) win 65535 " +
        "<mss 1460,sackOK,TS val 4294967295 ecr 0,wscale 7>",
    );
  });

  test("data shows where it begins and ends, also over the wrap", () => {
    const s = segment({ seq: seq(-10), ack: seq(0x80000000), flags: PSH | ACK, window: 512 });
    expect(line(tcp(s, 30))).toBe(
      "192.0.2.1:40000 > 192.0.2.2:80 P. 4294967286:20(30) ack 2147483648 win 512",
    );
  });

  test("SACK blocks are left and right edge, unsigned", () => {
    const s = segment({ ack: seq(1), flags: ACK, sackCount: 2 });
    s.sack.set([5, 9, -2, 3]);
    expect(formatSegment(s)).toBe(". 0:0(0) ack 1 win 65535 <sack 5:9 4294967294:3>");
  });

  test("the acknowledgment is shown with ACK only, the urgent pointer with URG only", () => {
    const s = segment({ ack: seq(9), urgentPointer: 3 });
    s.flags = RST;
    expect(formatSegment(s)).toBe("R 0:0(0) win 65535");
    s.flags = URG | ACK;
    expect(formatSegment(s)).toBe(".U 0:0(0) ack 9 win 65535 urg 3");
  });

  test("flags stand in a fixed order, and no flag is a word", () => {
    expect(formatFlags(0xff)).toBe("SFRP.UEW");
    const letters = [FIN, SYN, RST, PSH, ACK, URG, ECE, CWR].map((flag) => formatFlags(flag));
    expect(letters.join(" ")).toBe("F S R P . U E W");
    expect(formatFlags(FIN | ACK)).toBe("F.");
    expect(formatFlags(0)).toBe("none");
  });

  test("malformed options leave the line without them, a bad offset is told", () => {
    const bytes = tcp(segment({ flags: SYN, mss: 1460 }));
    bytes[41] = 0;
    expect(line(bytes)).toBe("192.0.2.1:40000 > 192.0.2.2:80 S 0:0(0) win 65535");
    bytes[32] = 0x40;
    expect(line(bytes)).toBe("192.0.2.1 > 192.0.2.2 TCP, malformed: bad-data-offset");
  });
});

describe("what is not TCP", () => {
  test("ICMP shows type, code and the length of its body", () => {
    const body = new Uint8Array(8 + 5);
    writeIcmp(body, 0, 8, 0, 0x10001, Uint8Array.of(1, 2, 3, 4, 5), 0, 5);
    expect(line(packet(1, body))).toBe("192.0.2.1 > 192.0.2.2 icmp type 8 code 0 (5)");
    body[3]! ^= 1;
    expect(line(packet(1, body))).toBe("192.0.2.1 > 192.0.2.2 ICMP, malformed: bad-checksum");
    expect(line(packet(1, new Uint8Array(7)))).toBe(
      "192.0.2.1 > 192.0.2.2 ICMP, malformed: truncated",
    );
  });

  test("another protocol shows its number and size", () => {
    expect(line(packet(17, new Uint8Array(12)))).toBe("192.0.2.1 > 192.0.2.2 proto 17 (12)");
  });

  test("a fragment shows its range, and whether more follow", () => {
    const bytes = packet(6, new Uint8Array(16));
    bytes[6] = 0x20;
    seal(bytes.subarray(0, 20), 10);
    expect(line(bytes)).toBe("192.0.2.1 > 192.0.2.2 fragment 0:16+ id 7 proto 6");
    bytes[6] = 0;
    bytes[7] = 2;
    seal(bytes.subarray(0, 20), 10);
    expect(line(bytes)).toBe("192.0.2.1 > 192.0.2.2 fragment 16:32 id 7 proto 6");
  });

  test("bytes that are no IPv4 packet show how many they are and what is wrong", () => {
    expect(formatPacket(Uint8Array.of(0x45, 0, 0), 0, 3)).toBe("3 bytes, malformed: truncated");
    const bytes = packet(6, new Uint8Array(20));
    bytes[0] = 0x65;
    expect(line(bytes)).toBe("40 bytes, malformed: not-ipv4");
  });
});

test("any bytes give one line, and none outside of the packet is read", () => {
  const anyProtocol = fc.constantFrom(1, 6, 17);
  const body = fc.uint8Array({ maxLength: 80 });
  fc.assert(
    fc.property(anyProtocol, body, fc.boolean(), fc.nat(4), (protocol, bytes, whole, before) => {
      const raw = whole ? packet(protocol, bytes) : bytes;
      const g = guarded(raw, before);
      const text = formatPacket(g.buffer, g.offset, g.length);
      expect(text).toMatch(/^[ -~]+$/);
      const noise = Uint8Array.of(0xff, 0x45, 6, 1).subarray(0, before);
      expect(formatPacket(surrounded(raw, noise, noise), before, raw.length)).toBe(text);
    }),
    { numRuns: 500 },
  );
});
