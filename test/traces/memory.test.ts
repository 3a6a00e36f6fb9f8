/** Memory of all connections: what is charged, what pressure changes, what the cap refuses, and that nobody is killed for it. */
import { describe, expect, test } from "vitest";
import { HALF_OPEN_COST } from "../../src/stack/half-open.ts";
import { CONNECTION_COST, MemoryAccount } from "../../src/tcp/memory.ts";
import type { Settings } from "../../src/tcp/config.ts";
import { ScriptedPeer } from "../support/scripted-peer.ts";

const SYN_TEXT = "S 0:0(0) win 65535 <mss 1460>";

/** A connection that is established, and whose user reads nothing by itself. */
function unread(settings: Partial<Settings>, options = "<mss 1460>"): ScriptedPeer {
  const p = new ScriptedPeer({ settings });
  p.reads = false;
  return p.established(options);
}

function count(p: ScriptedPeer, name: string): number {
  return p.stack.counters.get(name);
}

/** What the last segment of the stack says: ACK, and the window behind it. */
function told(p: ScriptedPeer): { ack: number; window: number } {
  let last = p.next();
  while (p.pending > 0) last = p.next();
  return { ack: (last.segment.ack - p.peerSeq(0)) | 0, window: last.segment.window };
}

/** Sends text from `from` on in full segments, until `to`. */
function text(p: ScriptedPeer, from: number, to: number): void {
  for (let at = from; at < to; at += 1460) {
    const end = Math.min(to, at + 1460);
    p.sends(`P. ${at}:${end}(${end - at}) ack 1`);
  }
  p.waits(100);
}

test("pressure begins above the second limit and ends below the first; before the third, a sixteenth is set aside", () => {
  const counted: string[] = [];
  const m = new MemoryAccount([100, 200, 320], (name) => void counted.push(name));
  const step = (bytes: number): [boolean, boolean] => {
    m.charge(bytes);
    return [m.pressed, m.full];
  };
  expect(step(200)).toEqual([false, false]);
  expect(step(1)).toEqual([true, false]);
  expect(step(99)).toEqual([true, true]);
  expect(step(-100)).toEqual([true, false]);
  expect(step(-100)).toEqual([true, false]);
  expect(step(-1)).toEqual([false, false]);
  expect(counted).toEqual(["TcpExtTCPMemoryPressures"]);
});

describe("what is charged", () => {
  test("text that waits for its reader, and no more once it was read", () => {
    const p = unread({});
    text(p, 1, 14601);
    expect(p.stack.memoryUsed).toBeGreaterThanOrEqual(14600);
    expect(p.stack.memoryUsed).toBeLessThan(2 * 14600);
    p.read();
    expect(p.stack.memoryUsed).toBe(CONNECTION_COST);
  });

  test("small segments cost little more than their bytes, and reach the reader as they came", () => {
    const p = unread({});
    for (let at = 1; at <= 10_000; at++) p.sends(`P. ${at}:${at + 1}(1) ack 1`);
    expect(p.stack.memoryUsed).toBeGreaterThanOrEqual(10_000);
    expect(p.stack.memoryUsed).toBeLessThan(20_000);
    p.read();
    expect(p.received).toEqual(Uint8Array.from({ length: 10_000 }, (_, i) => (i + 1) & 0xff));
    expect(p.stack.memoryUsed).toBe(CONNECTION_COST);
  });

  test("text out of order, with what surrounds each piece", () => {
    const p = unread({});
    for (let at = 3; at < 203; at += 2) p.sends(`P. ${at}:${at + 1}(1) ack 1`);
    expect(p.stack.memoryUsed).toBeGreaterThan(100 * 100);
    p.sends("R 1:1(0)");
    expect(p.stack.memoryUsed).toBe(0);
  });

  test("text that nobody reads, as long as its connection", () => {
    const p = unread({});
    p.sends("FP. 1:1461(1460) ack 1").waits(100);
    p.endpoint.shutdown();
    p.settle();
    expect(p.stack.memoryUsed).toBeGreaterThan(1460);
    p.sends(". 1462:1462(0) ack 2");
    expect(p.stack.connections()).toHaveLength(0);
    expect(p.stack.memoryUsed).toBe(0);
  });

  test("many small pieces hold the window back by what they cost", () => {
    const p = unread({ tcp_rmem: [4096, 4096, 4096] });
    // backwards: they stay pieces
    for (const quarter of [0, 16, 32, 48]) {
      for (let n = 15; n >= 0; n--) {
        const at = 1 + 64 * (quarter + n);
        p.sends(`. ${at}:${at + 64}(64) ack 1`);
      }
    }
    expect(told(p.waits(100))).toEqual({ ack: 4097, window: 0 });
    // 2,688 bytes are free, but the rest costs nearly twice the buffer
    for (let read = 0; read < 2688;) read += p.endpoint.receive()!.length;
    p.settle().silent();
    p.endpoint.receive();
    p.settle();
    expect(told(p).window).toBeGreaterThanOrEqual(1460);
  });

  test("text to be sent, until it is acknowledged", () => {
    const p = unread({});
    p.writes(1000);
    expect(p.stack.memoryUsed).toBeGreaterThanOrEqual(1000);
    p.endpoint.sendCopy(new Uint8Array(10));
    expect(p.stack.memoryUsed).toBeGreaterThanOrEqual(1000 + 512); // the room for more writes counts
    p.settle().sends(". 1:1(0) ack 1001").sends(". 1:1(0) ack 1011");
    expect(p.stack.memoryUsed).toBe(CONNECTION_COST);
  });

  test("each connection by itself, from the open to the last of TIME-WAIT's beginning, and what its user keeps no longer [H088]", () => {
    const p = new ScriptedPeer({ watched: false });
    p.reads = false;
    p.established();
    expect(p.stack.memoryUsed).toBe(CONNECTION_COST);
    const first = p.endpoint;
    p.peerPort = 40001;
    p.sends(SYN_TEXT).sees("S. 0:0(0) ack 1").sends(". 1:1(0) ack 1");
    p.sends("P. 1:11(10) ack 1");
    expect(p.stack.memoryUsed).toBeGreaterThan(2 * CONNECTION_COST);
    p.sends("P. 11:21(10) ack 1").sends("R 21:21(0)");
    // the text of a connection that was reset is its reader's, and no read of it changes the account
    expect(p.stack.memoryUsed).toBe(CONNECTION_COST);
    p.endpoint.receive();
    expect(p.stack.memoryUsed).toBe(CONNECTION_COST);
    p.peerPort = 40000;
    first.abort();
    p.settle();
    expect(p.stack.memoryUsed).toBe(0);
  });

  test("what is half-open", () => {
    const p = new ScriptedPeer().listens().sends(SYN_TEXT);
    expect(p.stack.memoryUsed).toBe(HALF_OPEN_COST);
    p.sends(". 1:1(0) ack 1");
    expect(p.stack.memoryUsed).toBe(CONNECTION_COST);
  });
});

describe("under pressure", () => {
  test("windows shrink: what was offered stays, then it is four segments, and calm gives all back", () => {
    const settings: Partial<Settings> = {
      tcp_mem: [65536, 70_000, 1_000_000],
      tcp_rmem: [4096, 500_000, 500_000],
    };
    const p = unread(settings);
    text(p, 1, 60_001);
    expect(told(p)).toEqual({ ack: 60_001, window: 65535 });
    expect(count(p, "TcpExtTCPMemoryPressures")).toBe(0);
    text(p, 60_001, 75_001);
    expect(count(p, "TcpExtTCPMemoryPressures")).toBe(1);
    const first = told(p);
    expect(first.window).toBeGreaterThan(55_000);
    text(p, 75_001, 100_001);
    expect(told(p).window).toBe(first.window - 25_000);
    text(p, 100_001, first.ack + first.window);
    const last = told(p).window;
    expect(last).toBeGreaterThan(3 * 1460 - 1);
    expect(last).toBeLessThanOrEqual(4 * 1460);
    p.read();
    p.settle();
    text(p, first.ack + first.window, first.ack + first.window + 3000);
    expect(told(p).window).toBeGreaterThan(65_000);
    expect(p.state).toBe("ESTABLISHED");
  });

  test("send buffers do not grow beyond tcp_wmem's second number", () => {
    const p = unread({ tcp_mem: [65536, 65536, 1_000_000], tcp_wmem: [4096, 40_000, 400_000] });
    p.endpoint.send(new Uint8Array(70_000));
    p.settle();
    expect(p.endpoint.sendSpace).toBe(0);
    expect(count(p, "TcpExtTCPMemoryPressures")).toBe(1);
    for (let at = 1461; at < 60_001; at += 1460) p.sends(`. 1:1(0) ack ${at}`);
    p.sends(". 1:1(0) ack 60001");
    expect(2 * p.endpoint.info().cwnd).toBeGreaterThan(80_000);
    expect(p.endpoint.sendSpace).toBe(30_000);
    p.sends(". 1:1(0) ack 68621").sends(". 1:1(0) ack 70001");
    expect(p.stack.memoryUsed).toBe(CONNECTION_COST);
    expect(p.endpoint.sendSpace).toBe(40_000);
    p.writes(10).sends(". 1:1(0) ack 70011");
    expect(p.endpoint.sendSpace).toBeGreaterThan(80_000);
  });
});

/** The cap is reached by what the user queued to be sent, and the peer's window is closed. */
function full(settings: Partial<Settings> = {}, options = "<mss 1460>"): ScriptedPeer {
  const p = unread({ tcp_mem: [65536, 65536, 65536], ...settings }, options);
  p.sends(". 1:1(0) ack 1 win 0");
  p.endpoint.send(new Uint8Array(70_000));
  return p.settle().silent();
}

/** The peer takes it all. */
function drain(p: ScriptedPeer): void {
  p.sends(". 1:1(0) ack 1 win 65535");
  for (let n = 0; n < 100 && p.stack.memoryUsed > 60_000; n++) {
    while (p.pending > 0) {
      const { segment } = p.next();
      p.sends(`. 1:1(0) ack ${((segment.seq - p.ourSeq(0)) | 0) + segment.payloadLength}`);
    }
    p.waits(1000);
  }
}

describe("at the cap", () => {
  test("a connection takes one segment where nothing waits to be read, and the rest is dropped and comes again", () => {
    const p = full();
    p.sends("P. 1:1461(1460) ack 1 win 0").waits(100);
    expect(told(p).ack).toBe(1461);
    p.sends("P. 1461:2921(1460) ack 1 win 0");
    expect(told(p).ack).toBe(1461);
    expect(count(p, "TcpExtTCPRcvQDrop")).toBe(1);
    expect(p.stack.memoryUsed).toBeLessThan(70_000 + CONNECTION_COST + 2000 + 1460);
    p.read();
    p.sends("P. 1461:2921(1460) ack 1 win 0").waits(100);
    expect(told(p).ack).toBe(2921);
    expect(p.state).toBe("ESTABLISHED");
  });

  test("nothing more is offered while something waits to be read, and a few segments once nothing does", () => {
    const p = unread({ tcp_mem: [65536, 65536, 65536], tcp_rmem: [4096, 5840, 5840] });
    p.sends(". 2921:5841(2920) ack 1 win 0").sends(". 1:2921(2920) ack 1 win 0");
    expect(told(p)).toEqual({ ack: 5841, window: 0 });
    p.endpoint.send(new Uint8Array(70_000));
    p.settle().silent();
    expect(p.endpoint.receive()).toHaveLength(2920);
    p.settle().silent();
    expect(p.endpoint.receive()).toHaveLength(2920);
    p.settle().sees(". 1:1(0) ack 5841 win 5840");
  });

  test("a FIN behind text that was dropped is not taken", () => {
    const p = full();
    p.sends("P. 1:1461(1460) ack 1 win 0").sends("FP. 1461:2921(1460) ack 1 win 0");
    expect(told(p).ack).toBe(1461);
    expect(p.state).toBe("ESTABLISHED");
  });

  test("a segment whose text and FIN are dropped may acknowledge our FIN", () => {
    const p = unread({ tcp_mem: [65536, 65536, 65536] });
    text(p, 1, 67_161);
    p.endpoint.shutdown();
    p.settle();
    const { ack } = told(p);
    expect(p.state).toBe("FIN-WAIT-1");
    p.sends(`FP. ${ack}:${ack + 1000}(1000) ack 2`);
    expect(count(p, "TcpExtTCPRcvQDrop")).toBeGreaterThan(0);
    expect(p.state).toBe("FIN-WAIT-2");
    p.read();
    p.sends(`FP. ${ack}:${ack + 1000}(1000) ack 2`);
    expect(p.state).toBe("TIME-WAIT");
  });

  test("an ACK on text that is dropped still counts, for it may bring the end of the trouble", () => {
    const p = full().sends("P. 1:1461(1460) ack 1 win 65535");
    while (p.pending > 0) p.next();
    const before = p.endpoint.bytesAcked;
    p.sends("P. 1461:2921(1460) ack 1461 win 0");
    expect(count(p, "TcpExtTCPRcvQDrop")).toBe(1);
    expect(p.endpoint.bytesAcked).toBe(before + 1460);
  });

  test("what came out of order is given up, and SACK blocks say only what is held [2018-8-NEWEST]", () => {
    const p = unread({ tcp_mem: [65536, 65536, 80_000] }, "<mss 1460,sackOK>");
    p.sends("P. 1461:2921(1460) ack 1 win 0").sees(". 1:1(0) ack 1 <sack 1461:2921>");
    p.sends("P. 4381:5841(1460) ack 1 win 0").sees(". 1:1(0) ack 1 <sack 4381:5841 1461:2921>");
    p.endpoint.send(new Uint8Array(80_000));
    p.settle().silent();
    p.sends("P. 7301:8761(1460) ack 1 win 0").sees(". 1:1(0) ack 1 <>");
    expect([count(p, "TcpExtOfoPruned"), count(p, "TcpExtTCPOFODrop")]).toEqual([1, 1]);
    p.sends("P. 1:1461(1460) ack 1 win 0").waits(100).sees(". 1:1(0) ack 1461 <>");
  });

  test("a writer hears when there is room again", () => {
    const p = full({ tcp_wmem: [4096, 100_000, 100_000] });
    expect(p.endpoint.sendSpace).toBe(0);
    drain(p);
    expect(p.stack.memoryUsed).toBeLessThan(65_536);
    p.settle();
    expect(p.endpoint.sendSpace).toBeGreaterThan(4096);
  });

  test("each connection may queue one segment, and the next when the peer has that one [H088]", () => {
    const p = full();
    p.peerPort = 40001;
    p.sends(SYN_TEXT).sees("S. 0:0(0) ack 1").sends(". 1:1(0) ack 1");
    const used = p.stack.memoryUsed;
    expect(p.endpoint.sendSpace).toBe(1460);
    p.writes(100).sees("P. 1:101(100) ack 1");
    expect(p.endpoint.sendSpace).toBe(0);
    p.sends(". 1:1(0) ack 101");
    expect(p.endpoint.sendSpace).toBe(1460);
    let written = 0;
    for (; p.endpoint.sendSpace > 0; written += 1460) p.endpoint.sendCopy(new Uint8Array(1460));
    expect(written).toBe(1460);
    expect(p.stack.memoryUsed).toBeLessThan(used + 2048);
    p.settle().sees("P. 101:1561(1460) ack 1");
  });

  test("a SYN is answered with a cookie, and what is proven by its ACK gets in; what is established stays", () => {
    const p = full();
    const first = p.endpoint;
    p.peerPort = 40001;
    p.sends(SYN_TEXT).sees("S. 0:0(0) ack 1");
    expect(count(p, "TcpExtSyncookiesSent")).toBe(1);
    expect(p.stack.connections()).toHaveLength(1);
    p.sends(". 1:1(0) ack 1").silent();
    expect(p.endpoint).not.toBe(first);
    expect([p.state, first.state]).toEqual(["ESTABLISHED", "ESTABLISHED"]);
  });

  test("without cookies a SYN waits: it is dropped, and taken when there is memory again", () => {
    const p = full({ tcp_syncookies: 0 });
    p.peerPort = 40001;
    p.sends(SYN_TEXT).silent();
    expect(count(p, "TcpExtTCPReqQFullDrop")).toBe(1);
    p.endpoint.abort();
    p.settle().next();
    p.sends(SYN_TEXT).sees("S. 0:0(0) ack 1");
    expect(p.stack.memoryUsed).toBe(HALF_OPEN_COST);
  });
});

describe("orphans", () => {
  /** Connections with text that the peer does not take, closed by their user. */
  function orphans(n: number, settings: Partial<Settings>): ScriptedPeer {
    const p = new ScriptedPeer({ settings }).listens();
    for (let i = 0; i < n; i++) {
      p.peerPort = 1000 + i;
      p.sends(SYN_TEXT).sees("S. 0:0(0) ack 1").sends(". 1:1(0) ack 1");
      p.writes(10).sees("P. 1:11(10) ack 1");
      p.endpoint.close();
      p.settle().sees("F. 11:11(0) ack 1");
    }
    return p;
  }

  test("beyond tcp_max_orphans the newest is reset, and counted; one that ends makes room", () => {
    const p = orphans(2, { tcp_max_orphans: 2 });
    p.silent();
    expect(count(p, "TcpExtTCPAbortOnMemory")).toBe(0);

    const q = orphans(3, { tcp_max_orphans: 2 });
    q.sees("R. 12:12(0) ack 1").silent();
    expect(count(q, "TcpExtTCPAbortOnMemory")).toBe(1);
    expect(q.stack.connections()).toHaveLength(2);
  });

  test("one whose FIN is acknowledged is none any more", () => {
    const p = new ScriptedPeer({ settings: { tcp_max_orphans: 1 } }).listens();
    for (let i = 0; i < 3; i++) {
      p.peerPort = 1000 + i;
      p.sends(SYN_TEXT).sees("S. 0:0(0) ack 1").sends(". 1:1(0) ack 1");
      p.endpoint.close();
      p.settle().sees("F. 1:1(0) ack 1").sends(". 1:1(0) ack 2").silent();
    }
    expect(count(p, "TcpExtTCPAbortOnMemory")).toBe(0);
    expect(p.stack.connections()).toHaveLength(3);
  });

  test("tcp_max_orphans is for those alone that no user holds", () => {
    const p = new ScriptedPeer({ settings: { tcp_max_orphans: 0 } }).established();
    p.writes(10).sees("P. 1:11(10) ack 1");
    p.endpoint.shutdown();
    p.settle().sees("F. 11:11(0) ack 1").silent();
  });

  test("at the cap an orphan that holds memory is reset, one that a user holds is not", () => {
    const p = full();
    p.endpoint.close();
    p.settle();
    expect(count(p, "TcpExtTCPAbortOnMemory")).toBe(1);
    expect(p.stack.memoryUsed).toBe(0);
    expect(p.next().segment.flags & 4).toBe(4);
  });
});
