/** A child process with the same services on the kernel's sockets through loopback: what ours is compared with. */
import { once } from "node:events";
import net, { type AddressInfo } from "node:net";
import { parseService } from "../tools/services/index.ts";

const ports: Record<string, number> = {};
for (const name of ["discard", "source", "echo", "http"]) {
  const request = parseService(`${name}:1`);
  if (typeof request === "string") throw new Error(request);
  const { server } = request.start(net);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  ports[name] = (server.address() as AddressInfo).port;
}
process.on("message", () => process.send!(process.cpuUsage()));
process.on("disconnect", () => process.exit(0));
process.send!(ports);
