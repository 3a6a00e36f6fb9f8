/** What `%{ }%` blocks may say: assertions, assignments and `print`, in Python's form, evaluated here. */
import { bad, type CodeToken, statementsOf } from "./code-lexer.ts";
import { DrillError } from "./failure.ts";

export type CodeValue = number | string | boolean | readonly CodeValue[];

export interface CodeWorld {
  /** Names that the runner gives; asked for before the variables. */
  readonly lookup: (name: string) => number | undefined;
  readonly variables: Map<string, CodeValue>;
  readonly print: (text: string) => void;
}

/** Throws a DrillError where an assertion fails, and where something cannot be evaluated. */
export function runCode(text: string, line: number, world: CodeWorld): void {
  for (const tokens of statementsOf(text, line)) new Statement(tokens, line, world).run();
}

const KEYWORDS = new Set([
  "and",
  "or",
  "not",
  "in",
  "assert",
  "True",
  "False",
  "None",
  "if",
  "else",
]);

class Statement {
  private readonly tokens: readonly CodeToken[];
  private readonly line: number;
  private readonly world: CodeWorld;
  private at = 0;
  /** Names that were looked up, for the report of a failed assertion. */
  private readonly used = new Map<string, CodeValue>();

  constructor(tokens: readonly CodeToken[], line: number, world: CodeWorld) {
    this.tokens = tokens;
    this.line = line;
    this.world = world;
  }

  run(): void {
    const [first, second] = this.tokens;
    if (first!.kind === "name" && first!.text === "assert") {
      this.at = 1;
      this.assert();
    } else if (first!.kind === "name" && second!.kind === "sign" && second!.text === "=") {
      if (KEYWORDS.has(first!.text)) throw bad(this.line, `${first!.text} is no name`);
      this.at = 2;
      const value = this.tuple();
      this.finish();
      this.world.variables.set(first!.text, value);
    } else if (first!.kind === "name" && first!.text === "print") {
      this.at = 1;
      this.sign("(");
      const values = this.is(")") ? [] : this.list();
      this.sign(")");
      this.finish();
      this.world.print(values.map(shown).join(" "));
    } else {
      throw bad(this.line, `cannot evaluate ${this.words()}; known are assert, NAME = and print()`);
    }
  }

  private words(): string {
    return JSON.stringify(
      this.tokens
        .map((t) => t.text)
        .join(" ")
        .trim(),
    );
  }

  private assert(): void {
    const value = this.or();
    const message = this.take(",") ? this.or() : null;
    this.finish();
    if (isTrue(value)) return;
    const names = [...this.used].map(([name, is]) => ({
      field: name,
      expected: "as asserted",
      seen: shown(is),
    }));
    const why = message === null ? "" : `: ${shown(message)}`;
    throw new DrillError("code", this.line, `assertion failed${why}`, {
      expected: this.tokens
        .slice(1, -1)
        .map((t) => (t.kind === "string" ? JSON.stringify(t.text) : t.text))
        .join(" "),
      fields: names,
    });
  }

  // --- tokens ---------------------------------------------------------------------------------------

  private peek(): CodeToken {
    return this.tokens[this.at]!;
  }

  private is(text: string): boolean {
    const token = this.peek();
    return (token.kind === "sign" || token.kind === "name") && token.text === text;
  }

  private take(text: string): boolean {
    if (!this.is(text)) return false;
    this.at++;
    return true;
  }

  private sign(text: string): void {
    if (!this.take(text)) throw this.unexpected(JSON.stringify(text));
  }

  private finish(): void {
    if (this.peek().kind !== "end") throw this.unexpected("the end of the statement");
  }

  private unexpected(what: string): Error {
    const { kind, text } = this.peek();
    return bad(
      this.line,
      `expected ${what}, found ${kind === "end" ? "the end" : JSON.stringify(text)}`,
    );
  }

  // --- expressions, from the weakest operator to the strongest ----------------------------------------

  private list(): CodeValue[] {
    const values = [this.or()];
    while (this.take(",")) values.push(this.or());
    return values;
  }

  private tuple(): CodeValue {
    const values = this.list();
    return values.length === 1 ? values[0]! : values;
  }

  private or(): CodeValue {
    let left = this.and();
    while (this.take("or")) {
      const right = this.and();
      left = isTrue(left) ? left : right;
    }
    return left;
  }

  private and(): CodeValue {
    let left = this.not();
    while (this.take("and")) {
      const right = this.not();
      left = isTrue(left) ? right : left;
    }
    return left;
  }

  private not(): CodeValue {
    return this.take("not") ? !isTrue(this.not()) : this.comparison();
  }

  /** `1 <= x <= 3` holds when each pair does. */
  private comparison(): CodeValue {
    let left = this.binary(0);
    let holds: boolean | null = null;
    for (;;) {
      const operator = this.comparator();
      if (operator === null) return holds ?? left;
      const right = this.binary(0);
      holds = (holds ?? true) && this.compare(operator, left, right);
      left = right;
    }
  }

  private comparator(): string | null {
    for (const operator of ["==", "!=", "<=", ">=", "<", ">", "in"])
      if (this.take(operator)) return operator;
    if (!this.is("not")) return null;
    this.at++;
    if (!this.take("in")) throw this.unexpected('"in" behind "not"');
    return "not in";
  }

  private compare(operator: string, left: CodeValue, right: CodeValue): boolean {
    if (operator === "==") return equal(left, right);
    if (operator === "!=") return !equal(left, right);
    if (operator.endsWith("in")) {
      const found = Array.isArray(right)
        ? right.some((item: CodeValue) => equal(left, item))
        : this.text(right).includes(this.text(left));
      return found === (operator === "in");
    }
    if (typeof left === "string" && typeof right === "string")
      return ordered(operator, left, right);
    return ordered(operator, this.number(left), this.number(right));
  }

  private static readonly LEVELS: readonly (readonly string[])[] = [
    ["|"],
    ["^"],
    ["&"],
    ["<<", ">>"],
    ["+", "-"],
    ["*", "//", "/", "%"],
  ];

  private binary(level: number): CodeValue {
    const operators = Statement.LEVELS[level];
    if (operators === undefined) return this.unary();
    let left = this.binary(level + 1);
    for (;;) {
      const operator = operators.find((text) => this.take(text));
      if (operator === undefined) return left;
      left = this.apply(operator, left, this.binary(level + 1));
    }
  }

  private apply(operator: string, left: CodeValue, right: CodeValue): CodeValue {
    if (operator === "%" && typeof left === "string") return this.format(left, right);
    if (operator === "+" && typeof left === "string") return left + this.text(right);
    return this.calculate(operator, this.number(left), this.number(right));
  }

  private calculate(operator: string, a: number, b: number): number {
    switch (operator) {
      case "+":
        return a + b;
      case "-":
        return a - b;
      case "*":
        return a * b;
      case "/":
        return this.divisible(a, b) / b;
      case "//":
        return Math.floor(this.divisible(a, b) / b);
      case "%":
        return this.divisible(a, b) - b * Math.floor(a / b);
      default:
        return Number(this.bits(operator, this.whole(a), this.whole(b)));
    }
  }

  private divisible(a: number, b: number): number {
    if (b === 0) throw bad(this.line, "division by zero");
    return a;
  }

  private bits(operator: string, x: bigint, y: bigint): bigint {
    if (operator === "&") return x & y;
    if (operator === "|") return x | y;
    if (operator === "^") return x ^ y;
    if (y < 0n || y > 64n) throw bad(this.line, `a shift by ${y}`);
    return operator === "<<" ? x << y : x >> y;
  }

  private unary(): CodeValue {
    if (this.take("-")) return -this.number(this.unary());
    if (this.take("+")) return this.number(this.unary());
    if (this.take("~")) return Number(~this.whole(this.number(this.unary())));
    return this.primary();
  }

  private primary(): CodeValue {
    const { kind, text } = this.peek();
    if (kind === "number") {
      this.at++;
      return Number(text);
    }
    if (kind === "string") {
      this.at++;
      return text;
    }
    if (kind === "name") return this.name();
    if (!this.take("(")) throw this.unexpected("a value");
    if (this.take(")")) return [];
    const values = [this.or()];
    let isTuple = false;
    while (this.take(",")) {
      isTuple = true;
      if (this.is(")")) break;
      values.push(this.or());
    }
    this.sign(")");
    return isTuple ? values : values[0]!;
  }

  private name(): CodeValue {
    const name = this.peek().text;
    this.at++;
    if (name === "True") return true;
    if (name === "False") return false;
    if (this.is("(")) return this.call(name);
    const value = this.world.lookup(name) ?? this.world.variables.get(name);
    if (value === undefined) throw bad(this.line, `unknown name ${name}`);
    this.used.set(name, value);
    return value;
  }

  private call(name: string): CodeValue {
    this.sign("(");
    const args = this.list();
    this.sign(")");
    const first = args[0]!;
    const values = args.length === 1 && Array.isArray(first) ? (first as CodeValue[]) : args;
    if (name === "abs" && args.length === 1) return Math.abs(this.number(first));
    if (name === "min") return Math.min(...values.map((v) => this.number(v)));
    if (name === "max") return Math.max(...values.map((v) => this.number(v)));
    throw bad(this.line, `unknown function ${name} with ${args.length} arguments`);
  }

  // --- kinds of values ------------------------------------------------------------------------------

  private number(v: CodeValue): number {
    if (typeof v === "boolean") return v ? 1 : 0;
    if (typeof v !== "number") throw bad(this.line, `${shown(v)} is no number`);
    return v;
  }

  private whole(n: number): bigint {
    if (!Number.isInteger(n)) throw bad(this.line, `${n} is no whole number`);
    return BigInt(n);
  }

  private text(v: CodeValue): string {
    if (typeof v !== "string") throw bad(this.line, `${shown(v)} is no string`);
    return v;
  }

  /** `'%d of %s' % (1, 'x')`. */
  private format(form: string, value: CodeValue): string {
    const values = Array.isArray(value) ? [...(value as CodeValue[])] : [value];
    const text = form.replaceAll(/%(?:%|0?\d*([disxXfru]))/g, (whole, kind: string | undefined) => {
      if (kind === undefined) return "%";
      const next = values.shift();
      if (next === undefined) throw bad(this.line, "too few values for the format");
      if (kind === "x") return this.number(next).toString(16);
      if (kind === "X") return this.number(next).toString(16).toUpperCase();
      if (kind === "f") return this.number(next).toFixed(6);
      if (kind === "s" || kind === "r") return shown(next);
      return String(Math.trunc(this.number(next))).padStart(Number(/\d+/.exec(whole)?.[0] ?? 0));
    });
    if (values.length > 0) throw bad(this.line, "more values than the format has places");
    return text;
  }
}

function isTrue(v: CodeValue): boolean {
  return Array.isArray(v) ? v.length > 0 : Boolean(v);
}

function equal(a: CodeValue, b: CodeValue): boolean {
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item: CodeValue, i) => equal(item, b[i] as CodeValue));
  }
  if (typeof a === "boolean" && typeof b === "number") return Number(a) === b;
  if (typeof a === "number" && typeof b === "boolean") return a === Number(b);
  return a === b;
}

function ordered<T extends number | string>(operator: string, a: T, b: T): boolean {
  if (operator === "<") return a < b;
  if (operator === "<=") return a <= b;
  return operator === ">" ? a > b : a >= b;
}

function shown(v: CodeValue): string {
  if (typeof v === "boolean") return v ? "True" : "False";
  return Array.isArray(v) ? `(${v.map((item) => shown(item as CodeValue)).join(", ")})` : String(v);
}
