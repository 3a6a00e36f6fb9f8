/** How connections begin: RFC 9293 §3.5. */
import { SYN } from "../../../wire/tcp-segment.ts";
import { oldSyn } from "../hand-made.ts";
import type { Scene } from "../scene.ts";

const isSyn = (flags: number): boolean => (flags & SYN) !== 0;

export const handshake: Scene = {
  topic: "handshake",
  title: "The three-way handshake",
  about:
    "A opens a connection to B, which listens. Each end tells its initial sequence number and has it acknowledged: three segments (RFC 9293 §3.5, figure 6).",
  play(s) {
    s.b.listens(80);
    s.a.connects(s.b, 80, 40000);
    s.runs(100);
    return [];
  },
  notes: [
    [
      "A SYN seq 0",
      "I want to talk, my numbers begin here; the options offer what this end can do",
    ],
    [
      "B SYN,ACK seq 0 ack 1",
      "heard, and mine begin here; a SYN counts as one number, so the ACK says 1",
    ],
    ["A ACK seq 1 ack 1", "heard as well: only now does B know that A is really there"],
  ],
};

export const handshakeLostAck: Scene = {
  topic: "handshake-lost-ack",
  title: "The last ACK of the handshake is lost",
  about:
    "A believes the connection to be open, B still waits. B repeats its SYN-ACK after a second, and A, which is long established, answers with its ACK again.",
  play(s) {
    let lost = false;
    s.fate = ({ from, flags }) => {
      if (lost || from !== "A" || isSyn(flags)) return undefined;
      lost = true;
      return "lost";
    };
    s.b.listens(80);
    s.a.connects(s.b, 80, 40000);
    s.runs(3000);
    return [];
  },
  notes: [
    ["A ACK seq 1 ack 1", "A is established, B does not know it"],
    [
      "B SYN,ACK seq 0 ack 1",
      "after one second without an answer: the initial RTO (RFC 6298 §2.1)",
    ],
    [
      "A ACK seq 1 ack 1",
      "a SYN in ESTABLISHED is answered with an ACK (RFC 5961 §4), just what B needs",
    ],
  ],
};

export const oldDuplicateSyn: Scene = {
  topic: "old-duplicate-syn",
  title: "A SYN of an earlier connection comes late",
  about:
    "A duplicate from an earlier life of this connection reaches B before A's real SYN. B cannot tell, and answers it; A can, and resets what B made of it (RFC 9293 §3.5, figure 9).",
  play(s) {
    s.fate = ({ from, flags, remark }) =>
      from === "A" && isSyn(flags) && remark === "" ? 60 : undefined;
    s.b.listens(80);
    s.a.connects(s.b, 80, 40000);
    s.settle();
    s.injects(oldSyn(s.a.address, s.b.address, 40000, 80), "an old duplicate");
    s.runs(500);
    return [];
  },
  notes: [
    ["A SYN seq 0", "the real one, held up on its way"],
    ["A SYN", "sent long ago, by a connection that is over: its number is another"],
    ["B SYN,ACK", "B takes it for a new connection"],
    ["A RST", "that ACK is for nothing I sent: RST with just the number that B expects"],
    ["B SYN,ACK", "B listened again, and now the real SYN is there"],
    ["A ACK", "and all is as it should be"],
  ],
};

export const simultaneousOpen: Scene = {
  topic: "simultaneous-open",
  title: "Both open at once",
  about:
    "Neither end listens; both send a SYN, and the two pass each other. TCP makes one connection of that, not two (RFC 9293 §3.5, figure 7).",
  play(s) {
    s.a.connects(s.b, 40001, 40000);
    s.b.connects(s.a, 40000, 40001);
    s.runs(500);
    return [];
  },
  notes: [
    ["A SYN seq 0", "the two SYNs cross"],
    [
      "B SYN,ACK",
      "a SYN without ACK in SYN-SENT: SYN-RECEIVED, and my SYN again, with the ACK of yours",
    ],
    ["A SYN,ACK", "the same from the other side; each establishes its receiver"],
  ],
};

export const refused: Scene = {
  topic: "refused",
  title: "Nobody listens there",
  about:
    "A SYN to a port on which no program listens is answered with RST, and the connect fails at once.",
  play(s) {
    s.a.connects(s.b, 81, 40000);
    s.runs(100);
    return [`A's connect fails: ${s.a.error}.`];
  },
  notes: [
    ["A SYN seq 0", "is anybody there?"],
    [
      "B RST,ACK",
      "no. Sequence number 0, and an ACK of the SYN, so that A can tell that it is meant (RFC 9293 §3.5.2)",
    ],
  ],
};

export const OPENING: readonly Scene[] = [
  handshake,
  handshakeLostAck,
  oldDuplicateSyn,
  simultaneousOpen,
  refused,
];
