/** The ports that are listened on, and which listener a SYN belongs to. */
import { formatIpv4, type Ipv4Address, UNSPECIFIED } from "../wire/address.ts";
import { StackError } from "../base/errors.ts";
import type { ListenerImpl } from "./listener.ts";

/** A listening port as it is shown to people. */
export interface ListenerRow {
  readonly address: string;
  /** 0: any. */
  readonly port: number;
  /** Connections that wait to be accepted, and how many may. */
  readonly waiting: number;
  readonly backlog: number;
}

/** A listener's port that stands for every one. */
export const ANY_PORT = -1;

export class Listeners {
  private readonly byPort = new Map<number, ListenerImpl[]>();

  /** Throws EADDRINUSE where the address and port are taken (RFC 9293 §3.9.1.1, MUST-41). */
  add(listener: ListenerImpl): void {
    const { address, port } = listener;
    if (this.conflicts(address, port)) {
      const where = port === ANY_PORT ? "any port" : String(port);
      throw new StackError("EADDRINUSE", `${formatIpv4(address)}:${where} has a listener already`);
    }
    const same = this.byPort.get(port);
    if (same === undefined) this.byPort.set(port, [listener]);
    else same.push(listener);
  }

  remove(listener: ListenerImpl): void {
    const rest = (this.byPort.get(listener.port) ?? []).filter((l) => l !== listener);
    if (rest.length === 0) this.byPort.delete(listener.port);
    else this.byPort.set(listener.port, rest);
  }

  rows(): ListenerRow[] {
    return [...this.byPort.values()].flat().map((l) => ({
      address: formatIpv4(l.address),
      port: l.port === ANY_PORT ? 0 : l.port,
      waiting: l.waiting,
      backlog: l.backlog,
    }));
  }

  /** 0.0.0.0 stands for every address. */
  conflicts(address: Ipv4Address, port: number): boolean {
    const same = this.byPort.get(port);
    if (same === undefined) return false;
    return same.some(
      (l) => l.address === address || l.address === UNSPECIFIED || address === UNSPECIFIED,
    );
  }

  /** The one for just this address before the one for any, and both before the one for any port. */
  find(address: Ipv4Address, port: number): ListenerImpl | null {
    const found = among(this.byPort.get(port), address);
    return found ?? among(this.byPort.get(ANY_PORT), address);
  }
}

function among(
  same: readonly ListenerImpl[] | undefined,
  address: Ipv4Address,
): ListenerImpl | null {
  if (same === undefined) return null;
  let any: ListenerImpl | null = null;
  for (const l of same) {
    if (l.address === address) return l;
    if (l.address === UNSPECIFIED) any = l;
  }
  return any;
}
