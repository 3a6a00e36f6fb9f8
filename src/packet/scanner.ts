/** Reads a line from left to right, a word, a number, a sign at a time. What does not fit throws {@link ScanError}, inside this room only. */
import { bytesOfDigits } from "./hex.ts";
import type { PacketError } from "./packet.ts";

export class ScanError extends Error {
  readonly at: number;

  constructor(at: number, line: string) {
    super(line);
    this.name = "ScanError";
    this.at = at;
  }
}

const WORD = /[A-Za-z0-9_.-]+/y;
const NUMBER = /0[xX][0-9a-fA-F]+|\d+/y;
const HEX = /[0-9a-fA-F]+/y;
const BLANKS = /\s*/y;
const QUOTED = /"((?:[^"\\]|\\.)*)"/y;

export class Scanner {
  readonly text: string;
  at = 0;

  constructor(text: string) {
    this.text = text;
    this.blanks();
  }

  get done(): boolean {
    return this.at === this.text.length;
  }

  fail(line: string, at: number = this.at): never {
    throw new ScanError(at, line);
  }

  /** What stands here, for messages. */
  here(): string {
    if (this.done) return "the end of the line";
    const rest = this.text.slice(this.at);
    const word = /^[^\s,<>[\]{}]+|^./.exec(rest)![0];
    return JSON.stringify(word.length > 20 ? `${word.slice(0, 20)}…` : word);
  }

  /** Whether `sign` stands here; goes on behind it if so. */
  take(sign: string): boolean {
    if (!this.text.startsWith(sign, this.at)) return false;
    this.at += sign.length;
    this.blanks();
    return true;
  }

  need(sign: string, after: string): void {
    if (!this.take(sign)) this.fail(`expected "${sign}" ${after}, not ${this.here()}`);
  }

  /** The word here, without going on; "" where none is. */
  peekWord(): string {
    WORD.lastIndex = this.at;
    return WORD.exec(this.text)?.[0] ?? "";
  }

  takeWord(): string {
    const word = this.peekWord();
    this.at += word.length;
    this.blanks();
    return word;
  }

  /** Whether the word here is this one; goes on behind it if so. */
  takeIf(word: string): boolean {
    if (this.peekWord() !== word) return false;
    this.takeWord();
    return true;
  }

  /** A number follows here. */
  atNumber(): boolean {
    const code = this.text.charCodeAt(this.at);
    return code >= 48 && code <= 57;
  }

  /** Decimal or 0x, from 0 to `most`. */
  number(what: string, most: number): number {
    const start = this.at;
    const text = this.match(NUMBER) ?? this.fail(`${what} is a number, not ${this.here()}`);
    const value = Number(text);
    if (value > most) this.fail(`${what} ${text} is too large: at most ${most}`, start);
    return value;
  }

  /** Pairs of hex digits; none where there are none. */
  hex(what: string): Uint8Array {
    const start = this.at;
    const digits = this.match(HEX) ?? "";
    return bytesOfDigits(digits) ?? this.fail(`${what} has an odd number of hex digits`, start);
  }

  /** A string in quotes as bytes, a character each; null where none begins. */
  quoted(): Uint8Array | null {
    if (this.text[this.at] !== '"') return null;
    const start = this.at;
    QUOTED.lastIndex = start;
    const found = QUOTED.exec(this.text);
    if (found === null) this.fail('the text in quotes has no closing "', start);
    this.at += found[0].length;
    this.blanks();
    return this.unescape(found[1]!, start);
  }

  private unescape(text: string, start: number): Uint8Array {
    const bytes: number[] = [];
    for (let i = 0; i < text.length; i++) {
      let code = text.charCodeAt(i);
      if (code === 92) {
        i++;
        const escape = text[i]!;
        const simple = { n: 10, r: 13, t: 9, "0": 0, '"': 34, "\\": 92 }[escape];
        if (simple !== undefined) code = simple;
        else {
          const pair = escape === "x" ? bytesOfDigits(text.slice(i + 1, i + 3)) : null;
          if (pair?.length !== 1)
            this.fail(`\\${escape} in quotes: \\n \\r \\t \\0 \\" \\\\ and \\xHH are known`, start);
          code = pair[0]!;
          i += 2;
        }
      }
      if (code > 255)
        this.fail("text in quotes is a byte each character: write \\xHH for others", start);
      bytes.push(code);
    }
    return Uint8Array.from(bytes);
  }

  private match(form: RegExp): string | null {
    form.lastIndex = this.at;
    const found = form.exec(this.text);
    if (found === null) return null;
    this.at += found[0].length;
    this.blanks();
    return found[0];
  }

  private blanks(): void {
    BLANKS.lastIndex = this.at;
    this.at += BLANKS.exec(this.text)![0].length;
  }
}

/** Runs `read` over the whole of `text`; a {@link ScanError} becomes a value. */
export function scan<T>(text: string, read: (s: Scanner) => T): T | PacketError {
  const s = new Scanner(text);
  try {
    const value = read(s);
    if (!s.done) s.fail(`${s.here()} is not understood here`);
    return value;
  } catch (error) {
    if (error instanceof ScanError) return { error: error.message, at: error.at };
    throw error;
  }
}
