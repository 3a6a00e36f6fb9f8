/** SIGINT and SIGTERM: the first ends in good order and exits 0 within 3 s, the second ends at once. */

/** Time that connections get to finish what is under way. */
export const GRACE_MS = 2000;
/** The contract's limit, less some room. */
const LIMIT_MS = 2800;

/**
 * `finish` closes everything; the process exits with its code (0 unless it fails). `cut` is for a second signal: what it can do
 * without waiting, such as a RST to every peer.
 */
export function endOnSignals(finish: () => Promise<void>, cut: () => void = () => {}): void {
  let ending = false;
  const end = (signal: NodeJS.Signals): void => {
    if (ending) {
      cut();
      process.exit(signal === "SIGINT" ? 130 : 143);
    }
    ending = true;
    setTimeout(() => process.exit(0), LIMIT_MS).unref();
    finish().then(
      () => process.exit(0),
      () => process.exit(1),
    );
  };
  process.on("SIGINT", end);
  process.on("SIGTERM", end);
}
