/** A worker thread: one stack on one queue of the TUN, with all the services. */
import { parentPort, workerData } from "node:worker_threads";
import { lineOf } from "../../base/errors.ts";
import { attachQueue } from "../../devices/tun-queues.ts";
import { systemClock } from "../../runtime/system.ts";
import { createStack } from "../../sockets/create-stack.ts";
import type { Stack } from "../../stack/stack.ts";
import { formatIpv4 } from "../../wire/address.ts";
import {
  finishServices,
  type NetLike,
  parseService,
  type ServiceRequest,
  startServices,
} from "../services/index.ts";
import type { EndRequest, FromWorker, ToWorker, WorkerData } from "./messages.ts";
import { loadSettings } from "../congestion-control/index.ts";
import { qlog, QlogFolder } from "../qlog/index.ts";
import { reportOf } from "./report.ts";
import { Strays } from "./strays.ts";

const port = parentPort!;
const { queue, address, settings, services, qlog: logs } = workerData as WorkerData;

function tell(message: FromWorker): void {
  port.postMessage(message);
}

function end(core: Stack, { how, local, remote }: EndRequest): boolean {
  const found = core
    .connections()
    .find(
      (c) =>
        `${formatIpv4(c.localAddress)}:${c.localPort}` === local &&
        `${formatIpv4(c.remoteAddress)}:${c.remotePort}` === remote,
    );
  found?.[how]();
  return found !== undefined;
}

async function main(): Promise<void> {
  const strays = new Strays((packet) => tell({ type: "stray", packet }));
  const device = attachQueue(queue, (receiver) => strays.watch(receiver));
  const stack = createStack({ device, address, ...(await loadSettings(settings)) });
  const folder = logs === null ? null : new QlogFolder(logs);
  const endLogs = folder === null ? () => {} : qlog(stack, folder.open);
  stack.onDeviceLost((error) => tell({ type: "lost", message: error.message }));
  // the texts were checked before a worker was started
  const requests = services.map((text) => parseService(text) as ServiceRequest);
  const handles = await startServices(stack.net as unknown as NetLike, requests);
  port.on("message", (message: ToWorker) => {
    if (message.type === "stray") {
      strays.take(message.packet);
      return;
    }
    if (message.type === "report") {
      tell({ type: "report", id: message.id, report: reportOf(stack.core, systemClock.now()) });
      return;
    }
    if (message.type === "end") {
      tell({ type: "ended", id: message.id, found: end(stack.core, message.end) });
      return;
    }
    void finishServices(handles, message.graceMs)
      .then(() => stack.close())
      .then(() => {
        endLogs();
        folder?.close();
        tell({ type: "finished" });
        port.close();
      });
  });
  tell({ type: "ready" });
}

main().catch((error: unknown) => {
  tell({ type: "failed", message: lineOf(error) });
  port.close();
});
