/** Calls that wait for readiness: `poll` and `epoll`. */
import {
  always,
  type Attempt,
  type Call,
  type CallContext,
  ends,
  waiting,
} from "./call-context.ts";
import { POLL } from "./constants.ts";
import { Epoll, type EpollEvent } from "./epoll.ts";
import { type FieldDifference, unsupported } from "./failure.ts";
import { asFields, asNumber, type Value, wrong } from "./values.ts";

const CTL_ADD = 1;
const CTL_DEL = 2;
const CTL_MOD = 3;

interface Polled {
  readonly fd: number;
  readonly events: number;
  readonly revents: number;
}

function polledOf(v: Value, line: number): Polled {
  const fields = asFields(v, line, "a pollfd", ["fd", "events", "revents"]);
  const revents = fields.get("revents");
  return {
    fd: asNumber(fields.get("fd"), line, "fd") | 0,
    events: asNumber(fields.get("events"), line, "events"),
    revents: revents === undefined ? 0 : asNumber(revents, line, "revents"),
  };
}

export function poll(c: CallContext, call: Call): Attempt {
  const { line, args } = call;
  const list = args[0];
  if (list?.kind !== "list") throw wrong(line, "poll: expected [{fd=..., events=...}]");
  const all = list.items.map((item) => polledOf(item, line));
  if (asNumber(args[1], line, "a count") !== all.length)
    throw wrong(line, `poll: the list has ${all.length} descriptors`);
  return waiting(c, asNumber(args[2], line, "a timeout") | 0, (over) => {
    const seen = all.map(({ fd, events }) => {
      if (fd < 0) return 0;
      const s = c.descriptors.socket(fd, line);
      return s === null ? POLL.NVAL : s.poll() & (events | POLL.ERR | POLL.HUP);
    });
    const count = seen.filter((mask) => mask !== 0).length;
    if (count === 0 && !over) return null;
    const differences: FieldDifference[] = [];
    all.forEach(({ fd, revents }, i) => {
      if (revents !== seen[i]!)
        differences.push({
          field: `revents of ${fd}`,
          expected: mask(revents),
          seen: mask(seen[i]!),
        });
    });
    return ends(count, differences);
  });
}

function mask(bits: number): string {
  const names = Object.entries(POLL).filter(([, bit]) => (bits & bit) !== 0);
  return names.map(([name]) => `POLL${name}`).join("|") || "0";
}

// --- epoll --------------------------------------------------------------------------------------------

export function epollCreate(c: CallContext, call: Call): Attempt {
  const size = asNumber(call.args[0], call.line, "a size");
  return () => {
    if (size <= 0) return ends("EINVAL");
    if (call.result >= 0) c.descriptors.add(call.result, new Epoll(), call.line);
    return ends(Math.max(0, call.result));
  };
}

function eventOf(v: Value | undefined, line: number): EpollEvent {
  const fields = asFields(v, line, "an epoll_event", ["events", "fd", "ptr", "u32", "u64"]);
  const events = asNumber(fields.get("events"), line, "events");
  for (const field of ["fd", "ptr", "u32", "u64"] as const) {
    const data = fields.get(field);
    if (data !== undefined) return { events, field, data: asNumber(data, line, field) };
  }
  throw wrong(line, "an epoll_event: expected fd, ptr, u32 or u64 beside events");
}

export function epollCtl(c: CallContext, call: Call): Attempt {
  const { line, args } = call;
  const epoll = c.descriptors.epoll(asNumber(args[0], line, "descriptor"), line);
  const fd = asNumber(args[2], line, "descriptor");
  const op = asNumber(args[1], line, "operation");
  if (![CTL_ADD, CTL_DEL, CTL_MOD].includes(op)) return always("EINVAL");
  const nothing = args[3]!.kind === "number" || args[3]!.kind === "any";
  const event = op === CTL_DEL && nothing ? null : eventOf(args[3], line);
  return () => {
    const s = c.descriptors.socket(fd, line);
    if (epoll === null || s === null) return ends("EBADF");
    const error =
      op === CTL_ADD
        ? epoll.add(fd, s, event!)
        : op === CTL_MOD
          ? epoll.modify(fd, event!)
          : epoll.remove(fd);
    return ends(error ?? 0);
  };
}

export function epollWait(c: CallContext, call: Call): Attempt {
  const { line, args } = call;
  const epoll = c.descriptors.epoll(asNumber(args[0], line, "descriptor"), line);
  if (epoll === null) return always("EBADF");
  const first = args[1]!.kind === "list" ? args[1]!.items[0] : args[1];
  if (args[1]!.kind === "list" && args[1]!.items.length !== 1)
    throw unsupported(line, "epoll_wait compares the first event: write one");
  const want = eventOf(first, line);
  const most = asNumber(args[2], line, "a count");
  if (most <= 0) return always("EINVAL");
  return waiting(c, asNumber(args[3], line, "a timeout") | 0, (over) => {
    const found = epoll.ready(most);
    if (found.length === 0 && !over) return null;
    const seen = found[0] ?? { events: 0, field: "ptr", data: 0 };
    const differences: FieldDifference[] = [];
    if (want.events !== seen.events)
      differences.push({ field: "events", expected: mask(want.events), seen: mask(seen.events) });
    if (want.data !== seen.data)
      differences.push({ field: "data", expected: String(want.data), seen: String(seen.data) });
    return ends(found.length, differences);
  });
}
