/** Options of the language as words of a command line. */
import type { ScriptOption } from "./ast.ts";
import { syntax } from "./failure.ts";
import type { Definitions } from "./lexer.ts";

export interface CommandOptions {
  readonly options: readonly ScriptOption[];
  readonly definitions: Definitions;
}

/** Throws a DrillError with line 0. */
export function readCommandOptions(args: readonly string[]): CommandOptions {
  const options: ScriptOption[] = [];
  const definitions = new Map<string, string>();
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    const joined = /^(?:-D|--define=)(.+)$/s.exec(arg);
    if (arg === "-D" || arg === "--define" || joined !== null) {
      const text = joined === null ? (args[++i] ?? "") : joined[1]!;
      const form = /^(\w+)=(.*)$/s.exec(text);
      if (form === null) throw syntax(0, `${arg} ${text}: expected NAME=VALUE`);
      definitions.set(form[1]!, form[2]!);
      continue;
    }
    const form = /^--([A-Za-z_0-9]+)(?:=(.*))?$/s.exec(arg);
    if (form === null) throw syntax(0, `${JSON.stringify(arg)} is no option of the language`);
    options.push({ line: 0, name: form[1]!, value: form[2] ?? null });
  }
  return { options, definitions };
}
