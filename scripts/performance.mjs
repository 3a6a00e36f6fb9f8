/**
 * Measures how cost grows and writes docs/performance.md with a table and a picture of each curve:
 * `node scripts/performance.mjs`, as root, after a build. A quarter of an hour; options go to `tuntcp bench` each time, so
 * with `--seconds 1` it is five minutes.
 */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { cpus, release } from "node:os";

function bench(...args) {
  const options = { encoding: "utf8", maxBuffer: 1 << 26, stdio: ["ignore", "pipe", "inherit"] };
  const given = ["scripts/bench", "--json", ...args, ...process.argv.slice(2)];
  const text = execFileSync("bash", given, options);
  return JSON.parse(text.slice(text.indexOf("{")));
}

/** A chart with a logarithmic x axis, both axes from the data; colours by the class of a line. */
function chart(title, xName, yName, lines) {
  const [w, h, left, right, top, bottom] = [640, 360, 70, 150, 40, 50];
  const xs = lines.flatMap((l) => l.points.map(([x]) => x));
  const most = Math.max(...lines.flatMap((l) => l.points.map(([, y]) => y)));
  const step = 10 ** Math.floor(Math.log10(most));
  const yTop = Math.ceil((most * 1.05) / step) * step;
  const [x0, x1] = [Math.log10(Math.min(...xs)), Math.log10(Math.max(...xs))];
  const px = (x) => left + ((Math.log10(x) - x0) / (x1 - x0)) * (w - left - right);
  const py = (y) => h - bottom - (y / yTop) * (h - top - bottom);
  const colours = ["#0b6", "#06c", "#c60", "#888"];
  const out = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${w} ${h}" font-family="sans-serif" font-size="12">`,
    `<rect width="${w}" height="${h}" fill="#fff"/>`,
    `<text x="${left}" y="22" font-size="14">${title}</text>`,
  ];
  for (let i = 0; i <= 4; i++) {
    const y = (yTop / 4) * i;
    out.push(`<line x1="${left}" x2="${w - right}" y1="${py(y)}" y2="${py(y)}" stroke="#ddd"/>`);
    out.push(
      `<text x="${left - 6}" y="${py(y) + 4}" text-anchor="end">${Number(y.toPrecision(3))}</text>`,
    );
  }
  for (const x of new Set(xs)) {
    out.push(
      `<text x="${px(x)}" y="${h - bottom + 18}" text-anchor="middle">${x.toLocaleString("en")}</text>`,
    );
  }
  out.push(
    `<text x="${(left + w - right) / 2}" y="${h - 10}" text-anchor="middle">${xName}</text>`,
  );
  out.push(
    `<text x="16" y="${(h - bottom + top) / 2}" text-anchor="middle" transform="rotate(-90 16 ${(h - bottom + top) / 2})">${yName}</text>`,
  );
  lines.forEach(({ name, points }, i) => {
    const path = points.map(([x, y]) => `${px(x).toFixed(1)},${py(y).toFixed(1)}`).join(" ");
    out.push(`<polyline points="${path}" fill="none" stroke="${colours[i]}" stroke-width="2"/>`);
    for (const [x, y] of points)
      out.push(
        `<circle cx="${px(x).toFixed(1)}" cy="${py(y).toFixed(1)}" r="3" fill="${colours[i]}"/>`,
      );
    const [lastX, lastY] = points.at(-1);
    out.push(`<text x="${px(lastX) + 8}" y="${py(lastY) + 4}" fill="${colours[i]}">${name}</text>`);
  });
  return `${[...out, "</svg>"].join("\n")}\n`;
}

const table = (head, rows) =>
  [head, head.map(() => "---"), ...rows].map((r) => `| ${r.join(" | ")} |`).join("\n");

const counts = [1, 8, 64, 512];
const bulk = bench(
  "--metrics",
  counts.flatMap((n) => [`up${n}`, `down${n}`]).join(","),
  "--seconds",
  "4",
);
const rateOf = (report, name, who) => report.rows.find((r) => r.metric === name)[who].rate;
const bulkRows = counts.map((n) => [
  n,
  ...["up", "down"].flatMap((d) =>
    ["ours", "kernel"].map((who) => rateOf(bulk, d + n, who).toFixed(1)),
  ),
]);
writeFileSync(
  "docs/growth-bulk.svg",
  chart("Bulk through the TUN, offload, MTU 1500", "connections", "Gbit/s", [
    { name: "to the stack", points: counts.map((n) => [n, rateOf(bulk, `up${n}`, "ours")]) },
    { name: "from the stack", points: counts.map((n) => [n, rateOf(bulk, `down${n}`, "ours")]) },
  ]),
);

const neighbours = [1, 10, 100, 1000, 10000];
const rr = bench("--metrics", neighbours.map((n) => `rr@${n}`).join(","), "--seconds", "3");
const rrOf = (n) => rr.rows.find((r) => r.metric === `rr@${n}`);
const rrRows = neighbours.map((n) => {
  const { ours, kernel } = rrOf(n);
  return [n, ...[ours.p50, ours.p99, kernel.p50, kernel.p99].map((us) => us.toFixed(1))];
});
writeFileSync(
  "docs/growth-round-trips.svg",
  chart("Round trip of one byte beside idle connections", "idle connections", "µs (p50)", [
    { name: "ours", points: neighbours.map((n) => [n, rrOf(n).ours.p50]) },
    { name: "Node, loopback", points: neighbours.map((n) => [n, rrOf(n).kernel.p50]) },
  ]),
);

const { pieces } = JSON.parse(
  execFileSync("node", ["dist/cli/main.js", "bench", "--pieces", "--json"], { encoding: "utf8" }),
);
const armed = pieces.flatMap(({ name, ns }) => {
  const m = /^start and stop a timer, (\d+) armed/.exec(name);
  return m === null ? [] : [[Number(m[1]), ns]];
});
writeFileSync(
  "docs/growth-timers.svg",
  chart("Starting and stopping one timer", "timers armed", "ns", [{ name: "", points: armed }]),
);

const whole = bench();
const wholeRows = whole.rows.map(({ what, unit, ours, kernel }) => {
  const digits = { "Gbit/s": 1, "%": 3 }[unit] ?? 0;
  const text = (s) => (s === null ? "" : s.rate.toFixed(digits));
  const times = kernel === null ? "" : (ours.rate / kernel.rate).toFixed(2);
  return [what, text(ours), text(kernel), times, unit];
});

/** The options that it was called with. */
const asked = process.argv
  .slice(2)
  .map((word) => ` ${word}`)
  .join("");

const beginning = `# Performance

Of ${new Date().toISOString().slice(0, 10)}, ${cpus().length} x ${cpus()[0].model}, Linux ${release()}, Node ${process.version}; made by
\`node scripts/performance.mjs\`. The machine is shared: the ratios count. The load comes from one Node process on the
kernel's sockets, "loopback" is Node on the kernel's sockets at both ends in the same run. Medians of three runs.

## Everything once

${table(["figure", "ours through the TUN", "loopback", "ratio", "unit"], wholeRows)}

The largest read of the TUN had ${whole.tun.largestRead} bytes: segmentation is put off to us.

## How cost grows

${table(["connections", "to the stack, Gbit/s", "loopback", "from the stack, Gbit/s", "loopback"], bulkRows)}

![bulk by connections](growth-bulk.svg)

${table(["idle neighbours", "p50, us", "p99, us", "loopback p50", "loopback p99"], rrRows)}

![round trips by idle connections](growth-round-trips.svg)

${table(
  ["timers armed", "start and stop, ns"],
  armed.map(([n, ns]) => [n, ns.toFixed(1)]),
)}

![timers](growth-timers.svg)

## The small pieces

${table(
  ["piece", "ns"],
  pieces.map(({ name, ns }) => [name, ns.toFixed(1)]),
)}
`;
// what was found is written by hand below the figures, and stays
const MARK = "## What limits, and what was tried";
let rest = `${MARK}\n`;
try {
  const old = readFileSync("docs/performance.md", "utf8");
  if (old.includes(MARK)) rest = old.slice(old.indexOf(MARK));
} catch {
  // the first time
}
writeFileSync("docs/performance.md", `${beginning}\n${rest}`);
execFileSync("npx", ["prettier", "--write", "docs/performance.md"]);
