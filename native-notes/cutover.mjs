/**
 * Copy or gather: what a TCP packet costs on its way into a TUN when its payload is copied behind its headers,
 * and when the kernel gathers it from where it lies; "direct" is a copy by the stack, "copy" one by the device. The kernel drops the packets in its routing. As root, after
 * `npm run build`, in a network namespace of its own:
 *
 *   unshare -n node native-notes/cutover.mjs [folder, default ../dist]
 *
 * Both ways run in turn, so that only the ratio of medians counts, not the times.
 */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const folder = process.argv[2] ?? join(import.meta.dirname, "..", "dist");
const load = (name) => import(pathToFileURL(join(folder, name)).href);
const { loadNative } = await load("devices/native-binding.js");
const { TunTransmit } = await load("devices/tun-transmit.js");
const { parseIpv4 } = await load("wire/address.js");
const { writeIpv4 } = await load("wire/ipv4.js");
const { createTcpSegment } = await load("wire/tcp-segment.js");
const { writeTcp } = await load("wire/tcp.js");

const NAME = "cutover0";
const HEADERS = 40;
const MSS = 1460;
const FLUSH_EVERY = 16;
const ROUNDS = 31;
const ROUND_BYTES = 4 << 20;
const SOURCE = parseIpv4("192.0.2.2");
const DESTINATION = parseIpv4("198.51.100.1");

const tun = loadNative().open(NAME, true, true, true, false);
const ip = (...args) => execFileSync("ip", args);
ip("address", "add", "192.0.2.1/24", "dev", NAME);
ip("link", "set", NAME, "up");
ip("route", "add", "blackhole", "198.51.100.0/24");

const stats = { txPackets: 0, txBytes: 0, txDropped: 0, lastError: 0 };
const ways = {};
for (const [way, gatherPiece] of [
  ["copy", Infinity],
  ["gather", 0],
]) {
  const offload = { checksum: true, tso: true };
  const tx = new TunTransmit(stats, offload, 1500, tun.vnetHeader, gatherPiece);
  const slots = [new Uint8Array(new ArrayBuffer(65_600))];
  const port = new (loadNative().Port)(
    tun.fd,
    tun.vnetHeader,
    65_600,
    slots,
    new Int32Array(new ArrayBuffer(4)),
    new Int32Array(new ArrayBuffer(4)),
    tx.slab,
    tx.table,
    tx.status,
  );
  tx.setPort(port);
  ways[way] = tx;
}

/** Payload as a send buffer has it: larger than the nearest caches, in pieces. */
const memory = new Uint8Array(8 << 20).fill(7);

function round(tx, size, piece, direct) {
  const s = createTcpSegment();
  const packets = Math.max(64, Math.floor(ROUND_BYTES / size));
  let at = 0;
  const begin = process.hrtime.bigint();
  for (let n = 1; n <= packets; n++) {
    tx.reserve(direct ? HEADERS + size : HEADERS);
    writeIpv4(tx.slab, tx.offset, HEADERS + size, 0, 0, true, 64, 6, SOURCE, DESTINATION);
    writeTcp(tx.slab, tx.offset + 20, s);
    for (let done = 0; done < size; done += piece) {
      if (at + piece > memory.length) at = 0;
      const length = Math.min(piece, size - done);
      if (direct) tx.slab.set(memory.subarray(at, at + length), tx.offset + HEADERS + done);
      else tx.append(memory, at, at + length);
      at += length;
    }
    tx.commit(direct ? HEADERS + size : HEADERS, true, size > MSS ? MSS : 0);
    if (n % FLUSH_EVERY === 0) tx.flush();
  }
  tx.flush();
  return Number(process.hrtime.bigint() - begin) / packets;
}

const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];

const seen = new Set();
console.log("payload    piece  copy ns  copy/direct  gather/copy");
for (const size of [1024, 1448, 2896, 4096, 8192, 12288, 16384, 32768, 65483]) {
  for (const piece of [1024, 2048, 4096, 16384, size]) {
    if (piece > size || seen.has(`${size} ${piece}`)) continue;
    seen.add(`${size} ${piece}`);
    const times = { direct: [], copy: [], gather: [] };
    for (let i = -3; i < ROUNDS; i++) {
      for (const way of i & 1 ? ["direct", "copy", "gather"] : ["gather", "copy", "direct"]) {
        const direct = way === "direct";
        const ns = round(ways[direct ? "copy" : way], size, piece, direct);
        if (i >= 0) times[way].push(ns);
      }
    }
    const [direct, copy, gather] = [times.direct, times.copy, times.gather].map(median);
    const row = [size, piece, copy.toFixed(0), (copy / direct).toFixed(2)];
    row.push((gather / copy).toFixed(2));
    console.log(row.map((x, i) => String(x).padStart([7, 9, 9, 13, 13][i])).join(""));
  }
}
console.log(JSON.stringify(stats));
process.exit(0);
