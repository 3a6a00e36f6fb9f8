/** Sequences for people: each step as an object of words and numbers, and back. What a step has no use for is left out. */
import { decode, encode, type Head, type Input, OPENINGS, PEER_ISNS } from "./input.ts";
import { COOKIES, MSS_VALUES, SACKS, SCALES, STAMPS, USER_TIMEOUTS } from "./options.ts";
import { ICMP_KINDS } from "./peer.ts";
import { PROFILES } from "./profiles.ts";
import {
  createStep,
  DELAY_AFTER_TIMER,
  DELAY_BEFORE_TIMER,
  DELAY_TIMER,
  DELAY_TIMERS,
  DELAYS,
  OP_AGAIN,
  OP_ANSWER,
  OP_CALL,
  OP_FRAGMENTS,
  OP_ICMP,
  OP_SEGMENT,
  OP_WAIT,
  OPTION_SACK,
  type Step,
} from "./step.ts";

const OPS = ["segment", "call", "wait", "icmp", "fragments", "again", "answer", "text"] as const;
const SEQ_BASES = ["next", "acked", "edge", "isn", "zero", "last"] as const;
const ACK_BASES = ["next", "una", "isn", "zero", "last", "half"] as const;
export const CALLS = [
  "send",
  "receive",
  "shutdown",
  "close",
  "abort",
  "connect",
  "send urgent",
  "read on",
  "stop reading",
  "no delay",
  "keep alive",
  "user timeout",
  "offer user timeout",
  "congestion control",
  "not-sent mark",
  "listen or stop",
] as const;
export const DAMAGES = [
  "none",
  "TCP checksum",
  "IP checksum",
  "data offset",
  "total length",
  "cut short",
  "IP version",
  "IP header length",
  "protocol",
  "source",
  "destination",
  "option byte",
  "byte",
  "byte, sums left",
  "reserved bits",
  "IP options",
] as const;
const TIMERS: Readonly<Record<number, string>> = {
  [DELAY_TIMER]: "next timer",
  [DELAY_BEFORE_TIMER]: "1 ms before the next timer",
  [DELAY_AFTER_TIMER]: "1 ms after the next timer",
  [DELAY_TIMERS]: "ten timers",
};
const FLAGS = "FSRP.UEW";

export type StepWords = Readonly<Record<string, string | number | readonly string[]>>;

export interface InputWords {
  readonly opening: string;
  readonly stack: string;
  readonly seed: number;
  readonly peerIsn: number;
  readonly syn: readonly string[];
  readonly synForm: number;
  readonly steps: readonly StepWords[];
}

export function flagsToWord(flags: number): string {
  let letters = "";
  for (let bit = 0; bit < 8; bit++) if (((flags >> bit) & 1) === 1) letters += FLAGS[bit]!;
  return letters === "" ? "-" : letters;
}

function flagsFromWord(word: string): number {
  let flags = 0;
  for (const letter of word) if (letter !== "-") flags |= 1 << place(FLAGS, letter, "flags");
  return flags;
}

function place(list: { indexOf(word: never): number }, word: unknown, what: string): number {
  const found = list.indexOf(word as never);
  if (found < 0) throw new RangeError(`${what}: ${JSON.stringify(word)} is unknown`);
  return found;
}

/** What a variant makes of each option; only those that are there are named. */
function optionsToWords(bits: number, form: number): string[] {
  const variant = form >> 5;
  const cookie = COOKIES[variant]!;
  return [
    `mss ${MSS_VALUES[variant]!}`,
    `wscale ${SCALES[variant]!}`,
    "sackOK",
    `timestamps ${STAMPS[form & 3]!}`,
    `sack ${SACKS[(form >> 2) & 7]!}`,
    `cookie ${typeof cookie === "number" ? `of ${cookie} bytes` : cookie}`,
    `user timeout ${USER_TIMEOUTS[variant]!}`,
    "unknown",
  ].filter((_, bit) => ((bits >> bit) & 1) === 1);
}

const OPTION_NAMES = ["mss", "wscale", "sackOK", "timestamps", "sack", "cookie", "user", "unknown"];

/** The first word says which; how it is filled is the form's. */
function optionsFromWords(words: readonly string[]): number {
  return words.reduce((bits, word) => {
    return bits | (1 << place(OPTION_NAMES, word.split(" ", 1)[0]!, "options"));
  }, 0);
}

function numberWord(base: string, offset: number): string {
  return offset === 0 ? base : `${base}${offset > 0 ? "+" : ""}${offset}`;
}

function numberFromWord(bases: readonly string[], word: string, what: string): [number, number] {
  const m = /^([a-z]+)([+-]\d+)?$/.exec(word);
  if (m === null) throw new RangeError(`${what}: ${word} is no number such as next+1`);
  return [place(bases, m[1], what), Number(m[2] ?? 0)];
}

function delayWord(delay: number): string {
  return TIMERS[delay] ?? `${DELAYS[delay]!} ms`;
}

function delayFromWord(word: string): number {
  for (const [code, name] of Object.entries(TIMERS)) if (name === word) return Number(code);
  return place(DELAYS, Number(word.replace(/ ms$/, "")), "after");
}

type Words = Record<string, string | number | string[]>;

export function stepToWords(step: Step): StepWords {
  const words: Words = { do: OPS[step.op]! };
  if (step.delay !== 0 && DELAYS[step.delay] !== 0) words["after"] = delayWord(step.delay);
  if (step.op === OP_WAIT) return words;
  if (step.flow !== 0) words["flow"] = step.flow;
  if (step.op === OP_CALL || step.op === OP_AGAIN) {
    if (step.op === OP_CALL) words["call"] = CALLS[step.flags & 15]!;
    if (step.op === OP_CALL && step.length !== 0) words["length"] = step.length;
    if (step.word !== 0) words["word"] = step.word;
    return words;
  }
  packetWords(step, words);
  damageWords(step, words);
  return words;
}

function packetWords(step: Step, words: Words): void {
  switch (step.op) {
    case OP_ICMP:
      words["icmp"] = step.flags % ICMP_KINDS.length;
      words["quotes"] = numberWord(ACK_BASES[step.ackBase]!, step.ackOffset);
      break;
    case OP_SEGMENT:
    case OP_FRAGMENTS:
      words["flags"] = flagsToWord(step.flags);
      words["seq"] = numberWord(SEQ_BASES[step.seqBase]!, step.seqOffset);
      words["ack"] = numberWord(ACK_BASES[step.ackBase]!, step.ackOffset);
      segmentWords(step, words, step.options);
      break;
    default:
      segmentWords(step, words, step.options & OPTION_SACK);
      return;
  }
  if (step.word !== 0) words["word"] = step.word;
}

function damageWords(step: Step, words: Words): void {
  if (step.damage !== 0) {
    words["damage"] = DAMAGES[step.damage]!;
    if (step.word !== 0) words["word"] = step.word;
  }
  if (step.damageAt !== 0 && (step.damage !== 0 || usesDamageAt(step.op)))
    words["at"] = step.damageAt;
}

function usesDamageAt(op: number): boolean {
  return op === OP_FRAGMENTS || op === OP_ICMP;
}

function segmentWords(step: Step, words: Words, options: number): void {
  words["window"] = step.window;
  if (step.length !== 0 && step.op !== OP_ANSWER) words["length"] = step.length;
  if (options !== 0) words["options"] = optionsToWords(options, step.optionForm);
  if (step.optionForm !== 0) words["form"] = step.optionForm;
  if (step.ecn !== 0) words["ecn"] = step.ecn;
}

export function stepFromWords(words: StepWords): Step {
  const step = createStep();
  const text = (key: string): string => String(words[key]);
  const number = (key: string): number => Number(words[key] ?? 0);
  step.op = place(OPS, words["do"], "do");
  if (words["after"] !== undefined) step.delay = delayFromWord(text("after"));
  step.flow = number("flow");
  if (step.op === OP_CALL) step.flags = place(CALLS, words["call"], "call");
  if (step.op === OP_ICMP) step.flags = number("icmp");
  if (words["flags"] !== undefined) step.flags = flagsFromWord(text("flags"));
  if (words["seq"] !== undefined)
    [step.seqBase, step.seqOffset] = numberFromWord(SEQ_BASES, text("seq"), "seq");
  const ack = words["ack"] ?? words["quotes"];
  if (ack !== undefined)
    [step.ackBase, step.ackOffset] = numberFromWord(ACK_BASES, String(ack), "ack");
  step.window = words["window"] === undefined ? 65535 : number("window");
  step.length = number("length");
  const options = words["options"];
  if (Array.isArray(options)) step.options = optionsFromWords(options as string[]);
  step.optionForm = number("form");
  step.ecn = number("ecn");
  if (words["damage"] !== undefined) step.damage = place(DAMAGES, words["damage"], "damage");
  step.damageAt = number("at");
  step.word = number("word");
  return step;
}

export function inputToWords(data: Uint8Array): InputWords {
  const { head, steps } = decode(data);
  return {
    opening: head.opening,
    stack: PROFILES[head.profile]!.name,
    seed: head.seed,
    peerIsn: PEER_ISNS[head.peerIsn]!,
    syn: optionsToWords(head.synOptions, head.synForm),
    synForm: head.synForm,
    steps: steps.map(stepToWords),
  };
}

export function inputFromWords(json: unknown): Uint8Array {
  const words = json as Partial<InputWords>;
  if (!Array.isArray(words.steps)) throw new RangeError("steps: a list is wanted");
  const head: Head = {
    opening: OPENINGS[place(OPENINGS, words.opening ?? "listen", "opening")]!,
    profile: place(
      PROFILES.map(({ name }) => name),
      words.stack ?? "plain",
      "stack",
    ),
    seed: words.seed ?? 0,
    peerIsn: place(PEER_ISNS, words.peerIsn ?? PEER_ISNS[0], "peerIsn"),
    synOptions: optionsFromWords(words.syn ?? []),
    synForm: words.synForm ?? 0,
  };
  const input: Input = { head, steps: words.steps.map((s) => stepFromWords(s as StepWords)) };
  return encode(input);
}
