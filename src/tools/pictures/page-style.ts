/** The style of the page; in a module, as only compiled files are published. */
export const PAGE_STYLE: string = `
body { margin: 0; color: #1b1b1b; background: #fff; font: 14px/1.4 system-ui, "Segoe UI", Helvetica, Arial, "DejaVu Sans", sans-serif; }
header { position: sticky; top: 0; z-index: 2; background: #fff; border-bottom: 1px solid #ccc; padding: 8px 16px; }
h1 { font-size: 17px; margin: 0; }
h1 small { font-weight: normal; font-size: 12px; color: #555; margin-left: 8px; }
.bar { display: flex; flex-wrap: wrap; gap: 4px 14px; align-items: center; margin-top: 4px; font-size: 13px; }
.bar b { font-weight: 600; }
.bar label { display: inline-flex; align-items: center; gap: 4px; white-space: nowrap; }
.bar input { margin: 0; }
.bar .what { color: #555; min-width: 70px; }
button, select { font: inherit; padding: 1px 9px; border: 1px solid #aaa; border-radius: 4px; background: #f6f6f6; cursor: pointer; }
button:hover { background: #ececec; }
.time { margin-left: auto; font-variant-numeric: tabular-nums; color: #333; }
main { padding: 4px 16px 24px; }
section { margin-top: 10px; }
h2 { font-size: 13px; margin: 0 0 2px; display: inline; }
.legend { font-size: 12px; display: inline-flex; flex-wrap: wrap; gap: 0 14px; margin-left: 12px; color: #333; }
.legend span { white-space: nowrap; }
.legend .off { display: none; }
.legend output { display: inline-block; min-width: 66px; font-variant-numeric: tabular-nums; font-weight: 600; }
.legend svg { vertical-align: middle; margin-right: 3px; }
.plot { position: relative; cursor: crosshair; touch-action: pan-y; user-select: none; }
.plot:focus-visible { outline: 2px solid #7aa7d9; }
.plot canvas { display: block; }
.cross { position: absolute; top: 0; width: 1px; background: #777; pointer-events: none; display: none; }
.selection { position: absolute; top: 0; background: rgba(30, 90, 160, 0.15); pointer-events: none; display: none; }
.note { font-size: 12px; color: #555; min-height: 17px; font-variant-numeric: tabular-nums; }
details { margin-top: 16px; font-size: 13px; }
table { border-collapse: collapse; margin-top: 6px; }
td, th { border: 1px solid #ddd; padding: 2px 8px; text-align: left; vertical-align: top; }
.error { color: #b00020; }
@media print { header { position: static; } button, select, .time, details { display: none; } }
`;
