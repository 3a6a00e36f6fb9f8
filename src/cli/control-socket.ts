/** The control socket of a command that runs a stack. */
import { dirname } from "node:path";
import { lineOf } from "../base/errors.ts";
import { controlPath, makeRuntimeFolder, runtimeFolder } from "../tools/control/path.ts";
import { type Controlled, handlersOf } from "../tools/control/requests.ts";
import { type ControlServer, serveControl } from "../tools/control/server.ts";

/** `path` null: the default, whose failure is only a warning. Throws for one that was asked for. */
export async function openControl(
  path: string | null,
  stack: Controlled,
): Promise<ControlServer | null> {
  const place = path ?? controlPath(stack.tun);
  try {
    if (dirname(place) === runtimeFolder()) makeRuntimeFolder();
    return await serveControl(place, handlersOf(stack));
  } catch (error) {
    if (path !== null) throw new Error(`--control ${place}: ${lineOf(error)}`);
    process.stderr.write(
      `tuntcp: no control socket (${lineOf(error)}): ss and top will not find this stack\n`,
    );
    return null;
  }
}
