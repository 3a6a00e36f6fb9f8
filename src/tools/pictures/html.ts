/** A figure as one page that works offline: the charts' code, the data and the style are all in it. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { bundle } from "./bundle.ts";
import type { Figure } from "./figure.ts";
import { pack } from "./pack.ts";
import { PAGE_STYLE } from "./page-style.ts";

/** The compiled viewer; the same file whether this module runs compiled or as source. */
const VIEWER = new URL("../../../dist/tools/pictures/page/main.js", import.meta.url);

/** In pieces: a page may be longer than a string of Node can be. */
export function html(figure: Figure): Uint8Array[] {
  const { json, bytes } = pack(figure);
  const require = createRequire(import.meta.url);
  const read = (file: string): string => readFileSync(require.resolve(`uplot/${file}`), "utf8");
  const charts = read("dist/uPlot.iife.min.js").replace(/^\/\*!.*?\*\//, "");
  const title = figure.runs.map(({ name }) => name).join(" and ");
  const head = [
    `<!doctype html>`,
    `<html lang="en">`,
    `<head>`,
    `<meta charset="utf-8">`,
    `<meta name="viewport" content="width=device-width, initial-scale=1">`,
    `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:">`,
    `<title>${escapeHtml(title)}</title>`,
    `<style>${read("dist/uPlot.min.css")}</style>`,
    `<style>${PAGE_STYLE}</style>`,
    `</head>`,
    `<body>`,
    `<noscript>This page needs JavaScript.</noscript>`,
    `<script type="application/json" id="figure">${json.replaceAll("<", "\\u003c")}</script>`,
    `<script type="text/plain" id="columns">`,
  ];
  const tail = [
    `</script>`,
    `<!-- uPlot, which draws the lines:\n${read("LICENSE").replaceAll("--", "- -")}-->`,
    `<script>${inScript(charts)}</script>`,
    `<script>${inScript(bundle(fileURLToPath(VIEWER)))}</script>`,
    `</body>`,
    `</html>`,
    "",
  ];
  return [Buffer.from(head.join("\n")), ...base64(bytes), Buffer.from(tail.join("\n"))];
}

function* base64(bytes: Uint8Array): Generator<Uint8Array> {
  // a multiple of three, so that the pieces make one text
  const piece = 3 << 20;
  for (let at = 0; at < bytes.length; at += piece) {
    const part = bytes.subarray(at, at + piece);
    const text = Buffer.from(part.buffer, part.byteOffset, part.length).toString("base64");
    yield Buffer.from(text, "latin1");
  }
}

/** Inside of a script element only its end tag, and the beginning of a comment, mean something. */
function inScript(code: string): string {
  return code.replaceAll("</script", "<\\/script").replaceAll("<!--", "<\\!--");
}

function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
