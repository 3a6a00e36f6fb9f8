/**
 * Segments as tests write them, in tcpdump's habit: `S. 0:0(0) ack 1 win 65535 <mss 1460,sackOK>`. Sequence numbers count
 * from the ISN of who sent them. An expectation compares what it names: window and options only where they are given.
 */
import { seqAdd, seqDiff, type SeqNum } from "../../src/wire/seq.ts";
import {
  ACK,
  createTcpSegment,
  CWR,
  ECE,
  FIN,
  PSH,
  RST,
  SYN,
  type TcpSegment,
  URG,
} from "../../src/wire/tcp-segment.ts";

const LETTERS: Readonly<Record<string, number>> = {
  S: SYN,
  F: FIN,
  R: RST,
  P: PSH,
  ".": ACK,
  U: URG,
  E: ECE,
  W: CWR,
};

export interface Notation {
  readonly flags: number;
  readonly seq: number;
  readonly length: number;
  readonly ack: number;
  readonly window: number | null;
  readonly urgent: number;
  /** As written, null without `<...>`. */
  readonly options: readonly string[] | null;
}

const FORM =
  /^([SFRP.UEW]+|none) (\d+):(\d+)\((\d+)\)(?: ack (\d+))?(?: win (\d+))?(?: urg (\d+))?(?: <(.*)>)?$/;

export function parse(text: string): Notation {
  const m = FORM.exec(text);
  if (m === null) throw new Error(`not a segment: ${text}`);
  let flags = 0;
  if (m[1] !== "none") for (const letter of m[1]!) flags |= LETTERS[letter]!;
  const length = Number(m[4]);
  if (Number(m[3]) - Number(m[2]) !== length) throw new Error(`length does not fit: ${text}`);
  if (((flags & ACK) !== 0) !== (m[5] !== undefined)) throw new Error(`ACK without ack: ${text}`);
  return {
    flags,
    seq: Number(m[2]),
    length,
    ack: Number(m[5] ?? 0),
    window: m[6] === undefined ? null : Number(m[6]),
    urgent: Number(m[7] ?? 0),
    options: m[8] === undefined ? null : m[8].split(",").filter((o) => o !== ""),
  };
}

/** What a peer sends: a record for the codec, with numbers made absolute. */
export function toSegment(n: Notation, from: SeqNum, to: SeqNum, payload: Uint8Array): TcpSegment {
  const s = createTcpSegment();
  s.flags = n.flags;
  s.seq = seqAdd(from, n.seq);
  s.ack = (n.flags & ACK) === 0 ? (0 as SeqNum) : seqAdd(to, n.ack);
  s.window = n.window ?? 65535;
  s.urgentPointer = n.urgent;
  s.buffer = payload;
  s.payloadLength = n.length;
  for (const option of n.options ?? []) {
    const words = option.trim().split(" ");
    if (words[0] === "mss") s.mss = Number(words[1]);
    else if (words[0] === "wscale") s.windowScale = Number(words[1]);
    else if (words[0] === "sackOK") s.sackPermitted = true;
    else if (words[0] === "uto") s.userTimeout = Number(words[1]);
    else if (words[0] === "fastopen") {
      const cookie = Buffer.from(words[1] ?? "", "hex");
      s.fastOpen = cookie.length;
      s.cookie.set(cookie);
    } else if (words[0] === "TS") {
      s.hasTimestamps = true;
      s.tsVal = Number(words[2]) | 0;
      s.tsEcr = Number(words[4]) | 0;
    } else if (words[0] === "sack") {
      for (const range of words.slice(1)) {
        const [left, right] = range.split(":").map(Number) as [number, number];
        s.sack[2 * s.sackCount] = seqAdd(to, left);
        s.sack[2 * s.sackCount + 1] = seqAdd(to, right);
        s.sackCount++;
      }
    } else throw new Error(`unknown option: ${option}`);
  }
  return s;
}

/** In hexadecimal. */
export function cookieOf(s: TcpSegment): string {
  return Buffer.from(s.cookie.subarray(0, Math.max(0, s.fastOpen))).toString("hex");
}

/** The segment as text, numbers relative again; options and window where `like` names them. */
export function describe(s: TcpSegment, from: SeqNum, to: SeqNum, like: Notation | null): string {
  const letters = Object.entries(LETTERS)
    .filter(([, bit]) => (s.flags & bit) !== 0)
    .map(([letter]) => letter)
    .join("");
  const start = seqDiff(s.seq, from);
  let text = `${letters === "" ? "none" : letters} ${start}:${start + s.payloadLength}(${s.payloadLength})`;
  if ((s.flags & ACK) !== 0) text += ` ack ${seqDiff(s.ack, to)}`;
  if (like === null || like.window !== null) text += ` win ${s.window}`;
  if ((s.flags & URG) !== 0) text += ` urg ${s.urgentPointer}`;
  if (like === null || like.options !== null) {
    const options: string[] = [];
    if (s.mss > 0) options.push(`mss ${s.mss}`);
    if (s.sackPermitted) options.push("sackOK");
    if (s.hasTimestamps) {
      const bare = like?.options?.includes("TS") === true;
      options.push(bare ? "TS" : `TS val ${s.tsVal >>> 0} ecr ${s.tsEcr >>> 0}`);
    }
    if (s.windowScale >= 0) options.push(`wscale ${s.windowScale}`);
    if (s.userTimeout > 0) options.push(`uto ${s.userTimeout}`);
    if (s.fastOpen >= 0) options.push(`fastopen ${cookieOf(s)}`.trimEnd());
    const blocks: string[] = [];
    for (let i = 0; i < s.sackCount; i++) {
      const [left, right] = [s.sack[2 * i]! as SeqNum, s.sack[2 * i + 1]! as SeqNum];
      blocks.push(`${seqDiff(left, to)}:${seqDiff(right, to)}`);
    }
    if (blocks.length > 0) options.push(`sack ${blocks.join(" ")}`);
    if (like !== null || options.length > 0) text += ` <${options.join(",")}>`;
  }
  return text;
}

/** The same text from an expectation, in the order of letters and spaces that `describe` uses. */
export function normal(text: string): string {
  const n = parse(text);
  const letters = Object.entries(LETTERS)
    .filter(([, bit]) => (n.flags & bit) !== 0)
    .map(([letter]) => letter)
    .join("");
  return text.replace(/^\S+/, letters === "" ? "none" : letters);
}
