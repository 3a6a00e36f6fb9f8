/** RST: what draws one and with which fields, what one does in each state, and what aborting sends (RFC 9293 §3.10.5). */
import { expect, test } from "vitest";
import { EVENT_CLOSED } from "../../src/tcp/endpoint.ts";
import type { TcpState } from "../../src/tcp/state.ts";
import { LIVE } from "../support/states.ts";
import { ScriptedPeer } from "../support/scripted-peer.ts";

/** A connection in the state named, everything acknowledged; the peer's next number is what is returned. */
function inState(state: TcpState): { p: ScriptedPeer; next: number } {
  if (state === "SYN-SENT") {
    return { p: new ScriptedPeer().connects().sees("S 0:0(0)"), next: 0 };
  }
  if (state === "SYN-RECEIVED") {
    const p = new ScriptedPeer().connects().sees("S 0:0(0)");
    p.sends("S 0:0(0) win 65535 <mss 1460>").sees("S. 0:0(0) ack 1");
    return { p, next: 1 };
  }
  const p = new ScriptedPeer().established();
  let next = 1;
  /** The peer's FIN, acknowledging `ack`; ours is answered from `nxt`. */
  const fin = (ack: number, nxt: number): void => {
    p.sends(`F. 1:1(0) ack ${ack}`).sees(`. ${nxt}:${nxt}(0) ack 2`);
    next = 2;
  };
  const end = (): void => {
    p.endpoint.shutdown();
    p.settle().sees(`F. 1:1(0) ack ${next}`);
  };
  switch (state) {
    case "FIN-WAIT-1":
      end();
      break;
    case "FIN-WAIT-2":
      end();
      p.sends(". 1:1(0) ack 2");
      break;
    case "CLOSE-WAIT":
      fin(1, 1);
      break;
    case "LAST-ACK":
      fin(1, 1);
      end();
      break;
    case "CLOSING":
      end();
      fin(1, 2);
      break;
    case "TIME-WAIT":
      end();
      fin(2, 2);
      break;
    case "ESTABLISHED":
    case "CLOSED":
    case "LISTEN":
      break;
  }
  expect(p.state).toBe(state);
  p.silent();
  return { p, next };
}

test.each([
  ["SYN-RECEIVED", 1],
  ["ESTABLISHED", 1],
  ["FIN-WAIT-1", 2],
  ["FIN-WAIT-2", 2],
  ["CLOSE-WAIT", 1],
] as const)("abort in %s sends RST at SND.NXT and is final [9293-3.10.5-ABORT]", (state, nxt) => {
  const { p, next } = inState(state);
  p.endpoint.abort();
  p.settle().sees(`R. ${nxt}:${nxt}(0) ack ${next}`).silent();
  expect(p.endpoint.error?.code).toBe("ECONNABORTED");
  expect(p.events & EVENT_CLOSED).toBe(EVENT_CLOSED);
  expect(p.stack.connections()).toHaveLength(0);
  expect(p.stack.nextTimeout()).toBe(Infinity);
});

test.each(["SYN-SENT", "CLOSING", "LAST-ACK", "TIME-WAIT"] as const)(
  "abort in %s sends nothing and forgets the connection [9293-3.10.5-ABORT]",
  (state) => {
    const { p } = inState(state);
    p.endpoint.abort();
    p.settle().silent();
    expect(p.state).toBe("CLOSED");
    expect(p.stack.connections()).toHaveLength(0);
    expect(p.stack.nextTimeout()).toBe(Infinity);
  },
);

test.each(LIVE)("no RST is answered with RST in %s [9293-3.10.7.1-QUIET]", (state) => {
  for (const flags of ["R", "R."]) {
    for (const offset of [0, 1, 1000, 200_000]) {
      for (const ack of [0, 1, 2, 90_000]) {
        const { p, next } = inState(state);
        const at = next + offset;
        p.sends(`${flags} ${at}:${at}(0)${flags === "R." ? ` ack ${ack}` : ""}`);
        while (p.pending > 0) {
          expect(p.describe(p.next().segment, ". 0:0(0) ack 0")).toMatch(/^\. /); // challenge ACKs only
        }
      }
    }
  }
});

test("closed ports and listeners leave a RST unanswered as well [9293-3.10.7.1-QUIET]", () => {
  const nobody = new ScriptedPeer();
  nobody.sends("R 5:5(0)").sends("R. 5:5(0) ack 1").sends("R 5:25(20)").silent();
  const listener = new ScriptedPeer().listens();
  listener.sends("R 5:5(0)").sends("R. 5:5(0) ack 1").sends("RS 5:5(0)").silent();
});

test("a segment for nobody draws RST by the exact fields: SYN and FIN count in its length [9293-3.10.7.1-RST]", () => {
  const p = new ScriptedPeer({ peerIsn: 1000 });
  p.sends("S 5:5(0)").sees("R. 0:0(0) ack 6");
  p.sends("S 5:10(5)").sees("R. 0:0(0) ack 11");
  p.sends("FS 5:10(5)").sees("R. 0:0(0) ack 12");
  p.sends("F 5:5(0)").sees("R. 0:0(0) ack 6");
  p.sends("none 5:8(3)").sees("R. 0:0(0) ack 8");
  p.sends(". 5:5(0) ack 77").sees("R 77:77(0)");
  p.sends("F. 5:8(3) ack 77").sees("R 77:77(0)");
  p.sends("S. 5:5(0) ack 77");
  const { segment } = p.next();
  expect(p.describe(segment, "R 0:0(0)")).toBe("R 77:77(0)");
  expect([segment.ack, segment.window]).toEqual([0, 0]);
  p.silent();
});

test.each(["ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2", "CLOSE-WAIT"] as const)(
  "RST at RCV.NXT in %s leaves nothing behind: queues, timers, table [9293-3.10.7.4-RSTFLUSH]",
  (state) => {
    const { p, next } = inState(state);
    p.reads = false;
    if (state === "ESTABLISHED" || state === "CLOSE-WAIT") p.writes(5000);
    let at = next;
    if (state !== "CLOSE-WAIT") {
      p.sends(`P. ${at}:${at + 10}(10) ack 1`).sends(`P. ${at + 20}:${at + 30}(10) ack 1`);
      at += 10;
    }
    while (p.pending > 0) p.next();
    p.sends(`R ${at}:${at}(0)`).silent();
    expect(p.endpoint.error?.code).toBe("ECONNRESET");
    expect(p.events & EVENT_CLOSED).toBe(EVENT_CLOSED);
    expect(p.stack.connections()).toHaveLength(0);
    expect(p.stack.nextTimeout()).toBe(Infinity);
    const { sendQueued, receiveQueued, outOfOrderBytes } = p.endpoint.info();
    expect([sendQueued, receiveQueued, outOfOrderBytes]).toEqual([0, 0, 0]);
    expect(p.endpoint.receive()).toBe(null);
    expect(() => p.endpoint.send(Uint8Array.of(1))).toThrow(
      expect.objectContaining({ code: state.startsWith("FIN") ? "EPIPE" : "ENOTCONN" }),
    );
    p.waits(1_000_000).silent();
  },
);

test("a RST may carry data, which is not delivered [SHLD-2]", () => {
  const p = new ScriptedPeer().established();
  p.sends("R 1:21(20)").silent();
  expect(p.endpoint.error?.code).toBe("ECONNRESET");
  expect(p.received).toHaveLength(0);
  expect(p.stack.connections()).toHaveLength(0);
});
