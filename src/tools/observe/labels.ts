/** What is written along a segment in a picture. */
import { ACK, RST } from "../../wire/tcp-segment.ts";
import { flagNames } from "./ladder.ts";
import type { Rung } from "./tracker.ts";

type Labelled = Pick<Rung, "flags" | "seq" | "length" | "ack" | "window" | "options" | "remark">;

/** The longest first, for who has room. */
export function segmentLabels(s: Labelled): string[] {
  const acked = (s.flags & ACK) === 0 ? "" : ` ack ${s.ack}`;
  const short = `${flagNames(s.flags)} seq ${s.seq}${acked}${s.length > 0 ? ` len ${s.length}` : ""}`;
  const offered = (s.flags & RST) === 0 ? ` win ${s.window}` : "";
  const known = s.options === "" ? "" : ` <${s.options}>`;
  const said = s.remark === "" ? "" : ` (${s.remark})`;
  return [short + offered + known + said, short + offered + said, short + said];
}
