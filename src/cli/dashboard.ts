/** `serve --dashboard`: where it listens, and what it is told of. */
import { lineOf } from "../base/errors.ts";
import * as kernel from "node:net";
import { systemClock } from "../runtime/system.ts";
import type { Place } from "../tools/control/metrics.ts";
import { type Dashboard, type NetLike, serveDashboard } from "../tools/dashboard/index.ts";
import { formatIpv4 } from "../wire/address.ts";
import { CommandFailure, EXIT_FAILED } from "./failure.ts";
import type { OpenedStack } from "./open-stack.ts";
import { wayIn } from "./rootless.ts";
import { version } from "./version.ts";

/** Where it is, if nothing is said. */
export const DASHBOARD_PLACE = "127.0.0.1:9000";

/** At the stack's own address the stack itself serves it. Throws a CommandFailure. */
export async function openDashboard(
  place: Place,
  stack: OpenedStack,
  impairment: string,
): Promise<Dashboard> {
  const own = stack.core.addresses.all.some(({ address }) => formatIpv4(address) === place.host);
  const net = own ? (stack.net as unknown as NetLike) : kernel;
  const watched = {
    core: stack.core,
    version: version(),
    tun: stack.tun.name,
    now: () => systemClock.now(),
    link: stack.link,
    impairment,
  };
  try {
    const dashboard = await serveDashboard(net, place, watched);
    const hint = wayIn() === "" ? "" : ` (a browser gets there with: ${wayIn()}chromium)`;
    process.stderr.write(`tuntcp: dashboard: ${dashboard.url}${hint}\n`);
    return dashboard;
  } catch (error) {
    const where = `--dashboard ${place.host}:${place.port}`;
    throw new CommandFailure(EXIT_FAILED, `${where}: ${lineOf(error)}`);
  }
}
