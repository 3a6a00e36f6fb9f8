/**
 * Who may speak with the dashboard: who knows its token, by a name that is this host's (a page that had its own name point here
 * is refused), and from no other page than the dashboard itself.
 */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";

export interface Refusal {
  readonly status: number;
  readonly why: string;
}

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;
const LITERAL = /^(?:\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-f:.]+\])$/;

/** For every answer: nothing is kept, nothing is guessed, nobody frames it, and no other page reads it. */
export const HEADERS: Readonly<Record<string, string>> = {
  "Cache-Control": "no-store",
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Resource-Policy": "same-origin",
};

/** 128 bits, as they stand in a URL. */
export function makeToken(): string {
  return randomBytes(16).toString("base64url");
}

export class Guard {
  readonly #digest: Buffer;
  readonly #host: string;

  /** `host`: the address that is listened on. */
  constructor(token: string, host: string) {
    this.#digest = digest(token);
    this.#host = host.toLowerCase();
  }

  /** Null: let in. */
  refuses(request: IncomingMessage, url: URL): Refusal | null {
    const { host, origin } = request.headers;
    if (host === undefined || !this.isOurs(host)) {
      return { status: 403, why: "this is not the address of the dashboard" };
    }
    if (origin !== undefined && origin !== `http://${host}`) {
      return { status: 403, why: "another page may not ask" };
    }
    const { "sec-fetch-site": site, "sec-fetch-mode": mode } = request.headers;
    if (site !== undefined && site !== "same-origin" && site !== "none" && mode !== "navigate") {
      return { status: 403, why: "another page may not ask" };
    }
    const given = bearer(request) ?? url.searchParams.get("token") ?? "";
    // digests have one length, and the time tells nothing of where they differ
    if (!timingSafeEqual(digest(given), this.#digest)) {
      return {
        status: 401,
        why: "the address of the dashboard has a token in it: take all of the line that tuntcp serve printed",
      };
    }
    return null;
  }

  /** The port does not matter: it may be forwarded. */
  isOurs(header: string): boolean {
    const name = header.toLowerCase().replace(/:\d+$/, "");
    if (LOOPBACK.test(this.#host) || this.#host === "::1") return LOOPBACK.test(name);
    if (this.#host === "0.0.0.0" || this.#host === "::") {
      return LITERAL.test(name) || LOOPBACK.test(name);
    }
    return name === this.#host || name === `[${this.#host}]`;
  }
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

function bearer(request: IncomingMessage): string | null {
  return /^Bearer (\S+)$/i.exec(request.headers.authorization ?? "")?.[1] ?? null;
}
