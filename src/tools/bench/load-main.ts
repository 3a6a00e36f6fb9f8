/** A child process that puts loads on a server, told over IPC which; apart, so that its work is not the stack's. */
import { answer } from "./child.ts";
import { hold, type Held, type Load, runLoad } from "./loads.ts";

/** A load, connections to be held, or what is held to be let go. */
export type LoadQuestion = Load | { readonly hold: Held } | { readonly release: true };

let release = (): void => {};

answer(async (question: LoadQuestion) => {
  if ("kind" in question) return runLoad(question);
  if ("hold" in question) release = await hold(question.hold);
  else release();
  return {};
});
process.on("disconnect", () => process.exit(0));
