/** A scenario that was read and found good: numbers in ms, bit/s and bytes, every name known. */
import type { LinkSpec } from "../netem/link-spec.ts";
import type { ControllerKind } from "../tcp/congestion/controller.ts";
import type { Settings } from "../tcp/config.ts";
import type { Parameters, UserFunction } from "./scenario.ts";

/** A host as it will be. */
export interface HostPlan {
  readonly name: string;
  readonly settings: Partial<Settings>;
  /** Bytes. */
  readonly mtu: number;
}

/** One direction. */
export interface LinkPlan {
  readonly from: string;
  readonly to: string;
  readonly spec: LinkSpec;
}

interface FlowBase {
  readonly name: string;
  readonly from: string;
  readonly to: string;
  /** ms. */
  readonly start: number;
  readonly spread: number;
  /** ms; Infinity: the end of the run. */
  readonly stop: number;
  readonly port: number;
  /** Empty: the host's. */
  readonly congestionControl: string;
  readonly marks: boolean;
}

/** As {@link BulkInput}, with everything decided. */
export interface BulkPlan extends FlowBase {
  readonly kind: "bulk";
  /** Infinity: without end. */
  readonly bytes: number;
  readonly verify: boolean;
}

/** As {@link RequestInput}, with everything decided; times in ms, sizes in bytes. */
export interface RequestPlan extends FlowBase {
  readonly kind: "request";
  readonly request: number;
  readonly response: number;
  readonly count: number;
  readonly think: number;
  readonly random: boolean;
  readonly noDelay: boolean;
}

/** As {@link OnOffInput}, with everything decided; times in ms, the rate in bits a second. */
export interface OnOffPlan extends FlowBase {
  readonly kind: "on-off";
  readonly on: number;
  readonly off: number;
  /** Bit/s; 0: no limit. */
  readonly rate: number;
  readonly random: boolean;
}

/** As {@link UserInput}, with everything decided. */
export interface UserPlan extends FlowBase {
  readonly kind: "user";
  readonly run: UserFunction;
}

/** A flow as it will be. */
export type FlowPlan = BulkPlan | RequestPlan | OnOffPlan | UserPlan;

/** A scenario that was read: nothing is left to default. */
export interface Plan {
  readonly name: string;
  /** The scenario's own congestion controls. */
  readonly controllers: readonly ControllerKind[];
  /** Paths of modules with further ones, as the scenario writes them; to be given to the run, loaded. */
  readonly modules: readonly string[];
  readonly parameters: Parameters;
  /** ms. */
  readonly duration: number;
  readonly sample: number;
  readonly hosts: readonly HostPlan[];
  readonly routers: readonly string[];
  readonly links: readonly LinkPlan[];
  readonly flows: readonly FlowPlan[];
}
