/**
 * Counters in JavaScript: each branch of a file adds one to a byte of its own in a Uint8Array, `globalThis.__tuntcpBranches`. Which
 * branch has which number depends on the text alone, so that numbers mean the same in every process of one build.
 */
import { type Node, parse } from "acorn";

export interface Branch {
  /** Of the file as it was given. */
  readonly line: number;
  readonly column: number;
  readonly kind: "function" | "if" | "else" | "choice" | "right side" | "case" | "loop" | "catch";
}

export interface Instrumented {
  readonly code: string;
  readonly branches: readonly Branch[];
}

interface Anything extends Node {
  readonly [field: string]: unknown;
}

export const COUNTERS = "__tuntcpBranches";

/** `first` is the number of the file's first branch. */
export function instrument(code: string, first: number): Instrumented {
  const program = parse(code, { ecmaVersion: "latest", sourceType: "module", locations: true });
  const writer = new Writer(code, first);
  visit(program as unknown as Anything, writer);
  return { code: writer.result(), branches: writer.branches };
}

class Writer {
  readonly branches: Branch[] = [];
  private readonly code: string;
  private readonly first: number;
  /** By position: what closes there, and what opens there. */
  private readonly closing = new Map<number, string>();
  private readonly opening = new Map<number, string>();

  constructor(code: string, first: number) {
    this.code = code;
    this.first = first;
  }

  private count(node: Node, kind: Branch["kind"]): string {
    const { line, column } = node.loc!.start;
    this.branches.push({ line, column, kind });
    return `__c[${this.first + this.branches.length - 1}]++`;
  }

  private opens(at: number, text: string): void {
    this.opening.set(at, (this.opening.get(at) ?? "") + text);
  }

  private closes(at: number, text: string): void {
    this.closing.set(at, text + (this.closing.get(at) ?? ""));
  }

  expression(node: Node, kind: Branch["kind"]): void {
    this.opens(node.start, `(${this.count(node, kind)},`);
    this.closes(node.end, ")");
  }

  statement(node: Node, kind: Branch["kind"]): void {
    if (node.type === "BlockStatement") {
      this.opens(node.start + 1, `${this.count(node, kind)};`);
      return;
    }
    this.opens(node.start, `{${this.count(node, kind)};`);
    this.closes(node.end, "}");
  }

  /** The way past an `if` that has no `else`. */
  otherwise(node: Node): void {
    this.closes(node.end, ` else {${this.count(node, "else")}}`);
  }

  before(node: Node, of: Node, kind: Branch["kind"]): void {
    this.opens(node.start, `${this.count(of, kind)};`);
  }

  result(): string {
    const places = [...new Set([...this.closing.keys(), ...this.opening.keys()])].toSorted(
      (a, b) => a - b,
    );
    let out = `const __c = globalThis.${COUNTERS};`;
    let at = 0;
    for (const place of places) {
      out += this.code.slice(at, place);
      out += (this.closing.get(place) ?? "") + (this.opening.get(place) ?? "");
      at = place;
    }
    return out + this.code.slice(at);
  }
}

function visit(node: Anything, writer: Writer): void {
  mark(node, writer);
  for (const value of Object.values(node)) {
    if (Array.isArray(value)) {
      for (const item of value) if (isNode(item)) visit(item, writer);
    } else if (isNode(value)) visit(value, writer);
  }
}

function isNode(value: unknown): value is Anything {
  return typeof value === "object" && value !== null && "type" in value && "start" in value;
}

const FUNCTIONS = new Set(["FunctionDeclaration", "FunctionExpression", "ArrowFunctionExpression"]);
const LOOPS = new Set([
  "ForStatement",
  "ForInStatement",
  "ForOfStatement",
  "WhileStatement",
  "DoWhileStatement",
]);
/** What evaluates its right side or not. */
const SHORT_CUTS = new Set(["??=", "||=", "&&="]);

function mark(node: Anything, writer: Writer): void {
  const at = (field: string): Anything => node[field] as Anything;
  if (FUNCTIONS.has(node.type)) {
    const body = at("body");
    if (body.type === "BlockStatement") writer.statement(body, "function");
    else writer.expression(body, "function");
  } else if (LOOPS.has(node.type)) {
    writer.statement(at("body"), "loop");
  } else if (node.type === "CatchClause") {
    writer.statement(at("body"), "catch");
  } else if (node.type === "IfStatement") {
    // what closes first stands outermost
    if (node["alternate"] === null) writer.otherwise(at("consequent"));
    writer.statement(at("consequent"), "if");
    if (node["alternate"] !== null) writer.statement(at("alternate"), "else");
  } else if (node.type === "ConditionalExpression") {
    writer.expression(at("consequent"), "choice");
    writer.expression(at("alternate"), "choice");
  } else if (node.type === "LogicalExpression" || SHORT_CUTS.has(String(node["operator"]))) {
    writer.expression(at("right"), "right side");
  } else if (node.type === "SwitchCase") {
    markCase(node, writer);
  }
}

/** A label without statements falls through, and is no branch of its own. */
function markCase(node: Anything, writer: Writer): void {
  const [begin] = node["consequent"] as readonly Anything[];
  if (begin === undefined) return;
  if (begin.type === "BlockStatement") writer.statement(begin, "case");
  else writer.before(begin, node, "case");
}
