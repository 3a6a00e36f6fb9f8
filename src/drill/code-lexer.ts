/** Statements of a `%{ }%` block as tokens. */
import { DrillError } from "./failure.ts";

export interface CodeToken {
  readonly kind: "number" | "string" | "name" | "sign" | "end";
  readonly text: string;
}

const BLANK = /[ \t\r\f]+|#[^\n]*|\\\n/y;
const NUMBER = /0x[0-9a-fA-F]+|\d+\.\d*(?:[eE][+-]?\d+)?|\.\d+|\d+/y;
const NAME = /[A-Za-z_]\w*/y;
const STRING = /"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'/y;
const SIGN = /\/\/|<<|>>|<=|>=|==|!=|\*\*|[-+*/%&|^~<>()=,]/y;

/** Each statement is a list that ends with an "end". */
export function statementsOf(text: string, line: number): CodeToken[][] {
  const statements: CodeToken[][] = [[]];
  let depth = 0;
  for (let at = 0; at < text.length;) {
    const first = text[at]!;
    if (first === "\n" || first === ";") {
      if (depth === 0) statements.push([]);
      else if (first === ";") throw bad(line, "; inside of brackets");
      at++;
      continue;
    }
    const blank = match(BLANK, text, at);
    if (blank !== "") {
      at += blank.length;
      continue;
    }
    const token = tokenAt(text, at);
    if (token === null) throw bad(line, `unexpected character ${JSON.stringify(first)}`);
    if (token.text === "(") depth++;
    if (token.text === ")") depth--;
    statements.at(-1)!.push({ kind: token.kind, text: valueOf(token) });
    at += token.text.length;
  }
  if (depth !== 0) throw bad(line, "brackets that do not match");
  return statements
    .filter((statement) => statement.length > 0)
    .map((statement) => [...statement, { kind: "end", text: "" } as const]);
}

function tokenAt(text: string, at: number): CodeToken | null {
  const forms = [
    ["number", NUMBER],
    ["name", NAME],
    ["string", STRING],
    ["sign", SIGN],
  ] as const;
  for (const [kind, form] of forms) {
    const found = match(form, text, at);
    if (found !== "") return { kind, text: found };
  }
  return null;
}

function match(form: RegExp, text: string, at: number): string {
  form.lastIndex = at;
  return form.exec(text)?.[0] ?? "";
}

const ESCAPES: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r" };

function valueOf(token: CodeToken): string {
  if (token.kind !== "string") return token.text;
  return token.text.slice(1, -1).replaceAll(/\\(.)/g, (_, c: string) => ESCAPES[c] ?? c);
}

export function bad(line: number, message: string): DrillError {
  return new DrillError("code", line, `%{ }%: ${message}`);
}
