/** Services from their first listener to their last connection. */
import { once } from "node:events";
import type { ServiceRequest } from "./service.ts";
import type { NetLike, ServiceHandle } from "./service.ts";

/** Throws what `listen` reports of the first that cannot. */
export async function startServices(
  net: NetLike,
  requests: readonly ServiceRequest[],
): Promise<ServiceHandle[]> {
  const handles: ServiceHandle[] = [];
  for (const request of requests) {
    const handle = request.start(net);
    handle.server.listen(request.port);
    await once(handle.server, "listening");
    handles.push(handle);
  }
  return handles;
}

/** No new connections; requests under way get `graceMs`, and who is idle hears the end. */
export async function finishServices(
  handles: readonly ServiceHandle[],
  graceMs: number,
): Promise<void> {
  const closed = handles.map(
    (h) => new Promise<void>((resolve) => void h.server.close(() => resolve())),
  );
  for (const handle of handles) handle.finish();
  const patience = new Promise<void>((resolve) => void setTimeout(resolve, graceMs).unref());
  await Promise.race([Promise.all(closed), patience]);
}
