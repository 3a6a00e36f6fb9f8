/** Numbers and states for people. */
import { formatValue } from "../../pictures/page/index.ts";

/** In the order of a connection's life; what is quiet comes last. */
const STATES = [
  "SYN-SENT",
  "SYN-RECEIVED",
  "ESTABLISHED",
  "FIN-WAIT-1",
  "FIN-WAIT-2",
  "CLOSE-WAIT",
  "CLOSING",
  "LAST-ACK",
  "TIME-WAIT",
  "CLOSED",
];

export function stateRank(state: string): number {
  const at = STATES.indexOf(state);
  return at < 0 ? STATES.length : at;
}

/** Which colour a state has. */
export function stateKind(state: string): string {
  if (state === "ESTABLISHED") return "open";
  if (state === "SYN-SENT" || state === "SYN-RECEIVED" || state === "LISTEN") return "opening";
  if (state === "TIME-WAIT" || state === "CLOSED" || state === "?") return "over";
  return "closing";
}

export const bytes = (n: number): string => formatValue(n, "B");
export const rate = (n: number): string => (n === 0 ? "–" : formatValue(n, "bit/s"));
export const ms = (n: number): string => (n > 0 ? formatValue(n, "ms") : "–");
export const count = (n: number): string => n.toLocaleString("en-US");

/** `2^31-1` stands for a threshold that no loss has set yet. */
export const threshold = (n: number): string => (n >= 0x7fffffff ? "none yet" : bytes(n));

/** `3 h 12 min`, `48 s`. */
export function span(milliseconds: number): string {
  const s = Math.floor(milliseconds / 1000);
  if (s < 60) return `${s} s`;
  const m = Math.floor(s / 60);
  if (m < 60) return `${m} min ${s % 60} s`;
  return `${Math.floor(m / 60)} h ${m % 60} min`;
}
