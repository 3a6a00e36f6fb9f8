/**
 * What connections are counted for beside their own affairs: the memory that each holds, and orphans (Linux's
 * tcp_max_orphans), which no user holds any more and which have something left to send. A peer that does not take it could
 * have them wait for a quarter of an hour each; so those beyond the limit are reset, and those that hold memory while there
 * is none. Of those that a user holds only one kind is ever ended: when the cap of all memory is reached, those whose peer
 * has kept its window shut, the longest first (RFC 6429 §5 allows it; CVE-2008-4609 is what happens otherwise).
 */

import type { TcpConnection } from "../tcp/connection.ts";
import { endMemory, settleMemory } from "../tcp/memory.ts";
import type { TcpEnvironment } from "../tcp/tcb.ts";
import { TIMER_PERSIST } from "../tcp/timers.ts";

/** Window probes that were answered with a shut window before a connection may be ended for its memory. */
const PROBES = 3;

export class Accounts {
  private readonly env: TcpEnvironment;
  /** Whose peer's window is shut while there is something to send, in the order in which that began. */
  private readonly stuck = new Set<TcpConnection>();
  private orphans = 0;

  constructor(env: TcpEnvironment) {
    this.env = env;
  }

  /** Looks at a connection to which something happened. */
  settle(c: TcpConnection): void {
    if (c.orphan) this.settleOrphan(c);
    settleMemory(c);
    const isStuck = c.timers.isArmed(TIMER_PERSIST);
    if (isStuck !== c.countedStuck) {
      c.countedStuck = isStuck;
      if (isStuck) this.stuck.add(c);
      else this.stuck.delete(c);
    }
    if (this.env.memory.full && this.stuck.size > 0) this.endStuck();
  }

  private endStuck(): void {
    for (const c of this.stuck) {
      if (!this.env.memory.full) return;
      if (c.persistBackoff < PROBES) continue;
      this.env.count("TcpExtTCPAbortOnMemory");
      this.stuck.delete(c);
      c.countedStuck = false;
      c.abandon();
      settleMemory(c);
    }
  }

  /** The stack knows it no longer. */
  leave(c: TcpConnection): void {
    this.settle(c);
    endMemory(c);
  }

  private settleOrphan(c: TcpConnection): void {
    const { memory, settings } = this.env;
    const counts = !c.dead && isSending(c);
    if (counts !== c.countedOrphan) {
      c.countedOrphan = counts;
      this.orphans += counts ? 1 : -1;
    }
    if (!counts) return;
    const tooMany = this.orphans > settings.tcp_max_orphans;
    if (!tooMany && !(memory.full && c.sendQueued > settings.tcp_wmem[0])) return;
    this.env.count("TcpExtTCPAbortOnMemory");
    c.abandon();
    c.countedOrphan = false;
    this.orphans--;
  }
}

/** FIN-WAIT-2 and TIME-WAIT hold nothing, and have limits of their own. */
function isSending(c: TcpConnection): boolean {
  return c.state !== "FIN-WAIT-2" && c.state !== "TIME-WAIT" && c.state !== "CLOSED";
}
