/** Fast Open as a client (RFC 7413) against a scripted peer: when it asks, what goes with the SYN, what it remembers. */
import { expect, test } from "vitest";
import type { Settings } from "../../src/tcp/config.ts";
import { CWR, ECE } from "../../src/wire/tcp-segment.ts";
import { ScriptedPeer } from "../support/scripted-peer.ts";

const COOKIE = "0102030405060708";

/** Opens with the option; data that is written in time goes along. */
function opens(p: ScriptedPeer, write = 0): ScriptedPeer {
  p.connects(80, { fastOpen: true, localPort: p.ourPort + 1 });
  return write === 0 ? p : p.writes(write);
}

/** Knows the server's cookie, and an MSS of 1000; that connection is over. */
function knowing(settings: Partial<Settings> = {}): ScriptedPeer {
  const p = opens(new ScriptedPeer({ settings }));
  p.next();
  p.sends(`S. 0:0(0) ack 1 win 65535 <mss 1000,fastopen ${COOKIE}>`).sees(". 1:1(0) ack 1");
  p.endpoint.abort();
  p.settle().sees("R. 1:1(0) ack 1");
  return p;
}

const SYN = "<mss 1460,sackOK,TS,wscale 7";
const PLAIN = `S 0:0(0) ${SYN}>`;
const WITH_COOKIE = `${SYN},fastopen ${COOKIE}>`;

test("without a cookie it asks for one on an ordinary SYN, without data [7413-4.2.1-REQ]", () => {
  const p = opens(new ScriptedPeer(), 100);
  p.sees(`S 0:0(0) ${SYN},fastopen>`).silent();
  p.sends(`S. 0:0(0) ack 1 win 65535 <mss 1000,fastopen ${COOKIE}>`);
  p.sees("P. 1:101(100) ack 1");
  expect(p.stack.counters.get("TcpExtTCPFastOpenActive")).toBe(0);
});

test("only where the program asks, and tcp_fastopen has the client's bit [7413-2-OPTIN]", () => {
  knowing().connects(80, { localPort: 60000 }).sees(PLAIN);
  opens(new ScriptedPeer({ settings: { tcp_fastopen: 2 } })).sees(PLAIN);
});

test("with a cookie the first write goes with the SYN, and the SYN-ACK acknowledges it", () => {
  const p = opens(knowing(), 100);
  p.sees(`SP 0:100(100) ${WITH_COOKIE}`);
  p.sends("S. 0:0(0) ack 101 win 65535 <mss 1000>").sees(". 101:101(0) ack 1").silent();
  expect(p.endpoint.info()).toMatchObject({ synData: true, bytesAcked: 100, sendQueued: 0 });
  expect(p.stack.counters.get("TcpExtTCPFastOpenActive")).toBe(1);
  // the answer may come before ours is under way
  p.sends("P. 1:11(10) ack 101").waits(50).sees(". 101:101(0) ack 11");
});

test("as much as the MSS last heard leaves beside the options", () => {
  const p = opens(knowing(), 3000);
  // 1000 less 20 of the usual options and 12 of the cookie
  p.sees(`S 0:968(968) ${WITH_COOKIE}`).silent();
  p.sends("S. 0:0(0) ack 969 win 65535 <mss 1000>");
  p.sees(". 969:1969(1000) ack 1").sees(". 1969:2969(1000) ack 1");
  p.sees("P. 2969:3001(32) ack 1").silent();
});

test("a SYN that has a cookie waits for data, ten milliseconds at most", () => {
  const p = opens(knowing()).silent();
  p.waits(9).silent();
  p.writes(5).sees(`SP 0:5(5) ${WITH_COOKIE}`);
  const idle = opens(knowing()).silent();
  const from = idle.time;
  idle
    .waits(10)
    .sees(PLAIN, from + 10)
    .silent();
  idle.waits(1000).sees(PLAIN, from + 1010);
  const ended = opens(knowing());
  ended.endpoint.shutdown();
  ended.settle().sees(PLAIN);
  // whoever goes away meanwhile leaves nothing
  const gone = opens(knowing());
  gone.endpoint.close();
  gone.settle().waits(100).silent();
});

test("what the SYN-ACK does not acknowledge goes again at once [7413-4.2.2-ACCEPT]", () => {
  const p = opens(knowing(), 100);
  p.sees(`SP 0:100(100) ${WITH_COOKIE}`);
  p.sends("S. 0:0(0) ack 1 win 65535 <mss 1000>").sees("P. 1:101(100) ack 1").silent();
  p.sends(". 1:1(0) ack 101");
  expect(p.endpoint.info()).toMatchObject({ synData: false, bytesAcked: 100, bytesSent: 100 });
  expect(p.stack.counters.get("TcpExtTCPFastOpenActiveFail")).toBe(1);
  const part = opens(knowing(), 100);
  part.sees(`SP 0:100(100) ${WITH_COOKIE}`);
  part.sends("S. 0:0(0) ack 41 win 65535 <mss 1000>").sees("P. 41:101(60) ack 1").silent();
  part.sends(". 1:1(0) ack 101");
  expect(part.endpoint.info()).toMatchObject({ synData: true, bytesAcked: 100 });
});

test("a SYN that timed out is repeated without data and option; both follow the handshake [7413-4.2.2-RETX]", () => {
  const p = opens(knowing(), 100);
  p.sees(`SP 0:100(100) ${WITH_COOKIE}`).waits(1000).sees(PLAIN).waits(2000).sees(PLAIN);
  p.sends("S. 0:0(0) ack 1 win 65535 <mss 1000>").sees("P. 1:101(100) ack 1");
  // the server had it after all: only its SYN-ACK was lost
  const q = opens(knowing(), 100);
  q.sees(`SP 0:100(100) ${WITH_COOKIE}`).waits(1000).sees(PLAIN);
  q.sends("S. 0:0(0) ack 101 win 65535 <mss 1000>").sees(". 101:101(0) ack 1").silent();
  expect(q.stack.counters.get("TcpExtTCPFastOpenActive")).toBe(1);
});

test("after a SYN with data was lost the next connects go without, for a minute, then for two [7413-4.1.3-CACHE]", () => {
  const p = knowing();
  const lose = (): void => {
    opens(p, 100).sees(`SP 0:100(100) ${WITH_COOKIE}`).waits(1000).sees(PLAIN);
    p.sends("S. 0:0(0) ack 1 win 65535 <mss 1000>").sees("P. 1:101(100) ack 1");
    p.endpoint.abort();
    p.settle().sees("R. 101:101(0) ack 1");
  };
  const plain = (): void => {
    opens(p, 100).sees(PLAIN).sends("R. 0:0(0) ack 1");
  };
  lose();
  plain();
  p.waits(59_990);
  plain();
  p.waits(10);
  lose();
  p.waits(119_990);
  plain();
  p.waits(10);
  opens(p, 100).sees(`SP 0:100(100) ${WITH_COOKIE}`);
  // once it works nothing is held against the server
  p.sends("S. 0:0(0) ack 101 win 65535 <mss 1000>").sees(". 101:101(0) ack 1");
  lose();
  p.waits(60_000);
  opens(p, 100).sees(`SP 0:100(100) ${WITH_COOKIE}`);
});

test("no answer at all, a RST and an unanswered request are failures too [7413-4.1.3-CACHE]", () => {
  const p = knowing({ tcp_syn_retries: 1 });
  opens(p, 100).sees(`SP 0:100(100) ${WITH_COOKIE}`).waits(1000).sees(PLAIN).waits(2000);
  expect(p.endpoint.error?.code).toBe("ETIMEDOUT");
  opens(p, 100).sees(PLAIN);
  const q = knowing();
  opens(q, 100).sees(`SP 0:100(100) ${WITH_COOKIE}`).sends("R. 0:0(0) ack 101");
  expect(q.endpoint.error?.code).toBe("ECONNREFUSED");
  opens(q, 100).sees(PLAIN);
  const r = opens(new ScriptedPeer());
  r.sees(`S 0:0(0) ${SYN},fastopen>`).waits(1000).sees(PLAIN);
  r.sends("S. 0:0(0) ack 1 win 65535 <mss 1000>").sees(". 1:1(0) ack 1");
  opens(r).sees(PLAIN);
});

test("a new cookie and MSS take the place of the old, and are no failure [7413-4.1.3-CACHE]", () => {
  const p = opens(knowing(), 100);
  p.sees(`SP 0:100(100) ${WITH_COOKIE}`);
  p.sends("S. 0:0(0) ack 1 win 65535 <mss 500,fastopen aabbccdd>").sees("P. 1:101(100) ack 1");
  opens(p, 3000).sees(`S 0:472(472) ${SYN},fastopen aabbccdd>`);
});

test("a cookie that leaves no room for the other options is not sent", () => {
  const long = "000102030405060708090a0b0c0d0e0f";
  const p = opens(new ScriptedPeer());
  p.next();
  p.sends(`S. 0:0(0) ack 1 win 65535 <mss 1000,fastopen ${long}>`).sees(". 1:1(0) ack 1");
  opens(p, 10).sees(`SP 0:10(10) ${SYN},fastopen ${long}>`);
  p.connects(80, { fastOpen: true, localPort: 61000 });
  p.endpoint.offerUserTimeout(200_000);
  p.writes(10).sees(`S 0:0(0) ${SYN},uto 200>`);
});

test("SYN data is never ECN-capable, nor is it when it goes again [3168-6.1.1-NOECT]", () => {
  const p = opens(knowing({ tcp_ecn: 1 }), 100);
  const syn = p.next();
  expect([syn.ip.tos, syn.segment.flags & (ECE | CWR)]).toEqual([0, ECE | CWR]);
  p.sends("S.E 0:0(0) ack 1 win 65535 <mss 1000>");
  expect(p.next().ip.tos).toBe(0);
  p.writes(10);
  p.sends(". 1:1(0) ack 101");
  expect(p.next().ip.tos).toBe(2);
});

test("tcp_fastopen_blackhole_timeout_sec: three timeouts in a row stop it for all servers, longer each time", () => {
  const p = knowing({ tcp_fastopen_blackhole_timeout_sec: 100 });
  const fallSilent = (): void => {
    opens(p, 100).sees(`SP 0:100(100) ${WITH_COOKIE}`);
    p.sends("S. 0:0(0) ack 101 win 65535 <mss 1000>").sees(". 101:101(0) ack 1");
    p.writes(10).sees("P. 101:111(10) ack 1").waits(10_000);
    expect(p.pending).toBeGreaterThanOrEqual(3);
    while (p.pending > 0) p.next();
    p.endpoint.abort();
    p.settle().next();
  };
  fallSilent();
  expect(p.stack.counters.get("TcpExtTCPFastOpenBlackhole")).toBe(1);
  opens(p, 100).sees(PLAIN).sends("R. 0:0(0) ack 1");
  p.waits(100_000);
  fallSilent();
  p.waits(150_000);
  opens(p, 100).sees(PLAIN).sends("R. 0:0(0) ack 1");
  p.waits(50_000);
  // it goes well to the end: the next pause is short again
  opens(p, 100).sees(`SP 0:100(100) ${WITH_COOKIE}`);
  p.sends("S. 0:0(0) ack 101 win 65535 <mss 1000>").sees(". 101:101(0) ack 1");
  p.sends("F. 1:1(0) ack 101").sees(". 101:101(0) ack 2");
  fallSilent();
  p.waits(100_000);
  opens(p, 100).sees(`SP 0:100(100) ${WITH_COOKIE}`);
  expect(knowing().stack.settings.tcp_fastopen_blackhole_timeout_sec).toBe(0);
});

test("SYNs that cross make a connection all the same, and the data goes by timer", () => {
  const p = opens(knowing(), 100);
  p.sees(`SP 0:100(100) ${WITH_COOKIE}`);
  p.sends("S 0:0(0) win 65535 <mss 1000>").sees("S. 0:0(0) ack 1");
  p.sends(". 1:1(0) ack 1");
  expect(p.state).toBe("ESTABLISHED");
  p.waits(3000).sees("P. 1:101(100) ack 1");
});
