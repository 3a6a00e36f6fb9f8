/**
 * `npm run bench`: the small pieces under mitata, with the codec of ip-packet beside ours, then the whole path by
 * scripts/bench. All figures become one line of bench-history.json (or of `--history FILE`); other options go to
 * `tuntcp bench`, as in `npm run bench -- --metrics rr --seconds 1`.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bench, do_not_optimize, group, run, summary } from "mitata";
import { History } from "../dist/tools/bench/history.js";
import { PIECES } from "../dist/tools/bench/pieces.js";

const ipPacket = createRequire(import.meta.url)("ip-packet");
const args = process.argv.slice(2);
const at = args.indexOf("--history");
const file = at < 0 ? "bench-history.json" : args.splice(at, 2)[1];

/** ip-packet leaves the checksum to its caller, and makes strings of addresses: it is for people. */
function theirs() {
  const buffer = Buffer.alloc(20);
  const addresses = { sourceIp: "192.0.2.1", destinationIp: "192.0.2.2" };
  const packet = {
    version: 4,
    flags: 2,
    ttl: 64,
    protocol: 6,
    ...addresses,
    data: Buffer.alloc(0),
  };
  const state = () => ({ buffer, start: 0, end: buffer.length });
  const write = () => {
    ipPacket.encode(state(), packet);
    return ipPacket.checksum(buffer); // and writes it into the header
  };
  write();
  const read = () => {
    const found = buffer.readUInt16BE(10);
    if (ipPacket.checksum(buffer) !== found) throw new Error("bad checksum");
    return ipPacket.decode(state());
  };
  return { read, write };
}

let history;
try {
  history = new History(file);
} catch (error) {
  console.error(`bench: --history ${file}: ${error.message}`);
  process.exit(2);
}

for (const name of new Set(PIECES.map((piece) => piece.group))) {
  group(() => {
    for (const piece of PIECES.filter((p) => p.group === name)) {
      const step = piece.make();
      bench(piece.name, () => do_not_optimize(step()));
    }
  });
}
const { read, write } = theirs();
const [ownRead, ownWrite] = ["read an IPv4 header", "write an IPv4 header"].map((name) =>
  PIECES.find((piece) => piece.name === name).make(),
);
summary(() => {
  bench("ours: read an IPv4 header", () => do_not_optimize(ownRead())).baseline();
  bench("ip-packet: read an IPv4 header", () => do_not_optimize(read()));
});
summary(() => {
  bench("ours: write an IPv4 header", () => do_not_optimize(ownWrite())).baseline();
  bench("ip-packet: write an IPv4 header", () => do_not_optimize(write()));
});
const { benchmarks } = await run({ throw: true, colors: process.stdout.isTTY === true });

// a name of their own: the calls are measured in another way than by --pieces
const figures = {};
for (const { runs } of benchmarks) {
  for (const { name, stats } of runs) figures[`mitata: ${name}`] = stats.p50;
}
if (history.runs > 0) {
  console.log(`\nbeside the median of ${history.runs} earlier runs in ${file}:`);
  for (const [name, ns] of Object.entries(figures)) {
    const ratio = history.ratio(name, ns);
    if (ratio !== null) console.log(`  x ${ratio.toFixed(2)}  ${name.slice("mitata: ".length)}`);
  }
}
console.log("\nthe whole path:");
const folder = mkdtempSync(join(tmpdir(), "tuntcp-bench-"));
const withFile = join(folder, "pieces.json");
writeFileSync(withFile, JSON.stringify(figures));
const own = ["--history", file, "--with", withFile];
const whole = spawnSync("bash", ["scripts/bench", ...args, ...own], { stdio: "inherit" });
rmSync(folder, { recursive: true });
process.exitCode = whole.status ?? 1;
