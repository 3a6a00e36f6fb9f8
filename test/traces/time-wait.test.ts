/** TIME-WAIT: how long, what restarts it, what it ignores, and the SYN that may end it. */
import { describe, expect, test } from "vitest";
import { instantOf } from "../../src/base/time.ts";
import type { Endpoint } from "../../src/tcp/endpoint.ts";
import { PEER, ScriptedPeer } from "../support/scripted-peer.ts";
import { TwoStacks } from "../support/two-stacks.ts";

/** With a trace the stack keeps the connection itself, without one only a few numbers of it. */
describe.each([
  ["watched", true],
  ["frozen", false],
])("%s:", (_name, watched) => {
  class Peer extends ScriptedPeer {
    constructor(options: { settings?: object } = {}) {
      super({ ...options, watched });
    }
  }

  function timeWait(settings = {}, options = "<mss 1460>"): ScriptedPeer {
    const p = new Peer({ settings }).established(options);
    p.endpoint.shutdown();
    p.settle().sees("F. 1:1(0) ack 1");
    p.sends("F. 1:1(0) ack 2").sees(". 2:2(0) ack 2");
    expect(p.state).toBe("TIME-WAIT");
    return p;
  }

  test.each([
    [30, 60_000],
    [120, 240_000],
    [1, 2000],
  ])(
    "lasts 2 MSL: with tcp_msl %i it is there at %i ms less one, and then gone [MUST-13, 9293-3.4.2-MSL]",
    (msl, ms) => {
      const p = timeWait({ tcp_msl: msl });
      expect(p.stack.settings.tcp_msl).toBe(msl);
      p.waits(ms - 1);
      expect(p.stack.connections()).toHaveLength(1);
      p.waits(1).silent();
      expect(p.stack.connections()).toHaveLength(0);
    },
  );

  test("a repeated FIN is acknowledged and starts the time anew [9293-3.10.7.4-TW]", () => {
    const p = timeWait();
    p.waits(50_000);
    p.sends("F. 1:1(0) ack 2").sees(". 2:2(0) ack 2");
    p.waits(59_999);
    expect(p.state).toBe("TIME-WAIT");
    p.waits(1).silent();
    expect(p.state).toBe("CLOSED");
  });

  test("the user hears of the end when TIME-WAIT begins, once", () => {
    const p = timeWait();
    expect(p.closedAt).toBe(p.time);
    const before = p.closedAt;
    p.waits(100_000);
    expect(p.closedAt).toBe(before);
  });

  test("a RST does not cut it short, as tcp_rfc1337 says; without the setting it does [1337-3-F1]", () => {
    const p = timeWait();
    p.sends("R 2:2(0)").silent();
    expect(p.state).toBe("TIME-WAIT");
    const q = timeWait({ tcp_rfc1337: 0 });
    q.sends("R 2:2(0)").silent();
    expect(q.state).toBe("CLOSED");
  });

  /** The same with timestamps agreed; the last one of the peer is 1000. */
  function timeWaitWithTimestamps(settings = {}): ScriptedPeer {
    const p = new Peer({ settings }).listens();
    p.sends("S 0:0(0) win 65535 <mss 1460,TS val 900 ecr 0>").sees("S. 0:0(0) ack 1");
    p.sends(". 1:1(0) ack 1 <TS val 900 ecr 0>");
    p.endpoint.shutdown();
    p.settle().sees("F. 1:1(0) ack 1");
    p.sends("F. 1:1(0) ack 2 <TS val 1000 ecr 0>").sees(". 2:2(0) ack 2");
    expect(p.state).toBe("TIME-WAIT");
    return p;
  }

  test.each([
    [
      "a newer timestamp, whatever the number",
      "S 0:0(0) win 65535 <mss 1460,TS val 1001 ecr 0>",
      1,
    ],
    ["the same timestamp and a number above", "S 2:2(0) win 65535 <mss 1460,TS val 1000 ecr 0>", 3],
    ["no timestamp and a number above", "S 2:2(0) win 65535 <mss 1460>", 3],
  ])(
    "after a connection with timestamps a SYN with %s opens anew [SHLD-4, 6191-2-NEWER]",
    (...row) => {
      const p = timeWaitWithTimestamps();
      p.sends(row[1]).sees(`S. 0:0(0) ack ${row[2]}`).silent();
      expect(p.stack.counters.get("TcpExtTWRecycled")).toBe(1);
    },
  );

  test.each([
    ["an older timestamp", "S 9000:9000(0) win 65535 <mss 1460,TS val 999 ecr 0>"],
    ["the same timestamp and an old number", "S 1:1(0) win 65535 <mss 1460,TS val 1000 ecr 0>"],
    ["no timestamp and an old number", "S 1:1(0) win 65535 <mss 1460>"],
  ])(
    "after a connection with timestamps a SYN with %s opens nothing [6191-2-NEWER]",
    (_what, syn) => {
      const p = timeWaitWithTimestamps();
      p.sends(syn).sees(". 2:2(0) ack 2").silent();
      expect(p.state).toBe("TIME-WAIT");
      expect(p.stack.connections()).toHaveLength(1);
    },
  );

  test("without timestamps a SYN needs a number above that of the old FIN [6191-2-SEQ]", () => {
    const p = timeWait();
    p.sends("S 1:1(0) win 65535 <mss 1460>").sees(". 2:2(0) ack 2").silent();
    p.sends("S 2:2(0) win 65535 <mss 1460>").sees("S. 0:0(0) ack 3").silent();
  });

  test("a SYN that brings timestamps where there were none opens at any number [6191-2-GAIN]", () => {
    const p = timeWait();
    p.sends("S 0:0(0) win 65535 <mss 1460,TS val 1 ecr 0>").sees("S. 0:0(0) ack 1").silent();
  });

  test("a new connection begins above all numbers that the old one used [MAY-2]", () => {
    const p = timeWait();
    const last = p.iss;
    p.sends("S 5000:5000(0) win 65535 <mss 1460>").sees("S. 0:0(0) ack 5001");
    expect((p.iss - last) | 0).toBeGreaterThan(65535);
    p.sends(". 5001:5001(0) ack 1").silent();
    const states = ["TIME-WAIT -> CLOSED", "SYN-RECEIVED -> ESTABLISHED"];
    if (watched) expect(p.states.slice(-2)).toEqual(states);
    expect(p.stack.connections()).toHaveLength(1);
  });

  test("if the SYN was an old duplicate, the peer's RST brings TIME-WAIT back, for the time that was left [MAY-2]", () => {
    const p = timeWait();
    const end = p.time + 60_000;
    p.waits(20_000).sends("S 5000:5000(0) win 65535 <mss 1460>").sees("S. 0:0(0) ack 5001");
    expect(p.stack.connections().map((c) => c.state)).toEqual(["SYN-RECEIVED"]);
    p.sends("R 5001:5001(0)").silent();
    expect(p.stack.connections().map((c) => c.state)).toEqual(["TIME-WAIT"]);
    p.until(end - 1).silent();
    expect(p.stack.connections().map((c) => c.state)).toEqual(["TIME-WAIT"]);
    p.until(end).silent();
    expect(p.stack.connections()).toHaveLength(0);
  });

  test("a new connection that was established and reset within one batch leaves no TIME-WAIT behind", () => {
    const p = timeWait();
    p.sends("S 5000:5000(0) win 65535 <mss 1460>").sees("S. 0:0(0) ack 5001");
    const settle = p.settle.bind(p);
    p.settle = () => p; // the batch is not over
    p.sends(". 5001:5001(0) ack 1").sends("R 5001:5001(0)");
    p.settle = settle;
    p.settle().silent();
    expect(p.stack.connections()).toHaveLength(0);
  });

  test("without a listener a newer SYN opens nothing and ends nothing", () => {
    const p = new Peer().connected();
    p.endpoint.shutdown();
    p.settle().sees("F. 1:1(0) ack 1").sends("F. 1:1(0) ack 2").sees(". 2:2(0) ack 2");
    p.sends("S 5000:5000(0) win 65535 <mss 1460>").sees(". 2:2(0) ack 2").silent();
    expect(p.state).toBe("TIME-WAIT");
  });

  test("with tcp_tw_reuse 0 no SYN opens anew before 2 MSL are over", () => {
    const p = timeWait({ tcp_tw_reuse: 0 });
    p.sends("S 5000:5000(0) win 65535 <mss 1460>").sees(". 2:2(0) ack 2").silent();
    p.waits(60_000).sends("S 5000:5000(0) win 65535 <mss 1460>").sees("S. 0:0(0) ack 5001");
  });

  // Deviation from RFC 6191 §2: RFC 9293 §3.10.7.4 and RFC 5961 §4.2, both later, have the SYN answered with a challenge ACK.
  test("any other SYN is answered with an ACK only, and TIME-WAIT goes on [6191-2-DROP, 5961-4.2-SYN]", () => {
    const p = timeWait();
    const end = p.time + 60_000;
    p.waits(30_000).sends("S 1:1(0) win 65535 <mss 1460>").sees(". 2:2(0) ack 2").silent();
    expect(p.state).toBe("TIME-WAIT");
    p.until(end - 1);
    expect(p.stack.connections()).toHaveLength(1);
    p.until(end);
    expect(p.stack.connections()).toHaveLength(0);
  });

  test("data that comes again is acknowledged and dropped", () => {
    const p = timeWait();
    p.sends("P. 1:1(0) ack 2").sees(". 2:2(0) ack 2");
    expect(p.received).toHaveLength(0);
  });

  test("the socket pair is in use for an active open until TIME-WAIT is over", () => {
    const p = new Peer().connected();
    p.endpoint.shutdown();
    p.settle().sees("F. 1:1(0) ack 1").sends("F. 1:1(0) ack 2").sees(". 2:2(0) ack 2");
    expect(() => p.connects()).toThrow(expect.objectContaining({ code: "EADDRINUSE" }));
    p.waits(60_000);
    p.connects().sees("S 0:0(0)");
  });

  test("with timestamps an open of ours may take the place of TIME-WAIT after a second, as tcp_tw_reuse says", () => {
    const closed = (settings = {}): ScriptedPeer => {
      const p = new Peer({ settings }).connects();
      p.sees("S 0:0(0)").sends("S. 0:0(0) ack 1 win 65535 <mss 1460,TS val 1 ecr 0>");
      p.sees(". 1:1(0) ack 1");
      p.endpoint.shutdown();
      p.settle().sees("F. 1:1(0) ack 1").sends("F. 1:1(0) ack 2 <TS val 2 ecr 0>");
      p.sees(". 2:2(0) ack 2");
      expect(p.state).toBe("TIME-WAIT");
      return p;
    };
    const p = closed();
    const last = p.iss;
    p.waits(999);
    expect(() => p.connects()).toThrow(expect.objectContaining({ code: "EADDRINUSE" }));
    p.waits(1).connects().sees("S 0:0(0)").silent();
    expect((p.iss - last) | 0).toBeGreaterThan(65535);
    expect(p.stack.counters.get("TcpExtTWRecycled")).toBe(1);

    // an open knows how late it is though nothing has happened since
    const idle = closed();
    const again = { remoteAddress: PEER, remotePort: 80, localPort: idle.ourPort, owner: null };
    expect(() => idle.stack.connect(again)).toThrow();
    expect(idle.stack.connect(again, instantOf(idle.time + 1000)).state).toBe("SYN-SENT");

    const off = closed({ tcp_tw_reuse: 0 }).waits(50_000);
    expect(() => off.connects()).toThrow(expect.objectContaining({ code: "EADDRINUSE" }));
  });

  test("an ephemeral port in TIME-WAIT is used again only when no other is free", () => {
    const settings = { ip_local_port_range: [20_000, 20_001] as const };
    const w = new TwoStacks({ settings });
    w.b.listens(80);
    const open = (): Endpoint => {
      const to = { remoteAddress: w.b.address, remotePort: 80, owner: null };
      const endpoint = w.a.stack.connect(to);
      w.runs(50);
      expect(endpoint.state).toBe("ESTABLISHED");
      return endpoint;
    };
    const first = open();
    first.close();
    w.runs(50);
    w.b.endpoint!.close();
    w.runs(2000);
    expect(first.state).toBe("TIME-WAIT");
    const second = open();
    expect(second.localPort).not.toBe(first.localPort);
    expect(open().localPort).toBe(first.localPort);
    expect(() => open()).toThrow(expect.objectContaining({ code: "EADDRNOTAVAIL" }));
  });

  test("beyond tcp_max_tw_buckets the oldest ends early, and that is counted", () => {
    const p = new Peer({ settings: { tcp_max_tw_buckets: 2 } }).listens();
    const close = (port: number): void => {
      p.peerPort = port;
      p.sends("S 0:0(0) win 65535 <mss 1460>").sees("S. 0:0(0) ack 1").sends(". 1:1(0) ack 1");
      p.endpoint.shutdown();
      p.settle().sees("F. 1:1(0) ack 1").sends("F. 1:1(0) ack 2").sees(". 2:2(0) ack 2").silent();
    };
    const ports = (): number[] =>
      p.stack
        .connections()
        .map((c) => c.remotePort)
        .toSorted((a, b) => a - b);
    close(1001);
    p.waits(1000);
    close(1002);
    expect(ports()).toEqual([1001, 1002]);
    expect(p.stack.counters.get("TcpExtTCPTimeWaitOverflow")).toBe(0);
    close(1003);
    expect(ports()).toEqual([1002, 1003]);
    expect(p.stack.counters.get("TcpExtTCPTimeWaitOverflow")).toBe(1);
    p.waits(60_000);
    expect(ports()).toEqual([]);
    close(1004);
    expect(ports()).toEqual([1004]);

    const none = timeWaitOf({ tcp_max_tw_buckets: 0 });
    expect(none.stack.connections()).toHaveLength(0);
  });

  /** Closed by us; the last ACK has left. */
  function timeWaitOf(settings: object): ScriptedPeer {
    const p = new Peer({ settings }).established();
    p.endpoint.shutdown();
    p.settle().sees("F. 1:1(0) ack 1");
    return p.sends("F. 1:1(0) ack 2").sees(". 2:2(0) ack 2").silent();
  }
});
