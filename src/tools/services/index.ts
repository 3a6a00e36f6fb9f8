/** The services by name, and the reading of `name:port` as a user types it. */
import { realpathSync, statSync } from "node:fs";
import { files } from "./files.ts";
import { http } from "./http.ts";
import { iperf3 } from "./iperf3.ts";
import type { NetLike, ServiceHandle, ServiceRequest } from "./service.ts";
import { chargen, daytime, discard, echo, source } from "./simple.ts";

export { finishServices, startServices } from "./run.ts";
export type { NetLike, ServiceHandle, ServiceRequest } from "./service.ts";

const SIMPLE: Readonly<Record<string, (net: NetLike) => ServiceHandle>> = {
  http,
  echo,
  discard,
  source,
  chargen,
  daytime,
  iperf3,
};

export const DEFAULT_SERVICES: readonly string[] = [
  "http:80",
  "echo:7",
  "discard:9",
  "daytime:13",
  "chargen:19",
];

/** The request, or one line on what is wrong with the text. */
export function parseService(text: string): ServiceRequest | string {
  const [name = "", portText = "", ...rest] = text.split(":");
  if (name !== "files" && SIMPLE[name] === undefined) {
    return `${text}: no service '${name}'; there are ${Object.keys(SIMPLE).join(", ")} and files`;
  }
  const port = Number(portText);
  if (!/^\d{1,5}$/.test(portText) || port < 1 || port > 65535) {
    return `${text}: write ${name}:PORT with a port from 1 to 65535`;
  }
  if (name !== "files") {
    if (rest.length > 0) return `${text}: write ${name}:PORT and nothing behind it`;
    return { name, port, start: SIMPLE[name]! };
  }
  const folder = rest.join(":");
  if (folder === "") return `${text}: write files:PORT:DIR with the folder to serve`;
  try {
    const real = realpathSync(folder);
    if (!statSync(real).isDirectory()) return `${text}: ${folder} is not a folder`;
    return { name, port, start: (net) => files(net, real) };
  } catch {
    return `${text}: there is no folder ${folder}`;
  }
}
