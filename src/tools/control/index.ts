/** What other tools may ask a running stack, and how. */
export { parsePlace, type Place } from "./metrics.ts";
export {
  type ConnectionRow,
  type Controlled,
  handlersOf,
  type ListenerRow,
  named,
  rowOf,
  type StackSummary,
  summary,
} from "./requests.ts";
