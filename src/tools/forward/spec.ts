/** `[ADDRESS:]PORT:HOST:PORT` as a user types it: where to listen, and where to connect to. */
import { isIP } from "node:net";

export interface ForwardSpec {
  /** Null: every address of the listening side, or its default. */
  readonly address: string | null;
  readonly port: number;
  /** A name or an address, IPv6 without its brackets. */
  readonly host: string;
  readonly hostPort: number;
}

const FORM = /^(?:(\[[^\]]+\]|[\d.]+):)?(\d+):(\[[^\]]+\]|[^:[\]\s]+):(\d+)$/;

/** The spec, or one line on what is wrong with the text. */
export function parseSpec(text: string): ForwardSpec | string {
  const m = FORM.exec(text);
  if (m === null) return `${text}: write [ADDRESS:]PORT:HOST:PORT, as 8080:127.0.0.1:80`;
  const address = m[1] === undefined ? null : bare(m[1]);
  const host = bare(m[3]!);
  for (const port of [m[2]!, m[4]!]) {
    if (Number(port) < 1 || Number(port) > 65535) return `${text}: a port is 1 to 65535`;
  }
  if (address !== null && isIP(address) === 0) return `${text}: ${address} is not an address`;
  if (/^[\d.]+$|^\[/.test(m[3]!) && isIP(host) === 0) return `${text}: ${host} is not an address`;
  return { address, port: Number(m[2]), host, hostPort: Number(m[4]) };
}

function bare(host: string): string {
  return host.startsWith("[") ? host.slice(1, -1) : host;
}

/** As `HOST:PORT`, with brackets where there are colons. */
export function placeOf(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
