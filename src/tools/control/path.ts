/** Where the control socket of a running stack is: a name for each TUN, in a folder that only its user may enter. */
import { lstatSync, mkdirSync, readdirSync, rmdirSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const SUFFIX = ".sock";

/** `$XDG_RUNTIME_DIR/tuntcp`, or a folder of the user's under the temporary one. */
export function runtimeFolder(env: NodeJS.ProcessEnv = process.env): string {
  const base = env["XDG_RUNTIME_DIR"];
  if (base !== undefined && base !== "") return join(base, "tuntcp");
  return join(tmpdir(), `tuntcp-${process.getuid?.() ?? 0}`);
}

export function controlPath(tun: string): string {
  return join(runtimeFolder(), `${tun}${SUFFIX}`);
}

/** Throws where the folder is somebody else's, or open to others. */
export function makeRuntimeFolder(): void {
  const folder = runtimeFolder();
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const found = lstatSync(folder);
  if (!found.isDirectory() || found.uid !== process.getuid?.() || (found.mode & 0o077) !== 0) {
    throw new Error(
      `${folder} belongs to somebody else or is open to others: chmod 700 it, or give --control`,
    );
  }
}

/** Throws where somebody else could put a socket of theirs into our place: the folder is theirs, or open to them. */
export function checkFolder(folder: string): void {
  const found = statSync(folder, { throwIfNoEntry: false });
  if (found === undefined || !found.isDirectory()) throw new Error(`${folder} is no folder`);
  const { uid, mode } = found;
  if (uid !== 0 && uid !== process.getuid?.())
    throw new Error(`${folder} belongs to somebody else: choose a folder of your own`);
  const [othersWrite, sticky] = [(mode & 0o022) !== 0, (mode & 0o1000) !== 0];
  if (othersWrite && !sticky)
    throw new Error(`others may write into ${folder}: chmod go-w it, or choose another`);
}

/** Takes the folder away once nothing is in it. */
export function leaveRuntimeFolder(): void {
  try {
    rmdirSync(runtimeFolder());
  } catch {
    // another stack's socket is in it
  }
}

/** Paths of the sockets that stand there, of stacks that run or were killed. */
export function controlPaths(): string[] {
  try {
    const names = readdirSync(runtimeFolder()).filter((name) => name.endsWith(SUFFIX));
    return names.toSorted().map((name) => join(runtimeFolder(), name));
  } catch {
    return [];
  }
}
