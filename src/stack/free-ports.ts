/** Ephemeral ports that nobody uses: what RFC 6056 chooses among, given who listens and who is connected. */
import { StackError } from "../base/errors.ts";
import type { Rng } from "../base/rng.ts";
import { type Ipv4Address, UNSPECIFIED } from "../wire/address.ts";
import type { ConnectionTable } from "./connection-table.ts";
import type { Listeners } from "./listeners.ts";
import { EphemeralPorts } from "./ports.ts";

export class FreePorts<T extends object> {
  private readonly ports: EphemeralPorts;
  private readonly table: ConnectionTable<T>;
  private readonly listeners: Listeners;
  private readonly mayTakeOver: (connection: T) => boolean;

  constructor(
    rng: Rng,
    range: readonly [number, number],
    table: ConnectionTable<T>,
    listeners: Listeners,
    mayTakeOver: (connection: T) => boolean,
  ) {
    this.ports = new EphemeralPorts(rng, range);
    this.table = table;
    this.listeners = listeners;
    this.mayTakeOver = mayTakeOver;
  }

  toListen(address: Ipv4Address): number {
    const isFree = (p: number): boolean => !this.listeners.conflicts(address, p);
    const port = this.ports.choose(address, UNSPECIFIED, 0, isFree);
    if (port === 0) throw new StackError("EADDRINUSE", "no ephemeral port is free");
    return port;
  }

  /** One that is free; when there is none, one in TIME-WAIT whose place may be taken. */
  toConnect(local: Ipv4Address, remote: Ipv4Address, remotePort: number): number {
    const isFree = (p: number): boolean =>
      this.table.get(local, p, remote, remotePort) === null && !this.listeners.conflicts(local, p);
    const isReusable = (p: number): boolean => {
      const old = this.table.get(local, p, remote, remotePort);
      return old !== null && this.mayTakeOver(old) && !this.listeners.conflicts(local, p);
    };
    const free = this.ports.choose(local, remote, remotePort, isFree);
    const port = free === 0 ? this.ports.choose(local, remote, remotePort, isReusable) : free;
    if (port === 0)
      throw new StackError("EADDRNOTAVAIL", "every ephemeral port to that peer is in use");
    return port;
  }
}
