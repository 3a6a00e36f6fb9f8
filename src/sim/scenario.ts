/**
 * What a scenario file says. Times are numbers of ms or texts such as "20ms", "3s"; rates bits a second or "10mbit";
 * shares 0 to 1 or "1%"; sizes bytes or "64kb". A text "$name" anywhere stands for the parameter of that name.
 */
import type { ControllerKind } from "../tcp/congestion/controller.ts";
import type { NetModule } from "../sockets/net.ts";

/** What a parameter of a scenario may be. */
export type ParameterValue = number | string | boolean;
/** Parameters by their names. */
export type Parameters = Readonly<Record<string, ParameterValue>>;

/** Words of one direction of a link: the same as of `--impair`, and what each expects. */
export interface LinkWords {
  readonly rate?: number | string;
  readonly delay?: number | string;
  readonly jitter?: number | string;
  /** "free": jitter may reorder. */
  readonly order?: "keep" | "free" | (string & {});
  readonly loss?: number | string;
  /** Gilbert-Elliott: chances of going bad and of going good again, loss in the bad state (1) and in the good one (0). */
  readonly burst?: string | readonly (number | string)[];
  /** Numbers of packets that are lost, from 1: 3, or [3, "17-20"]. */
  readonly drop?: number | string | readonly (number | string | readonly number[])[];
  readonly reorder?: number | string;
  readonly duplicate?: number | string;
  readonly corrupt?: number | string;
  /** Packets under way at most. */
  readonly limit?: number | string;
  /** Packets that wait for the rate at most, or "64kb". Default: 100 packets. */
  readonly queue?: number | string;
  readonly aqm?: "codel" | "none" | (string & {});
  readonly target?: number | string;
  readonly interval?: number | string;
  /** CoDel marks ECN-capable packets, and drops others. */
  readonly ecn?: boolean | string;
  /** Packets or size in the queue above which an arriving packet is marked. */
  readonly mark?: number | string;
  /** "2s-3s", or [[2000, 3000], ...]. */
  readonly cut?: string | readonly (string | readonly (number | string)[])[];
  /** Bytes of the largest packet: 1400, or "1500/3s:1280", or [1500, [3000, 1280]]: from 3 s on it is 1280. */
  readonly mtu?: number | string | readonly (number | string | readonly (number | string)[])[];
  /** What is larger vanishes, and nobody is told. */
  readonly blackhole?: boolean | string;
}

/** A link between two hosts or routers; its words hold for both directions. */
export interface LinkInput extends LinkWords {
  readonly from: string;
  readonly to: string;
  /** What is different on the way from `from` to `to`, and on the way back. */
  readonly there?: LinkWords;
  readonly back?: LinkWords;
}

/** What is special about a host. */
export interface HostInput {
  /** Under Linux's names, for this host. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Short for the setting `tcp_congestion_control`: a name, or a module's path, from the scenario's folder on. */
  readonly congestionControl?: string;
  /** Bytes; 1500. */
  readonly mtu?: number;
}

/** What flows of every kind have. */
interface FlowCommon {
  readonly name?: string;
  /** Who opens the connection. */
  readonly from: string;
  readonly to: string;
  readonly start?: number | string;
  /** The start is moved back by chance, by up to so much: replicates then differ in a network without chance. */
  readonly spread?: number | string;
  readonly stop?: number | string;
  readonly port?: number;
  /** Of what `from` sends, and `to` in requests. */
  readonly congestionControl?: string;
}

/** A flow that sends as TCP allows. */
export interface BulkInput extends FlowCommon {
  readonly kind?: "bulk";
  /** Without it, until `stop` or the end. */
  readonly bytes?: number | string;
  /** The receiver compares each byte with what was sent. */
  readonly verify?: boolean;
}

/** A flow of requests, each answered before the next. */
export interface RequestInput extends FlowCommon {
  readonly kind: "request";
  /** Bytes of a request and of its answer. */
  readonly request?: number | string;
  readonly response?: number | string;
  /** Requests, one after the other; without it until `stop` or the end. */
  readonly count?: number;
  /** From an answer to the next request. */
  readonly think?: number | string;
  /** Times of thinking are exponentially distributed around `think`. */
  readonly random?: boolean;
  /** True, as such programs set it; false shows what Nagle's algorithm and delayed ACKs do to each other. */
  readonly noDelay?: boolean;
}

/** A flow that sends, is silent, and so on. */
export interface OnOffInput extends FlowCommon {
  readonly kind: "on-off";
  readonly on: number | string;
  readonly off: number | string;
  /** While on; without it as fast as TCP allows. */
  readonly rate?: number | string;
  /** Both times are exponentially distributed. */
  readonly random?: boolean;
}

/** A flow that is a function of the user's. */
export interface UserInput extends FlowCommon {
  readonly kind: "user";
  readonly run: UserFunction;
}

/** A flow, by its `kind`; without one it is bulk. */
export type FlowInput = BulkInput | RequestInput | OnOffInput | UserInput;

/** What a user function works with: sockets on both hosts, and virtual time. */
export interface UserWorld {
  /** Like `node:net`, on the hosts `from` and `to`. */
  readonly client: NetModule;
  readonly server: NetModule;
  /** Where `server` is. */
  readonly address: string;
  readonly port: number;
  /** ms of virtual time since the run began. */
  readonly now: () => number;
  /** Resolves after so many ms of virtual time. */
  readonly sleep: (ms: number) => Promise<void>;
  /** Evenly in [0, 1), of the run's seed. */
  readonly random: () => number;
}

/** Runs on real streams, in virtual time: it must wait for nothing else. */
export type UserFunction = (world: UserWorld) => Promise<void> | void;

/** Hosts on two sides of a bottleneck. */
export interface DumbbellInput {
  /** Names, or how many: left1, left2, …; right1, … */
  readonly left: number | readonly string[];
  readonly right: number | readonly string[];
  /** Between the two routers, which are named `router1` and `router2`. */
  readonly bottleneck: LinkWords & { readonly there?: LinkWords; readonly back?: LinkWords };
  /** From each host to its router. */
  readonly access?: LinkWords;
}

/** What a scenario file exports. */
export interface ScenarioInput {
  readonly name?: string;
  readonly description?: string;
  /** Of virtual time; "10s". */
  readonly duration?: number | string;
  /** Interval of the series; "10ms". */
  readonly sample?: number | string;
  /** Flows whose every segment is kept for a time-sequence graph: true for all, or names. */
  readonly marks?: boolean | readonly string[];
  /** Names with their values where nothing else is said: `--param`, `--sweep`. */
  readonly parameters?: Parameters;
  /** Congestion controls of one's own, by the names under which hosts and flows use them. */
  readonly congestionControls?: Readonly<Record<string, ControllerKind["create"]>>;
  /** Of all hosts. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Names in `links` that are no routers are hosts; here stands what is special about one. */
  readonly hosts?: Readonly<Record<string, HostInput>>;
  readonly routers?: readonly string[];
  readonly links?: readonly LinkInput[];
  readonly dumbbell?: DumbbellInput;
  readonly flows?: readonly FlowInput[];
  /** What depends on parameters by more than a value: its fields take the place of those above. */
  readonly build?: (parameters: Parameters) => Partial<Omit<ScenarioInput, "build" | "parameters">>;
}

/** Says to an editor what may stand in a scenario; it is returned as it is. */
export function scenario(input: ScenarioInput): ScenarioInput {
  return input;
}
