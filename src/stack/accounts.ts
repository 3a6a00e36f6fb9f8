/**
 * What connections are counted for beside their own affairs: the memory that each holds, and orphans (Linux's
 * tcp_max_orphans), which no user holds any more and which have something left to send. A peer that does not take it could
 * have them wait for a quarter of an hour each; so those beyond the limit are reset, and those that hold memory while there
 * is none. Nothing that a user holds ever is.
 */
import type { TcpConnection } from "../tcp/connection.ts";
import { settleMemory } from "../tcp/memory.ts";
import type { TcpEnvironment } from "../tcp/tcb.ts";

export class Accounts {
  private readonly env: TcpEnvironment;
  private orphans = 0;

  constructor(env: TcpEnvironment) {
    this.env = env;
  }

  /** Looks at a connection to which something happened. */
  settle(c: TcpConnection): void {
    if (c.orphan) this.settleOrphan(c);
    settleMemory(c);
  }

  /** The stack knows it no longer. */
  leave(c: TcpConnection): void {
    this.settle(c);
    this.env.memory.charge(-c.charged);
    c.charged = 0;
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
