/** The stack as a whole: ports and addresses in use, whom it answers, ICMP both ways, the accept queue, its end. */
import { expect, test } from "vitest";
import { seededRng } from "../../src/base/rng.ts";
import { instantOf } from "../../src/base/time.ts";
import { Stack } from "../../src/stack/stack.ts";
import { formatIpv4, type Ipv4Address, parseIpv4 } from "../../src/wire/address.ts";
import { createIcmpMessage, readIcmp, writeIcmp } from "../../src/wire/icmpv4.ts";
import {
  createIpv4Header,
  PROTO_ICMP,
  PROTO_TCP,
  readIpv4,
  writeIpv4,
} from "../../src/wire/ipv4.ts";
import { seq } from "../../src/wire/seq.ts";
import { createTcpSegment, SYN } from "../../src/wire/tcp-segment.ts";
import { fillTcpChecksum, writeTcp } from "../../src/wire/tcp.ts";
import { RecordingSender } from "../support/recording-sender.ts";
import { OURS, PEER, ScriptedPeer } from "../support/scripted-peer.ts";

const at = (text: string): Ipv4Address => parseIpv4(text)!;
const nobody = { onConnection: (): void => {} };

function syn(source: Ipv4Address, destination: Ipv4Address): Uint8Array {
  const s = createTcpSegment();
  s.sourcePort = 40000;
  s.destinationPort = 80;
  s.flags = SYN;
  s.seq = seq(1);
  s.window = 65535;
  const packet = new Uint8Array(40);
  writeTcp(packet, 20, s);
  writeIpv4(packet, 0, 40, 0, 1, true, 64, PROTO_TCP, source, destination);
  fillTcpChecksum(packet, 20, 20, source, destination);
  return packet;
}

function inject(p: ScriptedPeer, packet: Uint8Array): string | null {
  return p.stack.input(packet, 0, packet.length, 0, instantOf(p.time));
}

/** An ICMP error from `PEER` that quotes the head of a packet of ours. */
function icmpError(type: number, code: number, rest: number, quoted: Uint8Array): Uint8Array {
  const packet = new Uint8Array(20 + 8 + 28);
  const size = writeIcmp(packet, 20, type, code, rest, quoted, 0, 28);
  writeIpv4(packet, 0, 20 + size, 0, 2, false, 64, PROTO_ICMP, PEER, OURS);
  return packet;
}

test("a port that is listened on is in use, and what is there stays [MUST-41]", () => {
  const p = new ScriptedPeer().established();
  const again = (): unknown => p.stack.listen({ port: 80, owner: nobody });
  expect(again).toThrow(expect.objectContaining({ code: "EADDRINUSE" }));
  const special = (): unknown => p.stack.listen({ port: 80, address: OURS, owner: nobody });
  expect(special).toThrow(expect.objectContaining({ code: "EADDRINUSE" }));
  p.sends("P. 1:2(1) ack 1").waits(100).sees(". 1:1(0) ack 2");
});

test("a port can be listened on again at once, though a connection from it is in TIME-WAIT", () => {
  const p = new ScriptedPeer();
  const listener = p.stack.listen({ port: 80, owner: nobody });
  listener.close();
  listener.close();
  p.stack.listen({ port: 80, owner: nobody });
});

test("an active open takes the source address whose prefix holds the destination [MUST-44]", () => {
  const sender = new RecordingSender();
  const stack = new Stack({
    addresses: [
      { address: at("192.0.2.2"), prefix: 24 },
      { address: at("198.51.100.2"), prefix: 24 },
    ],
    rng: seededRng(3),
    now: instantOf(0),
    sender,
  });
  const open = (to: string): string => {
    const c = stack.connect({ remoteAddress: at(to), remotePort: 80, owner: null });
    return formatIpv4(c.localAddress);
  };
  expect(open("198.51.100.9")).toBe("198.51.100.2");
  expect(open("192.0.2.9")).toBe("192.0.2.2");
  expect(open("203.0.113.9")).toBe("192.0.2.2");
});

test("an active open to a broadcast, multicast or unspecified address fails at once and sends nothing [MUST-46]", () => {
  const p = new ScriptedPeer();
  for (const to of ["255.255.255.255", "224.0.0.1", "192.0.2.255", "0.0.0.0"]) {
    const open = (): unknown =>
      p.stack.connect({ remoteAddress: at(to), remotePort: 80, owner: null });
    expect(open, to).toThrow(expect.objectContaining({ code: "ENETUNREACH" }));
  }
  p.settle().silent();
});

test("a SYN to a broadcast or multicast address draws no answer [MUST-57]", () => {
  const p = new ScriptedPeer().listens();
  for (const to of ["224.0.0.1", "192.0.2.255", "255.255.255.255"]) inject(p, syn(PEER, at(to)));
  p.waits(5000).silent();
  expect(p.stack.connections()).toHaveLength(0);
});

test("a SYN from an address that no host can have draws no answer [MUST-63]", () => {
  const p = new ScriptedPeer().listens();
  for (const from of ["0.0.0.0", "127.0.0.1", "224.0.0.1", "255.255.255.255", "192.0.2.255"]) {
    inject(p, syn(at(from), OURS));
  }
  p.waits(5000).silent();
  expect(p.stack.connections()).toHaveLength(0);
});

test("a packet for somebody else is no business of ours", () => {
  const p = new ScriptedPeer().listens();
  expect(inject(p, syn(PEER, at("192.0.2.77")))).toMatch(/dropped/);
  p.settle().silent();
});

test("a packet with a wrong checksum is dropped and counted, and draws nothing [MUST-3]", () => {
  const p = new ScriptedPeer().listens();
  const packet = syn(PEER, OURS);
  packet[37]! ^= 1;
  expect(inject(p, packet)).toMatch(/dropped.*checksum/);
  p.settle().silent();
  expect(p.stack.counters.get("TcpInCsumErrors")).toBe(1);
});

test("LAND: a SYN from ourselves is dropped", () => {
  const p = new ScriptedPeer().listens();
  const packet = syn(OURS, OURS);
  packet[20] = 0;
  packet[21] = 80;
  fillTcpChecksum(packet, 20, 20, OURS, OURS);
  inject(p, packet);
  p.waits(1000).silent();
});

test("an ICMP error reaches the connection that it quotes and no other; when established it is soft [MUST-54]", () => {
  const p = new ScriptedPeer().listens();
  const open = (port: number): ReturnType<Stack["connect"]> =>
    p.stack.connect({ remoteAddress: PEER, remotePort: port, owner: null });
  const [first, second] = [open(1001), open(1002)];
  p.stack.poll(instantOf(0));
  const quoted = p.sender.packets[0]!.bytes;
  inject(p, icmpError(3, 1, 0, quoted)); // host unreachable
  p.settle();
  expect(first.softError?.code).toBe("EHOSTUNREACH");
  expect(first.error).toBe(null);
  expect(second.softError).toBe(null);
});

test("port unreachable fails an open that is under way [SHLD-26] [1122-3.2.2.1-ACCEPT]", () => {
  const p = new ScriptedPeer();
  const c = p.stack.connect({ remoteAddress: PEER, remotePort: 1001, owner: null });
  p.stack.poll(instantOf(0));
  inject(p, icmpError(3, 3, 0, p.sender.packets[0]!.bytes));
  p.settle();
  expect(c.error?.code).toBe("ECONNREFUSED");
});

test("an ICMP error that quotes a number outside of what is under way is ignored [5927-4.1-SEQ]", () => {
  const p = new ScriptedPeer();
  const c = p.stack.connect({ remoteAddress: PEER, remotePort: 1001, owner: null });
  p.stack.poll(instantOf(0));
  const quoted = p.sender.packets[0]!.bytes.slice();
  quoted[24]! ^= 0x40;
  inject(p, icmpError(3, 3, 0, quoted));
  p.settle();
  expect([c.error, c.softError]).toEqual([null, null]);
});

test("fragmentation needed lowers the segment size and sends again what was too large", () => {
  const p = new ScriptedPeer().established("<mss 1460>");
  p.endpoint.send(new Uint8Array(1460));
  p.stack.poll(instantOf(p.time));
  const quoted = p.sender.packets[0]!.bytes.slice();
  p.settle().sees("P. 1:1461(1460) ack 1");
  inject(p, icmpError(3, 4, 1000, quoted));
  p.settle().sees(". 1:961(960) ack 1");
  expect(p.endpoint.info().pmtu).toBe(1000);
});

test("ping is answered with the same identifier, number and data", () => {
  const p = new ScriptedPeer();
  const data = Uint8Array.of(1, 2, 3, 4, 5);
  const packet = new Uint8Array(20 + 8 + 5);
  writeIcmp(packet, 20, 8, 0, 0x1234_0007, data, 0, 5);
  writeIpv4(packet, 0, packet.length, 0, 2, false, 64, PROTO_ICMP, PEER, OURS);
  inject(p, packet);
  const { bytes } = p.sender.packets.splice(0)[0]!;
  const h = createIpv4Header();
  const m = createIcmpMessage();
  expect(readIpv4(bytes, 0, bytes.length, h)).toBe(null);
  expect(readIcmp(bytes, 20, h.totalLength - 20, m)).toBe(null);
  expect([h.source, h.destination, m.type, m.identifier, m.sequence]).toEqual([
    OURS,
    PEER,
    0,
    0x1234,
    7,
  ]);
  expect([
    ...bytes.subarray(20 + m.bodyOffset - 20, 20 + m.bodyOffset - 20 + m.bodyLength),
  ]).toEqual([...data]);
});

test("a full accept queue takes no more: SYNs are dropped, and after an accept they are answered", () => {
  const p = new ScriptedPeer();
  const listener = p.stack.listen({ port: 80, backlog: 0, owner: nobody });
  const handshake = (port: number): void => {
    p.peerPort = port;
    p.sends("S 0:0(0) win 65535 <mss 1460>");
    if (p.pending === 0) return;
    p.sees("S. 0:0(0) ack 1").sends(". 1:1(0) ack 1");
  };
  handshake(40000);
  expect(listener.waiting).toBe(1);
  handshake(40001); // dropped: as Linux, one more than the backlog fits
  p.silent();
  expect(p.stack.counters.get("TcpExtListenOverflows")).toBe(1);
  expect(p.stack.counters.get("TcpExtListenDrops")).toBe(1);
  expect(listener.accept()).not.toBe(null);
  handshake(40002);
  expect(listener.waiting).toBe(1);
});

test("closing a listener resets what was not accepted and leaves what was", () => {
  const p = new ScriptedPeer();
  const listener = p.stack.listen({ port: 80, owner: nobody });
  p.sends("S 0:0(0) win 65535 <mss 1460>").sees("S. 0:0(0) ack 1").sends(". 1:1(0) ack 1");
  listener.close();
  p.settle().sees("R. 1:1(0) ack 1").silent();
  expect(p.stack.connections()).toHaveLength(0);

  const q = new ScriptedPeer().established();
  q.sends("P. 1:2(1) ack 1").waits(100).sees(". 1:1(0) ack 2");
});

test("at the end of the stack every peer that waits hears a RST", () => {
  const p = new ScriptedPeer().established();
  p.writes(10).sees("P. 1:11(10) ack 1");
  p.stack.abortAll();
  p.settle().sees("R. 11:11(0) ack 1").silent();
});

test("listening is possible on a port that an open under way has as its own [MUST-42]", () => {
  const p = new ScriptedPeer().connects();
  p.sees("S 0:0(0)");
  p.stack.listen({ port: p.ourPort, owner: nobody });
});

test("an owner that throws takes nothing from the other connections of the round", () => {
  const p = new ScriptedPeer();
  const told: string[] = [];
  const remotePorts = [1001, 1002, 1003, 1004];
  const owner = {
    onEvents(endpoint: { remotePort: number }): void {
      if (endpoint.remotePort === 1002 && !told.includes("threw")) {
        told.push("threw");
        throw new Error("a program's own");
      }
      told.push(String(endpoint.remotePort));
    },
  };
  const endpoints = remotePorts.map((remotePort) =>
    p.stack.connect({ remoteAddress: PEER, remotePort, owner }),
  );
  p.stack.poll(instantOf(0));
  expect(p.sender.packets).toHaveLength(4);
  for (const endpoint of endpoints) endpoint.abort();
  expect(() => p.stack.poll(instantOf(1))).toThrow("a program's own");
  expect(told).toEqual(["1001", "threw"]);
  p.stack.poll(instantOf(2));
  expect(told).toEqual(["1001", "threw", "1003", "1004"]);
});
