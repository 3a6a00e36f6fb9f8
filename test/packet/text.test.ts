/** The line of a packet: what people write, what comes back, and what is said about a mistake. */
import { expect, test } from "vitest";
import {
  ACK,
  AE,
  BRIEF,
  decode,
  encode,
  formatPacket,
  isPacketError,
  type Packet,
  type PacketError,
  parsePacket,
  parseTcpFlags,
  parseTcpOptions,
  PSH,
  SYN,
  toHex,
} from "../../src/packet/index.ts";

function parsed(text: string): Packet {
  const packet = parsePacket(text);
  if (isPacketError(packet)) throw new Error(packet.error);
  return packet;
}

function fault(text: string): string {
  return (parsePacket(text) as PacketError).error;
}

const SYN_LINE = "192.0.2.1:1234 > 192.0.2.2:80 S 0:0(0) win 65535 <mss 1460>";

test("a SYN has the bytes that RFC 791 and RFC 9293 give it", () => {
  expect(toHex(encode(parsed(SYN_LINE)))).toBe(
    "4500002c000000004006f6c8c0000201c0000202" + "04d2005000000000000000006002ffff0f010000020405b4",
  );
});

test.each([
  SYN_LINE,
  "192.0.2.1:1234 > 192.0.2.2:80 SEW 0:0(0) win 65535 <mss 1460,sackOK,TS val 100 ecr 0,nop,wscale 8>",
  "192.0.2.1:1234 > 192.0.2.2:80 S. 4294967295:4294967295(0) ack 1 win 0 <FO>",
  "192.0.2.1:1234 > 192.0.2.2:80 S 7:7(0) win 65535 <FO 0123456789abcdef,nop,nop>",
  "192.0.2.1:1234 > 192.0.2.2:80 S 7:7(0) win 65535 <FOEXP 01020304,md5 00112233445566778899aabbccddeeff>",
  "192.0.2.1:1234 > 192.0.2.2:80 . 1:1(0) ack 8 win 65535 <nop,nop,TS val 4294967295 ecr 7,nop,nop,sack 1:11 21:31>",
  "192.0.2.1:1234 > 192.0.2.2:80 P. 4294967295:4(5) ack 8 win 65535",
  '192.0.2.1:1234 > 192.0.2.2:80 P. 1:15(14) ack 8 win 65535 data "GET / \\"x\\" \\\\\\r\\n\\t"',
  "192.0.2.1:1234 > 192.0.2.2:80 FPU. 1:3(2) ack 8 win 9 urg 2 data 0001",
  "192.0.2.1:1234 > 192.0.2.2:80 . 1:1461(1460) ack 8 win 9 data 61*1460",
  "192.0.2.1:1234 > 192.0.2.2:80 - 1:1(0) ack 5 win 9 urg 3",
  "192.0.2.1:1234 > 192.0.2.2:80 R 1:1(0) win 0 doff 15 rsv 7 sum 0xbeef <uto 30s,uto 5m,ECN e0b 1 ceb 2,eol>",
  "192.0.2.1:1234 > 192.0.2.2:80 SA 0:0(0) win 1 <raw fd0411,raw 0200>",
  "192.0.2.1:1234 > 192.0.2.2:80 S 0:0(0) win 1 [version 6,ihl 15,tos 0x1c,length 12,id 7,RF,DF,MF,ttl 1,proto 17,sum 0x0000,opt ra 0,opt lsrr 192.0.2.9 192.0.2.10,opt rr at 8 0.0.0.0,opt raw 8802,opt nop,opt eol,trailer 00ff]",
  "192.0.2.1:1234 > 192.0.2.2:80 S 0:0(0) win 1 [ect0]",
  '192.0.2.1 > 192.0.2.2 icmp echo_request id 1 seq 65535 (4) data "ping"',
  "192.0.2.1 > 192.0.2.2 icmp unreachable frag_needed mtu 1400 (28) {192.0.2.2:80 > 192.0.2.1:1234 - 7:7(0) win 0 [length 1500,DF]}",
  "192.0.2.1 > 192.0.2.2 icmp unreachable net_unreachable (3) data 010203",
  "192.0.2.1 > 192.0.2.2 icmp redirect code_1 gateway 192.0.2.7 (0)",
  "192.0.2.1 > 192.0.2.2 icmp parameter_problem ptr 20 sum 0x0001 (0)",
  "192.0.2.1 > 192.0.2.2 icmp type_200 code_9 rest 0xdeadbeef (0)",
  "192.0.2.1 > 192.0.2.2 proto 17 (8) data 0035d43100080000",
  "192.0.2.1 > 192.0.2.2 proto 6 (8) [id 9,MF,frag 1480]",
  "raw 4500",
  "raw",
])("%s comes back as it was written", (line) => {
  expect(formatPacket(parsed(line))).toBe(line);
});

test.each([
  ["192.0.2.1:1 > 192.0.2.2:2 S 5", "192.0.2.1:1 > 192.0.2.2:2 S 5:5(0) win 65535"],
  [
    '192.0.2.1:1 > 192.0.2.2:2 .P 5 data "abc" win 3 ack 9',
    '192.0.2.1:1 > 192.0.2.2:2 P. 5:8(3) ack 9 win 3 data "abc"',
  ],
  ["192.0.2.1:1 > 192.0.2.2:2 none 5(3)", "192.0.2.1:1 > 192.0.2.2:2 - 5:8(3) win 65535"],
  [
    "  192.0.2.1 : 1  >192.0.2.2:2 S 0x10:0x10( 0 ) [ ttl 3 , noecn ] < mss 5 > ",
    "192.0.2.1:1 > 192.0.2.2:2 S 16:16(0) win 65535 <mss 5> [ttl 3]",
  ],
  ["192.0.2.1:1 > 192.0.2.2:2 S 5 <>", "192.0.2.1:1 > 192.0.2.2:2 S 5:5(0) win 65535"],
  [
    "192.0.2.1 > 192.0.2.2 icmp unreachable port_unreachable {192.0.2.2:80 > 192.0.2.1:9 . 7 ack 1}",
    "192.0.2.1 > 192.0.2.2 icmp unreachable port_unreachable (28) {192.0.2.2:80 > 192.0.2.1:9 - 7:7(0) win 0}",
  ],
])("%s is understood as %s", (short, line) => {
  expect(formatPacket(parsed(short))).toBe(line);
});

test("the fields are those that were written", () => {
  const { ip, tcp, payload } = parsed(
    '192.0.2.1:1234 > 192.0.2.2:80 PA. 7 ack 9 win 5 data "\\x00\\xffz" [ttl 3,frag 16]',
  );
  expect(tcp).toMatchObject({ sourcePort: 1234, destinationPort: 80, seq: 7, ack: 9, window: 5 });
  expect(tcp!.flags).toBe(PSH | ACK | AE);
  expect([...payload]).toEqual([0, 255, 122]);
  expect(ip).toMatchObject({ ttl: 3, fragmentOffset: 16, checksum: null, source: 0xc0000201 | 0 });
});

test.each([
  ["", "expected an IPv4 address, not the end of the line"],
  ["192.0.2.256:1 > 192.0.2.2:2 S 0", 'expected an IPv4 address, not "192.0.2.256:1"'],
  ["192.0.2.1:1 < 192.0.2.2:2 S 0", 'expected ">" between source and destination, not "<"'],
  ["192.0.2.1:1 > 192.0.2.2 S 0", "a port at one end only"],
  [
    "192.0.2.1 > 192.0.2.2 S 0",
    'expected ports behind the addresses, "icmp" or "proto N", not "S"',
  ],
  ["192.0.2.1:99999 > 192.0.2.2:2 S 0", "a port 99999 is too large: at most 65535"],
  ["192.0.2.1:1 > 192.0.2.2:2 X 0", "expected flags out of SFRPUEWA and . (or - for none)"],
  ["192.0.2.1:1 > 192.0.2.2:2 SS 0", "expected flags"],
  ["192.0.2.1:1 > 192.0.2.2:2 S", "the sequence number is a number, not the end of the line"],
  ["192.0.2.1:1 > 192.0.2.2:2 S 1:5(5)", "1:5(5): the numbers are 4 apart"],
  ["192.0.2.1:1 > 192.0.2.2:2 S 1:5", "expected the length in brackets, as 1:11(10)"],
  ["192.0.2.1:1 > 192.0.2.2:2 . 1", 'the flag "." needs "ack N"'],
  ["192.0.2.1:1 > 192.0.2.2:2 S 1 windw 5", "windw is not understood here; did you mean win?"],
  ["192.0.2.1:1 > 192.0.2.2:2 S 1 win 5 win 6", "win is given twice"],
  ["192.0.2.1:1 > 192.0.2.2:2 S 1 <mms 5>", "mms is no TCP option; did you mean mss?"],
  ["192.0.2.1:1 > 192.0.2.2:2 S 1 <mss>", 'mss is a number, not ">"'],
  [
    "192.0.2.1:1 > 192.0.2.2:2 S 1 <mss 5",
    'expected ">" behind the options, not the end of the line',
  ],
  ["192.0.2.1:1 > 192.0.2.2:2 S 1 [tll 5]", "tll is no field of IPv4; did you mean ttl?"],
  ["192.0.2.1:1 > 192.0.2.2:2 S 1 [frag 7]", "frag is a multiple of 8, in bytes"],
  ["192.0.2.1:1 > 192.0.2.2:2 S 1(2) data 00", "the length is 2, but the data has 1 bytes"],
  ["192.0.2.1:1 > 192.0.2.2:2 S 1 data 000", "data has an odd number of hex digits"],
  ['192.0.2.1:1 > 192.0.2.2:2 S 1 data "abc', 'the text in quotes has no closing "'],
  ['192.0.2.1:1 > 192.0.2.2:2 S 1 data "\\q"', "\\q in quotes:"],
  ['192.0.2.1:1 > 192.0.2.2:2 S 1 data "ü€"', "text in quotes is a byte each character"],
  ["192.0.2.1:1 > 192.0.2.2:2 S 1 data 0001*40000", "more than 65535 bytes of data"],
  [
    "192.0.2.1:1 > 192.0.2.2:2 S 1 <sack 1:2 3:4 5:6 7:8,TS val 1 ecr 2>",
    "the options take 44 bytes of 40",
  ],
  ["192.0.2.1 > 192.0.2.2 icmp echo", "echo is no ICMP type; did you mean echo_reply, or type_N?"],
  [
    "192.0.2.1 > 192.0.2.2 icmp unreachable mtu 5 ptr 2 id 3",
    "this type of ICMP message has no id",
  ],
  [
    "192.0.2.1 > 192.0.2.2 icmp echo_request {raw 00}",
    "this type of ICMP message quotes no packet",
  ],
])("%j is refused: %s", (text, why) => {
  expect(fault(text)).toContain(why);
});

test("a fault tells where in the line it is", () => {
  const text = "192.0.2.1:1 > 192.0.2.2:2 S 1 <mms 5>";
  expect((parsePacket(text) as PacketError).at).toBe(text.indexOf("mms"));
});

test("flags and options alone can be read, too", () => {
  expect(parseTcpFlags("S.")).toBe(SYN | ACK);
  expect(parseTcpFlags("none")).toBe(0);
  expect(parseTcpFlags("")).toBeNull();
  expect(parseTcpFlags("Q")).toBeNull();
  expect(parseTcpOptions("mss 1460,nop")).toEqual([{ kind: "mss", value: 1460 }, { kind: "nop" }]);
  expect(parseTcpOptions("")).toEqual([]);
  expect(isPacketError(parseTcpOptions("mss"))).toBe(true);
});

test("what is wrong in received bytes is said, and what is right is not", () => {
  const good = encode(parsed(SYN_LINE));
  expect(formatPacket(decode(good))).toBe(SYN_LINE);
  const cases: [number, number, string][] = [
    [0, 0x55, "[version 5,sum"],
    [0, 0x43, "[ihl 3,sum"],
    [3, 20, "[length 20,sum"],
    [10, 1, "[sum 0x01"],
    [32, 0x40, "doff 4"],
    [36, 1, "sum 0x01"],
  ];
  for (const [at, value, said] of cases) {
    const bad = good.slice();
    bad[at] = value;
    expect(formatPacket(decode(bad))).toContain(said);
  }
});

test("the short form leaves out what is usual and cuts payload", () => {
  const packet = parsed(
    "192.0.2.1:1 > 192.0.2.2:2 P. 1001 ack 501 win 5 data 0102*40 [id 9,DF,ttl 3,ect0]",
  );
  expect(formatPacket(packet, { ...BRIEF, seqBase: 1000, ackBase: 500 })).toBe(
    `192.0.2.1:1 > 192.0.2.2:2 P. 1:81(80) ack 1 win 5 data ${"0102".repeat(16)}… [ect0]`,
  );
  expect(formatPacket(packet, { data: "none", ip: false })).toBe(
    "192.0.2.1:1 > 192.0.2.2:2 P. 1001:1081(80) ack 501 win 5 [ect0]",
  );
});

test("what stands behind the total length is a trailer, where the headers fit before it", () => {
  const ack = encode(parsed("192.0.2.1:1 > 192.0.2.2:2 . 1 ack 2"));
  // as Ethernet pads it
  const padded = new Uint8Array(46);
  padded.set(ack);
  expect(formatPacket(decode(padded))).toBe(
    "192.0.2.1:1 > 192.0.2.2:2 . 1:1(0) ack 2 win 65535 [trailer 000000000000]",
  );
  // a length that cuts the TCP header is a wrong length
  padded[3] = 39;
  expect(formatPacket(decode(padded))).toMatch(
    /\. 1:7\(6\) ack 2 .*\[length 39,sum 0x[0-9a-f]{4}\]$/,
  );
});

test("only the first fragment has a TCP header", () => {
  const whole = "192.0.2.1:1 > 192.0.2.2:2 . 1:21(20) ack 2 win 9 [id 7,MF]";
  const bytes = encode(parsed(whole));
  expect(formatPacket(decode(bytes))).toBe(whole);
  const later = encode(parsed(whole.replace("MF", "frag 40")));
  expect(formatPacket(decode(later))).toMatch(
    /^192\.0\.2\.1 > 192\.0\.2\.2 proto 6 \(40\) data [0-9a-f]{80} \[id 7,frag 40\]$/,
  );
});

test("a quote has the whole IPv4 header and eight bytes", () => {
  const quoted = "192.0.2.2:80 > 192.0.2.1:9 . 7 ack 1 [opt ra 0]";
  const error = parsed(`192.0.2.1 > 192.0.2.2 icmp time_exceeded {${quoted}}`);
  expect(error.payload).toHaveLength(24 + 8);
  expect(formatPacket(error)).toBe(
    "192.0.2.1 > 192.0.2.2 icmp time_exceeded (32) {192.0.2.2:80 > 192.0.2.1:9 - 7:7(0) win 0 [opt ra 0]}",
  );
});

test("the checksum of an ICMP message is that of all of it", () => {
  const bytes = encode(parsed("192.0.2.1 > 192.0.2.2 icmp echo_request id 1 seq 2 data 01020304"));
  // RFC 1071 by hand: ~(0800 + 0001 + 0002 + 0102 + 0304)
  expect(toHex(bytes.subarray(22, 24))).toBe("f3f6");
});
