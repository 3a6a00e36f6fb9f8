/** `setsockopt` and `getsockopt`. */
import { ERROR_NUMBERS } from "./constants.ts";
import { KIND_NAMES } from "../tcp/congestion/kinds.ts";
import { always, type Attempt, type Call, type CallContext, ends } from "./call-context.ts";
import { type FieldDifference, unsupported } from "./failure.ts";
import type { DrillSocket } from "./socket.ts";
import { findOption, type OptionName, SOL_IP, SOL_SOCKET, SOL_TCP } from "./socket-options.ts";
import { asFields, asNumber, asOneNumber, kindOf, type Value, wrong } from "./values.ts";

const SO_TYPE = 3;
const SO_ERROR = 4;
const SO_LINGER = 13;
const SO_ACCEPTCONN = 30;
const SO_PROTOCOL = 38;
const SO_DOMAIN = 39;
const TCP_CONGESTION = 13;
const IP_MTU = 14;
/** Linux's TCP_CA_NAME_MAX. */
const NAME_MOST = 16;

function unknown(level: number, number: number, line: number): Error {
  return unsupported(line, `socket option ${number} of level ${level} is not supported`);
}

export function setsockopt(c: CallContext, call: Call): Attempt {
  const { line, args } = call;
  const s = c.descriptors.socket(asNumber(args[0], line, "descriptor"), line);
  if (s === null) return always("EBADF");
  const level = asNumber(args[1], line, "level");
  const number = asNumber(args[2], line, "option");
  const value = args[3]!;
  const size = asNumber(args[4], line, "the length of the value");
  if (level === SOL_TCP && number === TCP_CONGESTION) return setCongestion(c, s, value, size, line);
  if (level === SOL_SOCKET && number === SO_LINGER) return setLinger(s, value, size, line);
  const option = findOption(level, number);
  if (option === undefined) throw unknown(level, number, line);
  if (value.kind === "number" && value.value === 0) return always("EFAULT");
  const n = asOneNumber(value, line, option.name);
  if (size < 4) return always("EINVAL");
  return () => {
    const refused = refusedNow(s, option.name as OptionName);
    if (refused !== null) return ends(refused);
    const error = s.options.set(option, n);
    if (error !== null) return ends(error);
    if (s.endpoint !== null && s.alive) s.options.tell(s.endpoint, option.name as OptionName);
    s.optionChanged(option.name as OptionName);
    return ends(0);
  };
}

/** Some options are for sockets that are not connected. */
function refusedNow(s: DrillSocket, name: OptionName): string | null {
  const connected = s.endpoint !== null && s.alive;
  if ((name === "TCP_FASTOPEN" && connected) || (name === "TCP_FASTOPEN_CONNECT" && connected))
    return "EINVAL";
  if (name === "TCP_FASTOPEN_CONNECT" && s.isListening) return "EINVAL";
  return null;
}

function setCongestion(
  c: CallContext,
  s: DrillSocket,
  value: Value,
  size: number,
  line: number,
): Attempt {
  if (value.kind !== "string")
    throw wrong(line, `TCP_CONGESTION: expected a string, found ${kindOf(value)}`);
  const name = value.value.slice(0, Math.min(size, NAME_MOST - 1)).replace(/\0.*$/s, "");
  return () => {
    if (size < 1) return ends("EINVAL");
    if (!KIND_NAMES.includes(name)) return ends("ENOENT");
    s.options.congestion = name;
    if (s.endpoint !== null && s.alive) s.endpoint.setCongestionControl(name);
    return ends(0);
  };
}

function setLinger(s: DrillSocket, value: Value, size: number, line: number): Attempt {
  const fields = asFields(value, line, "SO_LINGER", ["onoff", "linger"]);
  const on = asNumber(fields.get("onoff"), line, "onoff") !== 0;
  const seconds = asNumber(fields.get("linger"), line, "linger");
  return () => {
    if (size < 8) return ends("EINVAL");
    s.options.linger = { on, seconds: on ? seconds : s.options.linger.seconds };
    return ends(0);
  };
}

export function getsockopt(c: CallContext, call: Call): Attempt {
  const { line, args } = call;
  const s = c.descriptors.socket(asNumber(args[0], line, "descriptor"), line);
  if (s === null) return always("EBADF");
  const level = asNumber(args[1], line, "level");
  const number = asNumber(args[2], line, "option");
  const want = args[3]!;
  const room = asOneNumber(args[4], line, "the length of the value");
  if (level === SOL_TCP && number === TCP_CONGESTION) return getCongestion(c, s, want, room, line);
  if (level === SOL_SOCKET && number === SO_LINGER) return getLinger(s, want, room, line);
  const known = findOption(level, number) !== undefined || isReadOnly(level, number);
  if (!known) throw unknown(level, number, line);
  const expected = want.kind === "any" ? null : asOneNumber(want, line, "the value");
  return () => {
    const is = valueOf(c, s, level, number);
    if (typeof is === "string") return ends(is);
    const differences: FieldDifference[] = [];
    if (expected !== null && is !== expected)
      differences.push({ field: "value", expected: String(expected), seen: String(is) });
    return ends(0, [...differences, ...lengths(room, Math.min(room, 4))]);
  };
}

function lengths(expected: number, is: number): FieldDifference[] {
  if (expected === is) return [];
  return [{ field: "length", expected: String(expected), seen: String(is) }];
}

function isReadOnly(level: number, number: number): boolean {
  if (level === SOL_IP) return number === IP_MTU;
  return (
    level === SOL_SOCKET &&
    [SO_TYPE, SO_ERROR, SO_ACCEPTCONN, SO_PROTOCOL, SO_DOMAIN].includes(number)
  );
}

function valueOf(c: CallContext, s: DrillSocket, level: number, number: number): number | string {
  if (level === SOL_SOCKET) {
    if (number === SO_TYPE) return 1;
    if (number === SO_ERROR) return errorNumber(s);
    if (number === SO_ACCEPTCONN) return s.isListening ? 1 : 0;
    if (number === SO_PROTOCOL) return 6;
    if (number === SO_DOMAIN) return 2;
  }
  if (level === SOL_IP && number === IP_MTU)
    return s.endpoint === null || !s.alive ? "ENOTCONN" : s.endpoint.info().pmtu;
  const option = findOption(level, number)!;
  const name = option.name as OptionName;
  if (name === "TCP_MAXSEG" && s.endpoint !== null && s.alive) return s.endpoint.info().sndMss;
  return s.options.get(name);
}

/** Told once, as a connection's end; else what ICMP said last, which stays. */
function errorNumber(s: DrillSocket): number {
  const name = s.takeError();
  return name === null ? 0 : ERROR_NUMBERS[name]!;
}

function getCongestion(
  c: CallContext,
  s: DrillSocket,
  want: Value,
  room: number,
  line: number,
): Attempt {
  if (want.kind !== "string" && want.kind !== "any")
    throw wrong(line, `TCP_CONGESTION: expected a string, found ${kindOf(want)}`);
  return () => {
    const name = s.options.congestion ?? c.world.stack.settings.tcp_congestion_control;
    const is = name.slice(0, room);
    const differences = lengths(room, Math.min(room, NAME_MOST));
    if (want.kind === "string" && want.value.replace(/\0+$/, "") !== is)
      return ends(0, [{ field: "value", expected: want.value, seen: is }, ...differences]);
    return ends(0, differences);
  };
}

function getLinger(s: DrillSocket, want: Value, room: number, line: number): Attempt {
  const fields =
    want.kind === "any" ? null : asFields(want, line, "SO_LINGER", ["onoff", "linger"]);
  return () => {
    const { on, seconds } = s.options.linger;
    const differences: FieldDifference[] = [];
    const is = { onoff: on ? 1 : 0, linger: seconds };
    for (const name of ["onoff", "linger"] as const) {
      if (fields === null) continue;
      const expected = asNumber(fields.get(name), line, name);
      if (expected !== is[name])
        differences.push({ field: name, expected: String(expected), seen: String(is[name]) });
    }
    return ends(0, [...differences, ...lengths(room, Math.min(room, 8))]);
  };
}
