/** The end of the process, however it comes, but for SIGKILL: peers are told and the machine is as it was before. */

const SIGNALS: readonly NodeJS.Signals[] = ["SIGHUP", "SIGINT", "SIGTERM"];

/** `leave` is called once; what it throws is lost, as nobody could do anything about it. */
export function leaveInOrder(leave: () => void): void {
  let left = false;
  const once = (): void => {
    if (left) return;
    left = true;
    try {
      leave();
    } catch {
      // the process ends all the same, and with its own exit code
    }
  };
  process.on("exit", once);
  for (const signal of SIGNALS) guard(signal, once);
}

/**
 * The process dies of the signal, as it would without us, but in order. Only while the program does not listen for it itself:
 * then how it ends is the program's, and there are packages that count a signal's listeners to see whether they are alone.
 */
function guard(signal: NodeJS.Signals, leave: () => void): void {
  let dying = false;
  const die = (): void => {
    dying = true;
    leave();
    process.removeListener(signal, die);
    process.kill(process.pid, signal);
  };
  const step = (): void => {
    const others = process.listeners(signal).some((listener) => listener !== die);
    const ours = process.listeners(signal).includes(die);
    if (others && ours) process.removeListener(signal, die);
    else if (!others && !ours && !dying) process.on(signal, die);
  };
  step();
  // Node itself takes the signal from the system at the first listener and lets go at the last: so not before there are two
  process.on("newListener", (event, listener) => {
    if (event === signal && listener !== die) process.nextTick(step);
  });
  process.on("removeListener", (event, listener) => {
    if (event === signal && listener !== die) step();
  });
}
