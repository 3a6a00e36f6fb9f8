/** What both SYNs agree on, and that nothing else counts: scale, timestamps, SACK (RFC 7323, RFC 2018, RFC 9293 §3.2). */
import { describe, expect, test } from "vitest";
import { seq, type SeqNum } from "../../src/wire/seq.ts";
import { ACK, createTcpSegment, FIN, PSH, SYN } from "../../src/wire/tcp-segment.ts";
import { writeTcp } from "../../src/wire/tcp.ts";
import { BareStack, ipPacket, THERE } from "../support/ip-packets.ts";
import { ScriptedPeer } from "../support/scripted-peer.ts";
import { pseudoHeader, seal } from "../wire/support.ts";
import { HERE } from "../support/ip-packets.ts";

const ALL = "mss 1460,sackOK,TS val 1000 ecr 0,wscale 7";

/** A segment from port 40000 to 80 whose option bytes are given as they are, padded with NOP to a multiple of 4. */
function raw(
  flags: number,
  numbers: { readonly seq: number; readonly ack?: number },
  options: readonly number[],
  text = 0,
): Uint8Array {
  const s = createTcpSegment();
  Object.assign(s, { sourcePort: 40000, destinationPort: 80, flags, window: 65535 });
  s.seq = seq(numbers.seq);
  s.ack = seq(numbers.ack ?? 0);
  const padded = [...options];
  while (padded.length % 4 !== 0) padded.unshift(1);
  const bytes = new Uint8Array(20 + padded.length + text).fill(7);
  writeTcp(bytes, 0, s);
  bytes.set(padded, 20);
  bytes[12] = ((20 + padded.length) / 4) << 4;
  seal(bytes, 16, pseudoHeader(THERE, HERE, bytes.length));
  return ipPacket(bytes);
}

/** The stack's ISN after a passive open with these option bytes. */
function openWith(w: BareStack, options: readonly number[]): SeqNum {
  w.gives(raw(SYN, { seq: 100 }, options));
  const [synAck] = w.sent();
  expect(synAck!.tcp!.flags).toBe(SYN | ACK);
  w.gives(raw(ACK, { seq: 101, ack: synAck!.tcp!.seq + 1 }, []));
  w.sent();
  return synAck!.tcp!.seq;
}

describe("options as they come", () => {
  test("an unknown one is skipped in SYN, text and FIN, and what follows it counts [MUST-6, MUST-5, MUST-64]", () => {
    const unknown = [253, 5, 9, 9, 9];
    const w = new BareStack().listens();
    const iss = openWith(w, [...unknown, 2, 4, 2, 188]);
    const c = w.stack.connections()[0]!;
    expect(c.info().sndMss).toBe(700);
    const ack = iss + 1;
    w.gives(raw(PSH | ACK, { seq: 101, ack }, unknown, 10));
    w.gives(raw(FIN | ACK, { seq: 111, ack }, [1, ...unknown]));
    expect([c.state, c.bytesReceived]).toEqual(["CLOSE-WAIT", 10]);
    expect(w.sent().at(-1)!.tcp).toMatchObject({ ack: seq(112), flags: ACK });
  });

  const illegal: [string, number[]][] = [
    ["length 0", [2, 0, 5, 180]],
    ["length 1", [253, 1, 1, 1]],
    ["length 255", [253, 255, 0, 0]],
    ["one past the header", [1, 2, 4, 5]],
    ["no length at all", [1, 1, 1, 2]],
    ["all ones", Array<number>(40).fill(255)],
  ];
  test.each(illegal)(
    "an illegal length (%s) drops the segment and is counted, in every state [MUST-7]",
    (_, options) => {
      const w = new BareStack().listens();
      w.gives(raw(SYN, { seq: 100 }, options));
      expect([w.sent(), w.stack.connections()]).toEqual([[], []]);
      expect(w.stack.counters.get("TcpInErrs")).toBe(1);
      const iss = openWith(w, []);
      const c = w.stack.connections()[0]!;
      const before = c.info();
      w.gives(raw(PSH | ACK, { seq: 101, ack: iss + 1 }, options, 10));
      expect(w.sent()).toEqual([]);
      expect([c.info(), w.stack.counters.get("TcpInErrs")]).toEqual([before, 2]);
    },
  );

  test("a shift above 14 is used as 14 and counted as an error [7323-2.3-14]", () => {
    for (const shift of [14, 15, 255]) {
      const w = new BareStack().listens();
      const iss = openWith(w, [3, 3, shift]);
      w.gives(raw(ACK, { seq: 101, ack: iss + 1 }, []));
      const info = w.stack.connections()[0]!.info();
      expect([info.sndWscale, info.sndWnd]).toEqual([14, 65535 << 14]);
      const counted = w.stack.counters.get("TcpExtTCPWindowScaleOver14");
      expect(counted).toBe(shift > 14 ? 1 : 0);
    }
  });
});

describe("options in answer", () => {
  const offers: [string, string][] = [
    ["mss 1460", "mss 1460"],
    ["mss 1460,wscale 3", "mss 1460,wscale 7"],
    ["mss 1460,sackOK", "mss 1460,sackOK"],
    ["mss 1460,TS val 5 ecr 0", "mss 1460,TS"],
    [ALL, "mss 1460,sackOK,TS,wscale 7"],
    ["", "mss 1460"],
  ];
  test.each(offers)(
    "to a SYN with <%s> are <%s>, and on no other segment [7323-2.3-ANSWER, 7323-2.2-BOTH, 2018-2-PERM, MUST-65]",
    (offer, answer) => {
      const p = new ScriptedPeer().listens();
      p.sends(`S 0:0(0) win 65535 <${offer}>`).sees(`S. 0:0(0) ack 1 <${answer}>`);
      const stamp = offer.includes("TS") ? " <TS val 2000 ecr 0>" : "";
      p.sends(`. 1:1(0) ack 1${stamp}`);
      expect(p.state).toBe("ESTABLISHED");
      p.writes(3000);
      p.sends(`. 11:21(10) ack 1${stamp}`).sends(`F. 1:11(10) ack 1${stamp}`.replace("F", "P"));
      p.endpoint.shutdown();
      p.settle().waits(5000);
      expect(p.pending).toBeGreaterThan(5);
      while (p.pending > 0) {
        const s = p.next().segment;
        expect([s.mss, s.sackPermitted, s.windowScale]).toEqual([0, false, -1]);
        expect(s.hasTimestamps).toBe(stamp !== "");
      }
    },
  );

  test("an open offers all; what the peer's SYN-ACK leaves out is off [7323-2.2-BOTH, 7323-3.2-NEG, 2018-2-PERM]", () => {
    const agreed = (answer: string): (boolean | number)[] => {
      const p = new ScriptedPeer().connects();
      p.sees("S 0:0(0) <mss 1460,sackOK,TS,wscale 7>");
      p.sends(`S. 0:0(0) ack 1 win 1000 <${answer}>`);
      const ours = p.next().segment;
      expect([ours.sackPermitted, ours.windowScale, ours.mss]).toEqual([false, -1, 0]);
      const i = p.endpoint.info();
      expect(ours.hasTimestamps).toBe(i.timestamps);
      return [i.sndWscale, i.rcvWscale, i.timestamps, i.sack];
    };
    expect(agreed("mss 1460")).toEqual([-1, -1, false, false]);
    expect(agreed("wscale 2")).toEqual([2, 7, false, false]);
    expect(agreed("TS val 9 ecr 0")).toEqual([-1, -1, true, false]);
    expect(agreed("sackOK")).toEqual([-1, -1, false, true]);
  });

  test("a setting switches each off, and then it is neither offered nor answered [7323-2.2-BOTH, 7323-3.2-NEG]", () => {
    const settings = { tcp_window_scaling: 0, tcp_timestamps: 0, tcp_sack: 0 };
    new ScriptedPeer({ settings }).connects().sees("S 0:0(0) <mss 1460>");
    const p = new ScriptedPeer({ settings }).listens();
    p.sends(`S 0:0(0) win 65535 <${ALL}>`).sees("S. 0:0(0) ack 1 <mss 1460>");
    p.sends(". 1:1(0) ack 1 win 1000");
    expect(p.endpoint.info()).toMatchObject({ sndWnd: 1000, timestamps: false, sack: false });
  });

  test("on a segment without SYN, scale, MSS and SACK-permitted change nothing [7323-2.2-BOTH]", () => {
    const p = new ScriptedPeer().established("<mss 1000>");
    const before = p.endpoint.info();
    p.sends(". 1:1(0) ack 1 win 65535 <mss 200,sackOK,wscale 9>");
    const { segsIn: _, ...rest } = before;
    expect(p.endpoint.info()).toMatchObject(rest);
  });
});

describe("timestamps", () => {
  test("once agreed are on every segment but a RST [7323-3.2-NEG]", () => {
    const p = new ScriptedPeer().listens();
    p.sends(`S 0:0(0) win 65535 <${ALL}>`).next();
    p.sends(". 1:1(0) ack 1 <TS val 1001 ecr 0>");
    p.writes(4344).waits(3000); // text and its repeats
    p.sends(". 11:21(10) ack 1 <TS val 1002 ecr 0>"); // a duplicate ACK
    p.sends("R 100:100(0)"); // a challenge ACK
    p.sends(". 1:11(10) ack 4345 <TS val 1003 ecr 0>");
    p.sends(". 21:21(0) ack 4345 win 0 <TS val 1004 ecr 0>");
    p.writes(10).waits(60_000); // window probes
    p.endpoint.shutdown();
    p.settle();
    const seen: number[] = [];
    while (p.pending > 0) {
      const s = p.next().segment;
      expect(s.hasTimestamps).toBe(true);
      seen.push(s.flags);
    }
    expect(seen.length).toBeGreaterThan(10);
    p.endpoint.abort();
    p.settle().sees("R. 4345:4345(0) ack 21 <>");
  });

  test("not agreed, are not looked at: neither for PAWS nor for an RTT sample nor to be echoed [7323-3.2-NEG]", () => {
    const p = new ScriptedPeer().established("<mss 1460>");
    p.waits(1000).writes(10).sees("P. 1:11(10) ack 1 <>");
    p.waits(100);
    p.sends("P. 1:11(10) ack 11 <TS val 2000 ecr 900>").sees(". 11:11(0) ack 11 <>");
    expect(p.endpoint.info().minRtt).toBeCloseTo(0, 3); // the handshake's; no 200 ms from the echo
    p.sends("P. 11:21(10) ack 11 <TS val 1000 ecr 900>");
    expect(p.received).toHaveLength(20);
    p.sees(". 11:11(0) ack 21 <>");
  });

  test("have TSecr 0 on a SYN and on it mean nothing; with ACK they echo the peer's [7323-3.2-ECR]", () => {
    const p = new ScriptedPeer().connects();
    const syn = p.next().segment;
    expect([syn.hasTimestamps, syn.tsEcr]).toEqual([true, 0]);
    p.waits(50).sends("S. 0:0(0) ack 1 win 65535 <mss 1460,TS val 77 ecr 0>");
    expect(p.next().segment.tsEcr).toBe(77);

    const q = new ScriptedPeer().listens();
    q.waits(10_000).sends("S 0:0(0) win 65535 <mss 1460,TS val 88 ecr 4294967295>");
    expect(q.next().segment.tsEcr).toBe(88);
    expect(q.stack.connections()[0]!.info().srtt).toBe(0);
  });

  test("tick once a ms, forward, over a day, over the wrap of their 32 bits and of the clock's [7323-5.4-CLOCK]", () => {
    for (const start of [0, 2 ** 31 - 40_000_000, 2 ** 32 - 40_000_000]) {
      const p = new ScriptedPeer().listens();
      p.waits(start);
      p.sends("S 0:0(0) win 65535 <mss 1460,TS val 1 ecr 0>").next();
      p.sends(". 1:1(0) ack 1 <TS val 2 ecr 0>");
      let last = 0;
      let at = 0;
      const seen = new Set<number>();
      for (let n = 0; n < 96; n++) {
        p.waits(900_000).sends(`. 1000000:1000000(0) ack 1 <TS val ${3 + n} ecr 0>`);
        const { segment, at: now } = p.next();
        if (n > 0) expect((segment.tsVal - last) | 0).toBe(now - at);
        last = segment.tsVal;
        at = now;
        seen.add(last);
      }
      expect(seen.size).toBe(96);
    }
  });
});

test("an ephemeral port comes from a range that is nearly all used, by default from 16384 on [6056-3.2-RANGE]", () => {
  const w = new BareStack();
  const ports = new Set<number>();
  for (let i = 0; i < 10_000; i++) {
    const remotePort = 1 + (i % 5000);
    const remoteAddress = i < 5000 ? THERE : ((THERE + 2) as typeof THERE);
    ports.add(w.stack.connect({ remoteAddress, remotePort, owner: null }).localPort);
  }
  const sorted = [...ports].toSorted((a, b) => a - b);
  expect(sorted[0]! >= 16384 && sorted[0]! < 17000 && sorted.at(-1)! > 65000).toBe(true);
  expect(ports.size).toBeGreaterThan(8000);
  const whole = new BareStack({ settings: { ip_local_port_range: [1024, 65535] } });
  const low = Array.from({ length: 2000 }, (_, i) => {
    const to = { remoteAddress: THERE, remotePort: i + 1, owner: null };
    return whole.stack.connect(to).localPort;
  });
  expect(Math.min(...low)).toBeLessThan(2000);
});
