/** The `files` service: a folder over HTTP, read only, nothing outside of it. */
import { createReadStream } from "node:fs";
import { readdir, realpath, stat } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { extname, join, sep } from "node:path";
import { pipeline } from "node:stream";
import { httpOver } from "./http.ts";
import type { NetLike, ServiceHandle } from "./service.ts";

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".txt": "text/plain; charset=utf-8",
  ".md": "text/plain; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".jpg": "image/jpeg",
  ".gif": "image/gif",
  ".pdf": "application/pdf",
};

/** `folder` exists and is a real path. */
export function files(net: NetLike, folder: string): ServiceHandle {
  return httpOver(net, (req, res) => {
    serve(folder, req, res).catch(() => fail(res, 404, "there is no such file"));
  });
}

async function serve(folder: string, req: IncomingMessage, res: ServerResponse): Promise<void> {
  req.resume();
  if (req.method !== "GET" && req.method !== "HEAD") {
    fail(res, 405, "GET and HEAD are understood here");
    return;
  }
  const asked = decodeURIComponent((req.url ?? "/").split("?", 1)[0]!);
  if (asked.includes("\0")) throw new Error("no path has a NUL");
  // links are followed first: what counts is where the file really is
  const path = await realpath(join(folder, asked));
  if (path !== folder && !path.startsWith(folder + sep)) throw new Error("outside of the folder");
  const facts = await stat(path);
  if (facts.isDirectory()) await sendList(path, asked, req, res);
  else if (facts.isFile()) sendFile(path, facts.size, req, res);
  else throw new Error("not a file");
}

function sendFile(path: string, size: number, req: IncomingMessage, res: ServerResponse): void {
  const type = TYPES[extname(path).toLowerCase()] ?? "application/octet-stream";
  const range = rangeOf(req.headers.range, size);
  if (range === "unsatisfiable") {
    res.setHeader("Content-Range", `bytes */${size}`);
    fail(res, 416, "the file has no such bytes");
    return;
  }
  const [from, to] = range ?? [0, size - 1];
  const headers = {
    "Content-Type": type,
    "Content-Length": to - from + 1,
    "Accept-Ranges": "bytes",
  };
  if (range === null) res.writeHead(200, headers);
  else res.writeHead(206, { ...headers, "Content-Range": `bytes ${from}-${to}/${size}` });
  if (req.method === "HEAD" || size === 0) {
    res.end();
    return;
  }
  // a file that cannot be read on ends the connection: a short body must not look whole
  pipeline(createReadStream(path, { start: from, end: to }), res, (error) => {
    if (error) res.destroy();
  });
}

/** One range (RFC 9110 §14.1.2); several, or what is not understood, count as none. */
function rangeOf(
  header: string | undefined,
  size: number,
): [number, number] | "unsatisfiable" | null {
  const m = /^bytes=(\d*)-(\d*)$/.exec(header ?? "");
  if (m === null || (m[1] === "" && m[2] === "")) return null;
  const from = m[1] === "" ? Math.max(0, size - Number(m[2])) : Number(m[1]);
  const to = m[1] === "" || m[2] === "" ? size - 1 : Math.min(Number(m[2]), size - 1);
  return from > to || from >= size ? "unsatisfiable" : [from, to];
}

async function sendList(
  path: string,
  asked: string,
  req: IncomingMessage,
  res: ServerResponse,
): Promise<void> {
  const base = asked.endsWith("/") ? asked : `${asked}/`;
  const entries = await readdir(path, { withFileTypes: true });
  const rows = entries
    .map((e) => (e.isDirectory() ? `${e.name}/` : e.name))
    .toSorted()
    .map((name) => `<li><a href="${escape(encodeURI(base + name))}">${escape(name)}</a></li>`);
  const body = `<!doctype html>\n<meta charset="utf-8">\n<title>${escape(base)}</title>\n<h1>${escape(base)}</h1>\n<ul>\n${rows.join("\n")}\n</ul>\n`;
  res.writeHead(200, {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Length": Buffer.byteLength(body),
  });
  res.end(req.method === "HEAD" ? undefined : body);
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}

function fail(res: ServerResponse, status: number, why: string): void {
  if (res.headersSent) {
    res.destroy();
    return;
  }
  res.writeHead(status, { "Content-Type": "text/plain; charset=utf-8" });
  res.end(`${why}\n`);
}
