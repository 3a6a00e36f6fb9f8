/** The peer that makes no mistake (I2): whatever came before, it connects, has 1000 bytes echoed and closes. */
import { broken } from "./broken.ts";
import { minus } from "./bytes.ts";
import { ACK, FIN, HONEST, SYN } from "./peer.ts";
import {
  createStep,
  OP_ANSWER,
  OP_SEGMENT,
  OP_TEXT,
  OPTION_MSS,
  SEQ_ISN,
  type Step,
} from "./step.ts";
import type { World } from "./world.ts";

const BYTES = 1000;

function make(parts: Partial<Step>): Step {
  return { ...createStep(), flow: HONEST, window: 65535, ...parts };
}

const CONVERSATION: readonly Step[] = [
  make({ op: OP_SEGMENT, flags: SYN, seqBase: SEQ_ISN, options: OPTION_MSS }),
  make({ op: OP_ANSWER }),
  make({ op: OP_TEXT, length: BYTES }),
  make({ op: OP_ANSWER }),
  make({ op: OP_SEGMENT, flags: FIN | ACK }),
  make({ op: OP_ANSWER }),
];

export function honestEcho(world: World): void {
  const flow = world.peer.flows[HONEST]!;
  world.program.listensHonestly();
  for (const step of CONVERSATION) {
    world.step(step);
    world.flush();
  }
  const echoed = minus(flow.theirNext, flow.theirIsn) - 1;
  // and its FIN
  if (!flow.synSeen || echoed !== BYTES + 1)
    broken("I2", `an honest peer is not served: ${flow.synSeen ? echoed : "no SYN-ACK"}`);
}
