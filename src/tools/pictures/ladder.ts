/** The ladder of a connection in SVG: an arrow for each segment between the two ends, the states of both beside it. */
import type { Ladder, LadderRow } from "./figure.ts";
import { n, text } from "./svg-frame.ts";

const ROW = 17;
/** Width of the columns of times and of states. */
const TIME = 66;
const STATE = 92;
const GREY = "#555";

/** The marks, and how high they are together; y is where they begin. */
export function drawLadder(
  ladder: Ladder,
  x: number,
  y: number,
  width: number,
): { readonly parts: string[]; readonly height: number } {
  const left = x + TIME + STATE;
  const right = x + width - STATE;
  const bold = `font-weight="bold"`;
  const parts = [
    text(left, y + 12, ladder.left, `text-anchor="middle" ${bold}`),
    text(right, y + 12, ladder.right, `text-anchor="middle" ${bold}`),
  ];
  let at = y + ROW + 10;
  let states = ["", ""];
  for (const row of ladder.rows) {
    if ("folded" in row) {
      parts.push(text((left + right) / 2, at, row.folded, `text-anchor="middle" fill="${GREY}"`));
    } else {
      parts.push(...arrow(row, left, right, at));
      parts.push(text(x, at + 4, row.time, `fill="${GREY}"`));
      if (row.left !== states[0])
        parts.push(text(left - 8, at + 4, row.left, `text-anchor="end" ${bold} font-size="9"`));
      if (row.right !== states[1])
        parts.push(text(right + 8, at + 4, row.right, `${bold} font-size="9"`));
      states = [row.left, row.right];
    }
    at += ROW;
  }
  const lines = [left, right].map(
    (line) => `<path d="M${n(line)} ${n(y + ROW)}V${n(at - ROW / 2)}" stroke="#999"/>`,
  );
  return { parts: [...lines, ...parts], height: at - y };
}

function arrow(row: LadderRow, left: number, right: number, y: number): string[] {
  const colour = row.again ? "#b00020" : "#1f4e79";
  const [from, to] = row.fromLeft ? [left, right] : [right, left];
  const back = row.fromLeft ? -6 : 6;
  // the label stands on the line, on white
  const room = row.label.length * 5.4 + 10;
  return [
    `<path d="M${n(from)} ${n(y)}H${n(to)}m${back} -3l${-back} 3l${back} 3" fill="none" stroke="${colour}" stroke-width="${row.again ? 1.8 : 1}"/>`,
    `<rect x="${n((left + right - room) / 2)}" y="${n(y - 6)}" width="${n(room)}" height="12" fill="#fff"/>`,
    text(
      (left + right) / 2,
      y + 3.5,
      row.label,
      `text-anchor="middle" font-size="10" fill="${colour}"`,
    ),
  ];
}

/** As a picture of its own, for the page. */
export function ladderSvg(ladder: Ladder, width: number): string {
  const { parts, height } = drawLadder(ladder, 4, 4, width - 8);
  return `<svg width="${width}" height="${n(height + 8)}" font-family="Helvetica, Arial, sans-serif" font-size="11">${parts.join("")}</svg>`;
}
