/** What tshark reads in packets of ours is what our lines say: a second opinion on every field. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import { PcapngWriter } from "../../src/devices/pcapng.ts";
import {
  AE,
  decode,
  encode,
  formatIpv4,
  formatPacket,
  type Packet,
  packetLength,
  parsePacket,
  protocolOf,
  toHex,
} from "../../src/packet/index.ts";
import { packetArbitrary } from "./arbitraries.ts";

const COUNT = 1500;
const hasTshark = spawnSync("which", ["tshark"]).status === 0;
if (!hasTshark) console.warn("test/packet/tshark.test.ts is skipped: without tshark");

const folder = mkdtempSync(join(tmpdir(), "tuntcp-packet-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Many are right but for one field, as those with several are dissected less far. */
function packets(): Packet[] {
  const all = fc.sample(packetArbitrary, { numRuns: COUNT, seed: 11 });
  return all.map((packet, i) => {
    if (packet.ip !== null && i % 4 !== 0) {
      // tshark looks into TCP and ICMP only where IPv4 is in order
      packet.ip = { ...packet.ip, version: null, ihl: null, totalLength: null, fragmentOffset: 0 };
      packet.ip = { ...packet.ip, options: [], protocol: packet.tcp || packet.icmp ? null : 17 };
      packet.trailer = new Uint8Array(0);
      if (packet.tcp !== null) packet.tcp.dataOffset = null;
      while (packetLength({ ...packet, payload: new Uint8Array(0) }) > 20 + 60) {
        packet.tcp!.options = packet.tcp!.options.slice(1);
      }
    }
    // as the bytes are read, which is all that tshark has
    const line = formatPacket(decode(encode(packet)));
    return parsePacket(line) as Packet;
  });
}

type Expected = (p: Packet, bytes: Uint8Array) => string | null;
const at = (bytes: Uint8Array, i: number): number => (bytes[i]! << 8) | bytes[i + 1]!;
const hex = (n: number, digits: number): string => `0x${n.toString(16).padStart(digits, "0")}`;
const flag = (b: boolean): string => (b ? "1" : "0");

/** tshark's name of a field, and what it must show. */
const FIELDS: Readonly<Record<string, Expected>> = {
  "ip.version": (p) => String(p.ip!.version ?? 4),
  "ip.dsfield": (p) => hex(p.ip!.tos, 2),
  "ip.id": (p) => hex(p.ip!.id, 4),
  "ip.flags.rb": (p) => flag(p.ip!.reservedFlag),
  "ip.flags.df": (p) => flag(p.ip!.dontFragment),
  "ip.flags.mf": (p) => flag(p.ip!.moreFragments),
  "ip.frag_offset": (p) => String(p.ip!.fragmentOffset / 8),
  "ip.ttl": (p) => String(p.ip!.ttl),
  "ip.proto": (p) => String(protocolOf(p)),
  "ip.checksum": (_, b) => hex(at(b, 10), 4),
  "ip.src": (p) => formatIpv4(p.ip!.source),
  "ip.dst": (p) => formatIpv4(p.ip!.destination),
  "tcp.srcport": (p) => tcp(p, (t) => String(t.sourcePort)),
  "tcp.dstport": (p) => tcp(p, (t) => String(t.destinationPort)),
  "tcp.seq": (p) => tcp(p, (t) => String(t.seq)),
  "tcp.ack": (p) => tcp(p, (t) => String(t.ack)),
  "tcp.flags": (p) => tcp(p, (t) => hex((t.reserved << 9) | t.flags, 4)),
  "tcp.flags.ae": (p) => tcp(p, (t) => flag((t.flags & AE) !== 0)),
  "tcp.window_size_value": (p) => tcp(p, (t) => String(t.window)),
  "tcp.urgent_pointer": (p) => tcp(p, (t) => String(t.urgentPointer)),
  "tcp.len": (p) => whole(p, () => String(p.payload.length)),
  "tcp.options": (p, b) =>
    whole(p, () => {
      const end = b.length - p.payload.length - p.trailer.length;
      return toHex(b.subarray(20 + 4 * (b[0]! & 15), end));
    }),
  "ip.checksum.status": (p) => (p.ip!.ihl === null ? flag(p.ip!.checksum === null) : null),
  "tcp.checksum.status": (p) => whole(p, (t) => flag(t.checksum === null)),
  "icmp.type": (p) => (p.icmp === null ? null : String(p.icmp.type)),
  "icmp.code": (p) => (p.icmp === null ? null : String(p.icmp.code)),
};

function tcp(p: Packet, read: (t: NonNullable<Packet["tcp"]>) => string): string | null {
  return p.tcp === null ? null : read(p.tcp);
}

/** Where lengths tell where the segment is; else every reader has its own idea of that. */
function whole(p: Packet, read: (t: NonNullable<Packet["tcp"]>) => string): string | null {
  return p.tcp?.dataOffset === null && p.ip!.totalLength === null ? read(p.tcp) : null;
}

function tshark(file: string, fields: readonly string[]): string[][] {
  const options = [
    "ip.defragment:FALSE",
    "tcp.relative_sequence_numbers:FALSE",
    "tcp.desegment_tcp_streams:FALSE",
    "ip.check_checksum:TRUE",
    "tcp.check_checksum:TRUE",
  ].flatMap((option) => ["-o", option]);
  const argv = ["-r", file, ...options, "-T", "fields", "-E", "separator=|", "-E", "occurrence=f"];
  const { status, stdout, stderr } = spawnSync(
    "tshark",
    [...argv, ...fields.flatMap((name) => ["-e", name])],
    { encoding: "utf8", maxBuffer: 1 << 26 },
  );
  expect(status, stderr).toBe(0);
  return stdout
    .trimEnd()
    .split("\n")
    .map((line) => line.split("|"));
}

test.skipIf(!hasTshark)(
  "tshark sees every field as our line says it, and agrees on which checksums are right",
  () => {
    const all = packets().filter((p) => p.ip !== null);
    const file = join(folder, "packets.pcapng");
    const writer = new PcapngWriter(file, "packets");
    const bytes = all.map(encode);
    for (const b of bytes) writer.packet(0, "in", b, 0, b.length, null);
    writer.close();

    const names = Object.keys(FIELDS);
    const rows = tshark(file, names);
    expect(rows).toHaveLength(all.length);
    const compared = new Map<string, number>();
    const differ: string[] = [];
    for (const [i, row] of rows.entries()) {
      const p = all[i]!;
      for (const [k, name] of names.entries()) {
        const seen = row[k]!;
        const expected = FIELDS[name]!(p, bytes[i]!);
        // what it does not dissect it leaves empty; 2: it has not looked
        if (seen === "" || expected === null || (name.endsWith("status") && seen === "2")) continue;
        compared.set(name, (compared.get(name) ?? 0) + 1);
        const same =
          seen.toLowerCase() === expected || seen === { "1": "True", "0": "False" }[expected];
        if (!same) differ.push(`${name}: tshark ${seen}, we ${expected}: ${formatPacket(p)}`);
      }
    }
    expect(differ).toEqual([]);
    for (const name of names) {
      const least = name.startsWith("icmp") ? 40 : 150;
      expect(compared.get(name) ?? 0, name).toBeGreaterThan(least);
    }
  },
  60_000,
);
