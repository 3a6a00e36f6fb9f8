/** Which congestion controllers a stack knows, and the making of one for a connection. */
import { StackError } from "../base/errors.ts";
import { type Rng, uniform } from "../base/rng.ts";
import { type CongestionController, type ControllerKind } from "../tcp/congestion/controller.ts";
import { KINDS } from "../tcp/congestion/kinds.ts";

export class CongestionControls {
  private readonly kinds = new Map<string, ControllerKind>();
  private readonly rng: Rng;
  private readonly random = (): number => uniform(this.rng);

  /** One of `own` that has the name of a known one takes its place. */
  constructor(own: readonly ControllerKind[], rng: Rng) {
    for (const kind of [...KINDS, ...own]) this.kinds.set(kind.name, kind);
    this.rng = rng;
  }

  /** EINVAL for a name that nobody has. */
  check(name: string): void {
    if (this.kinds.has(name)) return;
    const known = [...this.kinds.keys()].join(", ");
    throw new StackError("EINVAL", `no congestion control ${name}; there are: ${known}`);
  }

  /** Begins with these, bytes. */
  create(name: string, mss: number, cwnd: number, ssthresh: number): CongestionController {
    return this.kinds.get(name)!.create({ mss, cwnd, ssthresh, random: this.random });
  }
}
