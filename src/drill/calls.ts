/** The calls of a script by name. */
import type { CallAction } from "./ast.ts";
import type { Attempt, Call, CallContext } from "./call-context.ts";
import * as data from "./calls-data.ts";
import * as open from "./calls-open.ts";
import * as options from "./calls-options.ts";
import * as wait from "./calls-wait.ts";
import { unsupported } from "./failure.ts";
import { evaluate, wrong } from "./values.ts";

type Starter = (c: CallContext, call: Call) => Attempt;

/** How many arguments it takes, and what it does. */
const CALLS: Readonly<Record<string, readonly [number, number, Starter]>> = {
  socket: [3, 3, open.socket],
  bind: [3, 3, open.bind],
  listen: [2, 2, open.listen],
  accept: [3, 3, open.accept],
  connect: [3, 3, open.connect],
  shutdown: [2, 2, open.shutdown],
  close: [1, 1, open.close],
  fcntl: [2, 3, open.fcntl],
  ioctl: [3, 3, open.ioctl],
  read: [3, 3, data.read],
  recv: [4, 4, data.read],
  recvfrom: [6, 6, data.read],
  readv: [3, 3, data.readv],
  recvmsg: [3, 3, data.recvmsg],
  write: [3, 3, data.write],
  send: [4, 4, data.write],
  sendto: [6, 6, data.write],
  writev: [3, 3, data.writev],
  sendmsg: [3, 3, data.sendmsg],
  setsockopt: [5, 5, options.setsockopt],
  getsockopt: [5, 5, options.getsockopt],
  poll: [3, 3, wait.poll],
  epoll_create: [1, 1, wait.epollCreate],
  epoll_ctl: [4, 4, wait.epollCtl],
  epoll_wait: [4, 4, wait.epollWait],
};

/** Those that give a descriptor: its number is the script's name for it. */
export const GIVE_DESCRIPTORS: ReadonlySet<string> = new Set(["socket", "accept", "epoll_create"]);

/** Throws a DrillError for a call or an argument that is not known here; nothing has happened then. */
export function startCall(c: CallContext, action: CallAction): Attempt {
  const { line, name } = action;
  const found = Object.hasOwn(CALLS, name) ? CALLS[name] : undefined;
  if (found === undefined) throw unsupported(line, `call ${name} is not supported`);
  const [least, most, start] = found;
  const { length } = action.args;
  if (length < least || length > most)
    throw wrong(line, `${name} takes ${least} arguments, found ${length}`);
  const args = action.args.map((arg) => evaluate(arg, line));
  return start(c, { line, name, args, result: action.result });
}
