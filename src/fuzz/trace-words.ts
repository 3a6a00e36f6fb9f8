/** Calls and events of a trace in words: `0 send 100`, `0 readable, end`. The first is the flow. */
import { CALL_CONNECT, CALL_SEND, CALL_SEND_URGENT, type Step } from "./step.ts";
import { CALLS } from "./words.ts";

const EVENTS = [
  "established",
  "readable",
  "writable",
  "end",
  "closed",
  "urgent",
  "soft error",
  "FIN acknowledged",
];

export function eventWords(flow: number, events: number): string {
  return `${flow} ${EVENTS.filter((_, bit) => ((events >> bit) & 1) === 1).join(", ")}`;
}

export function callWords(step: Step): string {
  const kind = step.flags & 15;
  const hasLength = kind === CALL_SEND || kind === CALL_SEND_URGENT;
  const about = hasLength ? step.length : kind === CALL_CONNECT ? step.word & 3 : step.word;
  return `${step.flow} ${CALLS[kind]!} ${about}`;
}
