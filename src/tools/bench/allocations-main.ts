/** A child process that counts what an operation allocates; apart, for its own young generation. */
import { type AllocationOp, countHere } from "./allocations.ts";
import { answer } from "./child.ts";

answer(({ op }: { readonly op: AllocationOp }) => countHere(op));
process.on("disconnect", () => process.exit(0));
