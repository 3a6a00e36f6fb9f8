/**
 * A thread or a process that a program started whose stack has the TUN: one TUN, one stack. Its TCP stays the kernel's; it says so
 * when there is some.
 */
import { replace, serverMethods, socketMethods } from "./patch.ts";

/** Warns once, before the first connection or server. `tun`: whose. */
export function warnOfKernel(tun: string): void {
  let warned = false;
  const warn = (): void => {
    if (warned) return;
    warned = true;
    process.emitWarning(
      `TCP of this thread or process is the kernel's: the stack behind ${tun} is in the one that started it`,
      { code: "TUNTCP_ELSEWHERE" },
    );
  };
  const sockets = socketMethods();
  const { connect } = sockets;
  replace(sockets, "connect", function (...args) {
    const [first] = args;
    const list = Array.isArray(first) ? (first as unknown[])[0] : first;
    if (!isPath(list)) warn();
    return connect.apply(this, args);
  });
  const servers = serverMethods();
  const { _listen2: setUp } = servers;
  replace(servers, "_listen2", function (...args) {
    if (typeof args[1] === "number" && args[1] >= 0) warn();
    return setUp.apply(this, args);
  });
}

function isPath(first: unknown): boolean {
  if (typeof first === "string") return Number.isNaN(Number(first));
  return typeof first === "object" && first !== null && Boolean((first as { path?: unknown }).path);
}
