/** Calls that make, name, open and end sockets. */
import { type Ipv4Address, parseIpv4 } from "../wire/address.ts";
import { always, type Attempt, type Call, type CallContext, ends } from "./call-context.ts";
import { O_NONBLOCK, O_RDWR } from "./constants.ts";
import { unsupported } from "./failure.ts";
import { DrillSocket, type SocketAddress } from "./socket.ts";
import { SocketOptions } from "./socket-options.ts";
import { asFields, asNumber, asOneNumber, type Value, wrong } from "./values.ts";

const AF_UNSPEC = 0;
const AF_INET = 2;
const SOCK_STREAM = 1;
const IPPROTO_TCP = 6;
const F_GETFL = 3;
const F_SETFL = 4;
const SIOCINQ = 0x541b;
const SIOCOUTQ = 0x5411;
const SIOCOUTQNSD = 0x894b;

export function socket(c: CallContext, call: Call): Attempt {
  const [domain, type, protocol] = call.args;
  if (domain!.kind !== "any" && asNumber(domain, call.line, "domain") !== AF_INET)
    throw unsupported(call.line, "only AF_INET, or ..., is a domain here");
  const wanted = asNumber(type, call.line, "type");
  const bits = wanted & ~0xf;
  if ((wanted & 0xf) !== SOCK_STREAM || (bits & ~(O_NONBLOCK | 0x80000)) !== 0)
    throw unsupported(call.line, "only SOCK_STREAM is a type here");
  const number = asNumber(protocol, call.line, "protocol");
  if (number !== IPPROTO_TCP && number !== 0)
    throw unsupported(call.line, "only IPPROTO_TCP is a protocol here");
  return () => {
    if (call.result < 0) return ends(0);
    const made = new DrillSocket(c.world.stack, new SocketOptions(c.world.stack.settings));
    made.nonBlocking = (bits & O_NONBLOCK) !== 0;
    c.descriptors.add(call.result, made, call.line);
    c.onSocket(made);
    return ends(call.result);
  };
}

/** `...` is the address and port of the options; null: AF_UNSPEC. */
function addressOf(v: Value | undefined, call: Call, usual: SocketAddress): SocketAddress | null {
  if (v?.kind === "any") return usual;
  if (v?.kind === "number" && v.value === AF_UNSPEC) return null;
  const names = ["sa_family", "sin_family", "sin_port", "sin_addr"];
  const fields = asFields(v, call.line, "an address", names);
  const family = fields.get("sa_family") ?? fields.get("sin_family");
  const number = family === undefined ? AF_INET : asNumber(family, call.line, "sa_family");
  if (number === AF_UNSPEC) return null;
  if (number !== AF_INET) throw unsupported(call.line, "only AF_INET is a family here");
  const port = fields.get("sin_port");
  return {
    address: hostOf(fields.get("sin_addr"), call, usual.address),
    port: port === undefined ? 0 : asNumber(port, call.line, "sin_port"),
  };
}

function hostOf(v: Value | undefined, call: Call, usual: Ipv4Address): Ipv4Address {
  if (v === undefined) return usual;
  const ip = v.kind === "address" ? parseIpv4(v.text) : null;
  if (ip === null) throw wrong(call.line, 'sin_addr: expected inet_addr("a.b.c.d")');
  return ip;
}

export function bind(c: CallContext, call: Call): Attempt {
  const s = c.descriptors.socket(asNumber(call.args[0], call.line, "descriptor"), call.line);
  if (s === null) return always("EBADF");
  const { localIp, bindPort } = c.run;
  const to = addressOf(call.args[1], call, { address: localIp, port: bindPort });
  if (to === null) throw unsupported(call.line, "bind with AF_UNSPEC is not supported");
  return () => {
    if (s.bound !== null || s.endpoint !== null) return ends("EINVAL");
    if (c.world.stack.addresses.own(to.address) === null) return ends("EADDRNOTAVAIL");
    if (isTaken(c, s, to.port)) return ends("EADDRINUSE");
    s.bound = to;
    return ends(0);
  };
}

/** As Linux: several may be bound where all allow it and none listens. */
function isTaken(c: CallContext, s: DrillSocket, port: number): boolean {
  const mayShare = s.options.get("SO_REUSEADDR") === 1;
  for (const other of c.descriptors.sockets()) {
    if (other === s || other.bound?.port !== port) continue;
    if (!mayShare || other.options.get("SO_REUSEADDR") === 0 || other.isListening) return true;
  }
  return !mayShare && c.world.stack.connections().some((e) => e.localPort === port);
}

export function listen(c: CallContext, call: Call): Attempt {
  const s = c.descriptors.socket(asNumber(call.args[0], call.line, "descriptor"), call.line);
  if (s === null) return always("EBADF");
  const backlog = asNumber(call.args[1], call.line, "backlog");
  return () => ends(s.listen(backlog < 0 ? 4096 : backlog));
}

export function accept(c: CallContext, call: Call): Attempt {
  const s = c.descriptors.socket(asNumber(call.args[0], call.line, "descriptor"), call.line);
  if (s === null) return always("EBADF");
  for (const arg of call.args.slice(1))
    if (arg.kind !== "any" && !(arg.kind === "number" && arg.value === 0))
      throw unsupported(call.line, "an address that accept gives is not compared: write ...");
  return () => {
    const got = s.accept();
    if (typeof got !== "object") return ends(got);
    const child = new DrillSocket(c.world.stack, s.options.inherited());
    if (call.result < 0) {
      got.abort();
      return ends(0);
    }
    c.descriptors.add(call.result, child, call.line);
    child.adopt(got);
    c.onAccept(child);
    return ends(call.result);
  };
}

export function connect(c: CallContext, call: Call): Attempt {
  const s = c.descriptors.socket(asNumber(call.args[0], call.line, "descriptor"), call.line);
  if (s === null) return always("EBADF");
  const { remoteIp, connectPort } = c.run;
  const to = addressOf(call.args[1], call, { address: remoteIp, port: connectPort });
  if (to === null) return () => ends(s.disconnect());
  let begun = false;
  return () => {
    if (!begun) {
      begun = true;
      const defers = s.options.get("TCP_FASTOPEN_CONNECT") === 1;
      const first = s.connect(to, defers, c.world.instant);
      if (first !== "EINPROGRESS") return ends(first);
      c.onConnect(s);
      if (defers && s.sendsWithSyn) return ends(s.connectsLater());
      if (s.nonBlocking) return ends("EINPROGRESS");
    }
    return ends(s.connectEnds());
  };
}

export function shutdown(c: CallContext, call: Call): Attempt {
  const s = c.descriptors.socket(asNumber(call.args[0], call.line, "descriptor"), call.line);
  if (s === null) return always("EBADF");
  const how = asNumber(call.args[1], call.line, "how");
  return () => ends(s.shutdown(how));
}

export function close(c: CallContext, call: Call): Attempt {
  const fd = asNumber(call.args[0], call.line, "descriptor");
  const found = c.descriptors.get(fd, call.line);
  if (found === null) return always("EBADF");
  return () => {
    c.descriptors.close(fd);
    return ends(found instanceof DrillSocket ? found.close(!found.nonBlocking) : 0);
  };
}

export function fcntl(c: CallContext, call: Call): Attempt {
  const s = c.descriptors.socket(asNumber(call.args[0], call.line, "descriptor"), call.line);
  if (s === null) return always("EBADF");
  const command = asNumber(call.args[1], call.line, "command");
  if (command === F_GETFL) return () => ends(O_RDWR | (s.nonBlocking ? O_NONBLOCK : 0));
  if (command !== F_SETFL) throw unsupported(call.line, "fcntl knows F_GETFL and F_SETFL here");
  const flags = asNumber(call.args[2], call.line, "flags");
  if ((flags & ~(O_RDWR | O_NONBLOCK | 1)) !== 0)
    throw unsupported(call.line, "F_SETFL knows O_RDWR and O_NONBLOCK here");
  return () => {
    s.nonBlocking = (flags & O_NONBLOCK) !== 0;
    return ends(0);
  };
}

export function ioctl(c: CallContext, call: Call): Attempt {
  const s = c.descriptors.socket(asNumber(call.args[0], call.line, "descriptor"), call.line);
  if (s === null) return always("EBADF");
  const request = asNumber(call.args[1], call.line, "request");
  if (![SIOCINQ, SIOCOUTQ, SIOCOUTQNSD].includes(request))
    throw unsupported(call.line, "ioctl knows SIOCINQ, FIONREAD, SIOCOUTQ and SIOCOUTQNSD here");
  const want = asOneNumber(call.args[2], call.line, "the value");
  return () => {
    if (s.isListening) return ends("EINVAL");
    const is = request === SIOCINQ ? s.readable : s.queued(request === SIOCOUTQNSD);
    if (want === is) return ends(0);
    return ends(0, [{ field: "value", expected: String(want), seen: String(is) }]);
  };
}
