/** How connections end: RFC 9293 §3.6. */
import { FIN } from "../../../wire/tcp-segment.ts";
import type { Scene } from "../scene.ts";
import type { Stage } from "../stage.ts";

function open(s: Stage): void {
  s.b.listens(80);
  s.a.connects(s.b, 80, 40000);
  s.runs(100);
  s.segments.length = 0;
}

const PLAIN = { settings: { tcp_timestamps: 0 } } as const;
const SILENT_END =
  "A stays in TIME-WAIT for 60 s (twice tcp_msl), so that old segments die before the pair is used again.";

export const close: Scene = {
  topic: "close",
  title: "An orderly close, one side after the other",
  about:
    "Each direction is closed by itself: a FIN says that no more bytes come, and is acknowledged as a byte is. B takes a moment before it ends its own side (RFC 9293 §3.6, figure 12).",
  stage: PLAIN,
  play(s) {
    open(s);
    s.a.endpoint!.shutdown();
    s.runs(100);
    s.b.endpoint!.shutdown();
    s.runs(70_000);
    return [SILENT_END];
  },
  notes: [
    ["A FIN,ACK seq 1", "I have nothing more to send"],
    ["B ACK seq 1 ack 2", "so I heard; B's program may still send"],
    ["B FIN,ACK seq 1 ack 2", "now B's program has ended, too"],
    ["A ACK seq 2 ack 2", "the last word, which may be lost: that is what TIME-WAIT is for"],
  ],
};

export const closeThreeSegments: Scene = {
  topic: "close-three-segments",
  title: "The same in three segments",
  about: "B's program ends as soon as it sees A's end, so B's ACK and FIN go in one segment.",
  stage: PLAIN,
  play(s) {
    open(s);
    s.b.endsWithPeer = true;
    s.a.endpoint!.shutdown();
    s.runs(70_000);
    return [SILENT_END];
  },
  notes: [
    ["A FIN,ACK seq 1", "I have nothing more to send"],
    ["B FIN,ACK seq 1 ack 2", "heard, and neither have I: straight from CLOSE-WAIT to LAST-ACK"],
    ["A ACK seq 2 ack 2", "agreed"],
  ],
};

export const halfClose: Scene = {
  topic: "half-close",
  title: "One direction ends, the other goes on",
  about:
    "A has sent its question and says so with FIN; B answers at length on its own side. This is what nc -N and HTTP/1.0 clients do.",
  stage: PLAIN,
  play(s) {
    open(s);
    s.a.sends(200);
    s.a.endpoint!.shutdown();
    s.runs(100);
    s.b.sends(3000);
    s.runs(100);
    s.b.endpoint!.shutdown();
    s.runs(70_000);
    return [`A took ${s.a.received} bytes after it had ended its own side.`];
  },
  notes: [
    ["A FIN,PSH,ACK seq 1:201", "the question, and the end of questions"],
    ["B ACK seq 1 ack 202", "200 bytes and a FIN: 202"],
    ["B ACK seq 1:1461", "CLOSE-WAIT is no end: B sends on"],
    ["A ACK seq 202", "and A, in FIN-WAIT-2, takes it"],
    ["B FIN,ACK seq 3001", "now B is done as well"],
  ],
};

export const simultaneousClose: Scene = {
  topic: "simultaneous-close",
  title: "Both close at once",
  about:
    "Two FINs cross. Both ends go through CLOSING, and both wait out TIME-WAIT (RFC 9293 §3.6, figure 13).",
  stage: PLAIN,
  play(s) {
    open(s);
    s.a.endpoint!.shutdown();
    s.b.endpoint!.shutdown();
    s.runs(70_000);
    return [];
  },
  notes: [
    ["A FIN,ACK seq 1", "the two FINs cross"],
    ["B ACK seq 2 ack 2", "an answer to A's FIN, before my own was acknowledged: CLOSING"],
    ["A ACK seq 2 ack 2", "this acknowledges B's FIN: TIME-WAIT, on both sides"],
  ],
};

export const timeWaitLostAck: Scene = {
  topic: "time-wait-lost-ack",
  title: "The last ACK of a close is lost",
  about:
    "B repeats its FIN. If A had forgotten the connection, B would be reset after a perfect transfer; A is in TIME-WAIT and answers again, and waits anew.",
  stage: PLAIN,
  play(s) {
    open(s);
    let fins = 0;
    s.fate = ({ from, flags }) => {
      if (from === "B" && (flags & FIN) !== 0) fins++;
      return from === "A" && fins === 1 && (flags & FIN) === 0 ? "lost" : undefined;
    };
    s.b.endsWithPeer = true;
    s.a.endpoint!.shutdown();
    s.runs(70_000);
    return [];
  },
  notes: [
    ["A FIN,ACK seq 1", "the end"],
    ["B FIN,ACK seq 1 ack 2", "and mine"],
    ["A ACK seq 2 ack 2", "B will never see this"],
    [
      "B FIN,ACK seq 1 ack 2",
      "no answer: once more, as a probe that comes before the timeout (RFC 8985)",
    ],
    ["A ACK seq 2 ack 2", "TIME-WAIT remembers, answers, and starts its 60 s anew"],
  ],
};

export const abort: Scene = {
  topic: "abort",
  title: "A connection is torn down",
  about:
    "A's program aborts (resetAndDestroy, or SO_LINGER with 0): RST, everything queued is thrown away, no TIME-WAIT. B's program hears of an error, not of an end (RFC 9293 §3.10.5).",
  stage: PLAIN,
  play(s) {
    open(s);
    s.a.sends(100);
    s.runs(100);
    s.a.endpoint!.abort();
    s.runs(100);
    return [`B's program is told ${s.b.error}.`];
  },
  notes: [
    ["A PSH,ACK seq 1:101", "an ordinary beginning"],
    [
      "A RST,ACK seq 101",
      "and no end: the number is exactly the next one, or B would not believe it (RFC 5961)",
    ],
  ],
};

export const halfOpen: Scene = {
  topic: "half-open",
  title: "One end has crashed, the other does not know",
  about:
    "B loses power and comes up again without memory of the connection. A finds out when it sends the next time: B knows of nothing and answers with RST (RFC 9293 §3.5.1, figure 10).",
  stage: PLAIN,
  play(s) {
    open(s);
    s.a.sends(100);
    s.runs(1000);
    s.b.crashes();
    s.a.sends(100);
    s.runs(100);
    return [`A's program is told ${s.a.error}; it may connect again at once.`];
  },
  notes: [
    ["A PSH,ACK seq 1:101", "all is well"],
    ["A PSH,ACK seq 101:201", "B has crashed in between and is up again"],
    ["B RST seq", "I know of no such connection: RST with the number that A expects"],
  ],
};

export const CLOSING: readonly Scene[] = [
  close,
  closeThreeSegments,
  halfClose,
  simultaneousClose,
  timeWaitLostAck,
  abort,
];
