/**
 * The peers of a stack: makes packets of steps, and reads what the stack answers to know where the numbers of the next step are
 * counted from. Everything is known from the wire, so that whatever speaks TCP can be at the other end. Nothing is allocated for a
 * packet.
 */
import { get16, get32, minus, put16, put32, sealIp, sealTcp, sum, textByte } from "./bytes.ts";
import { breakAfter, breakBefore, spoilsText } from "./damage.ts";
import { Flow } from "./flow.ts";
import { cutIntoFragments } from "./fragments.ts";
import { type Head, PEER_ISNS } from "./input.ts";
import { writeOptions } from "./options.ts";
import {
  ACK_HALF,
  ACK_ISN,
  ACK_LAST,
  ACK_NEXT,
  ACK_UNA,
  OP_AGAIN,
  OP_ANSWER,
  OP_FRAGMENTS,
  OP_ICMP,
  OP_SEGMENT,
  OP_TEXT,
  OPTION_SACK,
  OPTION_TIMESTAMPS,
  SEQ_ACKED,
  SEQ_EDGE,
  SEQ_ISN,
  SEQ_LAST,
  SEQ_NEXT,
  type Step,
} from "./step.ts";

/** Connections that an input can tell apart. */
export const FLOWS = 8;
/** One more flow, of a peer that makes no mistake (I2), to a port of its own. */
export const HONEST = 8;
export const ECHO_PORT = 7;
/** 192.0.2.2, the stack; 192.0.2.16 and the next three, the peers. */
export const STACK_ADDRESS: number = 0xc0000202 | 0;
export const PEER_ADDRESS: number = 0xc0000210 | 0;
export const PEER_PORT = 40_000;
/** Where the stack listens, and from where it connects on flow 0. */
export const LISTEN_PORT = 80;
export const CONNECT_PORT = 50_000;

export const FIN = 1;
export const SYN = 2;
export const RST = 4;
export const PSH = 8;
export const ACK = 16;
export const URG = 32;

const TCP = 6;
const ICMP = 1;
/** The largest number that is still taken for one of the same connection. */
const NEAR = 0x40000000;

/** Takes one packet at bytes[0 .. length); the bytes are lent for the call. */
export type Deliver = (bytes: Uint8Array, length: number) => void;

/** ICMP: type, code, and whether the second word is the step's. */
export const ICMP_KINDS: readonly (readonly [type: number, code: number, withWord: boolean])[] = [
  [3, 4, true],
  [3, 3, false],
  [3, 1, false],
  [3, 2, false],
  [3, 0, false],
  [11, 0, false],
  [12, 0, true],
  [4, 0, false],
  [8, 0, true],
  [3, 13, false],
  [11, 1, false],
  [0, 0, false],
];

/** Builds what the peers send, from steps and from what came of the stack. */
export class Peer {
  readonly flows: readonly Flow[];
  /** A packet, built here; also the next one of fragments. */
  readonly buffer: Uint8Array = new Uint8Array(16_384);
  readonly scratch: Uint8Array = new Uint8Array(16_384);
  /** A packet was changed in ways that the peer does not follow: what the program hears is no longer foreseen. */
  spoiled = false;
  private lastSyn = 0;
  private identification = 1;

  constructor() {
    this.flows = Array.from(
      { length: FLOWS + 1 },
      (_, i) => new Flow(i, (PEER_ADDRESS + (i >> 1)) | 0, PEER_PORT + i, LISTEN_PORT),
    );
  }

  /** Forgets everything, and begins as `head` says. */
  begin(head: Head): void {
    this.spoiled = false;
    this.identification = 1;
    for (const flow of this.flows) {
      const isn = (PEER_ISNS[head.peerIsn]! + flow.index * 0x01000000) | 0;
      flow.reset(isn, flow.index === HONEST ? ECHO_PORT : LISTEN_PORT);
    }
  }

  /** The stack opens this flow from a port of its own: what was before on it is forgotten. */
  connecting(flow: Flow, stackPort: number): void {
    flow.reset((flow.isn + 0x00100000) | 0, stackPort);
  }

  /** What the peer of the step's flow puts on the wire, at `now`: 0 to some packets. */
  send(step: Step, now: number, deliver: Deliver): void {
    const flow = this.flows[step.flow]!;
    if (step.op === OP_ICMP) {
      deliver(this.buffer, this.icmp(step, flow));
    } else if (step.op === OP_AGAIN) {
      const length = flow.again(step.word & 3, this.buffer);
      if (length > 0) deliver(this.buffer, length);
    } else if (step.op === OP_FRAGMENTS) {
      const length = this.segment(step, flow, now);
      if (this.identification > 0xfff0) this.identification = 1;
      cutIntoFragments(this.buffer, length, step, this.identification++, this.scratch, deliver);
    } else {
      const length = this.segment(step, flow, now);
      if (step.damage === 0) flow.keep(this.buffer, length);
      deliver(this.buffer, length);
    }
  }

  // --- segments -------------------------------------------------------------------------------------

  private segment(step: Step, flow: Flow, now: number): number {
    const asGiven = step.op === OP_SEGMENT || step.op === OP_FRAGMENTS;
    const flags = asGiven ? step.flags : step.op === OP_TEXT ? ACK | PSH : ACK;
    const seq = asGiven ? this.seqOf(step, flow) : flow.next;
    const ack = asGiven ? this.ackOf(step, flow) : flow.theirNext;
    const length = lengthOf(step);
    const isSyn = (flags & SYN) !== 0;
    let options = asGiven ? step.options : step.options & OPTION_SACK;
    // where timestamps were agreed on, the bit leaves them out
    if (flow.stamps && !isSyn) options ^= OPTION_TIMESTAMPS;
    const b = this.buffer;
    const at = 20;
    const body = options === 0 ? 40 : writeOptions(b, 40, options, step.optionForm, flow, now);
    put16(b, at, flow.port);
    put16(b, at + 2, flow.stackPort);
    put32(b, at + 4, seq);
    put32(b, at + 8, (flags & ACK) === 0 && step.ackBase === ACK_NEXT ? 0 : ack);
    b[at + 12] = ((body - at) >> 2) << 4;
    b[at + 13] = flags;
    put16(b, at + 14, step.window);
    put16(b, at + 18, (flags & URG) === 0 ? 0 : step.word);
    const first = isSyn ? seq + 1 : seq;
    for (let i = 0; i < length; i++) b[body + i] = textByte(first + i);
    const total = body + length;
    this.header(flow, total, TCP, step.ecn);
    this.note(flow, flags, seq, ack, length, step, options);
    return this.finish(step, total);
  }

  private finish(step: Step, total: number): number {
    if (step.damage === 0) {
      sealTcp(this.buffer, 20, total);
      sealIp(this.buffer, total);
      return total;
    }
    if (spoilsText(step.damage)) this.spoiled = true;
    const length = breakBefore(this.buffer, total, step);
    const at = (this.buffer[0]! & 15) * 4;
    sealTcp(this.buffer, Math.max(20, Math.min(at, length)), length);
    sealIp(this.buffer, length);
    return breakAfter(this.buffer, length, step);
  }

  private header(flow: Flow, total: number, protocol: number, ecn: number): void {
    const b = this.buffer;
    b[0] = 0x45;
    b[1] = ecn;
    put16(b, 2, total);
    put16(b, 4, 1);
    put16(b, 6, 0x4000);
    b[8] = 64;
    b[9] = protocol;
    put32(b, 12, flow.address);
    put32(b, 16, STACK_ADDRESS);
  }

  private seqOf(step: Step, flow: Flow): number {
    const offset = step.seqOffset;
    switch (step.seqBase) {
      case SEQ_NEXT:
        return (flow.next + offset) | 0;
      case SEQ_ACKED:
        return (flow.acked + offset) | 0;
      case SEQ_EDGE:
        return (flow.edge + offset) | 0;
      case SEQ_ISN:
        return (flow.isn + offset) | 0;
      case SEQ_LAST:
        return (flow.lastSeq + offset) | 0;
      default:
        return offset;
    }
  }

  private ackOf(step: Step, flow: Flow): number {
    const offset = step.ackOffset;
    switch (step.ackBase) {
      case ACK_NEXT:
        return (flow.theirNext + offset) | 0;
      case ACK_UNA:
        return (flow.una + offset) | 0;
      case ACK_ISN:
        return (flow.theirIsn + offset) | 0;
      case ACK_LAST:
        return (flow.lastAck + offset) | 0;
      case ACK_HALF:
        return (flow.una + (minus(flow.theirNext, flow.una) >> 1) + offset) | 0;
      default:
        return offset;
    }
  }

  /** What the peer remembers of a segment that it sends. */
  private note(
    flow: Flow,
    flags: number,
    seq: number,
    ack: number,
    length: number,
    step: Step,
    options: number,
  ): void {
    const isSyn = (flags & SYN) !== 0;
    flow.lastSeq = seq;
    flow.lastAck = ack;
    if (isSyn && (flags & RST) === 0)
      flow.offers(seq, length, options, step.optionForm, step.window);
    const hasAck = (flags & (ACK | RST)) === ACK;
    if (hasAck) flow.offered(ack, step.window, isSyn);
    if (step.damage !== 0) return;
    const end = (seq + length + (isSyn ? 1 : 0) + ((flags & FIN) !== 0 ? 1 : 0)) | 0;
    if (isSyn && !flow.synSent) {
      flow.synSent = true;
      flow.isn = seq;
      flow.next = end;
    } else if (!isSyn && minus(end, flow.next) > 0 && minus(end, flow.edge) <= 1) {
      flow.next = end;
    }
    const isNew = minus(ack, flow.una) > 0 && minus(ack, flow.theirNext) <= 0;
    if (hasAck && isNew) flow.una = ack;
  }

  // --- ICMP -----------------------------------------------------------------------------------------

  /** Quotes the last packet of the stack, its number counted as the step's SEG.ACK is. */
  private icmp(step: Step, flow: Flow): number {
    const b = this.buffer;
    const [type, code, withWord] = ICMP_KINDS[step.flags % ICMP_KINDS.length]!;
    const quote = Math.min(flow.quotedLength, 28 + (step.damageAt & 31));
    this.header(flow, 28 + quote, ICMP, 0);
    b[20] = type;
    b[21] = code;
    put16(b, 22, 0);
    put16(b, 24, type === 12 ? step.word : 0);
    put16(b, 26, withWord ? step.word : 0);
    for (let i = 0; i < quote; i++) b[28 + i] = flow.quoted[i]!;
    if (quote >= 28) put32(b, 28 + 24, this.ackOf(step, flow));
    const total = 28 + quote;
    put16(b, 22, 0xffff - sum(b, 20, total));
    sealIp(b, total);
    return step.damage === 0 ? total : breakAfter(b, total, step);
  }

  // --- what the stack sends -------------------------------------------------------------------------

  /** The flow that a packet of the stack belongs to; null if it is of none. */
  flowOf(b: Uint8Array, length: number): Flow | null {
    if (length < 40 || b[9] !== TCP) return null;
    const at = (b[0]! & 15) * 4;
    const index = get16(b, at + 2) - PEER_PORT;
    const flow = this.flows[index];
    if (flow === undefined || get32(b, 16) !== flow.address) return null;
    return get16(b, at) === flow.stackPort ? flow : null;
  }

  /** Reads a packet of the stack; the flow it belongs to. */
  sees(b: Uint8Array, length: number): Flow | null {
    const flow = this.flowOf(b, length);
    if (flow === null) return null;
    const at = (b[0]! & 15) * 4;
    const quoted = Math.min(length, flow.quoted.length);
    for (let i = 0; i < quoted; i++) flow.quoted[i] = b[i]!;
    flow.quotedLength = quoted;
    const flags = b[at + 13]!;
    if ((flags & RST) !== 0) return flow;
    const seq = get32(b, at + 4);
    const ack = get32(b, at + 8);
    const header = (b[at + 12]! >> 4) * 4;
    if ((flags & SYN) !== 0) flow.hearsSyn(b, at, header, seq);
    else if (header >= 32) flow.hearsStamps(b, at + 20, at + header);
    if ((flags & ACK) !== 0 && !flow.acknowledged) flow.hearsFirstAck(ack);
    const fin = (flags & FIN) !== 0 ? 1 : 0;
    const syn = (flags & SYN) !== 0 ? 1 : 0;
    const end = (seq + (length - at - header) + fin + syn) | 0;
    const ahead = minus(end, flow.theirNext);
    if (ahead > 0 && ahead < NEAR) flow.theirNext = end;
    if ((flags & ACK) !== 0 && minus(ack, flow.acked) >= 0) {
      flow.acked = ack;
      flow.edge = (ack + (get16(b, at + 14) << (syn === 1 ? 0 : flow.theirScale))) | 0;
    }
    return flow;
  }
}

/** Bytes of text. */
function lengthOf(step: Step): number {
  if (step.op === OP_ANSWER) return 0;
  return step.op === OP_TEXT && step.length === 0 ? 100 : step.length;
}
