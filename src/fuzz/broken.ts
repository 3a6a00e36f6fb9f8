/** How the parts of the harness say that something is broken; runs catch it and make a {@link Violation} of it. */
import type { Rule } from "./outcome.ts";

export class Broken extends Error {
  readonly rule: Rule;

  constructor(rule: Rule, message: string) {
    super(message);
    this.name = "Broken";
    this.rule = rule;
  }
}

export function broken(rule: Rule, message: string): never {
  throw new Broken(rule, message);
}
