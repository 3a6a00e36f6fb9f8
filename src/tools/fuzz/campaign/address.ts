/** What `--campaign` names: a broker, or a folder. */
import { LoadError } from "../../load-module/index.ts";

export interface NatsAddress {
  /** Without the password, for messages. */
  readonly shown: string;
  /** HOST:PORT. */
  readonly server: string;
  /** Of several campaigns on one broker. */
  readonly name: string;
  readonly user?: string;
  readonly pass?: string;
  readonly tls: boolean;
}

export type Place =
  | { readonly kind: "nats"; readonly address: NatsAddress }
  | { readonly kind: "folder"; readonly path: string };

/** Throws a LoadError with one line. */
export function parsePlace(text: string): Place {
  if (text === "") throw new LoadError("--campaign: expected nats://HOST:PORT/NAME or a folder");
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1]?.toLowerCase();
  if (scheme === undefined) return { kind: "folder", path: text };
  const wrong = (why: string): LoadError =>
    new LoadError(`--campaign ${text.replace(/:[^:@/]*@/, ":***@")}: ${why}`);
  if (scheme !== "nats" && scheme !== "tls") {
    throw wrong("expected nats://HOST:PORT/NAME, tls://… or a folder");
  }
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw wrong("expected nats://HOST:PORT/NAME");
  }
  if (url.hostname === "") throw wrong("expected nats://HOST:PORT/NAME");
  const name = url.pathname.replace(/^\//, "") || "fuzz";
  if (!/^[\w-]{1,64}$/.test(name)) {
    throw wrong(`${name} is no name of a campaign: letters, digits, - and _`);
  }
  const server = `${url.hostname}:${url.port === "" ? 4222 : Number(url.port)}`;
  const address: NatsAddress = {
    shown: `nats://${server}/${name}`,
    server,
    name,
    tls: scheme === "tls",
    ...(url.username === "" ? {} : { user: decodeURIComponent(url.username) }),
    ...(url.password === "" ? {} : { pass: decodeURIComponent(url.password) }),
  };
  return { kind: "nats", address };
}
