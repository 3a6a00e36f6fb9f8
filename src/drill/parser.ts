/** From the text of a script to its events. */
import type { Action, Event, EventTime, Script, ScriptOption, ShellAction } from "./ast.ts";
import { syntax } from "./failure.ts";
import { defined, type Definitions, Lexer, type Token } from "./lexer.ts";
import { readCall } from "./parse-call.ts";
import { readPacket } from "./parse-packet.ts";
import { TokenReader } from "./token-reader.ts";

/** Throws a DrillError of kind "syntax" or "unsupported". `definitions`: those of the command line, which win. */
export function parseScript(
  text: string,
  file: string,
  definitions: Definitions = new Map(),
): Script {
  const tokens = new Lexer(text).all();
  const head = new TokenReader(tokens);
  const options = readOptions(head);
  // options stand first, and what they define counts for all that follows
  const words = new Map([...definedBy(options), ...definitions]);
  const r = new TokenReader(tokens.slice(head.taken).map((token) => defined(token, words)));
  const init = r.is("shell") ? readShell(r) : null;
  const events: Event[] = [];
  let cleanup: ShellAction | null = null;
  while (!r.is("end")) {
    if (r.is("shell")) {
      cleanup = readShell(r);
      if (!r.is("end")) throw r.unexpected("nothing behind the cleanup command");
      break;
    }
    events.push(readEvent(r));
  }
  if (events.length === 0) throw syntax(r.line, "a script has at least one event");
  return { file, text, options, init, events, cleanup };
}

// --- options ------------------------------------------------------------------------------------------

function readOptions(r: TokenReader): ScriptOption[] {
  const options: ScriptOption[] = [];
  while (r.is("option")) {
    const { line, text } = r.next();
    if (text === "-D") {
      options.push({ line, name: "define", value: readDefinition(r) });
    } else if (r.takeSign("=")) {
      const value = text === "--define" ? readDefinition(r) : valueOf(r);
      options.push({ line, name: text.slice(2), value });
    } else if (text === "--define") {
      options.push({ line, name: "define", value: readDefinition(r) });
    } else options.push({ line, name: text.slice(2), value: null });
  }
  return options;
}

function readDefinition(r: TokenReader): string {
  const name = r.word("a word to define");
  r.sign("=", `behind ${name}`);
  const quote = r.is("string") ? '"' : r.is("shell") ? "`" : "";
  const text = valueOf(r);
  return `${name}=${quote}${quote === "" ? text : escaped(text, quote)}${quote}`;
}

function escaped(text: string, quote: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll(quote, `\\${quote}`);
}

/** Words that touch each other are one value: `packet,syscall`, `lo-0`. */
function valueOf(r: TokenReader): string {
  const isValue = (t: Token): boolean =>
    ["integer", "hex", "float", "word", "string", "shell", "address"].includes(t.kind);
  if (!isValue(r.peek())) throw r.unexpected("the value of an option");
  let text = r.next().text;
  while (r.isSign(",") && r.peek().from === r.previous().to) text += r.next().text + r.next().text;
  return text;
}

/** The last definition of a word counts. */
export function definedBy(options: readonly ScriptOption[]): Map<string, string> {
  const words = new Map<string, string>();
  for (const { name, value } of options) {
    if (name !== "define" || value === null) continue;
    const at = value.indexOf("=");
    words.set(value.slice(0, at), value.slice(at + 1));
  }
  return words;
}

// --- events -------------------------------------------------------------------------------------------

function readShell(r: TokenReader): ShellAction {
  const { text, line } = r.next();
  return { kind: "shell", line, text };
}

function readEvent(r: TokenReader): Event {
  const { line, from } = r.peek();
  const time = readTime(r);
  const timeSpan = { from, to: r.previous().to };
  let end: number | null = null;
  if (r.is("ellipsis")) {
    if (time.kind !== "absolute" && time.kind !== "relative")
      throw syntax(
        line,
        "a call that blocks begins at one moment, and not at any or within a range",
      );
    r.next();
    end = readSeconds(r);
    if (end < time.at) throw syntax(line, "the call returns before it begins");
  }
  const action = readAction(r, end);
  const outbound = action.kind === "packet" && !action.inbound;
  if (time.kind !== "absolute" && time.kind !== "relative" && !outbound)
    throw syntax(line, "only packets that the stack sends have any time, or a range");
  return { line, time, timeSpan, action };
}

function readAction(r: TokenReader, end: number | null): Action {
  if (end !== null && !r.is("word")) throw r.unexpected("a call behind the time of its return");
  if (r.isSign("<") || r.isSign(">")) return readPacket(r);
  if (r.is("shell")) return readShell(r);
  if (r.is("code")) {
    const { text, line } = r.next();
    return { kind: "code", line, text };
  }
  if (r.is("word")) return readCall(r, end);
  throw r.unexpected("a packet, a call, `shell` or %{ code }%");
}

function readTime(r: TokenReader): EventTime {
  if (r.takeSign("*")) return { kind: "any" };
  const { line } = r;
  const relative = r.takeSign("+");
  const at = readSeconds(r);
  if (!r.takeSign("~")) return { kind: relative ? "relative" : "absolute", at };
  if (relative !== r.takeSign("+"))
    throw syntax(line, "both ends of a range have a +, or none has");
  const to = readSeconds(r);
  if (to < at) throw syntax(line, "the range goes backwards");
  return { kind: relative ? "relative-range" : "absolute-range", at, to };
}

/** In whole microseconds, the rest cut off. Read as text, so that 0.000003 is 3. */
function readSeconds(r: TokenReader): number {
  const { kind, text, line } = r.peek();
  if (kind !== "integer" && kind !== "float") throw r.unexpected("a time in seconds");
  if (text.startsWith("-")) throw syntax(line, `time ${text} is negative`);
  r.next();
  const [whole, fraction = ""] = text.split(".");
  return Number(whole === "" ? "0" : whole) * 1e6 + Number(`${fraction}000000`.slice(0, 6));
}
