/** Why a connection does not go faster: each reason brought about on a stack, and read off its TcpInfo. */
import { expect, test } from "vitest";
import { bytes, limitOf } from "../../../src/tools/observe/limit.ts";
import { ScriptedPeer } from "../../support/scripted-peer.ts";

const by = (p: ScriptedPeer): string => limitOf(p.endpoint.info()).by;

test("the handshake, and then nothing to send", () => {
  const p = new ScriptedPeer().connects();
  expect(limitOf(p.endpoint.info())).toEqual({ by: "handshake", text: "waiting for SYN-ACK" });
  p.until(1000);
  expect(limitOf(p.endpoint.info()).text).toBe("waiting for SYN-ACK, asked 1 times again");
  expect(by(new ScriptedPeer().established())).toBe("application");
});

test("an ACK, the congestion window, the peer's window open and closed", () => {
  const p = new ScriptedPeer().established("<mss 1000>");
  p.writes(500);
  expect(limitOf(p.endpoint.info())).toEqual({ by: "ack", text: "waiting for ACK of 500 B" });
  p.writes(50_000);
  expect(limitOf(p.endpoint.info()).text).toBe(
    "the congestion window of 10.0 kB is full, 41.0 kB wait",
  );
  const small = new ScriptedPeer().established("<mss 1000>", 3000);
  small.writes(5000);
  expect(limitOf(small.endpoint.info()).text).toBe(
    "the peer's window of 3000 B is full, 2000 B wait",
  );
  small.sends(". 1:1(0) ack 3001 win 0");
  expect(limitOf(small.endpoint.info()).text).toBe("the peer's window is closed, 2000 B wait");
});

test("a loss, by timeout and by duplicates", () => {
  const p = new ScriptedPeer().established("<mss 1000,sackOK>");
  p.writes(8000);
  p.sends(". 1:1(0) ack 1 <sack 2001:6001>");
  expect(limitOf(p.endpoint.info()).text).toMatch(/^repairing a loss \(\d+ B lost\)$/);
  const q = new ScriptedPeer().established("<mss 1000>");
  q.writes(10).waits(q.endpoint.info().timerIn);
  expect(limitOf(q.endpoint.info()).text).toBe("repairing a loss (timeout 1)");
});

test("our own application: it does not read, or fills the send buffer", () => {
  const settings = { tcp_rmem: [4096, 4096, 4096] as const };
  const p = new ScriptedPeer({ settings }).established("<mss 1000>");
  p.reads = false;
  p.sends("P. 1:4097(4096) ack 1");
  expect(limitOf(p.endpoint.info()).text).toBe(
    "the application does not read: 4096 B wait, our window is closed",
  );
  const q = new ScriptedPeer({
    settings: { tcp_wmem: [4096, 4096, 4096] as const },
  }).established("<mss 1000>");
  q.writes(10).writes(4500); // the window has room for 10 segments; a short one waits for another
  expect(by(q)).toBe("send-buffer");
});

test("the end, from both sides", () => {
  const p = new ScriptedPeer().established();
  p.endpoint.shutdown();
  p.settle();
  expect(by(p)).toBe("ack");
  p.sends(". 1:1(0) ack 2");
  expect(limitOf(p.endpoint.info()).text).toBe("we have ended, waiting for the peer's FIN");
  const q = new ScriptedPeer().established().sends("F. 1:1(0) ack 1");
  expect(limitOf(q.endpoint.info()).text).toContain("waiting for our application to end");
});

test("bytes for people", () => {
  expect([0, 9999, 10_000, 123_456, 4_194_304, 5e9].map(bytes)).toEqual([
    "0 B",
    "9999 B",
    "10.0 kB",
    "123 kB",
    "4.2 MB",
    "5.0 GB",
  ]);
});
