/** The congestion controllers that come with the stack, by the name that `tcp_congestion_control` and a socket use. */
import { Bbr } from "./bbr.ts";
import type { ControllerKind } from "./controller.ts";
import { Cubic } from "./cubic.ts";
import { Reno } from "./reno.ts";

export const KINDS: readonly ControllerKind[] = [
  { name: "cubic", create: (options) => new Cubic(options) },
  { name: "bbr", create: (options) => new Bbr(options) },
  { name: "reno", create: (options) => new Reno(options) },
];

export const KIND_NAMES: readonly string[] = KINDS.map((kind) => kind.name);
