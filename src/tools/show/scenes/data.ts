/** Data under way: acknowledgments, windows, losses. */
import type { Scene } from "../scene.ts";
import type { Stage } from "../stage.ts";

/** Established, and the handshake forgotten. */
function open(s: Stage): void {
  s.b.listens(80);
  s.a.connects(s.b, 80, 40000);
  s.runs(100);
  s.segments.length = 0;
}

export const data: Scene = {
  topic: "data",
  title: "A request, and an answer of several segments",
  about:
    "A sends 100 bytes, B answers with 4,000. Numbers count bytes; an ACK names the next byte that is expected, and everything before it has arrived (RFC 9293 §3.4).",
  play(s) {
    open(s);
    s.a.sends(100);
    s.runs(30);
    s.b.sends(4000);
    s.runs(500);
    return [`B took ${s.b.received} bytes, A took ${s.a.received}.`];
  },
  notes: [
    ["A PSH,ACK seq 1:101", "bytes 1 to 100; PSH: nothing more is queued, give it to the program"],
    [
      "B ACK seq 1 ack 101",
      "got them: the next one is 101. A young connection acknowledges at once",
    ],
    ["B ACK seq 1:1449", "1,448 bytes: the MSS of 1,460 less 12 for timestamps"],
    [
      "A ACK seq 101 ack 1449",
      "quick ACKs at the start, later every second full segment is enough (RFC 9293 §3.8.6.3)",
    ],
  ],
};

export const zeroWindow: Scene = {
  topic: "zero-window",
  title: "The receiver does not read",
  about:
    "B's program is busy elsewhere and its buffer of 4,380 bytes fills up. B closes its window; A probes until B has room again (RFC 9293 §3.8.6.1).",
  stage: { settings: { tcp_rmem: [4380, 4380, 4380], tcp_timestamps: 0 } },
  play(s) {
    open(s);
    s.b.reads = false;
    s.a.sends(6000);
    s.runs(2000);
    s.b.reads = true;
    s.b.read();
    s.runs(500);
    return [`B has read ${s.b.received} bytes in the end: none was lost.`];
  },
  notes: [
    ["A ACK seq 1:1461", "as much as the window has room for"],
    ["B ACK seq 1 ack 4381", "all of it arrived, but there is no more room: window 0"],
    [
      "A ACK seq 4380",
      "is there room now? A byte's number that B has taken already, so that it must answer; after an RTO",
    ],
    ["B ACK seq 1 ack 4381", "no. But B is alive, so A goes on asking for as long as it takes"],
    ["A ACK seq 4380", "after twice the time"],
    ["A ACK seq 4380", "and twice that"],
    ["B ACK seq 1 ack 4381", "still none"],
    ["B ACK seq 1 ack 4381", "the program has read: the window is open again"],
    ["A ACK seq 4381", "and on it goes"],
  ],
};

export const loss: Scene = {
  topic: "loss",
  title: "A segment is lost, and repaired without a pause",
  about:
    "The third of ten segments does not arrive. B tells by SACK which ones did (RFC 2018); from what arrived behind the hole A knows what is missing and sends it again, long before the timer would (RFC 6675, RFC 8985).",
  stage: { settings: { tcp_timestamps: 0 } },
  play(s) {
    open(s);
    let lost = false;
    s.fate = ({ from, seq }) => {
      if (lost || from !== "A" || seq !== 2921) return undefined;
      lost = true;
      return "lost";
    };
    s.a.sends(14_600);
    s.runs(500);
    return [`B took all ${s.b.received} bytes, in order.`];
  },
  notes: [
    ["A ACK seq 2921", "this one will be missed"],
    [
      "B ACK seq 1 ack 2921",
      "a hole: 2921 is still expected, but what lies behind it is here and is named in the option",
    ],
    [
      "A ACK seq 2921:4381",
      "three segments arrived behind the hole: it is lost. Sent again, with a smaller congestion window",
    ],
    ["B ACK seq 1 ack 14601", "the hole is filled, and everything is acknowledged at one go"],
  ],
};

export const keepalive: Scene = {
  topic: "keepalive",
  title: "The peer is gone without a word",
  about:
    "B's cable is pulled out. With keep-alive on, A asks after a time of silence whether anybody is there, some times more, and gives up (RFC 9293 §3.8.4). Here after 10 s, each second, three times; Linux's defaults are two hours, 75 s and nine times.",
  stage: { settings: { tcp_timestamps: 0 } },
  play(s) {
    open(s);
    s.a.endpoint!.setKeepAlive(true, 10_000, 1000, 3);
    s.runs(10_500);
    s.fate = () => "lost";
    s.runs(30_000);
    return [`A's program is told ${s.a.error}.`];
  },
  notes: [
    ["A ACK seq 0", "a number that B has seen already, so it must answer, but takes nothing"],
    ["B ACK", "still here: the count starts anew"],
    ["A ACK seq 0", "now nobody answers"],
    [
      "A RST,ACK",
      "three questions without an answer: it is over, and should B live after all, it is told",
    ],
  ],
};

export const DATA: readonly Scene[] = [data, zeroWindow, loss];
