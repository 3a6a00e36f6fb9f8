/** Whether what somebody wrote makes congestion controllers: one is made, and looked at. */
import { lineOf } from "../../base/errors.ts";
import { type ControllerKind, NO_SSTHRESH } from "./controller.ts";

const NUMBERS = ["cwnd", "ssthresh"] as const;
const METHODS = ["onAck", "onLoss", "onTimeout"] as const;
const OPTIONAL = ["onEcn", "onRecoveryEnd", "undo", "onIdle", "onUnused", "onMss"] as const;

/** The controller's own name, or in one line what is wrong with it. */
export function checkMaker(
  create: ControllerKind["create"],
): { readonly name: string } | { readonly wrong: string } {
  let one: Record<string, unknown>;
  try {
    const options = { mss: 1460, cwnd: 14600, ssthresh: NO_SSTHRESH, random: () => 0.5 };
    one = create(options) as unknown as Record<string, unknown>;
  } catch (error) {
    return { wrong: `making one failed: ${lineOf(error)}` };
  }
  if (typeof one !== "object" || one === null) {
    return { wrong: "expected a controller to be returned" };
  }
  const { name } = one;
  if (typeof name !== "string" || name === "") return { wrong: "the controller lacks its name" };
  const number = NUMBERS.find((key) => !(Number(one[key]) > 0));
  if (number !== undefined) return { wrong: `${number} of ${name} is not a number of bytes` };
  const missing = METHODS.find((key) => typeof one[key] !== "function");
  if (missing !== undefined) return { wrong: `${name} lacks ${missing}()` };
  const other = OPTIONAL.find((key) => one[key] !== undefined && typeof one[key] !== "function");
  if (other !== undefined) return { wrong: `${other} of ${name} is not a function` };
  return { name };
}
