/** RFC 5961 and PAWS: what somebody who cannot see the connection may send, and what it does to it. */
import { describe, expect, test } from "vitest";
import { seededRng } from "../../src/base/rng.ts";
import { instantOf } from "../../src/base/time.ts";
import { RandomBudget } from "../../src/stack/random-budget.ts";
import type { Settings } from "../../src/tcp/config.ts";
import { seq } from "../../src/wire/seq.ts";
import { ACK, RST, SYN } from "../../src/wire/tcp-segment.ts";
import { BareStack, tcpPacket } from "../support/ip-packets.ts";
import { CONNECTION_COST } from "../../src/tcp/memory.ts";
import { ScriptedPeer } from "../support/scripted-peer.ts";

/** How many of `n` RSTs in the window, but not at RCV.NXT, were answered. */
function challenged(p: ScriptedPeer, n: number): number {
  let answers = 0;
  for (let i = 0; i < n; i++) {
    p.sends(`R ${10 + i}:${10 + i}(0)`);
    for (; p.pending > 0; answers++) p.sees(". 1:1(0) ack 1");
  }
  return answers;
}

describe("a RST", () => {
  const places: [string, (window: number) => number, string][] = [
    ["just below the window", () => 0, "nothing"],
    ["far below it", () => -100_000, "nothing"],
    ["at RCV.NXT", () => 1, "the end"],
    ["one beyond RCV.NXT", () => 2, "a challenge ACK"],
    ["at the window's last byte", (window) => window, "a challenge ACK"],
    ["one past the window", (window) => window + 1, "nothing"],
    ["far past it", (window) => window + 100_000, "nothing"],
  ];
  test.each(places)("%s draws exactly what is its due [5961-3.2-EXACT]", (_, place, due) => {
    for (const withAck of [false, true]) {
      const p = new ScriptedPeer().established();
      p.writes(10).sees("P. 1:11(10) ack 1");
      const window = p.endpoint.info().rcvWnd;
      const s = {
        flags: withAck ? RST | ACK : RST,
        seq: p.peerSeq(place(window)),
        ack: p.ourSeq(withAck ? 11 : 0),
        sourcePort: p.peerPort,
        destinationPort: p.ourPort,
      };
      const packet = tcpPacket(s.flags, s);
      p.stack.input(packet, 0, packet.length, 0, instantOf(p.time));
      p.settle();
      if (due === "a challenge ACK") p.sees(". 11:11(0) ack 1");
      p.silent();
      expect(p.state).toBe(due === "the end" ? "CLOSED" : "ESTABLISHED");
    }
  });

  test("with text counts by its own number, and the text is not delivered [SHLD-2, 5961-3.2-EXACT]", () => {
    const p = new ScriptedPeer().established();
    p.sends("R 2:22(20)").sees(". 1:1(0) ack 1");
    p.sends("R 1:21(20)").silent();
    expect([p.state, p.endpoint.error?.code]).toEqual(["CLOSED", "ECONNRESET"]);
    expect(p.received).toHaveLength(0);
  });

  test("in SYN-SENT counts only if it acknowledges our SYN [5961-3.2-SYNSENT]", () => {
    const p = new ScriptedPeer().connects();
    p.sees("S 0:0(0)");
    p.sends("R 0:0(0)").silent();
    p.sends("R. 0:0(0) ack 0").silent();
    p.sends("R. 0:0(0) ack 2").silent();
    expect([p.state, p.endpoint.error]).toEqual(["SYN-SENT", null]);
    p.sends("R. 0:0(0) ack 1").silent();
    expect(p.endpoint.error?.code).toBe("ECONNREFUSED");
  });
});

describe("a SYN on a live connection", () => {
  const states: [string, (p: ScriptedPeer) => void, number, number][] = [
    ["ESTABLISHED", () => {}, 1, 1],
    ["CLOSE-WAIT", (p) => void p.sends("F. 1:1(0) ack 1").waits(100).next(), 1, 2],
    ["FIN-WAIT-2", (p) => finWait2(p), 2, 1],
  ];
  function finWait2(p: ScriptedPeer): void {
    p.endpoint.shutdown();
    p.settle().sees("F. 1:1(0) ack 1").sends(". 1:1(0) ack 2");
  }
  test.each(states)("in %s draws a challenge ACK, wherever it lies [5961-4.2-SYN]", (...row) => {
    const [state, reach, our, their] = row;
    const p = new ScriptedPeer().established();
    reach(p);
    expect(p.state).toBe(state);
    for (const at of [0, their, their + 1000, 90_000, -5000]) {
      for (const flags of [SYN, SYN | ACK]) {
        const packet = tcpPacket(flags, { seq: p.peerSeq(at), ack: p.ourSeq(our) });
        p.stack.input(packet, 0, packet.length, 0, instantOf(p.time));
        p.settle().sees(`. ${our}:${our}(0) ack ${their}`).silent();
        p.waits(600); // within the limit of challenges
      }
    }
    expect(p.state).toBe(state);
  });

  test("of a peer that restarted: its RST clears the way for the next SYN [5961-4.2-RESTART]", () => {
    const p = new ScriptedPeer().established();
    p.sends("S 5000:5000(0)").sees(". 1:1(0) ack 1");
    p.sends("R 1:1(0)").silent();
    expect(p.endpoint.error?.code).toBe("ECONNRESET");
    p.sends("S 5000:5000(0) <mss 1460>");
    expect(p.describe(p.next().segment)).toMatch(/^S\. 0:0\(0\) ack 5001/);
  });
});

test("an ACK more than the largest window below SND.UNA spoils its segment [5961-5.2-ACK, MAY-12]", () => {
  const p = new ScriptedPeer().established("<mss 1460>", 3000);
  p.endpoint.setNoDelay(true);
  for (let at = 0; at < 4000; at += 2000) {
    p.writes(2000, at).next();
    p.next();
    p.sends(`. 1:1(0) ack ${at + 2001} win 3000`).silent();
  }
  p.writes(1000, 4000).next();
  const text = (at: number, ack: number): Uint8Array =>
    tcpPacket(ACK, {
      seq: p.peerSeq(at),
      ack: p.ourSeq(ack),
      payloadLength: 4,
      buffer: new Uint8Array(4),
    });
  const gives = (packet: Uint8Array): void => {
    p.stack.input(packet, 0, packet.length, 0, instantOf(p.time));
    p.settle();
  };
  gives(text(1, 4001 - 3001));
  p.sees(". 5001:5001(0) ack 1").silent();
  expect(p.received).toHaveLength(0);
  gives(text(1, 4001 - 3000));
  expect(p.received).toHaveLength(4);
});

describe("challenge ACKs", () => {
  test("are limited to 10 in 5 s of one connection [5961-7-LIMIT]", () => {
    const p = new ScriptedPeer().established();
    expect(challenged(p, 1000)).toBe(10);
    p.waits(4999);
    expect(challenged(p, 10)).toBe(0);
    p.waits(1);
    expect(challenged(p, 1000)).toBe(10);
    expect(p.stack.counters.get("TcpExtTCPChallengeACK")).toBe(20);
    expect(p.stack.counters.get("TcpExtTCPACKSkippedChallenge")).toBe(2010 - 20);
    // what is not answered leaves nothing behind either (CVE-2026-4247)
    expect(p.stack.memoryUsed).toBe(CONNECTION_COST);
  });

  test("have number and interval as settings [5961-7-TUNE]", () => {
    const settings = { tcp_challenge_ack_limit: 3, tcp_challenge_ack_interval: 700 };
    const p = new ScriptedPeer({ settings }).established();
    expect(challenged(p, 50)).toBe(3);
    p.waits(699);
    expect(challenged(p, 50)).toBe(0);
    p.waits(1);
    expect(challenged(p, 50)).toBe(3);
  });

  test("of one connection say nothing about another's [5961-7-CHANNEL]", () => {
    const w = established(2, {});
    expect(w.forge(0, 10_000)).toBe(10);
    expect(w.forge(1, 10)).toBe(10);
  });

  test("of the whole stack are bounded by a number that is another each second [5961-7-CHANNEL]", () => {
    const w = established(60, { tcp_challenge_ack_rate: 100, tcp_challenge_ack_interval: 1000 });
    const counts = [1, 2, 3, 4, 5, 6].map((second) => {
      w.bare.now = second * 1000;
      return w.ports.reduce((n, _, i) => n + w.forge(i, 10), 0);
    });
    for (const n of counts) expect(n >= 50 && n < 150, String(n)).toBe(true);
    expect(new Set(counts).size).toBeGreaterThan(3);
    const draws = Array.from({ length: 50 }, (_, seed) => {
      const budget = new RandomBudget({ rng: seededRng(seed), now: instantOf(0) }, 1);
      let n = 0;
      while (budget.take(instantOf(0))) n++;
      return n;
    });
    expect(new Set(draws)).toEqual(new Set([1])); // even the least rate lets one go
  });

  /** Connections of one peer to port 80, and RSTs forged into their windows. */
  function established(
    n: number,
    settings: Partial<Settings>,
  ): { bare: BareStack; ports: number[]; forge(i: number, n: number): number } {
    const bare = new BareStack({ settings }).listens();
    const ports = Array.from({ length: n }, (_, i) => 41_000 + i);
    for (const sourcePort of ports) {
      bare.gives(tcpPacket(SYN, { sourcePort, seq: seq(0) }));
      const ack = seq(bare.sent()[0]!.tcp!.seq + 1);
      bare.gives(tcpPacket(ACK, { sourcePort, seq: seq(1), ack }));
    }
    expect(bare.stack.connections().map((c) => c.state)).toEqual(ports.map(() => "ESTABLISHED"));
    const forge = (i: number, times: number): number => {
      let answers = 0;
      for (let k = 0; k < times; k++) {
        bare.gives(tcpPacket(RST, { sourcePort: ports[i]!, seq: seq(100 + k) }));
        answers += bare.sent().length;
      }
      return answers;
    };
    return { bare, ports, forge };
  }
});

describe("PAWS", () => {
  const DAY = 86_400_000;

  function withTimestamps(value: number): ScriptedPeer {
    const p = new ScriptedPeer().listens();
    p.sends(`S 0:0(0) win 65535 <mss 1460,TS val ${value} ecr 0>`).sees("S. 0:0(0) ack 1");
    p.sends(`. 1:1(0) ack 1 <TS val ${value} ecr 0>`);
    return p;
  }

  test("refuses an old duplicate that lies in the window, with an ACK, before the window is looked at [7323-5.3-R1]", () => {
    for (const value of [1000, 5, 4294967290, 2147483650]) {
      for (const older of [1, 2 ** 31 - 1]) {
        const p = withTimestamps(value);
        const old = (value - older + 2 ** 32) % 2 ** 32;
        p.sends(`P. 1:11(10) ack 1 <TS val ${old} ecr 0>`).sees(". 1:1(0) ack 1");
        p.sends(`. 90000:90010(10) ack 1 <TS val ${old} ecr 0>`).sees(". 1:1(0) ack 1");
        expect(p.received).toHaveLength(0);
        expect(p.stack.counters.get("TcpExtPAWSEstab")).toBe(2);
        p.sends(`P. 1:11(10) ack 1 <TS val ${value} ecr 0>`);
        expect(p.received).toHaveLength(10);
      }
    }
  });

  test("learns no timestamp from a segment whose SEG.ACK cannot be the peer's, which would lock the peer out [7323-5.3-R1]", () => {
    const far = 1000 + 2 ** 30;
    for (const blind of ["P. 1:11(10) ack 9000", ". 1:1(0) ack 9000", "F 1:1(0)"]) {
      const p = withTimestamps(1000);
      p.sends(`${blind} <TS val ${far} ecr 0>`);
      while (p.pending > 0) p.next();
      p.sends("P. 1:11(10) ack 1 <TS val 1010 ecr 0>").next();
      expect(p.received).toHaveLength(10);
    }
  });

  test("tests a segment when it comes, not again when the hole before it is filled [7323-5.3-ONCE]", () => {
    const p = withTimestamps(1000);
    p.sends("P. 11:21(10) ack 1 <TS val 1010 ecr 0>").next();
    p.sends("P. 1:11(10) ack 1 <TS val 1020 ecr 0>");
    expect(p.received).toHaveLength(20);
  });

  test("after 24 idle days an older-looking timestamp is taken and kept, one day earlier it is not [7323-5.5-OLD]", () => {
    const fresh = withTimestamps(1000).waits(23 * DAY);
    fresh.sends("P. 1:11(10) ack 1 <TS val 999 ecr 0>").sees(". 1:1(0) ack 1");
    expect(fresh.received).toHaveLength(0);

    const p = withTimestamps(1000).waits(25 * DAY);
    p.sends("P. 1:11(10) ack 1 <TS val 500 ecr 0>");
    expect(p.received).toHaveLength(10);
    p.waits(100);
    expect(p.next().segment.tsEcr).toBe(500);
    p.sends("P. 11:21(10) ack 1 <TS val 499 ecr 0>").sees(". 1:1(0) ack 11");
    expect(p.received).toHaveLength(10);
  });
});
