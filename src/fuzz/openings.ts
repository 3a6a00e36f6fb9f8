/** How flow 0 comes to where an input begins: by a peer that makes no mistake, in steps as any. */
import type { Head, Opening } from "./input.ts";
import { ACK, FIN, PSH, SYN } from "./peer.ts";
import {
  ACK_UNA,
  CALL_CONNECT,
  CALL_SEND,
  CALL_SHUTDOWN,
  createStep,
  OP_ANSWER,
  OP_CALL,
  OP_SEGMENT,
  SEQ_ISN,
  type Step,
} from "./step.ts";

function make(parts: Partial<Step>): Step {
  return { ...createStep(), window: 65535, ...parts };
}

const SYN_STEP = make({ op: OP_SEGMENT, flags: SYN, seqBase: SEQ_ISN });
const SYN_ACK = make({ op: OP_SEGMENT, flags: SYN | ACK, seqBase: SEQ_ISN });
const ANSWER = make({ op: OP_ANSWER });
const CONNECT = make({ op: OP_CALL, flags: CALL_CONNECT });
const SHUTDOWN = make({ op: OP_CALL, flags: CALL_SHUTDOWN });
const SEND = make({ op: OP_CALL, flags: CALL_SEND });
const FIN_STEP = make({ op: OP_SEGMENT, flags: FIN | ACK | PSH });
/** Acknowledges nothing new. */
const FIN_ALONE = make({ op: OP_SEGMENT, flags: FIN | ACK, ackBase: ACK_UNA });

const OPEN = [SYN_STEP, ANSWER];

const STEPS: Readonly<Record<Opening, readonly Step[]>> = {
  listen: [],
  established: OPEN,
  connecting: [CONNECT],
  connected: [CONNECT, SYN_ACK],
  "syn-received": [SYN_STEP],
  crossed: [CONNECT, SYN_STEP],
  "fin-wait-1": [...OPEN, SEND, SHUTDOWN],
  "fin-wait-2": [...OPEN, SHUTDOWN, ANSWER],
  "close-wait": [...OPEN, SEND, FIN_STEP],
  closing: [...OPEN, SHUTDOWN, FIN_ALONE],
  "last-ack": [...OPEN, FIN_STEP, SHUTDOWN],
  "time-wait": [...OPEN, SHUTDOWN, ANSWER, FIN_STEP],
};

/** Calls `take` with each step of the head's opening; SYNs offer what the head says. */
export function eachOpening(head: Head, take: (step: Step) => void): void {
  for (const step of STEPS[head.opening]) {
    const isSyn = step.op === OP_SEGMENT && (step.flags & SYN) !== 0;
    if (isSyn) {
      step.options = head.synOptions;
      step.optionForm = head.synForm;
    }
    take(step);
  }
}
