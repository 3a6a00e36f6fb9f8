/** The trace of one run, and its hash: the same on every machine for the same run. */
import type { TraceEvent } from "./outcome.ts";

/** Two lanes of 32 bits, stirred with each byte; for telling runs apart, not against an enemy. */
export class TraceHash {
  private a = 0x9e3779b9 | 0;
  private b = 0x85ebca6b | 0;

  byte(value: number): void {
    this.a = Math.imul(this.a ^ value, 0x01000193);
    this.b = (Math.imul(this.b, 33) + (value ^ (this.a >>> 15))) | 0;
  }

  text(value: string): void {
    for (let i = 0; i < value.length; i++) this.byte(value.charCodeAt(i) & 255);
    this.byte(255);
  }

  get digits(): string {
    const half = (x: number): string => (x >>> 0).toString(16).padStart(8, "0");
    return half(this.a) + half(Math.imul(this.b ^ (this.b >>> 16), 0x45d9f3b));
  }
}

export class Trace {
  readonly events: TraceEvent[] = [];
  private readonly hash = new TraceHash();

  add(at: number, step: number, what: TraceEvent["what"], text: string, bytes?: Uint8Array): void {
    this.events.push({ at, step, what, text, ...(bytes === undefined ? {} : { bytes }) });
    this.hash.text(`${at} ${step} ${what} ${text}`);
    if (bytes !== undefined) for (const byte of bytes) this.hash.byte(byte);
  }

  get digits(): string {
    return this.hash.digits;
  }
}
