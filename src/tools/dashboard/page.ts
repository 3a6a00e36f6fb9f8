/** The page as one document that needs nothing else: its code, its style and the charts' are in it, and nothing else may run. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { bundle } from "../pictures/index.ts";
import { STYLE } from "./style.ts";

export interface Page {
  readonly html: Buffer;
  /** Content-Security-Policy. */
  readonly policy: string;
}

/** The compiled page; the same file whether this module runs compiled or as source. */
const MAIN = new URL("../../../dist/tools/dashboard/page/main.js", import.meta.url);
const ICON =
  "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Crect width='16' height='16' rx='4' fill='%232f6fb3'/%3E%3Cpath d='M4 3v10M12 3v10M4 5l8 3-8 4' fill='none' stroke='%23fff' stroke-width='1.5'/%3E%3C/svg%3E";

export function pageOf(): Page {
  const require = createRequire(import.meta.url);
  const read = (file: string): string => readFileSync(require.resolve(`uplot/${file}`), "utf8");
  const charts = inScript(read("dist/uPlot.iife.min.js"));
  const code = inScript(bundle(fileURLToPath(MAIN)));
  const styles = [read("dist/uPlot.min.css"), STYLE];
  const html = [
    `<!doctype html>`,
    `<html lang="en">`,
    `<head>`,
    `<meta charset="utf-8">`,
    `<meta name="viewport" content="width=device-width, initial-scale=1">`,
    `<meta name="color-scheme" content="light dark">`,
    `<title>tuntcp</title>`,
    `<link rel="icon" href="${ICON}">`,
    ...styles.map((style) => `<style>${style}</style>`),
    `</head>`,
    `<body>`,
    `<noscript>This page needs JavaScript.</noscript>`,
    `<!-- uPlot, which draws the lines:\n${read("LICENSE").replaceAll("--", "- -")}-->`,
    `<script>${charts}</script>`,
    `<script>${code}</script>`,
    `</body>`,
    `</html>`,
    "",
  ].join("\n");
  const policy = [
    "default-src 'none'",
    `script-src ${[charts, code].map(hashOf).join(" ")}`,
    `style-src ${styles.map(hashOf).join(" ")}`,
    "img-src data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
  return { html: Buffer.from(html), policy };
}

function hashOf(text: string): string {
  return `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
}

/** Inside of a script element only its end tag, and the beginning of a comment, mean something. */
function inScript(code: string): string {
  return code.replaceAll("</script", "<\\/script").replaceAll("<!--", "<\\!--");
}
