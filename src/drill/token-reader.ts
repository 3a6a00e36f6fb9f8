/** Walks over tokens, with the errors that name what stands there. */
import { syntax } from "./failure.ts";
import type { Token, TokenKind } from "./lexer.ts";

export class TokenReader {
  private readonly tokens: readonly Token[];
  private at = 0;

  constructor(tokens: readonly Token[]) {
    this.tokens = tokens;
  }

  get line(): number {
    return this.peek().line;
  }

  /** How many were taken. */
  get taken(): number {
    return this.at;
  }

  peek(ahead = 0): Token {
    return this.tokens[Math.min(this.at + ahead, this.tokens.length - 1)]!;
  }

  next(): Token {
    const token = this.peek();
    if (this.at < this.tokens.length - 1) this.at++;
    return token;
  }

  /** The one taken last. */
  previous(): Token {
    return this.tokens[this.at - 1]!;
  }

  isSign(text: string, ahead = 0): boolean {
    const token = this.peek(ahead);
    return token.kind === "sign" && token.text === text;
  }

  isWord(text: string, ahead = 0): boolean {
    const token = this.peek(ahead);
    return token.kind === "word" && token.text === text;
  }

  is(kind: TokenKind): boolean {
    return this.peek().kind === kind;
  }

  /** Takes it if it is there. */
  takeSign(text: string): boolean {
    if (!this.isSign(text)) return false;
    this.next();
    return true;
  }

  takeWord(text: string): boolean {
    if (!this.isWord(text)) return false;
    this.next();
    return true;
  }

  sign(text: string, where: string): void {
    if (!this.takeSign(text)) throw this.unexpected(`${JSON.stringify(text)} ${where}`);
  }

  /** A whole number, not negative, at most `most`; hexadecimal where written so. */
  natural(what: string, most = 0xffffffff): number {
    const token = this.peek();
    if (token.kind !== "integer" && token.kind !== "hex") throw this.unexpected(what);
    const value = Number(token.text);
    if (!(value >= 0 && value <= most))
      throw syntax(token.line, `${what}: ${token.text} is not 0 to ${most}`);
    this.next();
    return value;
  }

  word(what: string): string {
    if (!this.is("word")) throw this.unexpected(what);
    return this.next().text;
  }

  unexpected(what: string): Error {
    const { kind, text, line } = this.peek();
    const seen = kind === "end" ? "the end of the script" : JSON.stringify(text.slice(0, 40));
    return syntax(line, `expected ${what}, found ${seen}`);
  }
}
