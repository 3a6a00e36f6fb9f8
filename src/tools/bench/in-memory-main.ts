/** A child process with two stacks and nothing else. */
import { answer } from "./child.ts";
import { pairHere } from "./in-memory.ts";

answer(pairHere);
process.on("disconnect", () => process.exit(0));
