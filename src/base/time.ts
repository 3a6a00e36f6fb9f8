/** Time as the core sees it: handed in as an argument, never read. Milliseconds as floats, monotonic. */

declare const instant: unique symbol;
declare const duration: unique symbol;

/** A point on a monotonic clock, in ms since an arbitrary origin. */
export type Instant = number & { readonly [instant]: true };
/** A span, in ms. */
export type Duration = number & { readonly [duration]: true };

export interface Clock {
  now(): Instant;
}

export const NEVER: Instant = Infinity as Instant;

export function instantOf(ms: number): Instant {
  return ms as Instant;
}

export function milliseconds(ms: number): Duration {
  return ms as Duration;
}

export function seconds(s: number): Duration {
  return (s * 1000) as Duration;
}

export function after(start: Instant, span: number): Instant {
  return (start + span) as Instant;
}

export function elapsed(from: Instant, to: Instant): Duration {
  return (to - from) as Duration;
}
