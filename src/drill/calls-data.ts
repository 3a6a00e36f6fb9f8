/** Calls that read and write, with their buffers and messages. */
import {
  always,
  type Attempt,
  type Call,
  type CallContext,
  type CallEnd,
  ends,
} from "./call-context.ts";
import { MSG } from "./constants.ts";
import { type FieldDifference, unsupported } from "./failure.ts";
import { BLOCKED, type DrillSocket, type Outcome } from "./socket.ts";
import { asFields, asNumber, kindOf, type Value, wrong } from "./values.ts";

const READ_FLAGS = MSG.PEEK | MSG.WAITALL | MSG.DONTWAIT | MSG.NOSIGNAL | MSG.ERRQUEUE | MSG.TRUNC;
const WRITE_FLAGS = MSG.MORE | MSG.DONTWAIT | MSG.NOSIGNAL | MSG.OOB | MSG.FASTOPEN;
const SOL_TCP = 6;
const TCP_CM_INQ = 36;

interface Buffer {
  /** Null pointer. */
  readonly isNull: boolean;
  readonly length: number;
}

/** `...`, NULL, or a string of as many zeros: there is no other payload here. */
function bufferOf(v: Value | undefined, length: number, line: number): Buffer {
  if (v?.kind === "any") return { isNull: false, length };
  if (v?.kind === "number" && v.value === 0) return { isNull: true, length };
  if (v?.kind !== "string") throw wrong(line, `a buffer: expected ... or NULL, found ${kindOf(v)}`);
  if (!/^\0*$/.test(v.value))
    throw unsupported(line, "payload other than zeros is not supported: write ...");
  if (v.value.length > length || (!v.open && v.value.length < length))
    throw wrong(line, `the string has ${v.value.length} bytes, the call ${length}`);
  return { isNull: false, length };
}

/** `[{..., 100},{..., 20}]` and how many there are. */
function vectorOf(v: Value | undefined, count: number | null, line: number): Buffer {
  if (v?.kind !== "list") throw wrong(line, `a vector: expected [{..., n}], found ${kindOf(v)}`);
  if (count !== null && count !== v.items.length)
    throw wrong(line, `the vector has ${v.items.length} parts, and ${count} are said`);
  let length = 0;
  let isNull = false;
  for (const item of v.items) {
    if (item.kind !== "struct" || item.items.length !== 2)
      throw wrong(line, "a part of a vector: expected {..., n}");
    const part = bufferOf(item.items[0], asNumber(item.items[1], line, "a length"), line);
    length += part.length;
    isNull ||= part.isNull;
  }
  return { isNull, length };
}

// --- reading ------------------------------------------------------------------------------------------

function reading(s: DrillSocket, buffer: Buffer, flags: number, line: number): () => Outcome {
  if ((flags & MSG.OOB) !== 0)
    throw unsupported(line, "MSG_OOB: urgent data stays in line here, as with SO_OOBINLINE");
  refuse(flags, READ_FLAGS, line);
  // nothing is ever put into the error queue
  if ((flags & MSG.ERRQUEUE) !== 0) return () => "EAGAIN";
  const wait = !s.nonBlocking && (flags & MSG.DONTWAIT) === 0;
  const peek = (flags & MSG.PEEK) !== 0;
  const waitAll = (flags & MSG.WAITALL) !== 0;
  return () => {
    const n = s.read(buffer.length, peek || buffer.isNull, waitAll, wait);
    return buffer.isNull && typeof n === "number" && n > 0 ? "EFAULT" : n;
  };
}

function refuse(flags: number, known: number, line: number): void {
  const rest = (flags & ~known) >>> 0;
  if (rest !== 0) throw unsupported(line, `flags 0x${rest.toString(16)} are not supported here`);
}

function socketOf(c: CallContext, call: Call): DrillSocket | null {
  return c.descriptors.socket(asNumber(call.args[0], call.line, "descriptor"), call.line);
}

export function read(c: CallContext, call: Call): Attempt {
  const s = socketOf(c, call);
  if (s === null) return always("EBADF");
  const length = asNumber(call.args[2], call.line, "a length");
  const flags = call.args.length > 3 ? asNumber(call.args[3], call.line, "flags") : 0;
  const attempt = reading(s, bufferOf(call.args[1], length, call.line), flags, call.line);
  return () => ends(attempt());
}

export function readv(c: CallContext, call: Call): Attempt {
  const s = socketOf(c, call);
  if (s === null) return always("EBADF");
  const count = asNumber(call.args[2], call.line, "a count");
  const attempt = reading(s, vectorOf(call.args[1], count, call.line), 0, call.line);
  return () => ends(attempt());
}

const MESSAGE_FIELDS = ["msg_name", "msg_iov", "msg_flags", "msg_control"];

export function recvmsg(c: CallContext, call: Call): Attempt {
  const { line } = call;
  const s = socketOf(c, call);
  if (s === null) return always("EBADF");
  const fields = asFields(call.args[1], line, "a message", MESSAGE_FIELDS);
  const flags = asNumber(call.args[2], line, "flags");
  const attempt = reading(s, vectorOf(fields.get("msg_iov"), null, line), flags, line);
  const wantFlags = fields.has("msg_flags")
    ? asNumber(fields.get("msg_flags"), line, "msg_flags")
    : 0;
  const wantControl = controlOf(fields.get("msg_control"), line);
  return (): CallEnd | null => {
    const outcome = attempt();
    if (typeof outcome === "string") return ends(outcome);
    const differences: FieldDifference[] = [];
    if (wantFlags !== 0)
      differences.push({ field: "msg_flags", expected: String(wantFlags), seen: "0" });
    const inq = s.options.get("TCP_INQ") === 1;
    const seen = inq ? [{ level: SOL_TCP, type: TCP_CM_INQ, data: s.inq }] : [];
    if (controlText(wantControl) !== controlText(seen))
      differences.push({
        field: "msg_control",
        expected: controlText(wantControl),
        seen: controlText(seen),
      });
    return ends(outcome, differences);
  };
}

interface ControlMessage {
  readonly level: number;
  readonly type: number;
  readonly data: number;
}

function controlOf(v: Value | undefined, line: number): ControlMessage[] {
  if (v === undefined) return [];
  if (v.kind !== "list") throw wrong(line, "msg_control: expected [{...}]");
  return v.items.map((item) => {
    const names = ["cmsg_level", "cmsg_type", "cmsg_data"];
    const fields = asFields(item, line, "a control message", names);
    const [level, type, data] = names.map((name) => asNumber(fields.get(name), line, name));
    return { level: level!, type: type!, data: data! };
  });
}

function controlText(all: readonly ControlMessage[]): string {
  if (all.length === 0) return "none";
  return all.map((m) => `{level ${m.level}, type ${m.type}, data ${m.data}}`).join(" ");
}

// --- writing ------------------------------------------------------------------------------------------

function writing(
  c: CallContext,
  s: DrillSocket,
  buffer: Buffer,
  flags: number,
  line: number,
): () => Outcome {
  refuse(flags, WRITE_FLAGS, line);
  const wait = !s.nonBlocking && (flags & MSG.DONTWAIT) === 0;
  const how = { urgent: (flags & MSG.OOB) !== 0, more: (flags & MSG.MORE) !== 0 };
  const progress = { done: 0 };
  return () => {
    if (s.deferred && progress.done === 0) {
      const early = s.writeEarly(buffer.length);
      if (early !== BLOCKED) return early;
    }
    if (buffer.isNull && buffer.length > 0) {
      const probe = s.write(0, how, wait, progress);
      return probe === 0 ? "EFAULT" : probe;
    }
    return s.write(buffer.length, how, wait, progress);
  };
}

export function write(c: CallContext, call: Call): Attempt {
  const s = socketOf(c, call);
  if (s === null) return always("EBADF");
  const { line } = call;
  const length = asNumber(call.args[2], line, "a length");
  const flags = call.args.length > 3 ? asNumber(call.args[3], line, "flags") : 0;
  const buffer = bufferOf(call.args[1], length, line);
  const attempt = writing(c, s, buffer, flags, line);
  if ((flags & MSG.FASTOPEN) !== 0) return fastOpening(c, s, buffer, attempt);
  return () => ends(attempt());
}

/** `sendto` with MSG_FASTOPEN connects, with the data on the SYN when a cookie is known. */
function fastOpening(
  c: CallContext,
  s: DrillSocket,
  buffer: Buffer,
  later: () => Outcome,
): Attempt {
  let begun = false;
  let connected = false;
  return () => {
    if (!begun) {
      begun = true;
      if ((c.world.stack.settings.tcp_fastopen & 1) === 0) return ends("EOPNOTSUPP");
      const to = { address: c.run.remoteIp, port: c.run.connectPort };
      const first = s.connect(to, true, c.world.instant);
      if (first !== "EINPROGRESS") return ends(first);
      c.onConnect(s);
      if (s.sendsWithSyn) return ends(s.writeEarly(buffer.length));
      if (s.nonBlocking) return ends("EINPROGRESS");
    }
    if (!connected) {
      const end = s.connectEnds();
      if (end !== 0) return ends(end);
      connected = true;
    }
    return ends(later());
  };
}

export function writev(c: CallContext, call: Call): Attempt {
  const s = socketOf(c, call);
  if (s === null) return always("EBADF");
  const count = asNumber(call.args[2], call.line, "a count");
  const attempt = writing(c, s, vectorOf(call.args[1], count, call.line), 0, call.line);
  return () => ends(attempt());
}

export function sendmsg(c: CallContext, call: Call): Attempt {
  const s = socketOf(c, call);
  if (s === null) return always("EBADF");
  const { line } = call;
  const fields = asFields(call.args[1], line, "a message", MESSAGE_FIELDS);
  if (controlOf(fields.get("msg_control"), line).length > 0)
    throw unsupported(line, "control messages of sendmsg are not supported");
  const flags = asNumber(call.args[2], line, "flags");
  const buffer = vectorOf(fields.get("msg_iov"), null, line);
  const attempt = writing(c, s, buffer, flags, line);
  if ((flags & MSG.FASTOPEN) !== 0) return fastOpening(c, s, buffer, attempt);
  return () => ends(attempt());
}
