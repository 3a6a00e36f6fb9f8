/** A child process that puts loads on a server, told over IPC which; apart, so that its work is not the stack's. */
import type { Load } from "./loads.ts";
import { runLoad } from "./loads.ts";

process.on("message", (load: Load) => {
  void runLoad(load).then((result) => process.send!(result));
});
process.on("disconnect", () => process.exit(0));
