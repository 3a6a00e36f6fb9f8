/** What a script says, as data. Times are whole microseconds, numbers of packets as the script counts. */
import type { TcpOption } from "../packet/tcp-option.ts";

/** A part of the text, by index: `[from, to)`. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** A script. */
export interface Script {
  readonly file: string;
  readonly text: string;
  readonly options: readonly ScriptOption[];
  /** Shell text before the first event and behind the last. */
  readonly init: ShellAction | null;
  readonly events: readonly Event[];
  readonly cleanup: ShellAction | null;
}

/** An option that the script sets at its beginning, `--name=value`. */
export interface ScriptOption {
  readonly line: number;
  readonly name: string;
  /** Null without `=`. */
  readonly value: string | null;
}

/** When an event happens, or is expected. */
export type EventTime =
  | { readonly kind: "absolute"; readonly at: number }
  | { readonly kind: "relative"; readonly at: number }
  | { readonly kind: "any" }
  | { readonly kind: "absolute-range"; readonly at: number; readonly to: number }
  | { readonly kind: "relative-range"; readonly at: number; readonly to: number };

/** A packet, a call or a command, with its time. */
export interface Event {
  readonly line: number;
  readonly time: EventTime;
  readonly timeSpan: Span;
  readonly action: Action;
}

/** What an event is. */
export type Action = PacketAction | CallAction | ShellAction | CodeAction;

/** What stands in backticks. */
export interface ShellAction {
  readonly kind: "shell";
  readonly line: number;
  readonly text: string;
}

/** What stands in `%{ }%`. */
export interface CodeAction {
  readonly kind: "code";
  readonly line: number;
  readonly text: string;
}

// --- packets ------------------------------------------------------------------------------------------

/** The ECN codepoint that a packet has, or may have. */
export type EcnWord = "noecn" | "ect0" | "ect1" | "ce" | "ect01";

/** What a packet says of its IPv4 header; null: nothing. */
export interface IpInfo {
  readonly ecn: EcnWord | null;
  readonly tos: number | null;
  readonly ttl: number | null;
}

/** What a packet is of. */
export type PacketBody = TcpBody | IcmpBody | UdpBody;

/** A packet of the peer (`inbound`), or one that the stack must send. */
export interface PacketAction {
  readonly kind: "packet";
  readonly inbound: boolean;
  readonly ip: IpInfo;
  /** Of who sends it, and of who gets it; null: those of the connection. */
  readonly ports: { readonly source: number; readonly destination: number } | null;
  readonly body: PacketBody;
  readonly span: Span;
}

/** A segment. */
export interface TcpBody {
  readonly protocol: "tcp";
  /** FIN to CWR as on the wire, and AE as 0x100. */
  readonly flags: number;
  readonly seq: number;
  readonly length: number;
  /** Null: omitted, which means 0. */
  readonly ack: number | null;
  readonly window: number | null;
  readonly urgent: number;
  /** "any": `<...>`. */
  readonly options: readonly TcpOption[] | "any";
}

/** A message about a packet, or an echo. */
export interface IcmpBody {
  readonly protocol: "icmp";
  readonly type: number;
  readonly code: number;
  readonly mtu: number | null;
  readonly id: number | null;
  readonly quote:
    | { readonly kind: "none" }
    | { readonly kind: "tcp"; readonly seq: number; readonly length: number }
    | { readonly kind: "udp"; readonly length: number }
    | { readonly kind: "raw"; readonly length: number };
}

/** A datagram; known to the language, refused by the runner. */
export interface UdpBody {
  readonly protocol: "udp";
  readonly length: number;
}

// --- calls --------------------------------------------------------------------------------------------

/** A system call with the result that it must have. */
export interface CallAction {
  readonly kind: "call";
  readonly line: number;
  readonly name: string;
  readonly args: readonly Expr[];
  /** When a call that blocks returns, by the same base as its time; null: it does not block. */
  readonly end: number | null;
  readonly result: number;
  /** The name of the error, null where none is given. */
  readonly errno: string | null;
  readonly span: Span;
}

/** An argument of a call. */
export type Expr =
  | { readonly kind: "any" }
  | { readonly kind: "number"; readonly value: number }
  | { readonly kind: "word"; readonly name: string }
  | { readonly kind: "string"; readonly value: string; readonly open: boolean }
  | { readonly kind: "or"; readonly left: Expr; readonly right: Expr }
  | { readonly kind: "list"; readonly items: readonly Expr[] }
  | { readonly kind: "struct"; readonly items: readonly Expr[] }
  | {
      readonly kind: "field";
      readonly name: string;
      /** What stands in brackets behind the name, as in `msg_iov(2)=`. */
      readonly argument: Expr | null;
      readonly value: Expr;
    }
  | { readonly kind: "function"; readonly name: string; readonly args: readonly Expr[] };
