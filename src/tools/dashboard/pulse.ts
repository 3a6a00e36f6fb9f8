/** Work again and again while somebody wants it, never more than a tenth of the time. */

/** Of the time that work took, until it begins again. */
const REST = 9;

export class Pulse {
  readonly #every: number;
  readonly #work: () => void;
  #timer: NodeJS.Timeout | null = null;

  /** `every`: ms. */
  constructor(every: number, work: () => void) {
    this.#every = every;
    this.#work = work;
  }

  start(): void {
    if (this.#timer === null) this.#wait(this.#every);
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #wait(ms: number): void {
    this.#timer = setTimeout(() => {
      const began = performance.now();
      this.#work();
      const took = performance.now() - began;
      // stopped by its own work
      if (this.#timer !== null) this.#wait(Math.max(this.#every - took, REST * took));
    }, ms).unref();
  }
}
