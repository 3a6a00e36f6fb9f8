/** A child process with the same services on the kernel's sockets through loopback: what ours is compared with. */
import net from "node:net";
import { answer } from "../tools/bench/child.ts";
import type { ServiceName } from "../tools/bench/plan.ts";
import { startService } from "./bench-services.ts";

export type KernelQuestion = { readonly service: ServiceName } | { readonly cpu: true };

const ports: Partial<Record<ServiceName, number>> = {};

answer(async (question: KernelQuestion) => {
  if ("cpu" in question) return process.cpuUsage();
  const { service } = question;
  ports[service] ??= await startService(service, net, 0, "127.0.0.1");
  return { port: ports[service] };
});
process.on("disconnect", () => process.exit(0));
