/** Which code decides what a job comes to: workers with different code do not work on one campaign. */
import { codeDigest } from "../../code-digest/index.ts";

const ROOMS = ["base", "wire", "tcp", "stack", "fuzz", "tools/fuzz"];

export function campaignCode(): string {
  return codeDigest(ROOMS);
}
