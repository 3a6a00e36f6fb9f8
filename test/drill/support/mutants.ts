/**
 * Wrong variants of a script: each expectation of it changed by one, in every field that the language compares. A runner that
 * passes one of them compares too little.
 */
import { parseDrill, type Event, type TcpBody } from "../../../src/drill/index.ts";

export interface Mutant {
  /** What was changed, and where. */
  readonly what: string;
  readonly line: number;
  readonly text: string;
}

const FLAGS = ["F", "S", "R", "P", ".", "U", "E", "W"];

export function mutantsOf(text: string, file: string): Mutant[] {
  const parsed = parseDrill(text, { file });
  if (!parsed.ok) throw new Error(`${file} is no script: ${parsed.failure.message}`);
  const mutants: Mutant[] = [];
  const { events } = parsed.script;
  const tick = parsed.script.options.some((o) => o.name === "tcp_ts_tick_usecs");
  events.forEach((event, i) => {
    const { action, line } = event;
    const put = (what: string, from: number, to: number, by: string): void => {
      mutants.push({ what, line, text: text.slice(0, from) + by + text.slice(to) });
    };
    if (action.kind === "packet" && !action.inbound)
      packet(event, text, put, tick, events.slice(0, i));
    if (action.kind === "call") call(event, text, put);
  });
  return mutants;
}

type Put = (what: string, from: number, to: number, by: string) => void;

function packet(
  event: Event,
  text: string,
  put: Put,
  tick: boolean,
  before: readonly Event[],
): void {
  const { action, time, timeSpan } = event;
  if (action.kind !== "packet" || action.body.protocol !== "tcp") return;
  const { span, body } = action;
  const source = text.slice(span.from, span.to);
  const replace = (what: string, form: RegExp, by: (m: RegExpExecArray) => string): void => {
    const m = form.exec(source);
    if (m === null) return;
    const at = span.from + m.index;
    put(what, at, at + m[0].length, by(m));
  };
  // the first SYN of a connection says what its number is, so that there is none that would be wrong
  const isSyn = (body.flags & 2) !== 0;
  if (!isSyn || hasSynBefore(before)) {
    replace("seq", /(\d+):(\d+)\((\d+)\)/, (m) => `${+m[1]! + 1}:${+m[2]! + 1}(${m[3]})`);
  }
  replace("length", /(\d+):(\d+)\((\d+)\)/, (m) => `${m[1]}:${+m[2]! + 1}(${+m[3]! + 1})`);
  if (body.length > 0)
    replace("shorter", /(\d+):(\d+)\((\d+)\)/, (m) => `${m[1]}:${+m[2]! - 1}(${+m[3]! - 1})`);
  replace("ack", / ack (\d+)/, (m) => ` ack ${+m[1]! + 1}`);
  replace("win", / win (\d+)/, (m) => ` win ${(+m[1]! + 1) & 0xffff}`);
  if (source.includes(" win ") === false)
    replace("urg", /\(\d+\)(?: ack \d+)?/, (m) => `${m[0]} urg ${body.urgent + 1}`);
  flags(source, body, replace);
  options(source, body, tick, replace);
  replace("ecn", /\[(noecn|ect0|ect1|ce)\]/, (m) => (m[1] === "ce" ? "[ect0]" : "[ce]"));
  times(time, put, timeSpan);
}

function hasSynBefore(events: readonly Event[]): boolean {
  return events.some(
    ({ action }) =>
      action.kind === "packet" &&
      !action.inbound &&
      action.body.protocol === "tcp" &&
      (action.body.flags & 2) !== 0,
  );
}

type Replace = (what: string, form: RegExp, by: (m: RegExpExecArray) => string) => void;

/** Each flag that is not there is set, each that is there is taken off. */
function flags(source: string, body: TcpBody, replace: Replace): void {
  for (const flag of FLAGS) {
    replace(`flag ${flag}`, /> (?:\[[^\]]*\] )?([A-Z]*\.?|-) (?=\d)/, (m) => {
      const old = m[1]! === "-" ? "" : m[1]!;
      const letters = old.replace(".", "");
      const dot = old.includes(".") ? "." : "";
      let next: string;
      if (flag === ".") next = letters + (dot === "" ? "." : "");
      else next = (letters.includes(flag) ? letters.replace(flag, "") : letters + flag) + dot;
      const at = m[0].lastIndexOf(m[1]!);
      return `${m[0].slice(0, at)}${next === "" ? "-" : next} `;
    });
  }
}

function options(source: string, body: TcpBody, tick: boolean, replace: Replace): void {
  if (body.options === "any") return;
  if (body.options.length === 0) {
    replace("an option more", /$/, () => " <nop,nop,nop,nop>");
    return;
  }
  replace("no options", / <.*>/, () => "");
  for (const name of ["mss", "wscale"])
    replace(name, new RegExp(`${name} (\\d+)`), (m) => `${name} ${+m[1]! + 1}`);
  replace("sackOK", /sackOK/, () => "nop,nop");
  replace("sack left", /sack (\d+):/, (m) => `sack ${+m[1]! + 1}:`);
  replace("sack right", /sack (\d+):(\d+)/, (m) => `sack ${m[1]}:${+m[2]! + 1}`);
  replace("sack last", /(\d+):(\d+)>/, (m) => `${m[1]}:${+m[2]! + 1}>`);
  replace("sack order", /sack (\d+:\d+) (\d+:\d+)/, (m) => `sack ${m[2]} ${m[1]}`);
  replace("TS ecr", /ecr (\d+)/, (m) => `ecr ${+m[1]! + 1}`);
  if (tick) replace("TS val", /TS val (\d+)/, (m) => `TS val ${+m[1]! + 1000}`);
  replace("option order", /<(nop,nop),(.*)>/, (m) => `<${m[2]},${m[1]}>`);
}

/** Just beyond what the tolerance allows: 4 ms, or an eighth of the time since the event before. */
function times(time: Event["time"], put: Put, span: { from: number; to: number }): void {
  if (time.kind === "any") return;
  const sign = time.kind.startsWith("relative") ? "+" : "";
  const last = "to" in time ? time.to : time.at;
  const later = Math.max(last + 4600, last / 0.875 + 600);
  put("later", span.from, span.to, `${sign}${(later / 1e6).toFixed(6)}`);
  const earlier = Math.min(time.at - 4600, time.at / 1.125 - 600);
  if (earlier > 0 && sign === "+")
    put("earlier", span.from, span.to, `${sign}${(earlier / 1e6).toFixed(6)}`);
}

function call(event: Event, text: string, put: Put): void {
  const { action } = event;
  if (action.kind !== "call") return;
  const { span, name, result, errno } = action;
  const source = text.slice(span.from, span.to);
  const equals = source.lastIndexOf("=");
  const from = span.from + equals + 1;
  const gives = ["socket", "accept", "epoll_create"].includes(name);
  if (errno !== null) {
    const at = from + source.slice(equals + 1).indexOf(errno);
    put("errno", at, at + errno.length, errno === "EINVAL" ? "EAGAIN" : "EINVAL");
    put("success", from, span.to, " 0");
  } else if (gives) put("failure", from, span.to, " -1 EINVAL (x)");
  else {
    put("result", from, span.to, ` ${result + 1}`);
    put("failure", from, span.to, " -1 EINVAL (x)");
  }
  if (name === "getsockopt") inside(/, \[(-?\d+)\], \[/, (m) => `, [${+m[1]! + 1}], [`);
  if (name === "ioctl") inside(/\[(\d+)\]/, (m) => `[${+m[1]! + 1}]`);
  if (name === "poll") inside(/revents=(\w+)/, () => "revents=POLLPRI");
  function inside(form: RegExp, by: (m: RegExpExecArray) => string): void {
    const m = form.exec(source);
    if (m === null) return;
    put("value", span.from + m.index, span.from + m.index + m[0].length, by(m));
  }
}
