/** The style of the page; in a module, as only compiled files are published. */
const LIGHT = `
  color-scheme: light;
  --ground: #f4f6f8; --surface: #ffffff; --sunk: #eef1f5; --text: #1b2430; --muted: #5a6675; --edge: #dde2e8; --grid: #e9edf1;
  --accent: #2465a8; --accent-soft: #e3eefa; --bad: #c0243c; --bad-soft: #fbe7ea;
  --open: #1c7a46; --open-soft: #dff3e6; --opening: #946200; --opening-soft: #fdf0d2;
  --closing: #7540a8; --closing-soft: #efe5f9; --over: #566272; --over-soft: #e6eaef;
  --line1: #2465a8; --line2: #c46a0c; --line3: #17845c; --line4: #9a7b2d; --line5: #8445b8;`;
const DARK = `
  color-scheme: dark;
  --ground: #0f141a; --surface: #171e26; --sunk: #10161d; --text: #dde5ee; --muted: #93a1b1; --edge: #29333f; --grid: #232c36;
  --accent: #74b0f0; --accent-soft: #1c3048; --bad: #ff7a8a; --bad-soft: #43202a;
  --open: #6fd19a; --open-soft: #163627; --opening: #e9bf62; --opening-soft: #3a2f16;
  --closing: #c6a0f0; --closing-soft: #33264a; --over: #a3b0bf; --over-soft: #2a333e;
  --line1: #74b0f0; --line2: #f0a35a; --line3: #5fd0a0; --line4: #cfae5e; --line5: #c79af2;`;

const FRAME = `
* { box-sizing: border-box; }
[hidden] { display: none !important; }
html { height: 100%; }
body { margin: 0; height: 100dvh; display: grid; grid-template-rows: auto minmax(0, 1fr); background: var(--ground); color: var(--text);
  font: 14px/1.45 system-ui, "Segoe UI", Helvetica, Arial, "DejaVu Sans", sans-serif; font-variant-numeric: tabular-nums; }
h1, h2, p, dl, dd, figure { margin: 0; }
h1 { font-size: 17px; letter-spacing: -0.01em; }
h2 { font-size: 13px; font-weight: 600; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 1px; }
button, select, input { font: inherit; color: inherit; background: var(--surface); border: 1px solid var(--edge); border-radius: 7px; padding: 3px 10px; min-height: 30px; }
button { cursor: pointer; white-space: nowrap; }
button:hover { border-color: var(--muted); }
button:disabled { opacity: 0.45; cursor: default; }
button[aria-pressed="true"] { background: var(--accent-soft); border-color: var(--accent); color: var(--accent); }
button.icon { padding: 3px 8px; min-width: 32px; }
button.danger { color: var(--bad); }
button.danger:hover { border-color: var(--bad); background: var(--bad-soft); }
input::placeholder { color: var(--muted); opacity: 0.8; }
.is-open { --kind: var(--open); --kind-soft: var(--open-soft); }
.is-opening { --kind: var(--opening); --kind-soft: var(--opening-soft); }
.is-closing { --kind: var(--closing); --kind-soft: var(--closing-soft); }
.is-over { --kind: var(--over); --kind-soft: var(--over-soft); }
.pill { display: inline-block; padding: 1px 8px; border-radius: 10px; font-size: 11px; font-weight: 600; letter-spacing: 0.02em;
  color: var(--kind); background: var(--kind-soft); white-space: nowrap; }
.top { background: var(--surface); border-bottom: 1px solid var(--edge); padding: 8px 16px; display: grid; gap: 8px; }
.bar { display: flex; align-items: center; gap: 8px 14px; min-width: 0; }
.facts { color: var(--muted); overflow: hidden; text-overflow: ellipsis; white-space: nowrap; min-width: 0; }
.rates { margin-left: auto; white-space: nowrap; font-weight: 600; }
.live { white-space: nowrap; color: var(--muted); font-size: 12px; }
.live::before { content: ""; display: inline-block; width: 8px; height: 8px; border-radius: 50%; margin-right: 6px; background: var(--open); }
.live[data-state="lost"]::before, .live[data-state="paused"]::before { background: var(--opening); }
.live[data-state="over"]::before { background: var(--bad); }
.chips { display: flex; gap: 6px; overflow-x: auto; padding: 2px; min-width: 0; scrollbar-width: none; }
.chip { border-radius: 15px; font-size: 12px; padding: 2px 11px; color: var(--kind, var(--text)); flex: none; }
.filter { margin-left: auto; width: 260px; min-width: 140px; flex: 0 1 260px; }
main { display: grid; grid-template-columns: minmax(0, 1fr) minmax(380px, 36%); min-height: 0; }
.side { border-left: 1px solid var(--edge); overflow-y: auto; min-width: 0; background: var(--ground); }
body.opened .overview { display: none; }
.note, .say { color: var(--muted); font-size: 12px; }
.say:empty { display: none; }
.say.wrong { color: var(--bad); }
`;

const TABLE = `
.grid { display: flex; flex-direction: column; min-width: 0; min-height: 0; background: var(--surface); }
.grid .row { display: grid; align-items: center; column-gap: 12px; padding: 0 16px;
  grid-template-columns: 116px minmax(120px, 1fr) minmax(130px, 1.1fr) 100px 100px 74px 74px 54px minmax(150px, 2fr); }
.grid.medium .row { grid-template-columns: 116px minmax(128px, 1fr) minmax(134px, 1fr) 98px 98px minmax(120px, 1.6fr); }
.grid.medium .rtt, .grid.medium .cwnd, .grid.medium .again { display: none; }
.grid-head .row { height: 32px; border-bottom: 1px solid var(--edge); background: var(--sunk); }
.cell { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; min-width: 0; }
.cell.number { text-align: right; }
.cell.limit { color: var(--muted); }
.grid-space .cell.state { line-height: 1; }
.cell .pill { line-height: 16px; vertical-align: middle; }
.cell.place { font-size: 13px; }
.sort { all: unset; cursor: pointer; font-size: 12px; font-weight: 600; color: var(--muted); }
.sort:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 3px; }
.sort:hover, [aria-sort$="ending"] .sort { color: var(--text); }
[aria-sort="ascending"] .sort::after { content: " ↑"; }
[aria-sort="descending"] .sort::after { content: " ↓"; }
.grid-body { flex: 1; overflow-y: auto; position: relative; min-height: 0; overscroll-behavior: contain; }
.grid-space { position: relative; contain: layout; }
.grid-space .row { position: absolute; inset: 0 0 auto 0; height: 34px; cursor: pointer; border-bottom: 1px solid var(--grid); contain: content; }
.grid-space .row:hover { background: var(--sunk); }
.grid-space .row[aria-selected="true"] { background: var(--accent-soft); }
.grid-space .row:focus-visible { outline-offset: -2px; }
.grid-space .moves .send, .grid-space .moves .receive { font-weight: 600; }
.empty { padding: 40px 16px; text-align: center; color: var(--muted); }
.empty:empty { display: none; }
.grid.narrow .grid-head { display: none; }
.grid.narrow .grid-space .row { height: 60px; align-content: center; row-gap: 2px; column-gap: 10px; padding: 0 12px;
  grid-template-columns: auto minmax(0, 1fr) auto; grid-template-areas: "state remote send" "limit limit receive"; }
.narrow .state { grid-area: state; } .narrow .remote { grid-area: remote; } .narrow .send { grid-area: send; }
.narrow .receive { grid-area: receive; } .narrow .limit { grid-area: limit; font-size: 12px; }
.narrow .local, .narrow .rtt, .narrow .cwnd, .narrow .again { display: none; }
.narrow .grid-space .send::before { content: "↑ "; color: var(--muted); } .narrow .grid-space .receive::before { content: "↓ "; color: var(--muted); }
`;

const SIDE = `
.overview { padding: 14px 16px; display: grid; gap: 14px; }
.card { background: var(--surface); border: 1px solid var(--edge); border-radius: 10px; padding: 12px 14px; display: grid; gap: 9px; min-width: 0; }
.card-head { display: flex; justify-content: space-between; align-items: center; gap: 10px; }
.card-head input { width: 150px; min-width: 0; }
.presets, .actions { display: flex; flex-wrap: wrap; gap: 6px; }
.spec { display: flex; gap: 6px; }
.spec input { flex: 1; min-width: 0; }
.ports { white-space: pre-wrap; color: var(--muted); }
.counters { columns: 2 220px; column-gap: 24px; font-size: 12px; }
.counters > div { display: flex; justify-content: space-between; gap: 10px; break-inside: avoid; padding: 1px 4px; border-radius: 4px; }
.counters dt { overflow: hidden; text-overflow: ellipsis; color: var(--muted); min-width: 0; }
.counters .fresh { background: var(--accent-soft); }
.counters .fresh dd { color: var(--accent); font-weight: 600; }
.detail { padding: 14px 16px 24px; display: grid; grid-template-columns: minmax(0, 1fr); grid-auto-rows: max-content; gap: 12px; align-content: start; }
.detail:focus { outline: none; }
.detail-head { display: flex; align-items: center; gap: 10px; min-width: 0; }
.detail-head h2 { font-size: 14px; overflow-wrap: anywhere; }
.detail-head .close { margin-left: auto; }
.why { font-size: 15px; }
.figures { display: grid; grid-template-columns: repeat(auto-fill, minmax(116px, 1fr)); gap: 1px; background: var(--edge); border: 1px solid var(--edge); border-radius: 10px; overflow: hidden; }
.figures > div { background: var(--surface); padding: 5px 9px; min-width: 0; }
dt { color: var(--muted); font-size: 11px; }
.figures dd { font-weight: 600; font-size: 13px; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.chart { background: var(--surface); border: 1px solid var(--edge); border-radius: 10px; padding: 9px 6px 4px 10px; min-width: 0; }
.chart figcaption { display: flex; flex-wrap: wrap; align-items: center; gap: 2px 14px; font-size: 12px; padding-right: 6px; }
.chart select { min-height: 24px; padding: 0 4px; font-size: 12px; }
.legend { color: var(--muted); white-space: nowrap; }
.legend i { display: inline-block; width: 12px; height: 3px; border-radius: 2px; margin-right: 5px; vertical-align: middle; background: var(--of); }
.legend output { color: var(--text); font-weight: 600; }
.line1 { --of: var(--line1); } .line2 { --of: var(--line2); } .line3 { --of: var(--line3); } .line4 { --of: var(--line4); } .line5 { --of: var(--line5); } .bad { --of: var(--bad); }
.plot { min-width: 0; overflow: hidden; }
.plot canvas { display: block; }
.rungs { max-height: 420px; overflow-y: auto; margin-top: 4px; overscroll-behavior: contain; }
.rungs svg { display: block; font-size: 11px; }
.rungs text { fill: var(--text); }
.rungs .end { font-weight: 600; fill: var(--muted); }
.rungs .time { fill: var(--muted); font-size: 10px; }
.rungs .band { fill: var(--kind-soft); stroke: var(--kind); stroke-width: 0.75; }
.rungs .state-name { font-size: 9.5px; font-weight: 600; fill: var(--muted); }
.rung line, .rung path { stroke: var(--line1); stroke-width: 1.3; fill: none; }
.rung.mark line, .rung.mark path { stroke: var(--closing); } .rung.mark text:not(.time) { font-weight: 600; }
.rung.bad line, .rung.bad path { stroke: var(--bad); stroke-width: 1.8; } .rung.bad text:not(.time) { fill: var(--bad); }
.rung text { paint-order: stroke; stroke: var(--surface); stroke-width: 3px; }
.fields summary { cursor: pointer; color: var(--muted); font-size: 12px; }
.fields dl { columns: 2 200px; column-gap: 24px; font-size: 12px; margin-top: 8px; }
.fields dl > div { display: flex; justify-content: space-between; gap: 12px; break-inside: avoid; border-bottom: 1px solid var(--grid); padding: 2px 0; }
.fields dd { text-align: right; overflow-wrap: anywhere; }
`;

const NARROW = `
@media (max-width: 900px) {
  body { display: block; height: auto; min-height: 100dvh; }
  .top { position: sticky; top: 0; z-index: 2; padding: 8px 12px; }
  .bar { flex-wrap: wrap; }
  .live { margin-left: auto; }
  .rates { order: 3; margin: 0; }
  .facts { order: 4; flex-basis: 100%; font-size: 12px; }
  .chips { flex: 1 1 100%; }
  .filter { flex: 1 1 100%; margin: 0; }
  main { display: block; }
  .grid { height: min(62dvh, 560px); border-bottom: 1px solid var(--edge); }
  .side { border: 0; overflow: visible; }
  body.opened { overflow: hidden; }
  body.opened .overview { display: grid; }
  .detail { position: fixed; inset: 0; z-index: 3; overflow-y: auto; background: var(--ground); padding: 12px; }
  .detail-head { position: sticky; top: -12px; margin: -12px -12px 0; padding: 10px 12px; background: var(--surface); border-bottom: 1px solid var(--edge); z-index: 1; }
  button, input { min-height: 36px; }
  .chip, .sort { min-height: 30px; }
}
@media (prefers-reduced-motion: no-preference) { .grid-space .row, .counters > div { transition: background-color 0.25s; } }
`;

export const STYLE: string = `
:root {${LIGHT}
}
@media (prefers-color-scheme: dark) { :root:not([data-theme="light"]) {${DARK}
} }
:root[data-theme="dark"] {${DARK}
}
${FRAME}${TABLE}${SIDE}${NARROW}`;
