/** Explicit congestion notification against a scripted peer: who agrees to it, what is marked, the echo, and the answer to it. */
import { describe, expect, test } from "vitest";
import { ACK, CE, CWR, ECE, ECT_0, SYN } from "../../src/wire/tcp-segment.ts";
import { fragmentsOf } from "../support/ip-packets.ts";
import { type PeerOptions, ScriptedPeer } from "../support/scripted-peer.ts";
import { Sender } from "../support/sender.ts";

const MSS = 1000;
const ASKING: PeerOptions = { settings: { tcp_ecn: 1 } };
const FULL = "<mss 1460,sackOK,TS val 1000 ecr 0,wscale 7>";

/** Opened by the peer with ECN, MSS 1000, no other option. */
function marked(options: PeerOptions = {}): ScriptedPeer {
  const p = new ScriptedPeer(options).listens();
  p.sends(`SEW 0:0(0) win 65535 <mss ${MSS}>`).sees("S.E 0:0(0) ack 1");
  p.sends(". 1:1(0) ack 1").silent();
  expect(p.endpoint.info().ecn).toBe(true);
  return p;
}

/** Everything that waits to be looked at: `SEQ(LENGTH)`, flags and codepoint where they are not plain. */
function sent(p: ScriptedPeer): string[] {
  const all: string[] = [];
  while (p.pending > 0) {
    const { segment: s, ip } = p.next();
    const at = (s.seq - p.ourSeq(0)) | 0;
    const flags = `${(s.flags & CWR) === 0 ? "" : " CWR"}${(s.flags & ECE) === 0 ? "" : " ECE"}`;
    all.push(`${at}(${s.payloadLength})${flags}${ip.tos === 0 ? "" : ` ${ip.tos}`}`);
  }
  return all;
}

const cwnd = (p: ScriptedPeer): number => p.endpoint.info().cwnd / MSS;

describe("negotiation", () => {
  test("an ECN-setup SYN gets an ECN-setup SYN-ACK [SHLD-8]", () => {
    const p = marked();
    expect(p.stack.counters.get("TcpPassiveOpens")).toBe(1);
  });

  test.each([
    ["S", "ECE and CWR missing"],
    ["SE", "ECE alone"],
    ["SW", "CWR alone"],
  ])("a SYN with flags %s (%s) gets a plain SYN-ACK [3168-6.1.1-ANSWER]", (flags) => {
    const p = new ScriptedPeer().listens();
    p.sends(`${flags} 0:0(0) win 65535 <mss 1000>`).sees("S. 0:0(0) ack 1");
    p.sends(". 1:1(0) ack 1");
    expect(p.endpoint.info().ecn).toBe(false);
    p.writes(10);
    expect(sent(p)).toEqual(["1(10)"]);
  });

  test("tcp_ecn 0 answers no request, and a SYN that is ECN-capable itself is not believed", () => {
    const off = new ScriptedPeer({ settings: { tcp_ecn: 0 } }).listens();
    off.sends("SEW 0:0(0) win 65535 <mss 1000>").sees("S. 0:0(0) ack 1");
    const rewritten = new ScriptedPeer().listens();
    rewritten.sends("SEW 0:0(0) win 65535 <mss 1000>", undefined, ECT_0).sees("S. 0:0(0) ack 1");
  });

  test.each([
    ["S.", false],
    ["SE.", true],
    ["SW.", false],
    ["SEW.", false],
  ])("asked for, a SYN-ACK with %s turns it on: %s [3168-6.1.1-NEG]", (flags, on) => {
    const p = new ScriptedPeer(ASKING).connects().sees("SEW 0:0(0)");
    p.sends(`${flags} 0:0(0) ack 1 win 65535 <mss 1000>`).sees(". 1:1(0) ack 1");
    expect(p.endpoint.info().ecn).toBe(on);
    p.writes(10);
    expect(sent(p)).toEqual([on ? "1(10) 2" : "1(10)"]);
  });

  test("what was not asked for is not turned on by a SYN-ACK with ECE [3168-6.1.1-NEG]", () => {
    const p = new ScriptedPeer().connects().sees("S 0:0(0)");
    p.sends("S.E 0:0(0) ack 1 win 65535 <mss 1000>").sees(". 1:1(0) ack 1");
    expect(p.endpoint.info().ecn).toBe(false);
    p.writes(10);
    expect(sent(p)).toEqual(["1(10)"]);
  });

  test("without an answer the next SYN asks no more, and its answer decides [3168-6.1.1.1-RETRY]", () => {
    const p = new ScriptedPeer(ASKING).connects().sees("SEW 0:0(0)");
    p.waits(1000).sees("S 0:0(0)");
    p.sends("S. 0:0(0) ack 1 win 65535 <mss 1000>").sees(". 1:1(0) ack 1");
    expect(p.endpoint.info().ecn).toBe(false);
    // with the fallback switched off it goes on to ask
    const stubborn = new ScriptedPeer({ settings: { tcp_ecn: 1, tcp_ecn_fallback: 0 } });
    stubborn.connects().sees("SEW 0:0(0)").waits(1000).sees("SEW 0:0(0)");
  });

  test("an offer of accurate ECN (AE, CWR and ECE) is answered as plain ECN [9768-3.1-FALLBACK]", () => {
    const p = new ScriptedPeer().listens();
    p.reservedBits = 1; // AE is the last of them
    p.sends("SEW 0:0(0) win 65535 <mss 1000>");
    p.reservedBits = 0;
    const { segment, bytes } = p.next();
    expect(segment.flags).toBe(SYN | ACK | ECE);
    expect(bytes[20 + 12]! & 0x0f).toBe(0); // no reserved bit is set in the answer
    p.sends(". 1:1(0) ack 1");
    p.sends("P. 1:101(100) ack 1", undefined, CE).sees(".E 1:1(0) ack 101");
    p.writes(10);
    expect(sent(p)).toEqual(["1(10) ECE 2"]);
  });

  test("SYNs that cross agree where both asked and both SYN-ACKs say so [3168-6.1.1-NEG]", () => {
    const p = new ScriptedPeer(ASKING).connects().sees("SEW 0:0(0)");
    p.sends("SEW 0:0(0) win 65535 <mss 1000>").sees("S.E 0:0(0) ack 1");
    p.sends("S.E 0:0(0) ack 1 win 65535 <mss 1000>");
    expect(p.state).toBe("ESTABLISHED");
    // its ECE is no echo of congestion
    expect(p.endpoint.info()).toMatchObject({ ecn: true, deliveredCe: 0, ssthresh: 2 ** 31 - 1 });
    const plain = new ScriptedPeer(ASKING).connects().sees("SEW 0:0(0)");
    plain.sends("SEW 0:0(0) win 65535 <mss 1000>").sees("S.E 0:0(0) ack 1");
    plain.sends("S. 0:0(0) ack 1 win 65535 <mss 1000>");
    expect([plain.state, plain.endpoint.info().ecn]).toEqual(["ESTABLISHED", false]);
    const quiet = new ScriptedPeer(ASKING).connects().sees("SEW 0:0(0)");
    quiet.sends("S 0:0(0) win 65535 <mss 1000>").sees("S. 0:0(0) ack 1");
  });

  test("a SYN cookie carries it in the timestamp, and without timestamps does not offer it", () => {
    const p = new ScriptedPeer({ settings: { tcp_syncookies: 2 } }).listens();
    p.sends(`SEW 0:0(0) win 65535 ${FULL}`);
    const { segment } = p.next();
    expect(segment.flags & (ECE | CWR)).toBe(ECE);
    p.waits(30).sends(`. 1:1(0) ack 1 <TS val 1030 ecr ${segment.tsVal}>`);
    expect(p.endpoint.info().ecn).toBe(true);
    p.peerPort++;
    p.sends("SEW 0:0(0) win 65535 <mss 1000>").sees("S. 0:0(0) ack 1");
    p.sends(". 1:1(0) ack 1");
    expect(p.endpoint.info().ecn).toBe(false);
    // a plain SYN stays plain by way of the same bits
    p.peerPort++;
    p.sends(`S 0:0(0) win 65535 ${FULL}`);
    const plain = p.next().segment;
    p.sends(`. 1:1(0) ack 1 <TS val 1030 ecr ${plain.tsVal}>`);
    expect(p.endpoint.info().ecn).toBe(false);
  });

  test("the SYN-ACK that goes out again asks as the first did", () => {
    const p = new ScriptedPeer().listens();
    p.sends("SEW 0:0(0) win 65535 <mss 1000>").sees("S.E 0:0(0) ack 1");
    p.waits(1000).sees("S.E 0:0(0) ack 1");
    p.waits(2000).sees("S.E 0:0(0) ack 1");
    p.sends(". 1:1(0) ack 1");
    expect(p.endpoint.info()).toMatchObject({ ecn: true, retransmits: 2 });
  });
});

describe("codepoints", () => {
  test("new data has ECT(0), whatever DSCP goes with it [3168-6.1.2-ECT0]", () => {
    const p = marked();
    p.endpoint.setTypeOfService(0xb9);
    p.writes(2500);
    p.sends(". 1:1(0) ack 2001");
    expect(sent(p).map((text) => text.replace(/\D+$/, ""))).toEqual([
      `1(1000) ${0xb8 | 2}`,
      `1001(1000) ${0xb8 | 2}`,
      `2001(500) ${0xb8 | 2}`,
    ]);
  });

  test("SYN, SYN-ACK, ACKs, retransmissions, probes, FIN and RST have none [3168-6.1.1-NOECT]", () => {
    const p = new ScriptedPeer(ASKING).connects();
    expect(p.next().ip.tos).toBe(0); // the SYN
    p.sends(`S.E 0:0(0) ack 1 win 65535 <mss ${MSS}>`);
    expect(sent(p)).toEqual(["1(0)"]);
    p.sends("P. 1:101(100) ack 1").waits(40);
    expect(sent(p)).toEqual(["1(0)"]);
    p.writes(5 * MSS);
    expect(sent(p)).toEqual([
      "1(1000) 2",
      "1001(1000) 2",
      "2001(1000) 2",
      "3001(1000) 2",
      "4001(1000) 2",
    ]);
    // fast retransmission, and one by timer
    for (let i = 0; i < 3; i++) p.sends(". 101:101(0) ack 1");
    expect(sent(p)).toEqual(["1(1000)"]);
    p.waits(1000);
    expect(new Set(sent(p))).toEqual(new Set(["1(1000)"]));
    p.sends(". 101:101(0) ack 5001 win 0");
    sent(p);
    // probes of a closed window
    p.writes(10).waits(10_000);
    const probes = sent(p);
    expect(probes.length).toBeGreaterThan(2);
    expect(new Set(probes)).toEqual(new Set(["5000(0)"]));
    p.sends(". 101:101(0) ack 5001 win 65535");
    expect(sent(p)).toEqual(["5001(10) CWR 2"]);
    p.sends(". 101:101(0) ack 5011");
    p.endpoint.shutdown();
    p.settle();
    expect(sent(p)).toEqual(["5011(0)"]);
    p.endpoint.abort();
    p.settle();
    expect(sent(p)).toEqual(["5012(0)"]);
    const answer = new ScriptedPeer().listens();
    answer.sends("SEW 0:0(0) win 65535 <mss 1000>");
    expect(answer.next().ip.tos).toBe(0);
  });
});

describe("the echo", () => {
  test("CE in the first of two segments sets ECE at once, until CWR comes [3168-6.1.3-ECHO]", () => {
    const p = marked().aged();
    p.sends("P. 1:1001(1000) ack 1", undefined, CE).sees(".E 1:1(0) ack 1001");
    p.sends("P. 1001:1101(100) ack 1", undefined, ECT_0).silent();
    p.waits(40).sees(".E 1:1(0) ack 1101"); // delayed
    p.sends("P. 1201:1301(100) ack 1", undefined, ECT_0).sees(".E 1:1(0) ack 1101"); // a duplicate
    p.sends("P. 1101:1201(100) ack 1", undefined, ECT_0).sees(".E 1:1(0) ack 1301");
    p.writes(10).sees("P.E 1:11(10) ack 1301");
    p.sends("PW. 1301:1401(100) ack 11", undefined, ECT_0).sees(". 11:11(0) ack 1401");
    p.sends("P. 1401:1501(100) ack 11", undefined, ECT_0).waits(40).sees(". 11:11(0) ack 1501");
    expect(p.endpoint.info()).toMatchObject({ ecnSeen: true, receivedCe: 1 });
  });

  test("CE on the segment that has CWR begins the echo anew [3168-6.1.3-ECHO]", () => {
    const p = marked();
    p.sends("P. 1:101(100) ack 1", undefined, CE).sees(".E 1:1(0) ack 101");
    p.sends("PW. 101:201(100) ack 1", undefined, CE).sees(".E 1:1(0) ack 201");
    p.sends("PW. 201:301(100) ack 1", undefined, ECT_0).sees(". 1:1(0) ack 301");
  });

  test("CE outside the window, on what came before and without text is ignored [3168-6.1.5-OUT]", () => {
    const p = marked();
    p.sends("P. 900001:900101(100) ack 1", undefined, CE).sees(". 1:1(0) ack 1");
    p.sends("P. 1:101(100) ack 1", undefined, ECT_0).waits(40).sees(". 1:1(0) ack 101");
    p.sends("P. 1:101(100) ack 1", undefined, CE).sees(". 1:1(0) ack 101");
    p.sends(". 101:101(0) ack 1", undefined, CE).silent();
    p.sends("P. 101:201(100) ack 1", undefined, ECT_0).waits(40).sees(". 1:1(0) ack 201");
    // nor does CWR outside of it end an echo
    p.sends("P. 201:301(100) ack 1", undefined, CE).sees(".E 1:1(0) ack 301");
    p.sends("PW. 900001:900101(100) ack 1", undefined, ECT_0).sees(".E 1:1(0) ack 301");
  });

  test("CE means nothing where ECN was not agreed on", () => {
    const p = new ScriptedPeer().established();
    p.sends("P. 1:101(100) ack 1", undefined, CE).waits(40).sees(". 1:1(0) ack 101");
  });

  test("packets are counted by their codepoint", () => {
    const p = marked();
    p.sends("P. 1:101(100) ack 1", undefined, CE);
    p.sends("P. 101:201(100) ack 1", undefined, ECT_0);
    p.sends("P. 201:301(100) ack 1", undefined, 1);
    const counts = ["CE", "ECT0", "ECT1"].map((n) => p.stack.counters.get(`IpExtIn${n}Pkts`));
    expect(counts).toEqual([1, 1, 1]);
  });
});

describe("the answer to an echo", () => {
  /** Twenty segments under way. */
  function twenty(settings = {}): ScriptedPeer {
    const p = marked({ settings: { tcp_initial_cwnd: 20, ...settings } });
    p.writes(100 * MSS);
    expect(sent(p)).toHaveLength(20);
    return p;
  }

  test("20 segments in flight leave 16: ssthresh is 0.8 of the FlightSize [8511-3-ABE]", () => {
    const p = twenty();
    p.sends(".E 1:1(0) ack 1001").settle();
    expect(p.endpoint.info()).toMatchObject({ ssthresh: 16 * MSS, cwnd: 16 * MSS });
  });

  test("and at least two segments [8511-3-ABE]", () => {
    const p = marked();
    p.writes(2 * MSS).sends(".E 1:1(0) ack 1001");
    expect(p.endpoint.info()).toMatchObject({ ssthresh: 2 * MSS, cwnd: 2 * MSS });
  });

  test("twenty echoes of one window reduce once, and none of them adds [3168-6.1.2-HALVE]", () => {
    const p = twenty();
    for (let i = 1; i <= 20; i++) {
      p.sends(`.E 1:1(0) ack ${i * MSS + 1}`);
      expect(cwnd(p)).toBe(16);
    }
    // the twentieth acknowledges no more than was under way; the next is of another window
    p.sends(".E 1:1(0) ack 21001");
    expect(cwnd(p)).toBeLessThan(16);
    expect(p.endpoint.info().deliveredCe).toBe(21);
    expect(p.stack.counters.get("TcpExtTCPDeliveredCE")).toBe(21);
  });

  test("an echo without anything new acknowledged counts as well [3168-6.1.2-HALVE]", () => {
    const p = twenty();
    p.sends(".E 1:1(0) ack 1");
    expect(cwnd(p)).toBe(16);
    // older than SND.UNA it is history
    const old = twenty();
    old.sends(". 1:1(0) ack 5001").sends(".E 1:1(0) ack 1001");
    expect(cwnd(old)).toBeGreaterThan(20);
  });

  test("the first new data then has CWR, once, and a retransmission has not [3168-6.1.2-CWR]", () => {
    const p = twenty();
    p.sends(".E 1:1(0) ack 4001");
    // 16 are under way: nothing may leave yet
    expect(sent(p)).toEqual([]);
    p.sends(".E 1:1(0) ack 6001");
    expect(sent(p)).toEqual(["20001(1000) CWR 2", "21001(1000) 2"]);
    p.sends(". 1:1(0) ack 7001");
    expect(sent(p)).toEqual(["22001(1000) 2"]);
    const lost = twenty();
    lost.sends(".E 1:1(0) ack 1001");
    for (let i = 0; i < 3; i++) lost.sends(".E 1:1(0) ack 1001");
    expect(sent(lost)[0]).toBe("1001(1000)");
    lost.sends(". 1:1(0) ack 20001");
    expect(sent(lost)[0]).toBe("20001(1000) CWR 2");
  });

  test("a loss and a timeout are told by CWR too [3168-6.1.2-CWR]", () => {
    const p = twenty();
    for (let i = 0; i < 3; i++) p.sends(". 1:1(0) ack 1");
    expect(sent(p).every((text) => !text.includes("CWR") || text.endsWith("CWR 2"))).toBe(true);
    p.sends(". 1:1(0) ack 20001");
    expect(sent(p).filter((text) => text.includes("CWR"))).toHaveLength(1);
    const late = marked();
    late.writes(MSS);
    sent(late);
    late.waits(3000);
    expect(new Set(sent(late))).toEqual(new Set(["1(1000)"]));
    late.sends(". 1:1(0) ack 1001").writes(MSS);
    expect(sent(late)).toEqual(["1001(1000) CWR 2"]);
  });

  test("a loss in the window that an echo reduced reduces no more, nor an echo in recovery [3168-6.1.2-HALVE]", () => {
    const p = twenty();
    p.sends(".E 1:1(0) ack 1001");
    expect(p.endpoint.info().ssthresh).toBe(16 * MSS);
    for (let i = 0; i < 3; i++) p.sends(". 1:1(0) ack 1001");
    expect(p.endpoint.info()).toMatchObject({ recovery: "recovery", ssthresh: 16 * MSS });
    const q = twenty();
    for (let i = 0; i < 3; i++) q.sends(". 1:1(0) ack 1");
    expect(q.endpoint.info()).toMatchObject({ recovery: "recovery", ssthresh: 10 * MSS });
    q.sends(".E 1:1(0) ack 1001");
    expect(q.endpoint.info().ssthresh).toBe(10 * MSS);
  });

  test("what left behind the reduction and is lost reduces once more [5681-3.2-HALVE]", () => {
    const p = twenty();
    p.sends(".E 1:1(0) ack 1001").sends(". 1:1(0) ack 20001");
    const flight = p.endpoint.info().unacked;
    expect(flight).toBeGreaterThanOrEqual(16 * MSS);
    for (let i = 0; i < 3; i++) p.sends(". 1:1(0) ack 20001");
    expect(p.endpoint.info()).toMatchObject({ recovery: "recovery", ssthresh: flight / 2 });
  });

  test.each([
    ["a loss", false],
    ["a loss that an echo told first", true],
  ])(
    "a copy lost itself lowers the window once more, after %s [5681-4.3-TWICE]",
    (_title, echo) => {
      const s = new Sender({ ecn: true, settings: { tcp_initial_cwnd: 20 } }).writes(80);
      if (echo) s.p.sends(".E 1:1(0) ack 1");
      const before = s.info.cwnd;
      for (let k = 2; k <= 20; k++) s.says(0, `1-${k}`);
      const last = Number(s.left().at(-1));
      const { ssthresh } = s.info;
      expect(ssthresh).toBe(echo ? before : before / 2);
      s.waits(100).says(0, `1-${last}`);
      expect(s.left()).toContain("0 fast");
      expect(s.info.ssthresh).toBe(ssthresh / 2);
    },
  );

  test("ECE means nothing where ECN was not agreed on", () => {
    const p = new ScriptedPeer().established("<mss 1000>");
    p.writes(20 * MSS).sends(".E 1:1(0) ack 1001");
    expect(p.endpoint.info()).toMatchObject({ cwnd: 11 * MSS, deliveredCe: 0 });
  });

  test("with segmentation offload CWR is on the large segment, which the device cuts [3168-6.1.2-CWR]", () => {
    const p = marked({
      settings: { tcp_initial_cwnd: 20 },
      offload: { checksum: true, tso: true },
    });
    p.writes(60 * MSS);
    expect(sent(p)).toEqual(["1(20000) 2"]);
    p.sends(".E 1:1(0) ack 20001");
    expect(sent(p)).toEqual(["20001(16000) CWR 2"]);
  });
});

describe("at the least window", () => {
  /** When each new segment leaves while every one of them is marked; the round trip is 10 ms. */
  function departures(p: ScriptedPeer, rounds: number): number[] {
    const times: number[] = [];
    for (let i = 0; i < rounds; i++) {
      p.waits(10);
      if (p.pending === 0) p.until(p.stack.nextTimeout());
      let end = 0;
      while (p.pending > 0) {
        const { segment, at } = p.next();
        times.push(at);
        end = segment.seq + segment.payloadLength - p.ourSeq(0);
      }
      if (end > 0) {
        p.waits(10);
        p.sends(`.E 1:1(0) ack ${end | 0}`);
      }
    }
    return times;
  }

  test("lasting echoes space new data by the retransmission timer [3168-6.1.2-ONE]", () => {
    const p = marked();
    p.writes(100 * MSS);
    const times = departures(p, 40);
    const last = times.slice(-6);
    const gaps = last.slice(1).map((at, i) => at - last[i]!);
    expect(p.endpoint.info().cwnd).toBeLessThanOrEqual(2 * MSS);
    // two leave together each time the timer runs out, 200 ms after the ACK
    expect(Math.max(...gaps)).toBeGreaterThanOrEqual(200);
    expect(gaps.filter((gap) => gap > 0 && gap < 200)).toEqual([]);
    expect(p.endpoint.info().retransmits).toBe(0);
    expect(p.stack.counters.get("TcpExtTCPTimeouts")).toBe(0);
  });

  test("with one segment an echo starts the timer anew, and data waits for it [3168-6.1.2-ONE]", () => {
    const p = marked();
    p.writes(10).sees("P. 1:11(10) ack 1").waits(10).sends(". 1:1(0) ack 11");
    p.writes(20 * MSS);
    sent(p);
    p.waits(p.endpoint.info().timerIn); // everything counts as lost: cwnd is one segment
    expect(cwnd(p)).toBe(1);
    sent(p);
    p.waits(100).sends(".E 1:1(0) ack 10011");
    expect(cwnd(p)).toBe(1);
    expect(p.endpoint.info().timer).toBe("retransmit");
    const due = p.time + p.endpoint.info().timerIn;
    expect(due - p.time).toBeGreaterThanOrEqual(200);
    p.until(due - 1).silent();
    p.until(due);
    expect(sent(p)).toEqual(["10011(1000) CWR 2"]);
    // an ACK without an echo lets the window grow again
    p.waits(10).sends(". 1:1(0) ack 11011");
    expect(sent(p).length).toBeGreaterThan(0);
  });
});

test("a mark that one fragment met is the whole segment's, and is echoed [3168-6.1.3-ECHO]", () => {
  const p = marked();
  const [plain, marks] = [ECT_0, CE].map((ecn) =>
    fragmentsOf(p.packetOf("P. 1:1001(1000) ack 1", undefined, ecn), 400),
  ) as [Uint8Array[], Uint8Array[]];
  p.gives(plain[0]!).gives(marks[1]!).gives(plain[2]!);
  p.sees(".E 1:1(0) ack 1001");
  expect(p.stack.counters.get("IpReasmOKs")).toBe(1);
});

test("a SYN that comes again without the flags changes nothing, as the SYN-ACK may have arrived", () => {
  const p = new ScriptedPeer().listens();
  p.sends("SEW 0:0(0) win 65535 <mss 1000>").sees("S.E 0:0(0) ack 1");
  p.waits(600).sends("S 0:0(0) win 65535 <mss 1000>").sees("S.E 0:0(0) ack 1");
  expect(p.stack.connections()[0]!.info().ecn).toBe(true);
});
