/** The control socket of a command that runs a stack. */
import { lineOf } from "../base/errors.ts";
import { controlPath, leaveRuntimeFolder, makeRuntimeFolder } from "../tools/control/path.ts";
import { type MetricsServer, type Place, serveMetrics } from "../tools/control/metrics.ts";
import type { StackSummary } from "../tools/control/requests.ts";
import { type ControlServer, type Handlers, serveControl } from "../tools/control/server.ts";

/** `path` null: by the TUN's name, where a failure is only a warning. Throws for one that was asked for. */
export async function openControl(
  path: string | null,
  tun: string,
  handlers: Handlers,
): Promise<ControlServer | null> {
  try {
    if (path !== null) return await serveControl(path, handlers);
    makeRuntimeFolder();
    const place = controlPath(tun);
    // a TUN of that name in another network namespace has it
    const server = await serveControl(place, handlers, controlPath(`${tun}-${process.pid}`));
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
async function openMetrics(
  place: Place | null,
  summary: () => StackSummary | Promise<StackSummary>,
): Promise<MetricsServer | null> {
  if (place === null) return null;
  try {
    return await serveMetrics(place, summary);
  } catch (error) {
    throw new Error(`--metrics ${place.host}:${place.port}: ${lineOf(error)}`);
  }
}

export interface Openings {
  readonly control: string | null;
  readonly metrics: Place | null;
  readonly tun: string;
  readonly handlers: Handlers;
  readonly summary: () => StackSummary | Promise<StackSummary>;
}

/** Both; what is returned closes them. Throws a line, and leaves neither open. */
export async function openToLook(openings: Openings): Promise<() => void> {
  const served = await openMetrics(openings.metrics, openings.summary);
  try {
    const control = await openControl(openings.control, openings.tun, openings.handlers);
    return () => {
      control?.close();
      served?.close();
    };
  } catch (error) {
    served?.close();
    throw error;
  }
}
