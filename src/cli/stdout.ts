/** Standard output belongs to one of the options that can write there, with the file name `-`. */
import { writeFileSync } from "node:fs";
import { lineOf } from "../base/errors.ts";
import { CommandFailure, EXIT_FAILED, usage } from "./failure.ts";

/** The one that does, if any; `json` writes nowhere else. Refuses two. */
export function stdoutOf<T extends object>(
  options: T,
  names: readonly (keyof T & string)[],
): string | null {
  const takers = names.filter((name) => options[name] === "-" || options[name] === true);
  const [first, second] = takers;
  if (second !== undefined) {
    throw usage(`--${first!} and --${second}: standard output takes one of them`);
  }
  return first ?? null;
}

/** Into the file that `option` names; - is standard output. */
export function writeOut(option: string, path: string, content: string): void {
  if (path === "-") return void process.stdout.write(content);
  try {
    writeFileSync(path, content);
  } catch (error) {
    throw new CommandFailure(EXIT_FAILED, `${option} ${path}: ${lineOf(error)}`);
  }
}
