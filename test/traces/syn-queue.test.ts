/** The half-open connection, against a scripted peer: what it answers, what ends it, what the ACK may bring along. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { writeI32 } from "../../src/base/bytes.ts";
import { instantOf } from "../../src/base/time.ts";
import { Stack } from "../../src/stack/stack.ts";
import type { Listener } from "../../src/stack/listener.ts";
import { seededRng } from "../../src/base/rng.ts";
import type { Settings } from "../../src/tcp/config.ts";
import { writeIcmp } from "../../src/wire/icmpv4.ts";
import { PROTO_ICMP, PROTO_TCP, writeIpv4 } from "../../src/wire/ipv4.ts";
import { OURS, PEER, ScriptedPeer } from "../support/scripted-peer.ts";
import { SynFlood } from "../support/syn-flood.ts";

const SYN_TEXT = "S 0:0(0) win 65535 <mss 1460>";
const FULL = "S 0:0(0) win 65535 <mss 1400,sackOK,TS val 1000 ecr 0,wscale 7>";

function halfOpen(syn = SYN_TEXT, settings: Partial<Settings> = {}): ScriptedPeer {
  return new ScriptedPeer({ settings }).listens().sends(syn).sees("S. 0:0(0) ack 1");
}

function count(p: ScriptedPeer, name: string): number {
  return p.stack.counters.get(name);
}

describe("what a half-open connection agrees to", () => {
  test("an answer has the options that the SYN had, and echoes its timestamp", () => {
    const p = new ScriptedPeer().listens().sends(FULL);
    const { segment } = p.next();
    expect(p.describe(segment, "S. 0:0(0) ack 1 win 1 <TS>")).toBe(
      "S. 0:0(0) ack 1 win 65535 <mss 1460,sackOK,TS,wscale 7>",
    );
    expect(segment.tsEcr).toBe(1000);
    p.sends(`. 1:1(0) ack 1 win 100 <TS val 1001 ecr ${segment.tsVal}>`);
    const info = p.endpoint.info();
    expect(info).toMatchObject({ timestamps: true, sack: true, sndWscale: 7, rcvWscale: 7 });
    expect(info).toMatchObject({ sndMss: 1388, sndWnd: 12800, state: "ESTABLISHED" });
  });

  test("what the settings rule out is not agreed to", () => {
    const settings = { tcp_sack: 0, tcp_timestamps: 0, tcp_window_scaling: 0 };
    const p = new ScriptedPeer({ settings }).listens().sends(FULL);
    p.sees("S. 0:0(0) ack 1 win 65535 <mss 1460>").sends(". 1:1(0) ack 1 win 100");
    expect(p.endpoint.info()).toMatchObject({ timestamps: false, sack: false, sndWscale: -1 });
    expect(p.endpoint.info().sndWnd).toBe(100);
  });

  test("without an MSS option segments have 536 bytes", () => {
    const p = halfOpen("S 0:0(0) win 65535").sends(". 1:1(0) ack 1");
    expect(p.endpoint.info().sndMss).toBe(536);
  });
});

describe("the ACK that makes it whole", () => {
  test("may bring text and FIN", () => {
    const p = halfOpen().sends("FP. 1:4(3) ack 1");
    p.sees(". 1:1(0) ack 5").silent();
    expect(p.state).toBe("CLOSE-WAIT");
    expect([...p.received]).toEqual([1, 2, 3]);
  });

  test("may be a FIN without text", () => {
    const p = halfOpen().sends("F. 1:1(0) ack 1").sees(". 1:1(0) ack 2").silent();
    expect(p.state).toBe("CLOSE-WAIT");
  });

  test("may come with text behind a hole", () => {
    const p = halfOpen().sends("P. 4:7(3) ack 1").sees(". 1:1(0) ack 1");
    expect(p.state).toBe("ESTABLISHED");
    p.sends("P. 1:4(3) ack 1").sees(". 1:1(0) ack 7");
    expect([...p.received]).toEqual([1, 2, 3, 4, 5, 6]);
  });

  test("times the round trip, but not when the SYN-ACK went out twice [MUST-18]", () => {
    const p = halfOpen().waits(40).sends(". 1:1(0) ack 1");
    expect(p.endpoint.info().srtt).toBeCloseTo(40, 3);
    const q = halfOpen().waits(40).sends(SYN_TEXT).sees("S. 0:0(0) ack 1");
    q.waits(40).sends(". 1:1(0) ack 1");
    expect(q.endpoint.info().srtt).toBe(0);
    const r = halfOpen().waits(1000).sees("S. 0:0(0) ack 1").waits(40).sends(". 1:1(0) ack 1");
    expect(r.endpoint.info()).toMatchObject({ srtt: 0, rto: 3000, retransmits: 1 });
  });

  test("counts as a passive open, and leaves the SYN queue for the accept queue", () => {
    const p = halfOpen();
    expect(count(p, "TcpPassiveOpens")).toBe(0);
    p.sends(". 1:1(0) ack 1").until(200_000).silent();
    expect(count(p, "TcpPassiveOpens")).toBe(1);
    expect(p.states).toEqual(["LISTEN -> SYN-RECEIVED", "SYN-RECEIVED -> ESTABLISHED"]);
  });
});

describe("what is not that ACK", () => {
  test("outside the window it draws an ACK, once in half a second, and nothing ends", () => {
    const p = halfOpen();
    p.sends(". 70000:70000(0) ack 1").sees(". 1:1(0) ack 1").silent();
    p.sends(". 70000:70000(0) ack 1").silent();
    expect(count(p, "TcpExtTCPACKSkippedSynRecv")).toBe(1);
    p.waits(500).sends(". 70000:70000(0) ack 1").sees(". 1:1(0) ack 1");
    expect(count(p, "TcpExtTCPOutOfWindow")).toBe(3);
    p.sends(". 1:1(0) ack 1").silent();
    expect(p.state).toBe("ESTABLISHED");
  });

  test("its ACK of the window is scaled, other than the window of the SYN-ACK", () => {
    const p = new ScriptedPeer().listens().sends(FULL).sees("S. 0:0(0) ack 1 win 65535");
    p.sends("P. 70000:70001(1) ack 1 <TS val 1001 ecr 0>");
    p.sees(". 1:1(0) ack 1 win 511 <TS>");
  });

  test("a RST ends it only at RCV.NXT; elsewhere in the window it draws a challenge ACK [5961-3.2-EXACT]", () => {
    const p = halfOpen();
    p.sends("R 2:2(0)").sees(". 1:1(0) ack 1").silent();
    expect(count(p, "TcpExtTCPChallengeACK")).toBe(1);
    p.sends("R 70000:70000(0)").silent();
    p.sends("R 0:0(0)").silent();
    expect(p.stack.connections()).toHaveLength(1);
    p.sends("R 1:1(0)").silent();
    expect(p.stack.connections()).toHaveLength(0);
    expect(count(p, "TcpExtEmbryonicRsts")).toBe(1);
    p.waits(100_000).silent();
  });

  test("an older timestamp is an old duplicate: dropped with an ACK, a RST excepted", () => {
    const p = new ScriptedPeer().listens().sends(FULL).sees("S. 0:0(0) ack 1");
    p.sends(". 1:1(0) ack 1 <TS val 999 ecr 0>").sees(". 1:1(0) ack 1 <TS>").silent();
    expect(count(p, "TcpExtPAWSEstab")).toBe(1);
    expect(p.accepted).toBe(false);
    p.sends(". 1:1(0) ack 1").silent(); // the option was agreed to, and is not there (RFC 7323 §3.2)
    expect(p.accepted).toBe(false);
    p.sends(". 1:1(0) ack 1 <TS val 1000 ecr 0>").silent();
    expect(p.state).toBe("ESTABLISHED");
  });

  test("a newer timestamp is echoed from then on", () => {
    const p = new ScriptedPeer().listens().sends(FULL).sees("S. 0:0(0) ack 1");
    p.sends("U 1:1(0) <TS val 1005 ecr 0>").waits(1000);
    const { segment } = p.next();
    expect(p.describe(segment, "S. 0:0(0) ack 1")).toBe("S. 0:0(0) ack 1");
    expect(segment.tsEcr).toBe(1005);
  });

  test("another SYN in the window leads back to LISTEN [9293-3.10.7.4-SYNRCVD]", () => {
    const p = halfOpen().sends("S 5:5(0) win 65535 <mss 1460>").silent();
    expect(p.stack.connections()).toHaveLength(0);
    p.sends("S 5:5(0) win 65535 <mss 1460>").sees("S. 0:0(0) ack 6");
  });

  test("an ICMP error that quotes the SYN-ACK ends nothing [MUST-56]", () => {
    const p = halfOpen();
    const quoted = new Uint8Array(28);
    writeIpv4(quoted, 0, 40, 0, 0, true, 64, PROTO_TCP, OURS, PEER);
    writeI32(quoted, 20, (p.ourPort << 16) | p.peerPort);
    writeI32(quoted, 24, p.iss | 0);
    for (const code of [0, 1, 2, 3, 4, 5]) {
      const packet = new Uint8Array(20 + 8 + 28);
      const size = writeIcmp(packet, 20, 3, code, 0, quoted, 0, 28);
      writeIpv4(packet, 0, 20 + size, 0, 2, false, 64, PROTO_ICMP, PEER, OURS);
      expect(p.stack.input(packet, 0, packet.length, 0, instantOf(p.time))).toMatch(
        /no connection/,
      );
    }
    p.settle().silent().sends(". 1:1(0) ack 1");
    expect(p.state).toBe("ESTABLISHED");
    expect(p.endpoint.softError).toBe(null);
  });

  test("without ACK it is dropped", () => {
    const p = halfOpen().sends("P 1:4(3)").silent();
    expect(p.accepted).toBe(false);
    p.sends(". 1:1(0) ack 1");
    expect(p.received).toHaveLength(0);
  });

  test("ten repeated SYNs in a moment make one entry, and few answers [H052]", () => {
    const p = halfOpen();
    for (let i = 0; i < 10; i++) p.sends(SYN_TEXT);
    p.sees("S. 0:0(0) ack 1").silent();
    expect(p.stack.connections()).toHaveLength(1);
    for (const s of [1, 3, 7, 15, 31]) p.until(s * 1000).sees("S. 0:0(0) ack 1", s * 1000);
    p.until(62_999).silent();
    expect(p.stack.connections()).toHaveLength(1);
    p.until(200_000).silent();
    expect(p.stack.connections()).toHaveLength(0);
  });
});

describe("the queues of a listener", () => {
  function listens(settings: Partial<Settings>, backlog = 16): [ScriptedPeer, Listener] {
    const p = new ScriptedPeer({ settings });
    return [p, p.stack.listen({ port: 80, backlog, owner: { onConnection: () => {} } })];
  }

  /** Both are half-open at the same time; then the first is whole, and the second is the peer's again. */
  function twoHalfOpenOneAccepted(p: ScriptedPeer): void {
    for (const port of [1002, 1001]) {
      p.peerPort = port;
      p.sends(SYN_TEXT).sees("S. 0:0(0) ack 1");
    }
    p.sends(". 1:1(0) ack 1").silent();
    p.peerPort = 1002;
    p.sends(SYN_TEXT).sees("S. 0:0(0) ack 1");
  }

  test("without cookies a full SYN queue drops, and takes again when an entry ends [4987-3.5-BOUND]", () => {
    const [p] = listens({ tcp_max_syn_backlog: 2, tcp_syncookies: 0 });
    for (const port of [1001, 1002]) {
      p.peerPort = port;
      p.sends(SYN_TEXT).sees("S. 0:0(0) ack 1");
    }
    p.peerPort = 1003;
    p.sends(SYN_TEXT).silent();
    expect(count(p, "TcpExtTCPReqQFullDrop")).toBe(1);
    p.peerPort = 1002;
    p.sends("R 1:1(0)").silent();
    p.peerPort = 1003;
    p.sends(SYN_TEXT).sees("S. 0:0(0) ack 1");
  });

  test("a flood to one port leaves another's SYN queue as it was [4987-3.5-BOUND]", () => {
    const [p] = listens({ tcp_max_syn_backlog: 10, tcp_syncookies: 0 });
    p.stack.listen({ port: 81, owner: { onConnection: () => {} } });
    for (let i = 0; i < 50; i++) {
      p.peerPort = 1000 + i;
      p.sends(SYN_TEXT);
    }
    expect(count(p, "TcpExtTCPReqQFullDrop")).toBe(40);
    expect(count(p, "TcpExtListenDrops")).toBe(40);
    while (p.pending > 0) p.next();
    p.ourPort = 81;
    p.sends(SYN_TEXT).sees("S. 0:0(0) ack 1").sends(". 1:1(0) ack 1").silent();
    expect(count(p, "TcpPassiveOpens")).toBe(1);
  });

  test("a full accept queue drops the ACK; the entry stays, and the SYN-ACK that comes again brings it in [H054]", () => {
    const [p, listener] = listens({}, 0);
    twoHalfOpenOneAccepted(p);
    p.sends(". 1:1(0) ack 1").silent();
    expect(count(p, "TcpExtListenOverflows")).toBe(1);
    expect(count(p, "TcpExtListenDrops")).toBe(1);
    expect([listener.waiting, p.stack.connections().length]).toEqual([1, 2]);
    expect(listener.accept()).not.toBe(null);
    p.until(1000).sees("S. 0:0(0) ack 1").sends(". 1:1(0) ack 1").silent();
    expect(listener.waiting).toBe(1);
  });

  test("the ACKs of one batch do not overfill the accept queue", () => {
    const flood = new SynFlood(OURS);
    const now = instantOf(0);
    const stack = new Stack({
      addresses: [{ address: OURS, prefix: 24 }],
      rng: seededRng(7),
      now,
      sender: flood.sender,
    });
    const listener = stack.listen({ port: 80, backlog: 4, owner: { onConnection: () => {} } });
    const answers = Array.from({ length: 20 }, (_, i) => {
      flood.syn(stack, flood.client(i), 1000, 0, now, false);
      return flood.sender.last();
    });
    answers.forEach((s, i) => flood.ack(stack, flood.client(i), 1000, s.ack, s.seq + 1, now));
    stack.poll(now);
    expect(listener.waiting).toBe(5);
    expect(stack.counters.get("TcpExtListenOverflows")).toBe(15);
  });

  test("with tcp_abort_on_overflow a full accept queue resets", () => {
    const [p] = listens({ tcp_abort_on_overflow: 1 }, 0);
    twoHalfOpenOneAccepted(p);
    p.sends(". 1:1(0) ack 1").sees("R 1:1(0)").silent();
    expect(p.stack.connections()).toHaveLength(1);
  });

  test("what is half-open when the listener closes is reset", () => {
    const [p, listener] = listens({});
    p.sends(SYN_TEXT).sees("S. 0:0(0) ack 1");
    listener.close();
    p.settle().sees("R. 1:1(0) ack 1").silent();
    expect(p.stack.connections()).toHaveLength(0);
    p.waits(100_000).silent();
  });

  test("what is half-open when the stack ends is reset", () => {
    const [p] = listens({});
    p.sends(SYN_TEXT).sees("S. 0:0(0) ack 1");
    p.stack.abortAll();
    p.settle().sees("R. 1:1(0) ack 1").silent();
  });

  test("when the device is gone nothing is left and nothing is sent", () => {
    const [p] = listens({});
    p.sends(SYN_TEXT).sees("S. 0:0(0) ack 1");
    p.stack.deviceLost({ code: "ENETDOWN", message: "gone" });
    p.waits(100_000).silent();
    expect(p.stack.connections()).toHaveLength(0);
  });
});

test("whatever comes, nothing breaks: entries are counted right, and the true ACK still opens or none does", () => {
  const segment = fc.record({
    flags: fc.integer({ min: 0, max: 255 }),
    at: fc.oneof(fc.constantFrom(0, 1, 2, 65535, 65536, -1), fc.integer()),
    ack: fc.oneof(fc.constantFrom(0, 1, 2, -1), fc.integer()),
    length: fc.constantFrom(0, 0, 1, 1000),
    options: fc.constantFrom("", "<mss 1460>", "<TS val 1000 ecr 0>", "<TS val 999 ecr 0>"),
  });
  const run = fc.tuple(
    fc.constantFrom(SYN_TEXT, FULL),
    fc.constantFrom(0, 1, 2),
    fc.array(segment, { minLength: 1, maxLength: 12 }),
  );
  fc.assert(
    fc.property(run, ([syn, tcp_syncookies, segments]) => {
      const p = new ScriptedPeer({ settings: { tcp_syncookies } }).listens().sends(syn);
      for (const { flags, at, ack, length, options } of segments) {
        const text = `${letters(flags)} ${at >>> 0}:${(at >>> 0) + length}(${length})`;
        p.sends(`${text}${(flags & 16) === 0 ? "" : ` ack ${ack >>> 0}`} ${options}`.trim());
        p.waits(100);
      }
      // every entry ends by itself
      p.waits(200_000);
      expect(p.stack.connections().filter((c) => c.state === "SYN-RECEIVED")).toEqual([]);
      expect(p.stack.connections().length).toBeLessThanOrEqual(1);
    }),
    { numRuns: 300 },
  );
});

function letters(flags: number): string {
  let set = "";
  for (let i = 0; i < 8; i++) if ((flags & (1 << i)) !== 0) set += "FSRP.UEW".charAt(i);
  return set === "" ? "none" : set;
}
