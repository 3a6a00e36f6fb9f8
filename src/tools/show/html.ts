/** A scene as a page: its picture, which can be walked through segment by segment, and all of it as a table. */
import { flagNames } from "../observe/index.ts";
import { escapeXml } from "../pictures/index.ts";
import type { Played, SceneSegment } from "./record.ts";
import { sceneLadderSvg } from "./svg.ts";

const STYLE = `
:root { color-scheme: light dark; }
body { margin: 0 auto; max-width: 1150px; padding: 16px; font: 15px/1.5 system-ui, "Segoe UI", Helvetica, Arial, "DejaVu Sans", sans-serif; }
h1 { font-size: 22px; margin: 0; }
p { max-width: 70ch; margin: 6px 0 12px; }
.steps { display: flex; gap: 10px; align-items: center; position: sticky; top: 0; padding: 8px 0; background: Canvas; }
.steps input { flex: 1; }
.steps output { min-width: 6ch; font-variant-numeric: tabular-nums; }
button { font: inherit; padding: 1px 12px; }
.picture { overflow-x: auto; background: #fff; border-radius: 6px; padding: 8px; }
.picture svg { display: block; min-width: 700px; width: 100%; height: auto; }
.segment.later { visibility: hidden; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; margin-top: 16px; font-size: 13px; }
td, th { border: 1px solid color-mix(in srgb, currentColor 25%, transparent); padding: 2px 8px; text-align: left; vertical-align: top; }
td:first-child { text-align: right; font-variant-numeric: tabular-nums; }
tr.now { background: color-mix(in srgb, Highlight 25%, transparent); }
tr.later { opacity: 0.35; }
`;

/** Shows the first of the segments only; in the page without JavaScript all of them are shown. */
const SCRIPT = `
const slider = document.querySelector("input");
const segments = [...document.querySelectorAll(".segment")];
const rows = [...document.querySelectorAll("tbody tr")];
const show = (n) => {
  slider.value = n;
  document.querySelector("output").textContent = n + " of " + segments.length;
  segments.forEach((s, i) => s.classList.toggle("later", i >= n));
  rows.forEach((r, i) => {
    r.classList.toggle("later", i >= n);
    r.classList.toggle("now", i === n - 1);
  });
};
slider.addEventListener("input", () => show(Number(slider.value)));
for (const [id, by] of [["back", -1], ["on", 1]])
  document.getElementById(id).addEventListener("click", () =>
    show(Math.min(segments.length, Math.max(0, Number(slider.value) + by))));
document.querySelector(".steps").hidden = false;
show(segments.length);
`;

export function sceneHtml(scene: Played): string {
  const count = scene.segments.length;
  return [
    `<!doctype html>`,
    `<html lang="en">`,
    `<head>`,
    `<meta charset="utf-8">`,
    `<meta name="viewport" content="width=device-width, initial-scale=1">`,
    `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'">`,
    `<title>${escapeXml(scene.title)}</title>`,
    `<style>${STYLE}</style>`,
    `</head>`,
    `<body>`,
    `<h1>${escapeXml(scene.title)}</h1>`,
    `<p>${escapeXml(scene.about)}</p>`,
    `<div class="steps" hidden><button id="back">‹ back</button><button id="on">on ›</button><input type="range" min="0" max="${count}" aria-label="segments shown"><output></output></div>`,
    `<div class="picture">${sceneLadderSvg(scene)}</div>`,
    ...scene.outcome.map((line) => `<p><b>${escapeXml(line)}</b></p>`),
    table(scene),
    `<script>${SCRIPT}</script>`,
    `</body>`,
    `</html>`,
    "",
  ].join("\n");
}

function table(scene: Played): string {
  const heads = ["ms", "from", "segment", "sender", "receiver", "why"];
  const line = (cells: readonly string[], tag: string): string =>
    `<tr>${cells.map((cell) => `<${tag}>${escapeXml(cell)}</${tag}>`).join("")}</tr>`;
  const body = scene.segments.map((segment) => line(cellsOf(segment), "td")).join("\n");
  return `<div class="wide"><table><thead>${line(heads, "th")}</thead><tbody>\n${body}\n</tbody></table></div>`;
}

function cellsOf(s: SceneSegment): string[] {
  const range = s.length > 0 ? `${s.seq}:${s.seq + s.length}` : `${s.seq}`;
  const acked = flagNames(s.flags).includes("ACK") ? ` ack ${s.ack}` : "";
  const options = s.options === "" ? "" : ` <${s.options}>`;
  const said = s.remark === "" ? "" : ` (${s.remark})`;
  return [
    s.sent.toFixed(1),
    s.from,
    `${flagNames(s.flags)} seq ${range}${acked} win ${s.window}${options}${said}`,
    s.fromState,
    s.toState ?? "",
    s.notes.join("; "),
  ];
}
