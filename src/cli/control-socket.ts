/** The control socket of a command that runs a stack. */
import { dirname } from "node:path";
import { lineOf } from "../base/errors.ts";
import { controlPath, makeRuntimeFolder, runtimeFolder } from "../tools/control/path.ts";
import { type MetricsServer, type Place, serveMetrics } from "../tools/control/metrics.ts";
import { type Controlled, handlersOf, summary } from "../tools/control/requests.ts";
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
