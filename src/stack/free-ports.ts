/** Ephemeral ports that nobody uses: what RFC 6056 chooses among, given who listens and who is connected. */
import { StackError } from "../base/errors.ts";
import type { Rng } from "../base/rng.ts";
import { formatIpv4, type Ipv4Address, UNSPECIFIED } from "../wire/address.ts";
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

  /** `wanted`, or for 0 one that is free. */
  toListen(address: Ipv4Address, wanted: number): number {
    if (wanted !== 0) return wanted;
    const isFree = (p: number): boolean => !this.listeners.conflicts(address, p);
    const port = this.ports.choose(address, UNSPECIFIED, 0, isFree);
    if (port === 0) throw new StackError("EADDRINUSE", "no ephemeral port is free");
    return port;
  }

  /** `wanted`, or for 0 one that is free; when there is none, one in TIME-WAIT whose place may be taken. */
  toConnect(local: Ipv4Address, wanted: number, remote: Ipv4Address, remotePort: number): number {
    if (remotePort < 1 || remotePort > 65535)
      throw new StackError("EINVAL", "the port is 1 to 65535");
    if (wanted !== 0) return wanted;
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

export function pairInUse(local: Ipv4Address, port: number): StackError {
  return new StackError("EADDRINUSE", `${formatIpv4(local)}:${port} has a connection to that peer`);
}
