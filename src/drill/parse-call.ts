/** System calls of a script: name, arguments as expressions, result. */
import type { CallAction, Expr } from "./ast.ts";
import { syntax } from "./failure.ts";
import type { TokenReader } from "./token-reader.ts";

/** `end`: when a call that blocks returns. */
export function readCall(r: TokenReader, end: number | null): CallAction {
  const { line, from } = r.peek();
  const name = r.word("the name of a call");
  r.sign("(", `behind ${name}`);
  const args = r.isSign(")") ? [] : readList(r);
  r.sign(")", `behind the arguments of ${name}`);
  r.sign("=", "and a result behind the call");
  const token = r.peek();
  if (token.kind !== "integer" && token.kind !== "hex")
    throw r.unexpected("the result of the call, a number");
  r.next();
  let errno: string | null = null;
  if (r.is("word")) {
    errno = r.next().text;
    if (!/^E[A-Z0-9]+$/.test(errno)) throw syntax(line, `${errno} is no name of an error`);
    if (!r.isSign("("))
      throw syntax(line, `${errno} wants its words behind it, as in ${errno} (why)`);
  }
  if (r.isSign("(")) skipWords(r);
  const span = { from, to: r.previous().to };
  return { kind: "call", line, name, args, end, result: Number(token.text), errno, span };
}

/** What stands in brackets behind a result is for readers. */
function skipWords(r: TokenReader): void {
  r.next();
  while (!r.isSign(")")) {
    if (r.is("end")) throw r.unexpected('")" behind the comment of a result');
    r.next();
  }
  r.next();
}

function readList(r: TokenReader): Expr[] {
  const items: Expr[] = [];
  do items.push(readExpr(r));
  while (r.takeSign(","));
  return items;
}

function readExpr(r: TokenReader): Expr {
  let left = readTerm(r);
  while (r.takeSign("|")) left = { kind: "or", left, right: readTerm(r) };
  return left;
}

function readTerm(r: TokenReader): Expr {
  const token = r.peek();
  switch (token.kind) {
    case "ellipsis":
      r.next();
      return { kind: "any" };
    case "integer":
    case "hex":
      r.next();
      return { kind: "number", value: Number(token.text) };
    case "string":
      return readStrings(r);
    case "word":
      return readWord(r);
    case "sign":
      return readBrackets(r);
    default:
      throw r.unexpected("an argument");
  }
}

/** Strings that stand side by side are one; `...` behind it: more may follow. */
function readStrings(r: TokenReader): Expr {
  let value = "";
  while (r.is("string")) value += r.next().text;
  const open = r.is("ellipsis");
  if (open) r.next();
  return { kind: "string", value, open };
}

function readBrackets(r: TokenReader): Expr {
  const isList = r.isSign("[");
  if (!isList && !r.isSign("{")) throw r.unexpected("an argument");
  r.next();
  const close = isList ? "]" : "}";
  const items = r.isSign(close) ? [] : readList(r);
  r.sign(close, isList ? "at the end of a list" : "at the end of a structure");
  return { kind: isList ? "list" : "struct", items };
}

function readWord(r: TokenReader): Expr {
  const name = r.next().text;
  if (r.takeSign("=")) return { kind: "field", name, argument: null, value: readExpr(r) };
  if (!r.takeSign("(")) return { kind: "word", name };
  const args = r.isSign(")") ? [] : readArguments(r);
  r.sign(")", `behind the argument of ${name}`);
  if (r.takeSign("=")) {
    return { kind: "field", name, argument: args[0] ?? null, value: readExpr(r) };
  }
  return { kind: "function", name, args };
}

/** As a list, and an address without quotes may be among them. */
function readArguments(r: TokenReader): Expr[] {
  const items: Expr[] = [];
  do {
    if (r.is("address")) items.push({ kind: "string", value: r.next().text, open: false });
    else items.push(readExpr(r));
  } while (r.takeSign(","));
  return items;
}
