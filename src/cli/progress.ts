/** A bar of progress on a terminal's standard error; nothing anywhere else. */

const WIDTH = 30;
/** ms between two drawings. */
const STEP = 100;

export class Progress {
  private readonly total: number;
  private readonly began: number = performance.now();
  private readonly shown: boolean = process.stderr.isTTY;
  private last = -Infinity;

  constructor(total: number) {
    this.total = total;
  }

  at(done: number): void {
    const now = performance.now();
    if (!this.shown || (now - this.last < STEP && done < this.total)) return;
    this.last = now;
    process.stderr.write(`\r${bar(done, this.total, now - this.began)}`);
  }

  /** Takes the bar away. */
  end(): void {
    if (this.shown) process.stderr.write("\r\x1b[K");
  }
}

/** `[####......] 4/10  12 s left`. */
export function bar(done: number, total: number, ms: number): string {
  const full = Math.round((done / total) * WIDTH);
  const left = done === 0 ? "" : `  ${duration((ms / done) * (total - done))} left`;
  return `[${"#".repeat(full)}${".".repeat(WIDTH - full)}] ${done}/${total}${left}\x1b[K`;
}

function duration(ms: number): string {
  const s = Math.ceil(ms / 1000);
  return s < 100 ? `${s} s` : `${Math.ceil(s / 60)} min`;
}
