/** Fast Open as a server (RFC 7413) against a scripted peer: who gets a cookie, whose data is taken, and how many at once. */
import { expect, test } from "vitest";
import { KEY_LIFETIME } from "../../src/stack/fast-open-keys.ts";
import type { Settings } from "../../src/tcp/config.ts";
import { createTcpSegment, SYN } from "../../src/wire/tcp-segment.ts";
import { cookieOf } from "../support/notation.ts";
import { ScriptedPeer } from "../support/scripted-peer.ts";

const SERVER: Partial<Settings> = { tcp_fastopen: 3 };

function server(limit = 16, settings: Partial<Settings> = {}): ScriptedPeer {
  return new ScriptedPeer({ settings: { ...SERVER, ...settings } }).listens(80, 16, limit);
}

/** What the server gives to a client that asks; the connection is over by then. */
function cookieFrom(p: ScriptedPeer): string {
  const { peerPort } = p;
  p.peerPort = 39999;
  p.sends("S 0:0(0) win 65535 <mss 1000,fastopen>");
  const cookie = cookieOf(p.next().segment);
  p.sends("R 1:1(0)").silent();
  p.peerPort = peerPort;
  return cookie;
}

const count = (p: ScriptedPeer, name: string): number =>
  p.stack.counters.get(`TcpExtTCPFastOpen${name}`);

test("a client that asks gets a cookie of eight bytes with the SYN-ACK, and an ordinary handshake [7413-4.2.1-REQ]", () => {
  const p = server().sends("S 0:0(0) win 65535 <mss 1000,fastopen>");
  const { segment } = p.next();
  expect(segment.fastOpen).toBe(8);
  expect((segment.ack - p.peerSeq(0)) | 0).toBe(1);
  expect(p.accepted).toBe(false);
  p.sends(". 1:1(0) ack 1").silent();
  expect(p.state).toBe("ESTABLISHED");
  expect(count(p, "CookieReqd")).toBe(1);
  expect(p.endpoint.info().synData).toBe(false);
});

test("with its cookie the data is acknowledged by the SYN-ACK and the user's at once [7413-4.2.2-ACCEPT]", () => {
  const p = server();
  const cookie = cookieFrom(p);
  p.sends(`S 0:100(100) win 65535 <mss 1000,fastopen ${cookie}>`);
  p.sees("S. 0:0(0) ack 101 win 65535 <mss 1460>").silent();
  expect(p.state).toBe("SYN-RECEIVED");
  expect([...p.received]).toEqual(Array.from({ length: 100 }, (_, i) => i));
  // an answer need not wait for the handshake either
  p.writes(2500).sees(". 1:1001(1000) ack 101").sees(". 1001:2001(1000) ack 101");
  p.sees("P. 2001:2501(500) ack 101");
  p.sends(". 101:101(0) ack 1").silent();
  expect(p.state).toBe("ESTABLISHED");
  p.sends("P. 101:111(10) ack 2501").waits(40).sees(". 2501:2501(0) ack 111").silent();
  expect(p.received).toHaveLength(110);
  expect(count(p, "Passive")).toBe(1);
  expect(p.endpoint.info()).toMatchObject({ synData: true, bytesReceived: 110 });
  expect(p.stack.counters.get("TcpPassiveOpens")).toBe(1);
});

test("without a reader the window of the SYN-ACK has less room, and holds what it says", () => {
  const p = server(16, { tcp_rmem: [4096, 4096, 4096] });
  const cookie = cookieFrom(p);
  p.reads = false;
  p.sends(`S 0:1000(1000) win 65535 <mss 1000,fastopen ${cookie}>`);
  p.sees("S. 0:0(0) ack 1001 win 3096 <mss 1460>");
  p.sends(". 1001:4097(3096) ack 1").waits(50).sees(". 1:1(0) ack 4097 win 0");
  p.read();
  expect(p.received).toHaveLength(4096);
});

test("with a wrong cookie only the SYN is acknowledged, and a right one comes along [7413-4.2.2-ACCEPT]", () => {
  const p = server();
  const cookie = cookieFrom(p);
  const wrong = `${cookie.slice(0, 15)}${cookie.endsWith("0") ? "1" : "0"}`;
  p.sends(`S 0:100(100) win 65535 <mss 1000,fastopen ${wrong}>`);
  const { segment } = p.next();
  expect([(segment.ack - p.peerSeq(0)) | 0, cookieOf(segment)]).toEqual([1, cookie]);
  expect(p.accepted).toBe(false);
  // the data comes again
  p.sends("P. 1:101(100) ack 1").waits(50).sees(". 1:1(0) ack 101");
  expect(p.received).toHaveLength(100);
  expect(count(p, "PassiveFail")).toBe(1);
  p.peerPort++;
  p.sends(`S 0:100(100) win 65535 <mss 1000,fastopen ${cookie.slice(0, 8)}>`);
  expect(p.describe(p.next().segment, "S. 0:0(0) ack 1")).toBe("S. 0:0(0) ack 1");
});

test("a cookie is good for no other address [7413-4.1.2-COOKIE]", () => {
  const p = server();
  const cookie = cookieFrom(p);
  p.peerAddress = "192.0.2.77";
  p.sends(`S 0:100(100) win 65535 <mss 1000,fastopen ${cookie}>`);
  const { segment } = p.next();
  expect((segment.ack - p.peerSeq(0)) | 0).toBe(1);
  expect(cookieOf(segment)).not.toBe(cookie);
  expect(p.accepted).toBe(false);
});

test("the key changes: its cookies go on for a while, are renewed, and lapse [7413-4.1.2-COOKIE]", () => {
  const p = server();
  const first = cookieFrom(p);
  p.until(KEY_LIFETIME + 1000);
  p.sends(`S 0:100(100) win 65535 <mss 1000,fastopen ${first}>`);
  const { segment } = p.next();
  const second = cookieOf(segment);
  expect([(segment.ack - p.peerSeq(0)) | 0, second.length]).toEqual([101, 16]);
  expect(second).not.toBe(first);
  expect(count(p, "PassiveAltKey")).toBe(1);
  p.sends("R 101:101(0)");
  p.until(2 * KEY_LIFETIME + 1000);
  p.peerPort++;
  p.sends(`S 0:100(100) win 65535 <mss 1000,fastopen ${first}>`).sees("S. 0:0(0) ack 1");
  p.sends("R 1:1(0)").silent();
  p.sends(`S 0:100(100) win 65535 <mss 1000,fastopen ${second}>`).sees("S. 0:0(0) ack 101");
  p.sends("R 101:101(0)").silent();
  // after more than two lifetimes without a SYN no key is left that was in use
  p.until(9 * KEY_LIFETIME);
  p.sends(`S 0:100(100) win 65535 <mss 1000,fastopen ${second}>`).sees("S. 0:0(0) ack 1");
});

test("a listener that did not ask for it takes no data and gives no cookie [7413-2-OPTIN]", () => {
  const p = server();
  const cookie = cookieFrom(p);
  p.stack.listen({ port: 81, owner: { onConnection: () => {} } });
  p.ourPort = 81;
  p.sends(`S 0:100(100) win 65535 <mss 1000,fastopen ${cookie}>`).sees(
    "S. 0:0(0) ack 1 <mss 1460>",
  );
  p.peerPort++;
  p.sends("S 0:0(0) win 65535 <mss 1000,fastopen>").sees("S. 0:0(0) ack 1 <mss 1460>");
  // nor does one that asked where tcp_fastopen has not the server's bit, as it is by default
  const off = server(16, { tcp_fastopen: 1 });
  off.sends("S 0:0(0) win 65535 <mss 1000,fastopen>").sees("S. 0:0(0) ack 1 <mss 1460>");
});

test("above the limit of pending ones a SYN is an ordinary one [7413-4.2-PENDING]", () => {
  const p = server(2);
  const cookie = cookieFrom(p);
  const syn = `S 0:100(100) win 65535 <mss 1000,fastopen ${cookie}>`;
  p.peerPort = 1001;
  p.sends(syn).sees("S. 0:0(0) ack 101");
  p.peerPort = 1002;
  p.sends(syn).sees("S. 0:0(0) ack 101");
  const second = p.iss;
  p.peerPort = 1003;
  p.sends(syn).sees("S. 0:0(0) ack 1 <mss 1460>");
  expect(count(p, "ListenOverflow")).toBe(1);
  // one is established: there is room again
  p.peerPort = 1002;
  p.sends(`. 101:101(0) ack ${(second + 1 - p.iss) >>> 0}`);
  p.peerPort = 1004;
  p.sends(syn).sees("S. 0:0(0) ack 101");
});

test("one that was reset counts on for a minute, one that ran out does not [7413-4.2-PENDING]", () => {
  const p = server(1, { tcp_synack_retries: 1 });
  const cookie = cookieFrom(p);
  const syn = `S 0:100(100) win 65535 <mss 1000,fastopen ${cookie}>`;
  p.peerPort = 1001;
  p.sends(syn).sees("S. 0:0(0) ack 101").sends("R 101:101(0)").silent();
  expect(p.endpoint.error?.code).toBe("ECONNRESET");
  p.peerPort = 1002;
  p.sends(syn).sees("S. 0:0(0) ack 1").sends("R 1:1(0)");
  p.waits(59_000);
  p.sends(syn).sees("S. 0:0(0) ack 1").sends("R 1:1(0)");
  p.waits(1001);
  p.sends(syn).sees("S. 0:0(0) ack 101");
  p.waits(1000).sees("S. 0:0(0) ack 101").waits(2001).silent();
  expect(p.endpoint.error?.code).toBe("ETIMEDOUT");
  p.peerPort = 1003;
  p.sends(syn).sees("S. 0:0(0) ack 101");
});

test("the SYN-ACK goes again without option and data, and so does the answer to a SYN that comes again [7413-4.2.2-RETX]", () => {
  const p = server();
  p.sends("S 0:0(0) win 65535 <mss 1000,fastopen>");
  const cookie = cookieOf(p.next().segment);
  p.waits(1000).sees("S. 0:0(0) ack 1 <mss 1460>").sends("R 1:1(0)");
  p.peerPort++;
  p.sends(`S 0:100(100) win 65535 <mss 1000,fastopen ${cookie}>`).sees("S. 0:0(0) ack 101");
  p.writes(50).sees("P. 1:51(50) ack 101");
  p.sends("S 0:0(0) win 65535 <mss 1000>").sees("S. 0:0(0) ack 101 <mss 1460>");
  p.waits(1000).sees("S. 0:0(0) ack 101 <mss 1460>").silent();
  // what was sent early is lost as well, and goes again once the handshake has ended
  p.sends(". 101:101(0) ack 1").waits(3000);
  p.sees("P. 1:51(50) ack 101");
});

test("a FIN on the SYN is not taken until it comes again, and its user may close before the handshake ends", () => {
  const p = server();
  const cookie = cookieFrom(p);
  p.sends(`SF 0:100(100) win 65535 <mss 1000,fastopen ${cookie}>`).sees("S. 0:0(0) ack 101");
  p.endpoint.close();
  p.settle().silent();
  p.sends(". 101:101(0) ack 1").sees("F. 1:1(0) ack 101");
  p.sends("F. 101:101(0) ack 2").sees(". 2:2(0) ack 102");
  expect(p.state).toBe("TIME-WAIT");
});

test("what the user aborts, and what the listener leaves behind, is reset", () => {
  const p = server();
  const cookie = cookieFrom(p);
  p.sends(`S 0:100(100) win 65535 <mss 1000,fastopen ${cookie}>`).sees("S. 0:0(0) ack 101");
  p.endpoint.abort();
  p.settle().sees("R. 1:1(0) ack 101").silent();
  expect(p.stack.connections()).toHaveLength(0);
});

test("when the SYN queue is full there are SYN cookies and nothing else", () => {
  const p = server();
  const cookie = cookieFrom(p);
  const q = server(16, { tcp_syncookies: 2 });
  q.sends(`S 0:100(100) win 65535 <mss 1000,fastopen ${cookie}>`).sees(
    "S. 0:0(0) ack 1 <mss 1460>",
  );
  expect(q.stack.connections()).toHaveLength(0);
});

test("lengths 2 and even ones from 6 to 18 are the option, others and those without SYN are not there [7413-4.1.1-FORM]", () => {
  const p = server();
  for (const length of [3, 4, 5, 7, 19, 20]) {
    p.peerPort = 2000 + length;
    p.gives(p.packetWith("S 0:0(0) win 65535", [34, length, ...Array<number>(length - 2).fill(7)]));
    p.sees("S. 0:0(0) ack 1 <mss 1460>");
  }
  for (const length of [2, 6, 16, 18]) {
    p.peerPort = 2000 + length;
    p.gives(p.packetWith("S 0:0(0) win 65535", [34, length, ...Array<number>(length - 2).fill(7)]));
    expect(p.next().segment.fastOpen).toBe(8);
  }
  p.sends(". 1:1(0) ack 1 <fastopen 0102030405060708>").silent();
  expect(p.state).toBe("ESTABLISHED");
  const s = createTcpSegment();
  expect([s.fastOpen, s.flags & SYN]).toEqual([-1, 0]);
});

test("a SYN with data may take over TIME-WAIT, as an ordinary one", () => {
  const p = server();
  const cookie = cookieFrom(p);
  p.sends("S 0:0(0) win 65535 <mss 1000>").sees("S. 0:0(0) ack 1").sends(". 1:1(0) ack 1");
  p.endpoint.close();
  p.settle().sees("F. 1:1(0) ack 1").sends("F. 1:1(0) ack 2").sees(". 2:2(0) ack 2");
  p.sends(`S 5000:5100(100) win 65535 <mss 1000,fastopen ${cookie}>`);
  expect((p.next().segment.ack - p.peerSeq(0)) | 0).toBe(5001);
});
