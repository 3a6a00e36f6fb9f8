/** What the user may ask of a connection (RFC 9293 §3.9.1), and what it is told. */
import { expect, test } from "vitest";
import { seededRng } from "../../src/base/rng.ts";
import { instantOf } from "../../src/base/time.ts";
import { Stack } from "../../src/stack/stack.ts";
import { EVENT_PEER_FIN, EVENT_SOFT_ERROR, EVENT_WRITABLE } from "../../src/tcp/endpoint.ts";
import { parseIpv4 } from "../../src/wire/address.ts";
import { createIpv4Header, readIpv4 } from "../../src/wire/ipv4.ts";
import { icmpError } from "../support/icmp.ts";
import { RecordingSender } from "../support/recording-sender.ts";
import { PEER, ScriptedPeer } from "../support/scripted-peer.ts";

/** Expedited forwarding (RFC 3246), in the upper six bits. */
const EF = 46 << 2;

function tos(p: ScriptedPeer): number[] {
  const all: number[] = [];
  while (p.pending > 0) all.push(p.next().ip.tos);
  return all;
}

test("a FIN is an end without an error, a RST one with ECONNRESET [MUST-12]", () => {
  const fin = new ScriptedPeer().established().sends("F. 1:1(0) ack 1");
  expect(fin.events & EVENT_PEER_FIN).toBe(EVENT_PEER_FIN);
  expect([fin.endpoint.atEnd, fin.endpoint.error]).toEqual([true, null]);
  const rst = new ScriptedPeer().established().sends("R 1:1(0)");
  expect(rst.events & EVENT_PEER_FIN).toBe(0);
  expect([rst.endpoint.atEnd, rst.endpoint.error?.code]).toEqual([false, "ECONNRESET"]);
});

test("Nagle is switched off for one connection: a second small write leaves at once [MUST-17]", () => {
  const p = new ScriptedPeer().established();
  p.writes(1).sees("P. 1:2(1) ack 1").writes(1).silent();
  p.endpoint.setNoDelay(true);
  p.settle().sees("P. 2:3(1) ack 1").writes(1).sees("P. 3:4(1) ack 1");
  p.endpoint.setNoDelay(false);
  p.writes(1).silent();
});

test("an open may name its own address; one that is not the stack's is refused [MUST-43]", () => {
  const sender = new RecordingSender();
  const addresses = ["192.0.2.2", "198.51.100.2"].map((a) => ({
    address: parseIpv4(a)!,
    prefix: 24,
  }));
  const stack = new Stack({ addresses, rng: seededRng(3), now: instantOf(0), sender });
  const open = (local: string): void => {
    const localAddress = parseIpv4(local)!;
    stack.connect({ remoteAddress: PEER, remotePort: 80, localAddress, owner: null });
    stack.poll(instantOf(0));
  };
  open("198.51.100.2");
  const header = createIpv4Header();
  const { bytes } = sender.packets[0]!;
  readIpv4(bytes, 0, bytes.length, header);
  expect(header.source).toBe(parseIpv4("198.51.100.2"));
  expect(() => open("198.51.100.3")).toThrow(expect.objectContaining({ code: "EADDRNOTAVAIL" }));
});

test("a second open of the same pair fails and leaves the first as it is [9293-3.10.1-EXISTS]", () => {
  const p = new ScriptedPeer().connected();
  const again = (): unknown =>
    p.stack.connect({ remoteAddress: PEER, remotePort: 80, localPort: p.ourPort, owner: null });
  expect(again).toThrow(expect.objectContaining({ code: "EADDRINUSE" }));
  p.settle().silent();
  p.writes(1).sees("P. 1:2(1) ack 1");
});

test("after the end nothing can be sent, and no data follows the FIN [9293-3.10.2-CLOSED]", () => {
  const p = new ScriptedPeer().established();
  p.endpoint.shutdown();
  p.settle().sees("F. 1:1(0) ack 1");
  const byte = Uint8Array.of(1);
  const { endpoint } = p;
  for (const call of ["send", "sendCopy", "sendUrgent"] as const) {
    expect(() => endpoint[call](byte)).toThrow(expect.objectContaining({ code: "EPIPE" }));
  }
  p.settle().silent();
  p.sends("R 1:1(0)");
  expect(() => endpoint.send(byte)).toThrow(/EPIPE|ENOTCONN/);
});

test("with every port of the range in use to one peer the open fails, and to another it does not [6056-3.1-UNIQUE]", () => {
  const p = new ScriptedPeer({ settings: { ip_local_port_range: [50_000, 50_009] } });
  const open = (remotePort: number): number =>
    p.stack.connect({ remoteAddress: PEER, remotePort, owner: null }).localPort;
  const ports = new Set(Array.from({ length: 10 }, () => open(80)));
  expect(ports.size).toBe(10);
  expect(() => open(80)).toThrow(expect.objectContaining({ code: "EADDRNOTAVAIL" }));
  expect(open(81)).toBeGreaterThanOrEqual(50_000);
});

test("every packet of a connection has the DSCP that the user chose, and follows a change; ECN's bits are not its own [MUST-48] [SHLD-21]", () => {
  const p = new ScriptedPeer();
  p.settle = () => p; // before the SYN leaves
  p.connects();
  p.endpoint.setTypeOfService(EF | 3);
  Reflect.deleteProperty(p, "settle");
  p.settle().sends("S. 0:0(0) ack 1 <mss 1000>").writes(2500);
  expect(tos(p)).toEqual([EF, EF, EF, EF, EF]);
  p.sends(". 1:1(0) ack 1001").waits(300);
  p.endpoint.setTypeOfService(8 << 2);
  tos(p);
  p.waits(1000).sends("P. 1:2(1) ack 2501").waits(50);
  p.endpoint.abort();
  p.settle();
  const later = tos(p);
  expect(later.length).toBeGreaterThan(2);
  expect(new Set(later)).toEqual(new Set([8 << 2]));
  expect(p.endpoint.info().typeOfService).toBe(8 << 2);
  for (const bad of [-1, 256, 1.5]) {
    expect(() => p.endpoint.setTypeOfService(bad)).toThrow(/EINVAL/);
  }
});

test("an ICMP error on a live connection is told as soft, can be read, and is the reason when time runs out [MUST-47] [SHLD-25]", () => {
  const p = new ScriptedPeer({ settings: { tcp_retries2: 3 } }).established().writes(1);
  icmpError(p, 3, 1, 0, { seq: 1 });
  expect(p.events & EVENT_SOFT_ERROR).toBe(EVENT_SOFT_ERROR);
  expect(p.endpoint.softError?.code).toBe("EHOSTUNREACH");
  expect(p.state).toBe("ESTABLISHED");
  p.waits(60_000);
  expect(p.endpoint.error?.code).toBe("EHOSTUNREACH");
});

test("from R1 on the user is told of the trouble, before it ends [SHLD-9]", () => {
  const p = new ScriptedPeer({ settings: { tcp_retries2: 5 } }).established().writes(1);
  while ((p.events & EVENT_SOFT_ERROR) === 0 && p.time < 100_000) p.waits(10);
  expect(p.state).toBe("ESTABLISHED");
  expect(p.endpoint.info()).toMatchObject({ retries: 3, softError: "ETIMEDOUT" });
  p.waits(100_000);
  expect(p.endpoint.error?.code).toBe("ETIMEDOUT");
});

test("reports of soft errors can be switched off: nothing is told, and the error can be read all the same [SHLD-20]", () => {
  const p = new ScriptedPeer().established();
  p.endpoint.tellSoftErrors(false);
  p.writes(1);
  icmpError(p, 3, 1, 0, { seq: 1 });
  p.waits(10_000); // past R1
  expect(p.events & EVENT_SOFT_ERROR).toBe(0);
  expect(p.endpoint.softError?.code).toBe("EHOSTUNREACH");
});

test("data is delivered the same with PSH and without [MAY-17]", () => {
  const p = new ScriptedPeer().established();
  p.sends(". 1:11(10) ack 1");
  expect(p.received).toHaveLength(10);
  p.sends("P. 11:21(10) ack 1");
  expect(p.received).toHaveLength(20);
});

test("tcp_notsent_lowat holds a writer back by what was not yet sent, and sending lets it go on", () => {
  const settings = { tcp_notsent_lowat: 4000 };
  const p = new ScriptedPeer({ settings }).established("<mss 1000>", 3000);
  const { endpoint } = p;
  expect(endpoint.sendSpace).toBe(4000);
  p.writes(3000);
  expect(endpoint.sendSpace).toBe(4000); // all of it left
  p.writes(3000);
  expect(endpoint.sendSpace).toBe(1000);
  p.writes(1000);
  expect(endpoint.sendSpace).toBe(0);
  expect(endpoint.info()).toMatchObject({ notSent: 4000, sendQueued: 7000 });
  p.events = 0;
  // half of the mark is what makes it worth a call, as in Linux
  p.sends(". 1:1(0) ack 1001 win 3000");
  expect([p.events & EVENT_WRITABLE, endpoint.info().notSent]).toEqual([0, 3000]);
  // the window opens without an acknowledgement: the sending itself tells
  p.sends(". 1:1(0) ack 1001 win 65535");
  expect([p.events & EVENT_WRITABLE, endpoint.info().notSent]).toEqual([EVENT_WRITABLE, 0]);
  expect(endpoint.sendSpace).toBe(4000);
});

test("the mark may be one connection's own; by default only the send buffer holds a writer back", () => {
  const p = new ScriptedPeer().established("<mss 1000>", 1000);
  p.writes(100_000);
  expect(p.endpoint.sendSpace).toBe(262_144 - 100_000);
  p.endpoint.setNotSentLowat(1);
  expect(p.endpoint.sendSpace).toBe(0);
  expect(() => p.endpoint.setNotSentLowat(0)).toThrow(/EINVAL/);
});
