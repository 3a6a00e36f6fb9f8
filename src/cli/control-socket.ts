/** The control socket of a command that runs a stack. */
import { lineOf } from "../base/errors.ts";
import { controlPath, leaveRuntimeFolder, makeRuntimeFolder } from "../tools/control/path.ts";
import { type MetricsServer, type Place, serveMetrics } from "../tools/control/metrics.ts";
import { type Controlled, handlersOf, summary } from "../tools/control/requests.ts";
import { type ControlServer, serveControl } from "../tools/control/server.ts";

/** `path` null: by the TUN's name, where a failure is only a warning. Throws for one that was asked for. */
export async function openControl(
  path: string | null,
  stack: Controlled,
): Promise<ControlServer | null> {
  const handlers = handlersOf(stack);
  try {
    if (path !== null) return await serveControl(path, handlers);
    makeRuntimeFolder();
    const place = controlPath(stack.tun);
    // a TUN of that name in another network namespace has it
    const server = await serveControl(place, handlers, controlPath(`${stack.tun}-${process.pid}`));
    return {
      path: server.path,
      close() {
        server.close();
        leaveRuntimeFolder();
      },
    };
  } catch (error) {
    if (path !== null) throw new Error(`--control ${path}: ${lineOf(error)}`);
    const why = lineOf(error);
    process.stderr.write(
      `tuntcp: no control socket (${why}): ss and top will not find this stack\n`,
    );
    return null;
  }
}

/** Throws a line for a port that cannot be had. */
export async function openMetrics(
  place: Place | null,
  stack: Controlled,
): Promise<MetricsServer | null> {
  if (place === null) return null;
  const began = stack.now();
  try {
    return await serveMetrics(place, () => summary(stack, stack.now() - began));
  } catch (error) {
    throw new Error(`--metrics ${place.host}:${place.port}: ${lineOf(error)}`);
  }
}
