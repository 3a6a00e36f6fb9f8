/** Connections relayed between the stack and real sockets: {@link startForward}. */
import type { NetModule } from "../../sockets/net.ts";
import { Inward } from "./inward.ts";
import { type Forwarder, type ForwardOptions, Outward } from "./outward.ts";
import { Relays } from "./relays.ts";
import type { ForwardEvent } from "./report.ts";
import type { ForwardSpec } from "./spec.ts";

export type { Forwarder, ForwardOptions } from "./outward.ts";
export { type ForwardEvent, lineOfEvent } from "./report.ts";
export { type ForwardSpec, parseSpec, placeOf } from "./spec.ts";

export interface ForwardRequest extends ForwardOptions {
  readonly specs: readonly ForwardSpec[];
  /** Whatever address and port they ask for. */
  readonly any: boolean;
  /** From real sockets through the stack. */
  readonly reverse: boolean;
}

/** Resolves when all of them listen; throws what the first says that cannot. */
export async function startForward(
  net: NetModule,
  own: readonly string[],
  request: ForwardRequest,
  report: (event: ForwardEvent) => void,
): Promise<Forwarder> {
  const relays = new Relays(report);
  if (request.reverse) {
    const inward = new Inward(net, request, relays);
    for (const spec of request.specs) await inward.listen(spec);
    return inward;
  }
  const outward = new Outward(net, own, request, relays);
  for (const spec of request.specs) await outward.listen(spec);
  if (request.any) await outward.listenToAny();
  return outward;
}
