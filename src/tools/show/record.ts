/** What a scene leaves: segments with both their moments, states over time, and what is said of them. */
import type { TcpState } from "../../tcp/state.ts";
import type { Name } from "./player.ts";

export interface SceneSegment {
  /** ms. */
  readonly sent: number;
  /** Null: it never did. */
  arrived: number | null;
  readonly from: Name;
  readonly flags: number;
  /** Relative to the first number of its direction, as `ack` to the other's. */
  readonly seq: number;
  readonly length: number;
  readonly ack: number;
  /** Bytes, scaled. */
  readonly window: number;
  readonly options: string;
  /** `192.0.2.1:40000` */
  readonly source: string;
  readonly target: string;
  readonly fromState: TcpState;
  toState: TcpState | null;
  remark: string;
  /** Why, in a line each. */
  readonly notes: string[];
}

export interface StateSpan {
  /** ms from which on. */
  readonly at: number;
  readonly state: TcpState;
  readonly why: string;
}

export interface Played {
  readonly topic: string;
  readonly title: string;
  /** What the scene shows, in two or three sentences. */
  readonly about: string;
  /** Names of the ends, A's on the left. */
  readonly left: string;
  readonly right: string;
  readonly segments: readonly SceneSegment[];
  readonly states: Readonly<Record<Name, readonly StateSpan[]>>;
  /** What is said at the end. */
  readonly outcome: readonly string[];
}
