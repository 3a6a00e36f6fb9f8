/**
 * One step of an input, 16 bytes that are read without an allocation. Every byte means something, so that any string of bytes is
 * an input; words.ts gives each meaning a name. Numbers are not absolute: a base that the peer knows from what it saw, and an offset.
 */

/** Bytes of a step. */
export const STEP_BYTES = 16;

// What a step does; the first byte, spread so that most bytes are segments.
/** A segment. */
export const OP_SEGMENT = 0;
/** A call of the program on the stack. */
export const OP_CALL = 1;
/** Nothing but the delay. */
export const OP_WAIT = 2;
/** An ICMP message that quotes what the stack sent last. */
export const OP_ICMP = 3;
/** The segment in fragments. */
export const OP_FRAGMENTS = 4;
/** A packet of this flow once more, exactly as it was. */
export const OP_AGAIN = 5;
/** Acknowledges all that came, as an honest peer does. */
export const OP_ANSWER = 6;
/** Data that follows on, and acknowledges all that came. */
export const OP_TEXT = 7;
export const OP_COUNT = 8;

/** By the first byte's low five bits. */
const OPS: readonly number[] = [
  ...Array<number>(14).fill(OP_SEGMENT),
  ...Array<number>(6).fill(OP_CALL),
  ...Array<number>(2).fill(OP_WAIT),
  OP_ICMP,
  OP_FRAGMENTS,
  ...Array<number>(2).fill(OP_AGAIN),
  ...Array<number>(3).fill(OP_ANSWER),
  ...Array<number>(3).fill(OP_TEXT),
];
const OP_BY_BYTE = Uint8Array.from({ length: 256 }, (_, byte) => OPS[byte & 31]!);

// Bases of SEG.SEQ: what the peer knows.
/** Behind the last that the peer sent. */
export const SEQ_NEXT = 0;
/** RCV.NXT of the stack: the last ACK that came. */
export const SEQ_ACKED = 1;
/** The right edge of the window that the stack offered. */
export const SEQ_EDGE = 2;
/** The peer's ISN. */
export const SEQ_ISN = 3;
/** The number 0. */
export const SEQ_ZERO = 4;
/** That of the segment before. */
export const SEQ_LAST = 5;
export const SEQ_COUNT = 6;

// Bases of SEG.ACK.
/** SND.NXT of the stack: behind the highest that came. */
export const ACK_NEXT = 0;
/** SND.UNA of the stack: the highest that the peer acknowledged. */
export const ACK_UNA = 1;
/** The stack's ISN. */
export const ACK_ISN = 2;
export const ACK_ZERO = 3;
/** As in the segment before. */
export const ACK_LAST = 4;
/** Halfway between SND.UNA and SND.NXT. */
export const ACK_HALF = 5;
export const ACK_COUNT = 6;

const BASES = Uint8Array.from({ length: 256 }, (_, byte) => (byte & 7) % 6);

/** What the byte of an offset means: small numbers of either sign, then those at which something ends. */
const FAR: readonly number[] = [
  128, 255, 256, 500, 512, 535, 536, 999, 1000, 1024, 1400, 1448, 1459, 1460, 1461, 2048, 2920,
  4096, 8192, 14600, 16384, 32767, 32768, 65534, 65535, 65536, 1048576, 16777216, 1073741824,
  2147483647, 131072, -2147483648,
];
/** What the byte of an offset adds to its base. */
export const OFFSETS: Int32Array = Int32Array.from({ length: 256 }, (_, byte) => {
  if (byte < 192) return (byte >>> 1) ^ -(byte & 1);
  const far = FAR[(byte - 192) >> 1]!;
  return (byte & 1) === 0 ? far : -far | 0;
});

/** Values of the window field, unscaled. */
export const WINDOWS: Uint16Array = Uint16Array.from([
  65535, 0, 1, 100, 535, 1000, 1460, 2920, 4096, 8192, 16384, 29200, 32768, 65534, 512, 2,
]);

/** Bytes of text. */
export const LENGTHS: Uint16Array = Uint16Array.from([
  0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 10, 100, 500, 536, 1000, 1024, 1400, 1448, 1459, 1460, 1461, 20,
  40, 50, 60, 200, 2000, 2920, 4096, 8192, 1,
]);

/** ms before the step; the last ones go by the stack's next timer. */
export const DELAYS: readonly number[] = [
  0, 0, 0, 0, 0, 0, 0, 0, 1, 5, 10, 20, 39, 40, 41, 100, 199, 200, 201, 500, 1000, 3000, 10_000,
  60_000, 120_000, 600_000, 7_200_000, 86_400_000,
];
/** To where the stack's next timer is due, one ms before, one after, and ten timers on. */
export const DELAY_TIMER = 28;
export const DELAY_BEFORE_TIMER = 29;
export const DELAY_AFTER_TIMER = 30;
export const DELAY_TIMERS = 31;

// Bits of `options`.
export const OPTION_MSS = 1;
export const OPTION_SCALE = 2;
export const OPTION_SACK_OK = 4;
export const OPTION_TIMESTAMPS = 8;
export const OPTION_SACK = 16;
export const OPTION_COOKIE = 32;
export const OPTION_USER_TIMEOUT = 64;
/** A kind that nobody knows. */
export const OPTION_UNKNOWN = 128;

// What is wrong on purpose; checksums are right but where one is named.
export const DAMAGE_NONE = 0;
export const DAMAGE_TCP_CHECKSUM = 1;
export const DAMAGE_IP_CHECKSUM = 2;
export const DAMAGE_DATA_OFFSET = 3;
export const DAMAGE_TOTAL_LENGTH = 4;
/** Bytes missing at the end. */
export const DAMAGE_CUT = 5;
export const DAMAGE_VERSION = 6;
export const DAMAGE_HEADER_LENGTH = 7;
export const DAMAGE_PROTOCOL = 8;
export const DAMAGE_SOURCE = 9;
export const DAMAGE_DESTINATION = 10;
/** A byte of the TCP options. */
export const DAMAGE_OPTION_BYTE = 11;
/** Any byte, and the checksums made anew. */
export const DAMAGE_BYTE = 12;
/** Any byte, and the checksums left as they were. */
export const DAMAGE_BYTE_UNREPAIRED = 13;
export const DAMAGE_RESERVED_BITS = 14;
export const DAMAGE_IP_OPTIONS = 15;
export const DAMAGE_COUNT = 16;

const DAMAGES = Uint8Array.from({ length: 256 }, (_, byte) => ((byte & 63) < 16 ? byte & 15 : 0));

// Calls of the program.
export const CALL_SEND = 0;
export const CALL_RECEIVE = 1;
export const CALL_SHUTDOWN = 2;
export const CALL_CLOSE = 3;
export const CALL_ABORT = 4;
export const CALL_CONNECT = 5;
export const CALL_SEND_URGENT = 6;
/** The program reads whatever comes, or no longer does. */
export const CALL_READS = 7;
export const CALL_STOPS_READING = 8;
export const CALL_NO_DELAY = 9;
export const CALL_KEEP_ALIVE = 10;
export const CALL_USER_TIMEOUT = 11;
export const CALL_OFFER_USER_TIMEOUT = 12;
export const CALL_CONGESTION_CONTROL = 13;
export const CALL_NOT_SENT_LOWAT = 14;
export const CALL_LISTEN = 15;
export const CALL_COUNT = 16;

/** One step as numbers; filled again for each. Fields that the operation has no use for are read all the same. */
export interface Step {
  op: number;
  /** Of the flows between the peers and the stack, 0 to 7. */
  flow: number;
  /** Index into DELAYS, or DELAY_TIMER and its like. */
  delay: number;
  /** TCP flags; for a call its kind, for ICMP type and code. */
  flags: number;
  seqBase: number;
  seqOffset: number;
  ackBase: number;
  ackOffset: number;
  window: number;
  /** Bytes of text, or how much a call is about. */
  length: number;
  options: number;
  /** How the options are filled: see options.ts. */
  optionForm: number;
  damage: number;
  damageAt: number;
  /** ECN codepoint of the packet. */
  ecn: number;
  /** Urgent pointer; any 16 bits that an operation wants. */
  word: number;
}

/** A step whose bytes are 0. */
export function createStep(): Step {
  return {
    op: 0,
    flow: 0,
    delay: 0,
    flags: 0,
    seqBase: 0,
    seqOffset: 0,
    ackBase: 0,
    ackOffset: 0,
    window: 0,
    length: 0,
    options: 0,
    optionForm: 0,
    damage: 0,
    damageAt: 0,
    ecn: 0,
    word: 0,
  };
}

/** Reads 16 bytes at data[at ..]; what is behind the end counts as 0. */
export function readStep(data: Uint8Array, at: number, out: Step): void {
  const byte = (i: number): number => (at + i < data.length ? data[at + i]! : 0);
  out.op = OP_BY_BYTE[byte(0)]!;
  out.flow = byte(1) & 7;
  out.delay = byte(2) & 31;
  out.flags = byte(3);
  out.seqBase = BASES[byte(4)]!;
  out.seqOffset = OFFSETS[byte(5)]!;
  out.ackBase = BASES[byte(6)]!;
  out.ackOffset = OFFSETS[byte(7)]!;
  out.window = WINDOWS[byte(8) & 15]!;
  out.length = LENGTHS[byte(9) & 31]!;
  out.options = byte(10);
  out.optionForm = byte(11);
  out.damage = DAMAGES[byte(12)]!;
  out.ecn = byte(12) >> 6;
  out.damageAt = byte(13);
  out.word = (byte(14) << 8) | byte(15);
}

const OP_BYTE = Array.from({ length: OP_COUNT }, (_, op) => OPS.indexOf(op));

/** Writes the bytes that are read as this; throws a RangeError for a number that has none. */
export function writeStep(step: Step, data: Uint8Array, at: number): void {
  const place = (of: ArrayLike<number>, value: number, what: string): number => {
    const found = Array.prototype.indexOf.call(of, value);
    if (found < 0)
      throw new RangeError(`${what}: ${value} is none of those that an input can have`);
    return found;
  };
  data[at] = OP_BYTE[step.op]!;
  data[at + 1] = step.flow;
  data[at + 2] = step.delay;
  data[at + 3] = step.flags;
  data[at + 4] = step.seqBase;
  data[at + 5] = place(OFFSETS, step.seqOffset, "seq");
  data[at + 6] = step.ackBase;
  data[at + 7] = place(OFFSETS, step.ackOffset, "ack");
  data[at + 8] = place(WINDOWS, step.window, "window");
  data[at + 9] = place(LENGTHS, step.length, "length");
  data[at + 10] = step.options;
  data[at + 11] = step.optionForm;
  data[at + 12] = (step.ecn << 6) | step.damage;
  data[at + 13] = step.damageAt;
  data[at + 14] = step.word >> 8;
  data[at + 15] = step.word & 255;
}
