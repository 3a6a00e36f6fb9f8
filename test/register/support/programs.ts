/** The programs of test/register/programs: what each prints, and how it is started with the preload. */
import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

export { makeCertificates } from "../../support/certificate.ts";

const HERE = fileURLToPath(new URL("..", import.meta.url));
/** The preload, and what tells when the kernel's TCP is used all the same. */
export const WATCHED: readonly string[] = [
  join(HERE, "../../dist/register/index.js"),
  join(HERE, "support/kernel-watch.mjs"),
].flatMap((path) => ["--import", pathToFileURL(path).href]);
/** The preload alone. */
export const PRELOADED: readonly string[] = WATCHED.slice(0, 2);

/** By file: what its asking side prints, wherever it runs. */
export const PROGRAMS: Readonly<Record<string, readonly string[]>> = {
  "net.cjs": [
    "true 2000000 16 connect ready finish end close(false)",
    "true open true",
    "opening true",
    "true true closed",
    "true",
    "ECONNREFUSED -111 connect true 1",
    "AbortError",
    "timeout",
  ],
  "named-imports.mjs": ["true", "true true"],
  "http.mjs": [
    "200 GET /1 0 false",
    "200 GET /2 0 true",
    "200 GET /3 0 true",
    "PUT /big 3000000",
    "echoed",
    "200 POST /fetched 5",
    "ECONNREFUSED",
  ],
  "https.mjs": [
    "/x true string IPv4 true true true",
    "/x true string IPv4 true true true",
    "DEPTH_ZERO_SELF_SIGNED_CERT",
    "ERR_TLS_CERT_ALTNAME_INVALID",
    "ECONNREFUSED",
    "true true TLSv1.3",
    "200000",
  ],
  "http2.mjs": [
    "h2 true",
    "/1 500000, /2 1000000, /3 1500000",
    "h2c true",
    "/1 500000, /2 1000000, /3 1500000",
  ],
  "express.mjs": ['{"hello":"world","ip":"string","secure":false}', "42", "500", "404"],
  "fastify.mjs": ['{"hello":"world","ip":"string","port":true}', '{"sum":42}', "404"],
  "ws.mjs": ["text", "1000000 true true", "are you there", "4000 done", "ECONNREFUSED"],
  "undici.mjs": ["200 GET /one 0", "true", "GET /tls 0", "ECONNREFUSED"],
  "grpc.mjs": ["hello world", "3 no name", "5050", "500500"],
};
/** Those that ask Debian's servers. */
export const CLIENTS = {
  "ioredis.mjs": ["OK value", "true", "1000", "true", "heard"],
  "pg.mjs": ["495000 495000 495000 495000 495000 495000", "3000000", "42703"],
} as const;

export function programPath(file: string): string {
  return join(HERE, "programs", file);
}

export interface Ended {
  readonly code: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

/** Resolves when it has ended by itself. */
export function ended(process: ChildProcess): Promise<Ended> {
  let stdout = "";
  let stderr = "";
  process.stdout?.on("data", (chunk) => (stdout += String(chunk)));
  process.stderr?.on("data", (chunk) => (stderr += String(chunk)));
  return new Promise((resolve) => {
    process.on("close", (code, signal) => resolve({ code: code ?? signal ?? -1, stdout, stderr }));
  });
}

/** On the loopback device, where nothing of the machine is needed. */
export async function onLoopback(
  node: string,
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  const all = { ...process.env, TUNTCP_DEVICE: "loopback", ...env };
  return await ended(spawn(node, [...WATCHED, ...argv], { env: all }));
}
