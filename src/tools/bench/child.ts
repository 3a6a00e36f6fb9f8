/** The processes beside a benchmark: started by module, asked over IPC, one question at a time. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { lineOf } from "../../base/errors.ts";

/** `module` lies beside `from` (an import.meta.url) and is named without its extension. */
export function startChild(module: string, from: string, nodeOptions: string[] = []): ChildProcess {
  const extension = from.endsWith(".ts") ? ".ts" : ".js";
  const execArgv = [...inheritable(process.execArgv), ...nodeOptions];
  return fork(new URL(`${module}${extension}`, from), { stdio: "inherit", execArgv });
}

/** What says what this process runs, or how it is debugged: a child with `--eval` would be this program again, without end. */
const OWN =
  /^(-e|--eval|-p|--print|-pe|-i|--interactive|-c|--check|--test|--input-type|--inspect(-.+)?)(=|$)/s;

/** Of Node's options for this process (`process.execArgv`) those that may go to a child. */
export function inheritable(options: readonly string[]): string[] {
  // a value may stand in a word of its own
  return options.filter(
    (word, i) => !OWN.test(word.startsWith("-") ? word : (options[i - 1] ?? "")),
  );
}

/** The child says why it cannot answer. */
export interface Refusal {
  readonly refused: string;
}

/** Sends the question and resolves with the answer; rejects when the child refuses, or ends instead. */
export async function ask(child: ChildProcess, question: object): Promise<unknown> {
  const done = new AbortController();
  const { signal } = done;
  const gone = once(child, "exit", { signal }).then(() => {
    throw new Error("a process beside the benchmark ended: run it again");
  });
  child.send(question);
  try {
    const [answer] = (await Promise.race([once(child, "message", { signal }), gone])) as [object];
    if ("refused" in answer) throw new Error((answer as Refusal).refused);
    return answer;
  } finally {
    gone.catch(() => {}); // it is aborted with the answer
    done.abort();
  }
}

/** In the child: every message is a question, and what the handler resolves with (or fails with) its answer. */
export function answer(handler: (question: never) => object | Promise<object>): void {
  const reply = async (question: never): Promise<void> => {
    let result: object;
    try {
      result = await handler(question);
    } catch (error) {
      result = { refused: lineOf(error) } satisfies Refusal;
    }
    if (process.connected) process.send!(result);
  };
  process.on("message", (question) => void reply(question as never));
}
