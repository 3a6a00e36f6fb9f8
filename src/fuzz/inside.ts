/** What the harness looks at inside a stack: the state of one pair of sockets, and all that must be gone in the end (I6). */
import type { Stack } from "../stack/stack.ts";
import { HalfOpen } from "../stack/half-open.ts";
import { TimeWait } from "../stack/time-wait.ts";
import { TcpConnection } from "../tcp/connection.ts";
import type { TcpState } from "../tcp/state.ts";
import type { Flow } from "./flow.ts";
import { STACK_ADDRESS } from "./peer.ts";

type Entry = TcpConnection | HalfOpen | TimeWait;

interface Inside {
  readonly wheel: { readonly size: number };
  readonly table: {
    readonly size: number;
    get(local: number, localPort: number, remote: number, remotePort: number): Entry | null;
    forEach(fn: (entry: Entry) => void): void;
  };
  readonly timeWaits: { readonly size: number; readonly aside: ReadonlyMap<unknown, unknown> };
  readonly accounts: { readonly stuck: ReadonlySet<unknown>; readonly orphans: number };
  readonly listeners: {
    readonly byPort: ReadonlyMap<number, readonly { readonly halfOpen: number }[]>;
  };
  readonly marked: { readonly isEmpty: boolean };
}

function inside(stack: Stack): Inside {
  return stack as unknown as Inside;
}

/** Of the connection that a flow's packets reach; null: none. */
export function entryOf(stack: Stack, flow: Flow): Entry | null {
  return inside(stack).table.get(STACK_ADDRESS, flow.stackPort, flow.address, flow.port);
}

export function isListening(stack: Stack, port: number): boolean {
  return (inside(stack).listeners.byPort.get(port)?.length ?? 0) > 0;
}

export function stateOfEntry(entry: Entry | null): TcpState {
  if (entry === null) return "CLOSED";
  if (entry instanceof TcpConnection) return entry.dead ? "CLOSED" : entry.state;
  return entry instanceof TimeWait ? "TIME-WAIT" : "SYN-RECEIVED";
}

/** One line on a connection that waits for nothing: no timer will ever end its state. Null where all is well. */
export function waitsForNothing(stack: Stack): string | null {
  let found: string | null = null;
  inside(stack).table.forEach((entry) => {
    if (entry instanceof TcpConnection) found ??= isForgotten(entry);
    else if (entry.wheelSlot < 0) found ??= `${stateOfEntry(entry)} without a timer`;
  });
  return found;
}

function isForgotten(c: TcpConnection): string | null {
  if (c.dead || c.nextTimeout() !== Infinity) return null;
  const { snd, state, orphan, receiveQueue } = c;
  // both wait for a user who is there
  if (state === "FIN-WAIT-2" && !orphan) return null;
  if (state === "TIME-WAIT" && receiveQueue.length > 0 && !orphan) return null;
  const isOpen = state === "ESTABLISHED" || state === "CLOSE-WAIT";
  const nothingToSend = snd.una === snd.nxt && c.sendBuffer.length === 0;
  if (isOpen && nothingToSend && !snd.finQueued) return null;
  return `${state} without a timer${nothingToSend ? "" : " and something to send"}`;
}

/** What is there that should not be, now that everything has ended: empty where all is well. */
export function leftOver(stack: Stack): string {
  const s = inside(stack);
  const halfOpen = [...s.listeners.byPort.values()].flat().reduce((n, l) => n + l.halfOpen, 0);
  const counts: readonly (readonly [string, number])[] = [
    ["connections", s.table.size],
    ["timers", s.wheel.size],
    ["bytes", stack.memoryUsed],
    ["TIME-WAITs", s.timeWaits.size + s.timeWaits.aside.size],
    ["stuck connections", s.accounts.stuck.size],
    ["orphans", s.accounts.orphans],
    ["marked connections", s.marked.isEmpty ? 0 : 1],
    ["half-open entries", halfOpen],
    ["deadlines", stack.nextTimeout() === Infinity ? 0 : 1],
  ];
  const left = counts.filter(([, n]) => n !== 0);
  return left.map(([what, n]) => `${n} ${what}`).join(", ");
}
