/** From the text of a script to tokens, each with its line and its place in the text. */
import { syntax } from "./failure.ts";

export type TokenKind =
  | "integer"
  | "hex"
  | "float"
  | "word"
  | "string"
  | "shell"
  | "code"
  | "ellipsis"
  | "address"
  | "option"
  | "sign"
  | "end";

export interface Token {
  readonly kind: TokenKind;
  /** As written; of strings, shell and code what stands between the marks, escapes resolved. */
  readonly text: string;
  readonly line: number;
  /** Where it begins and ends in the text of the script. */
  readonly from: number;
  readonly to: number;
}

const SPACE = /(?:\s|\/\/[^\n]*|\/\*[\s\S]*?\*\/)+/y;
/** In this order at each place; the longest of those that match wins, and of equals the first. */
const FORMS: readonly (readonly [TokenKind, RegExp])[] = [
  ["address", /\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}/y],
  ["hex", /0x[0-9a-fA-F]+/y],
  ["float", /-?\d*\.\d+/y],
  ["integer", /-?\d+/y],
  ["word", /\w+/y],
  ["option", /--[A-Za-z_][A-Za-z_0-9-]*|-D\b/y],
  ["ellipsis", /\.\.\./y],
  ["sign", /[+*~<>()[\]{},:=|.\-%&]/y],
];
const ESCAPES: Readonly<Record<string, string>> = {
  "\\": "\\",
  '"': '"',
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
};

/** A word that is replaced wherever it stands. */
export type Definitions = ReadonlyMap<string, string>;

export class Lexer {
  private readonly text: string;
  private at = 0;
  private line = 1;

  constructor(text: string) {
    this.text = text;
  }

  all(): Token[] {
    const tokens: Token[] = [];
    for (;;) {
      const token = this.next();
      tokens.push(token);
      if (token.kind === "end") return tokens;
    }
  }

  private next(): Token {
    this.skip();
    const { at, text } = this;
    if (at >= text.length) return this.token("end", "", at);
    const first = text[at]!;
    if (first === '"') return this.quoted("string", '"');
    if (first === "`") return this.quoted("shell", "`");
    if (text.startsWith("%{", at)) return this.code();
    let kind: TokenKind | null = null;
    let length = 0;
    for (const [name, form] of FORMS) {
      form.lastIndex = at;
      const found = form.exec(text)?.[0].length ?? 0;
      if (found > length) {
        kind = name;
        length = found;
      }
    }
    if (kind === null) throw syntax(this.line, `unexpected character ${JSON.stringify(first)}`);
    return this.token(kind, text.slice(at, at + length), at + length);
  }

  private token(kind: TokenKind, text: string, to: number): Token {
    const token = { kind, text, line: this.line, from: this.at, to };
    this.move(to);
    return token;
  }

  private move(to: number): void {
    for (let i = this.at; i < to; i++) if (this.text.charCodeAt(i) === 10) this.line++;
    this.at = to;
  }

  private skip(): void {
    SPACE.lastIndex = this.at;
    const space = SPACE.exec(this.text);
    if (space !== null) this.move(this.at + space[0].length);
    if (this.text.startsWith("/*", this.at)) throw syntax(this.line, "a comment without its end");
  }

  private code(): Token {
    const end = this.text.indexOf("}%", this.at);
    if (end < 0) throw syntax(this.line, "%{ without }%");
    const inside = this.text.slice(this.at + 2, end).replace(/^[ \t]+|[ \t]+$/g, "");
    return this.token("code", inside, end + 2);
  }

  private quoted(kind: "string" | "shell", mark: string): Token {
    const { text } = this;
    let value = "";
    let at = this.at + 1;
    while (text[at] !== mark) {
      if (at >= text.length) throw syntax(this.line, `a ${kind} without its end`);
      if (text[at] !== "\\") {
        value += text[at++];
        continue;
      }
      const hex = kind === "string" ? /^x[0-9a-fA-F]{1,2}/.exec(text.slice(at + 1, at + 4)) : null;
      const escaped = text[at + 1] ?? "";
      if (hex !== null) value += String.fromCharCode(Number.parseInt(hex[0].slice(1), 16));
      else if (kind === "shell") value += escaped;
      else if (escaped in ESCAPES) value += ESCAPES[escaped];
      else throw syntax(this.line, `unknown escape \\${escaped} in a string`);
      at += hex === null ? 2 : 1 + hex[0].length;
    }
    return this.token(kind, value, at + 1);
  }
}

/** With words replaced by what they were defined as. */
export function defined(token: Token, definitions: Definitions): Token {
  const value = token.kind === "word" ? definitions.get(token.text) : undefined;
  if (value === undefined) return token;
  const first = value[0];
  if (value.length > 1 && (first === '"' || first === "`") && value.endsWith(first)) {
    return { ...token, ...pick(new Lexer(value).all()[0]!) };
  }
  if (/^-?\d+$/.test(value)) return { ...token, kind: "integer", text: value };
  if (/^0x[0-9a-fA-F]+$/.test(value)) return { ...token, kind: "hex", text: value };
  if (/^-?\d*\.\d+$/.test(value)) return { ...token, kind: "float", text: value };
  return { ...token, kind: "word", text: value };
}

function pick({ kind, text }: Token): Pick<Token, "kind" | "text"> {
  return { kind, text };
}
