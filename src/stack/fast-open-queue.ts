/**
 * How many connections of one listener were opened with data and have not shown yet that they are who they say (RFC 7413
 * §5.1). One that a reset ended counts on for a while: who forges SYNs has the forged hosts reset them.
 */
import { after, type Instant } from "../base/time.ts";
import type { PendingFastOpens } from "../tcp/fast-open.ts";

/** ms: as in Linux. */
const RESET_COUNTS = 60_000;

export class FastOpenQueue implements PendingFastOpens {
  /** At most; 0: the program did not ask for Fast Open. */
  limit: number;
  private open = 0;
  /** When each reset one stops to count, ascending. */
  private readonly resets: Instant[] = [];

  constructor(limit: number) {
    this.limit = limit;
  }

  get pending(): number {
    return this.open + this.resets.length;
  }

  hasRoom(now: Instant): boolean {
    if (this.pending < this.limit) return true;
    while (this.resets.length > 0 && this.resets[0]! <= now) this.resets.shift();
    return this.pending < this.limit;
  }

  enter(): void {
    this.open++;
  }

  leave(byReset: boolean, now: Instant): void {
    this.open--;
    if (byReset) this.resets.push(after(now, RESET_COUNTS));
  }
}
