/** Plays an input against a subject, and says step by step what came: the opening is step -1, the time after the last step the last. */
import type { Input, Opening } from "../../../fuzz/input.ts";
import { ACK, CONNECT_PORT, FIN, Peer, SYN } from "../../../fuzz/peer.ts";
import {
  ACK_NEXT,
  ACK_UNA,
  ACK_ZERO,
  CALL_ABORT,
  CALL_CLOSE,
  CALL_NO_DELAY,
  CALL_SEND,
  CALL_SHUTDOWN,
  createStep,
  OP_ANSWER,
  OP_CALL,
  OP_WAIT,
  SEQ_ISN,
  type Step,
} from "../../../fuzz/step.ts";
import { type Answer, Watcher } from "./answer.ts";
import type { Heard, Subject } from "./subject.ts";
import { callOf } from "./tame.ts";

export interface Played {
  /** First the opening, then each step, then the time after. */
  readonly answers: readonly Answer[];
  readonly heard: Heard;
}

/** ms of the peer's clock between two steps. */
const PACE = 10;

/** Opened: the program has the connection. */
type Move = Step | "connect" | "opened";

/** A peer that makes no mistake brings the connection there. */
function openingMoves({ head }: Input): Move[] {
  const syn: Step = {
    ...createStep(),
    flags: SYN,
    seqBase: SEQ_ISN,
    ackBase: ACK_ZERO,
    window: 65535,
    options: head.synOptions,
    optionForm: head.synForm,
  };
  const synAck: Step = { ...syn, flags: SYN | ACK, ackBase: ACK_NEXT };
  const answer: Step = { ...createStep(), op: OP_ANSWER, window: 65535 };
  const fin: Step = { ...createStep(), flags: FIN | ACK, window: 65535 };
  const finOnly: Step = { ...fin, ackBase: ACK_UNA };
  const shutdown: Step = { ...createStep(), op: OP_CALL, flags: CALL_SHUTDOWN };
  const established: Move[] = [syn, answer, "opened"];
  const moves: Readonly<Record<Opening, readonly Move[]>> = {
    listen: [],
    established,
    connecting: ["connect"],
    connected: ["connect", synAck, "opened"],
    "syn-received": [syn],
    crossed: ["connect", syn],
    "fin-wait-1": [...established, shutdown],
    "fin-wait-2": [...established, shutdown, answer],
    "close-wait": [...established, fin],
    closing: [...established, shutdown, finOnly],
    "last-ack": [...established, fin, shutdown],
    "time-wait": [...established, shutdown, answer, fin],
  };
  return [...moves[head.opening]];
}

export async function play(input: Input, subject: Subject): Promise<Played> {
  const peer = new Peer();
  peer.begin(input.head);
  const watcher = new Watcher(peer);
  // the peer's clock, the same whatever the time that a subject takes
  let clock = 0;
  const act = async (move: Move): Promise<void> => {
    clock += PACE;
    if (move === "opened") {
      await subject.opened();
    } else if (move === "connect") {
      peer.connecting(peer.flows[0]!, CONNECT_PORT);
      subject.connect();
    } else if (move.op === OP_CALL) {
      call(move, subject);
    } else if (move.op !== OP_WAIT) {
      peer.send(move, clock, (bytes, length) => {
        watcher.sends(bytes, length);
        subject.deliver(bytes, length);
      });
    }
    await subject.settle(false);
    watcher.hears(subject.packets.splice(0));
  };
  for (const move of openingMoves(input)) await act(move);
  const answers = [watcher.take()];
  for (const step of input.steps) {
    const { state } = subject;
    await act(step);
    answers.push({ ...watcher.take(), state });
  }
  const { state } = subject;
  await subject.settle(true);
  watcher.hears(subject.packets.splice(0));
  answers.push({ ...watcher.take(), state });
  const heard = { ...subject.heard };
  subject.dispose();
  return { answers, heard };
}

function call(step: Step, subject: Subject): void {
  switch (callOf(step)) {
    case CALL_SEND:
      if (step.length > 0) subject.send(step.length);
      return;
    case CALL_SHUTDOWN:
      return subject.shutdown();
    case CALL_CLOSE:
      return subject.close();
    case CALL_ABORT:
      return subject.abort();
    case CALL_NO_DELAY:
      return subject.noDelay((step.word & 1) === 1);
    default:
  }
}
