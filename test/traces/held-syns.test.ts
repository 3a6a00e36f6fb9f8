/** A listener whose owner decides about each SYN: nothing is promised before, and what it says reaches the client. */
import { describe, expect, test } from "vitest";
import { type Instant, instantOf } from "../../src/base/time.ts";
import type { HeldSyn, Refusal, SynOwner } from "../../src/stack/held-syns.ts";
import type { Listener } from "../../src/stack/listener.ts";
import type { ListenOptions } from "../../src/stack/options.ts";
import type { Endpoint } from "../../src/tcp/endpoint.ts";
import type { Settings } from "../../src/tcp/config.ts";
import { createIcmpMessage, readIcmp } from "../../src/wire/icmpv4.ts";
import { createIpv4Header, PROTO_ICMP, readIpv4 } from "../../src/wire/ipv4.ts";
import { ACK, RST } from "../../src/wire/tcp-segment.ts";
import { OURS, PEER, ScriptedPeer } from "../support/scripted-peer.ts";

const SYN = "S 0:0(0) win 65535 <mss 1460>";

/** Writes down what it hears; decides at once where `says` is set. */
class Decider implements SynOwner {
  readonly syns: HeldSyn[] = [];
  readonly over: (string | null)[] = [];
  readonly endpoints: Endpoint[] = [];
  says: "accept" | Refusal | null = null;
  takes = true;
  events = 0;
  private readonly peer: ScriptedPeer;

  constructor(peer: ScriptedPeer) {
    this.peer = peer;
  }

  get syn(): HeldSyn {
    return this.syns.at(-1)!;
  }

  onSyn(syn: HeldSyn): void {
    this.syns.push(syn);
    if (this.says === "accept") syn.accept();
    else if (this.says !== null) syn.refuse(this.says);
  }

  onSynOver(syn: HeldSyn, endpoint: Endpoint | null): void {
    this.over.push(syn.ended);
    if (endpoint === null) return;
    this.endpoints.push(endpoint);
    if (this.takes) {
      endpoint.owner = {
        onEvents: (e, events) => ((this.events |= events), this.peer.onEvents(e, events)),
      };
    }
  }
}

interface Held {
  readonly p: ScriptedPeer;
  readonly d: Decider;
  readonly listener: Listener;
}

function holds(settings: Partial<Settings> = {}, more: Partial<ListenOptions> = {}): Held {
  const p = new ScriptedPeer({ settings });
  const d = new Decider(p);
  const owner = {
    onConnection: (): void => {
      throw new Error("the accept queue has nothing to do with it");
    },
  };
  const listener = p.stack.listen({ port: 80, owner, synOwner: d, ...more });
  return { p, d, listener };
}

function count(p: ScriptedPeer, name: string): number {
  return p.stack.counters.get(name);
}

describe("until the owner has said a word", () => {
  test("nothing is sent; repeated SYNs are absorbed; then the SYN-ACK leaves, and the handshake goes on", () => {
    const { p, d } = holds();
    p.sends(SYN).silent();
    p.waits(1000).sends(SYN).waits(2000).sends(SYN).silent();
    expect(d.syns).toHaveLength(1);
    expect(count(p, "TcpExtTCPHeldSynAgain")).toBe(2);
    expect(d.syn).toMatchObject({ localAddress: OURS, localPort: 80, remoteAddress: PEER });
    expect([d.syn.remotePort, d.syn.ended]).toEqual([40000, null]);
    d.syn.accept();
    p.settle().sees("S. 0:0(0) ack 1", 3000).silent();
    expect(d.over).toEqual([]);
    p.sends("P. 1:4(3) ack 1").sees(". 1:1(0) ack 4").silent();
    expect(d.over).toEqual([null]);
    expect(d.endpoints[0]!.state).toBe("ESTABLISHED");
    expect([...p.received]).toEqual([1, 2, 3]);
    expect(p.states).toEqual(["LISTEN -> SYN-RECEIVED", "SYN-RECEIVED -> ESTABLISHED"]);
    expect(count(p, "TcpPassiveOpens")).toBe(1);
  });

  test("the SYN-ACK echoes the timestamp of the SYN that came last, and its round trip counts from itself", () => {
    const { p, d } = holds();
    p.sends("S 0:0(0) win 65535 <mss 1460,TS val 1000 ecr 0>");
    p.waits(3000).sends("S 0:0(0) win 65535 <mss 1460,TS val 4000 ecr 0>").silent();
    d.syn.accept();
    const { segment } = p.settle().next();
    expect(segment.tsEcr).toBe(4000);
    p.waits(40).sends(`. 1:1(0) ack 1 <TS val 4040 ecr ${segment.tsVal}>`);
    expect(d.endpoints[0]!.info().srtt).toBeCloseTo(40, 0);
  });

  test("the SYN-ACK comes again as any does, and the owner hears of the end when nobody answers", () => {
    const { p, d } = holds({ tcp_synack_retries: 2 });
    p.sends(SYN).waits(5000);
    d.syn.accept();
    p.settle().sees("S. 0:0(0) ack 1", 5000);
    p.until(60_000).sees("S. 0:0(0) ack 1", 6000).sees("S. 0:0(0) ack 1", 8000).silent();
    expect(d.over).toEqual(["SYN-ACK never acknowledged"]);
    expect(p.stack.connections()).toHaveLength(0);
  });

  test("an owner that decides at once loses no time", () => {
    const { p, d } = holds();
    d.says = "accept";
    p.sends(SYN).sees("S. 0:0(0) ack 1", 0).sends("F. 1:1(0) ack 1").sees(". 1:1(0) ack 2");
    expect(d.endpoints[0]!.state).toBe("CLOSE-WAIT");
  });

  test("data on the SYN waits for the handshake, with a good Fast Open cookie too", () => {
    const { p, d } = holds({ tcp_fastopen: 0x602 }, { fastOpen: 16 });
    p.sends("S 0:3(3) win 65535 <mss 1460,fastopen 0011223344556677>").silent();
    d.syn.accept();
    p.settle().sees("S. 0:0(0) ack 1").silent();
    p.sends("P. 1:4(3) ack 1");
    expect([...p.received]).toEqual([1, 2, 3]);
  });
});

describe("a refusal", () => {
  test("is a RST in answer to the SYN, acceptable in SYN-SENT [9293-3.10.7.1]", () => {
    const { p, d } = holds();
    p.sends(SYN).waits(700);
    d.syn.refuse("reset");
    p.settle().sees("R. 0:0(0) ack 1", 700).silent();
    expect(p.stack.connections()).toHaveLength(0);
    expect(d.over).toEqual([]);
    // words that come later are without effect
    d.syn.accept();
    p.settle().waits(200_000).silent();
    expect(count(p, "TcpExtTCPHeldSynRefused")).toBe(1);
    expect(count(p, "TcpOutRsts")).toBe(1);
  });

  test("may be silence: the next SYN of the client is asked about anew", () => {
    const { p, d } = holds();
    p.sends(SYN);
    d.syn.refuse("silence");
    p.settle().silent().waits(1000).sends(SYN).silent();
    expect(d.syns).toHaveLength(2);
  });

  test.each([
    ["host-unreachable", 1],
    ["net-unreachable", 0],
  ] as const)("%s is ICMP that quotes the SYN's ports and number", (how, code) => {
    const { p, d } = holds();
    p.sends(SYN);
    d.syn.refuse(how);
    const now: Instant = instantOf(p.time);
    p.stack.poll(now);
    const [packet] = p.sender.packets.splice(0);
    const h = createIpv4Header();
    const m = createIcmpMessage();
    expect(readIpv4(packet!.bytes, 0, packet!.bytes.length, h)).toBe(null);
    expect([h.protocol, h.source, h.destination]).toEqual([PROTO_ICMP, OURS, PEER]);
    expect(readIcmp(packet!.bytes, h.headerLength, h.totalLength - h.headerLength, m)).toBe(null);
    expect([m.type, m.code, m.bodyLength]).toEqual([3, code, 28]);
    const view = new DataView(packet!.bytes.buffer, packet!.bytes.byteOffset + m.bodyOffset, 28);
    expect([view.getUint8(9), view.getInt32(12), view.getInt32(16)]).toEqual([6, PEER, OURS]);
    expect([view.getUint16(20), view.getUint16(22)]).toEqual([40000, 80]);
    expect(view.getInt32(24)).toBe(p.peerSeq(0) | 0);
    expect(p.stack.connections()).toHaveLength(0);
  });
});

describe("what the client does meanwhile", () => {
  test("its RST at the number behind the SYN ends it, and the owner hears so; any other is dropped", () => {
    const { p, d } = holds();
    p.sends(SYN).sends("R 2:2(0)").sends("R 0:0(0)").silent();
    expect(d.over).toEqual([]);
    p.sends("R 1:1(0)").silent();
    expect(d.over).toEqual(["RST received"]);
    expect(d.syn.ended).toBe("RST received");
    d.syn.accept();
    p.settle().waits(200_000).silent();
  });

  test("an ACK of what was never sent draws a RST, and it waits on; text, FIN and another SYN are dropped", () => {
    const { p, d } = holds();
    p.sends(SYN).sends(". 1:1(0) ack 1").sees("R 1:1(0)").silent();
    p.sends("P 1:4(3)").sends("F 1:1(0)").sends("S 500:500(0) win 100 <mss 1460>").silent();
    expect(d.syns).toHaveLength(1);
    d.syn.accept();
    p.settle().sees("S. 0:0(0) ack 1");
  });

  test("a RST after the SYN-ACK is told, too", () => {
    const { p, d } = holds();
    d.says = "accept";
    p.sends(SYN).sees("S. 0:0(0) ack 1").sends("R 1:1(0)").silent();
    expect(d.over).toEqual(["RST received"]);
  });

  test("a RST in the same batch as the ACK leaves no connection to be given", () => {
    const { p, d } = holds();
    d.says = "accept";
    p.sends(SYN).sees("S. 0:0(0) ack 1");
    for (const text of [". 1:1(0) ack 1", "R 1:1(0)"]) {
      const packet = p.packetOf(text);
      p.stack.input(packet, 0, packet.length, 0, instantOf(p.time));
    }
    p.settle().silent();
    expect(d.endpoints).toHaveLength(0);
    expect(d.over).toEqual(["RST received at RCV.NXT"]);
  });
});

describe("its bounds", () => {
  test("an owner that never says a word: after 127 s it is over", () => {
    const { p, d } = holds();
    p.sends(SYN).until(126_999);
    expect(d.over).toEqual([]);
    p.until(127_000).silent();
    expect(d.over).toEqual(["held too long"]);
    expect(count(p, "TcpExtTCPHeldSynTimeouts")).toBe(1);
    expect(p.stack.connections()).toHaveLength(0);
  });

  test("a flood fills the queue; more are dropped without a cookie, and places become free", () => {
    const { p, d } = holds({ tcp_max_syn_backlog: 8 });
    for (let i = 0; i < 50; i++) {
      p.peerPort = 1000 + i;
      p.sends(SYN);
    }
    p.silent();
    expect(d.syns).toHaveLength(8);
    expect([count(p, "TcpExtListenDrops"), count(p, "TcpExtTCPReqQFullDrop")]).toEqual([42, 42]);
    expect(count(p, "TcpExtSyncookiesSent")).toBe(0);
    d.syns[0]!.refuse("silence");
    p.settle().sends(SYN).silent();
    expect(d.syns).toHaveLength(9);
    expect(d.syn.remotePort).toBe(1049);
  });

  test("tcp_syncookies 2, cookies for all, does not answer for the owner", () => {
    const { p, d } = holds({ tcp_syncookies: 2 });
    p.sends(SYN).silent();
    d.syn.refuse("reset");
    p.settle().sees("R. 0:0(0) ack 1");
  });

  test("an accepted SYN keeps its place until it is a connection", () => {
    const { p, d } = holds({ tcp_max_syn_backlog: 1 });
    d.says = "accept";
    p.sends(SYN).sees("S. 0:0(0) ack 1");
    p.peerPort = 40001;
    p.sends(SYN).silent();
    p.peerPort = 40000;
    p.sends(". 1:1(0) ack 1").silent();
    p.peerPort = 40001;
    p.sends(SYN).sees("S. 0:0(0) ack 1");
    expect(d.syns).toHaveLength(2);
  });

  test("a SYN that comes and ends between two polls is never told", () => {
    const { p, d } = holds();
    for (const text of [SYN, "R 1:1(0)"]) {
      const packet = p.packetOf(text);
      p.stack.input(packet, 0, packet.length, 0, instantOf(p.time));
    }
    p.settle().silent();
    expect([d.syns, d.over]).toEqual([[], []]);
  });

  test("a connection that the owner does not take is aborted", () => {
    const { p, d } = holds();
    d.says = "accept";
    d.takes = false;
    p.sends(SYN).sees("S. 0:0(0) ack 1").sends(". 1:1(0) ack 1").sees("R. 1:1(0) ack 1").silent();
    expect(p.stack.connections()).toHaveLength(0);
  });
});

describe("the end of the listener, and of the stack", () => {
  test("close refuses what is held with a RST, and resets what is half-open", () => {
    const { p, d, listener } = holds();
    p.sends(SYN);
    p.peerPort = 40001;
    p.sends(SYN);
    d.syn.accept();
    p.settle().sees("S. 0:0(0) ack 1");
    listener.close();
    p.settle();
    const refused = p.next().segment;
    expect([refused.flags, refused.seq, refused.ack]).toEqual([RST | ACK, 0, p.peerSeq(1)]);
    p.sees("R. 1:1(0) ack 1").silent();
    expect(p.stack.connections()).toHaveLength(0);
    expect(d.over).toHaveLength(2);
  });

  test("abortAll refuses what is held", () => {
    const { p, d } = holds();
    p.sends(SYN);
    p.stack.abortAll();
    p.settle().sees("R. 0:0(0) ack 1").silent();
    expect(d.over).toEqual(["refused by the user"]);
  });

  test("when the device is gone the owner hears it", () => {
    const { p, d } = holds();
    p.sends(SYN);
    p.stack.deviceLost({ code: "ENETDOWN", message: "the device is gone" });
    p.settle().silent();
    expect(d.over).toEqual(["the device is gone"]);
  });
});

describe("a new SYN for a connection in TIME-WAIT", () => {
  function inTimeWait(): Held {
    const held = holds();
    const { p, d } = held;
    d.says = "accept";
    p.sends(SYN).sees("S. 0:0(0) ack 1").sends(". 1:1(0) ack 1");
    d.endpoints[0]!.shutdown();
    p.settle().sees("F. 1:1(0) ack 1").sends("F. 1:1(0) ack 2").sees(". 2:2(0) ack 2");
    d.says = null;
    return held;
  }

  test("is held in its place, and the old one comes back when it is refused", () => {
    const { p, d } = inTimeWait();
    const again = "S 100000:100000(0) win 65535 <mss 1460>";
    p.sends(again).silent();
    expect(p.stack.connections().map((c) => c.state)).toEqual(["SYN-RECEIVED"]);
    d.syn.refuse("silence");
    p.settle().silent();
    expect(p.stack.connections().map((c) => c.state)).toEqual(["TIME-WAIT"]);
    p.sends(again);
    d.syn.accept();
    p.settle().sees("S. 0:0(0) ack 100001");
  });
});
