/** Runs a parsed script: events in their order, in virtual time, until the end or the first thing that is not as it says. */
import { SYN } from "../wire/tcp-segment.ts";
import type { TcpInfo } from "../tcp/info.ts";
import type { Settings } from "../tcp/config.ts";
import type { CallAction, Event, PacketAction, Script, ShellAction } from "./ast.ts";
import { buildPacket } from "./build-packet.ts";
import type { Attempt, CallContext, CallEnd } from "./call-context.ts";
import { GIVE_DESCRIPTORS, startCall } from "./calls.ts";
import { runCode, type CodeValue } from "./code.ts";
import { ERRNO } from "./constants.ts";
import { Connections } from "./connections.ts";
import { Descriptors } from "./descriptors.ts";
import { DrillError, type FieldDifference } from "./failure.ts";
import { History } from "./history.ts";
import type { RunSettings } from "./options.ts";
import { Outbound } from "./outbound.ts";
import { actionText } from "./print-packet.ts";
import { interpretShell } from "./shell.ts";
import { infoValue } from "./tcp-info.ts";
import { checkTime, secondsText, windowOf } from "./timing.ts";
import { type PacketListener, World } from "./world.ts";

export interface RunnerOptions {
  readonly ignorePsh: boolean;
  readonly ignoreEcr: boolean;
  /** Packets that nobody expected, at the end, are a failure. */
  readonly strictEnd: boolean;
  readonly seed: number;
  readonly onPacket: PacketListener | null;
  readonly print: (text: string) => void;
  /** Hears of what is tolerated: mismatches that the script calls not fatal. */
  readonly warn: (error: DrillError) => void;
  /** Takes over a mismatch of a packet that is to be written into the script instead. */
  readonly bless: ((event: Event, seen: string, at: number | null) => void) | null;
}

/** Section 9 of the language's description: what scripts for Linux take for granted. */
export const DRILL_SETTINGS: Partial<Settings> = {
  tcp_rmem: [4096, 540000, 15728640],
  tcp_wmem: [4096, 262144, 4194304],
  tcp_ecn: 0,
  tcp_slow_start_after_idle: 0,
  tcp_syn_retries: 5,
  tcp_keepalive_probes: 9,
  tcp_mtu_probing: 0,
  tcp_rfc1337: 0,
  // without a pacing qdisc a window leaves as it opens
  tcp_pacing_ca_ratio: 0,
};

/** Microseconds that a call waits for one that blocks, and that an end does. */
const PATIENCE = 1e6;

interface Pending {
  readonly attempt: Attempt;
  readonly action: CallAction;
  readonly began: number;
  readonly due: number;
}

export class Runner {
  readonly history: History;
  events = 0;
  private readonly script: Script;
  private readonly run: RunSettings;
  private readonly options: RunnerOptions;
  private readonly world: World;
  private readonly connections: Connections;
  private readonly context: CallContext;
  private readonly outbound: Outbound;
  private readonly variables = new Map<string, CodeValue>();
  private pending: Pending | null = null;
  /** Of the event before: when it was to be, and whether it was a packet of the peer's. */
  private nominal = 0;
  private wasInbound = false;

  /** Throws a DrillError where the init command is not understood. */
  constructor(script: Script, run: RunSettings, options: RunnerOptions) {
    this.script = script;
    this.run = run;
    this.options = options;
    const init =
      script.init === null ? {} : interpretShell(script.init.text, script.init.line).settings;
    const settings = { ...DRILL_SETTINGS, ...init };
    this.history = new History();
    this.world = new World(run, settings, options.seed, (at, direction, bytes, remark) => {
      this.history.packet(at, direction, bytes, this.connections.flow);
      options.onPacket?.(at, direction, bytes, remark);
    });
    const descriptors = new Descriptors();
    this.connections = new Connections(run, this.world.stack);
    this.context = {
      world: this.world,
      run,
      descriptors,
      onSocket: (s) => this.connections.made(s),
      onConnect: (s) => this.connections.connecting(s),
      onAccept: (s) => this.connections.accepted(s),
    };
    this.outbound = new Outbound(this.world, this.connections, run, options);
    this.world.onRest = () => this.tryPending();
  }

  /** Throws a DrillError at the first thing that is not as the script says. */
  all(): void {
    for (const event of this.script.events) {
      this.one(event);
      this.events++;
    }
    this.end();
  }

  /** The cleanup command, whatever happened. */
  cleanup(): void {
    const { cleanup } = this.script;
    if (cleanup !== null) interpretShell(cleanup.text, cleanup.line);
  }

  /** The connection as it is, for a report. */
  get state(): string[] {
    return this.connections.describe();
  }

  // --- one event ------------------------------------------------------------------------------------

  private one(event: Event): void {
    const { action, time } = event;
    const inbound = action.kind === "packet" && action.inbound;
    const isAbsolute = time.kind === "absolute" || time.kind === "absolute-range";
    // two packets of the peer's in a row keep their distance, whatever was done for the first
    const base = isAbsolute ? 0 : inbound && this.wasInbound ? this.nominal : this.world.now;
    const start = time.kind === "any" ? this.world.now : base + time.at;
    if (isAbsolute) this.checkOrder(start, event.line);
    if (action.kind === "packet" && !inbound) this.expect(event, action, base);
    else {
      this.world.advance(start);
      this.act(action, start, base, event.line);
    }
    this.nominal = time.kind === "any" ? this.world.now : start;
    this.wasInbound = inbound;
  }

  private checkOrder(start: number, line: number): void {
    if (start >= this.nominal - 0.5) return;
    const [late, early] = [secondsText(this.nominal), secondsText(start)];
    throw new DrillError("script", line, `time goes backwards: ${early} s comes after ${late} s`);
  }

  private act(action: Event["action"], start: number, base: number, line: number): void {
    if (action.kind === "packet") this.inject(action, line);
    else if (action.kind === "call") this.call(action, start, base);
    else if (action.kind === "shell") this.shell(action);
    else this.code(action.text, line);
  }

  private inject(action: PacketAction, line: number): void {
    const { body } = action;
    const flow =
      action.ports === null
        ? this.connections.inbound(body.protocol === "tcp")
        : this.connections.stranger(action.ports);
    const isSyn = body.protocol === "tcp" && (body.flags & SYN) !== 0;
    if (isSyn) flow.peerSyn(body.seq, this.connections.irsOf(flow) !== null);
    const bytes = buildPacket(action, { flow, scaledEcho: this.run.tsEcrScaled, line });
    this.world.inject(bytes);
    if (isSyn && this.connections.irsOf(flow) === body.seq) flow.peerIs(body.seq);
  }

  private expect(event: Event, action: PacketAction, base: number): void {
    const window = windowOf(event.time, base, this.nominal, this.run);
    const { line } = event;
    const got = this.outbound.take(action, window);
    if (got === null) {
      const limit = window.high === Infinity ? "and no timer is left" : "timed out";
      return this.mismatch(
        event,
        new DrillError("packet", line, `the packet was not sent: ${limit}`, {
          expected: actionText(action),
          seen: "nothing",
        }),
        null,
        0,
      );
    }
    const { differences, text, at } = got;
    const late = checkTime(window, at);
    if (differences.length === 0 && late === null) return;
    const error =
      differences.length > 0
        ? new DrillError(
            "packet",
            line,
            `the packet differs: ${differences.map((d) => d.field).join(", ")}`,
            {
              expected: actionText(action),
              seen: text,
              fields: late === null ? differences : [...differences, late],
            },
          )
        : new DrillError("time", line, "the packet left at another time", {
            expected: actionText(action),
            seen: text,
            fields: [late!],
          });
    this.mismatch(event, error, text, late === null ? null : at - base);
  }

  private mismatch(event: Event, error: DrillError, seen: string | null, at: number | null): void {
    if (this.options.bless !== null && seen !== null) return this.options.bless(event, seen, at);
    if (!this.run.nonFatal.has("packet")) throw error;
    this.options.warn(error);
  }

  private shell(action: ShellAction): void {
    const { settings, flush } = interpretShell(action.text, action.line);
    this.world.change(settings);
    if (flush) this.world.stack.forgetDestinations();
    this.history.note(this.world.now, `shell: ${action.text.trim()}`);
  }

  private code(text: string, line: number): void {
    this.history.note(this.world.now, `%{ ${text.replaceAll(/\s*\n\s*/g, "; ")} }%`);
    const info: TcpInfo | null = this.connections.info(this.world.instant);
    const state = this.connections.stateNumber;
    runCode(text, line, {
      lookup: (name) => infoValue(name, info, state),
      variables: this.variables,
      print: this.options.print,
    });
  }

  // --- calls ----------------------------------------------------------------------------------------

  private call(action: CallAction, start: number, base: number): void {
    const { line, end } = action;
    if (this.pending !== null) this.waitForPending(line, this.world.now + PATIENCE);
    const attempt = startCall(this.context, action);
    const due = end === null ? 0 : base + end;
    const done = attempt();
    if (done === null && end === null)
      throw new DrillError("call", line, `${action.name} blocks, and is not expected to`, {
        expected: this.text(action),
      });
    if (done === null) {
      this.history.note(this.world.now, `${this.text(action)} begins`);
      this.pending = { attempt, action, began: start, due };
    } else this.finish(action, done, end === null ? null : { began: start, due });
    this.world.rest();
  }

  /** True when the call that was pending has ended, so that the stack may have work again. */
  private tryPending(): boolean {
    this.world.wakeAt = Infinity;
    const { pending } = this;
    if (pending === null) return false;
    const done = pending.attempt();
    if (done === null) return false;
    this.pending = null;
    this.finish(pending.action, done, pending);
    return true;
  }

  private waitForPending(line: number, limit: number): void {
    while (this.pending !== null && this.world.next <= limit) this.world.step();
    const { pending } = this;
    if (pending === null) return;
    throw new DrillError(
      "call",
      pending.action.line,
      `${pending.action.name} still blocks at line ${line}`,
      {
        expected: this.text(pending.action),
      },
    );
  }

  /** The text of the call in the script, on one line. */
  private text(action: CallAction): string {
    const { from, to } = action.span;
    return this.script.text.slice(from, to).replaceAll(/\s+/g, " ");
  }

  private finish(
    action: CallAction,
    done: CallEnd,
    times: { readonly began: number; readonly due: number } | null,
  ): void {
    const { outcome } = done;
    const head = `${this.text(action)
      .replace(/=[^=]*$/, "")
      .trimEnd()} =`;
    const seen =
      typeof outcome === "number"
        ? `${head} ${outcome}`
        : `${head} -1 ${outcome} (${ERRNO.get(outcome) ?? "no such error"})`;
    this.history.note(this.world.now, seen);
    const fields = [...this.resultDifference(action, outcome), ...done.differences];
    if (times !== null) {
      const slack = (this.run.tolerancePercent / 100) * (times.due - times.began);
      const tolerance = Math.max(this.run.toleranceUsecs, slack);
      const late = checkTime({ low: times.due, high: times.due, tolerance }, this.world.now);
      if (late !== null) fields.push({ ...late, field: "time of return" });
    }
    if (fields.length === 0) return;
    const error = new DrillError(
      "call",
      action.line,
      `${action.name} ended otherwise: ${fields.map((f) => f.field).join(", ")}`,
      {
        expected: this.text(action),
        seen,
        fields,
      },
    );
    if (!this.run.nonFatal.has("syscall")) throw error;
    this.options.warn(error);
  }

  private resultDifference(action: CallAction, outcome: number | string): FieldDifference[] {
    const { errno, result, line, name } = action;
    if (errno !== null && !ERRNO.has(errno))
      throw new DrillError("unsupported", line, `no call here ends with ${errno}`);
    if (typeof outcome === "number") {
      if (result === outcome && !(GIVE_DESCRIPTORS.has(name) && result < 0)) return [];
      return [
        {
          field: "result",
          expected: `${result}${errno === null ? "" : ` ${errno}`}`,
          seen: String(outcome),
        },
      ];
    }
    if (result !== -1)
      return [{ field: "result", expected: String(result), seen: `-1 ${outcome}` }];
    const same =
      errno === null || errno === outcome || (errno === "EWOULDBLOCK" && outcome === "EAGAIN");
    return same ? [] : [{ field: "errno", expected: errno, seen: outcome }];
  }

  private end(): void {
    const { pending } = this;
    if (pending !== null)
      this.waitForPending(pending.action.line, Math.max(this.world.now, pending.due) + PATIENCE);
    if (!this.options.strictEnd) return;
    const rest = this.outbound.rest();
    if (rest.length > 0) {
      throw new DrillError(
        "packet",
        this.script.events.at(-1)!.line,
        "packets were sent that nothing expects",
        {
          seen: rest.join("; "),
        },
      );
    }
  }
}
