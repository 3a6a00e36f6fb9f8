// The http service of `tuntcp serve` on the kernel's sockets, port 80: what the kernel is compared by. Ends with its stdin.
import net from "node:net";

const { http } = await import(new URL("../../dist/tools/services/http.js", import.meta.url));
http(net).server.listen(80, () => process.stdout.write("ready\n"));
process.stdin.resume().on("end", () => process.exit(0));
