/** Which congestion controllers a stack knows, and the making of one for a connection. */
import { StackError } from "../base/errors.ts";
import { type Rng, uniform } from "../base/rng.ts";
import {
  type CongestionController,
  type ControllerKind,
  initialWindow,
  NO_SSTHRESH,
} from "../tcp/congestion/controller.ts";
import { KINDS } from "../tcp/congestion/kinds.ts";

export class CongestionControls {
  private readonly kinds = new Map<string, ControllerKind>();
  private readonly rng: Rng;
  private readonly segments: number;

  /** `segments`: tcp_initial_cwnd. One of `own` that has the name of a known one takes its place. */
  constructor(own: readonly ControllerKind[], segments: number, rng: Rng) {
    for (const kind of [...KINDS, ...own]) this.kinds.set(kind.name, kind);
    this.segments = segments;
    this.rng = rng;
  }

  /** EINVAL for a name that nobody has. */
  check(name: string): void {
    if (this.kinds.has(name)) return;
    const known = [...this.kinds.keys()].join(", ");
    throw new StackError("EINVAL", `no congestion control ${name}; there are: ${known}`);
  }

  /** For segments of `mss` bytes; with `former` the one whose place it takes under way. */
  create(name: string, mss: number, former: CongestionController | null): CongestionController {
    const first = initialWindow(mss, this.segments);
    return this.kinds.get(name)!.create({
      mss,
      initialWindow: first,
      cwnd: former?.cwnd ?? first,
      ssthresh: former?.ssthresh ?? NO_SSTHRESH,
      random: () => uniform(this.rng),
    });
  }
}
