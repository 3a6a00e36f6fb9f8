/** Arguments of calls as values: numbers, lists, structures; symbols resolved, and what nobody knows refused by name. */
import type { Expr } from "./ast.ts";
import { symbol } from "./constants.ts";
import { DrillError, unsupported } from "./failure.ts";

export type Value =
  | { readonly kind: "any" }
  | { readonly kind: "number"; readonly value: number }
  | { readonly kind: "string"; readonly value: string; readonly open: boolean }
  | { readonly kind: "list"; readonly items: readonly Value[] }
  | { readonly kind: "struct"; readonly items: readonly Value[] }
  | { readonly kind: "field"; readonly name: string; readonly value: Value }
  | { readonly kind: "address"; readonly text: string };

export function evaluate(e: Expr, line: number): Value {
  switch (e.kind) {
    case "any":
      return { kind: "any" };
    case "number":
      return { kind: "number", value: e.value };
    case "word": {
      const value = symbol(e.name);
      if (value === undefined) throw unsupported(line, `unknown symbol ${e.name}`);
      return { kind: "number", value };
    }
    case "string":
      return { kind: "string", value: e.value, open: e.open };
    case "or": {
      const left = asNumber(evaluate(e.left, line), line, "the left side of |");
      const right = asNumber(evaluate(e.right, line), line, "the right side of |");
      return { kind: "number", value: (left | right) >>> 0 };
    }
    case "list":
      return { kind: "list", items: e.items.map((item) => evaluate(item, line)) };
    case "struct":
      return { kind: "struct", items: e.items.map((item) => evaluate(item, line)) };
    case "field":
      return { kind: "field", name: e.name, value: evaluate(e.value, line) };
    case "function":
      return callFunction(e.name, e.args, line);
  }
}

/** `htons` and its like keep the number: fields of structures are compared as people write them. */
function callFunction(name: string, args: readonly Expr[], line: number): Value {
  const only = args.length === 1 ? evaluate(args[0]!, line) : null;
  if (only !== null && ["htons", "htonl", "ntohs", "ntohl"].includes(name)) {
    return { kind: "number", value: asNumber(only, line, name) };
  }
  if (only !== null && name === "inet_addr" && only.kind === "string") {
    return { kind: "address", text: only.value };
  }
  throw unsupported(line, `unknown function ${name} with ${args.length} arguments`);
}

export function asNumber(v: Value | undefined, line: number, what: string): number {
  if (v?.kind !== "number") throw wrong(line, `${what}: expected a number, found ${kindOf(v)}`);
  return v.value;
}

/** A list with one number in it, as values of options and of `ioctl` are written. */
export function asOneNumber(v: Value | undefined, line: number, what: string): number {
  if (v?.kind !== "list" || v.items.length !== 1)
    throw wrong(line, `${what}: expected [N], found ${kindOf(v)}`);
  return asNumber(v.items[0], line, what);
}

/** The fields of a structure by their names; others than `names` are refused. */
export function asFields(
  v: Value | undefined,
  line: number,
  what: string,
  names: readonly string[],
): Map<string, Value> {
  if (v?.kind !== "struct") throw wrong(line, `${what}: expected {...}, found ${kindOf(v)}`);
  const fields = new Map<string, Value>();
  for (const item of v.items) {
    if (item.kind !== "field") throw wrong(line, `${what}: expected name=value in {...}`);
    if (!names.includes(item.name))
      throw unsupported(line, `${what}: unknown field ${item.name}, known are ${names.join(" ")}`);
    if (fields.has(item.name)) throw wrong(line, `${what}: field ${item.name} stands twice`);
    fields.set(item.name, item.value);
  }
  return fields;
}

export function kindOf(v: Value | undefined): string {
  if (v === undefined) return "nothing";
  return v.kind === "any" ? "..." : `a ${v.kind}`;
}

export function wrong(line: number, message: string): DrillError {
  return new DrillError("script", line, message);
}
