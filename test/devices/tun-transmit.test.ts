/** The sending half of a TUN: which packets are copied and which are gathered, over a port that only notes. */
import { expect, test } from "vitest";
import type { NativePort } from "../../src/devices/native-binding.ts";
import { GATHER_PIECE, TunTransmit } from "../../src/devices/tun-transmit.ts";

const HEADERS = 40;

function open(vnetHeader = false) {
  const stats = {
    rxPackets: 0,
    rxBytes: 0,
    rxLargest: 0,
    txPackets: 0,
    txBytes: 0,
    txDropped: 0,
    lastError: 0,
  };
  const tx = new TunTransmit(stats, { checksum: true, tso: true }, 1500, vnetHeader);
  const sent: { bytes: number[]; gathered: number }[] = [];
  const note = (count: number, pieces: Uint8Array[]): number => {
    let next = 0;
    for (let i = 0; i < count; i++) {
      const [start, length, gathered] = tx.table.subarray(3 * i, 3 * i + 3) as unknown as number[];
      const bytes = [...tx.slab.subarray(start!, start! + length!)];
      for (let k = 0; k < gathered!; k++) bytes.push(...pieces[next++]!);
      sent.push({ bytes, gathered: gathered! });
    }
    return count;
  };
  const port: Pick<NativePort, "flush" | "flushGather"> = {
    flush: (count) => note(count, []),
    flushGather: (count, buffers, offsets, lengths) => {
      const cut = (i: number): Uint8Array =>
        buffers[i]!.subarray(offsets[i]!, offsets[i]! + lengths[i]!);
      return note(
        count,
        buffers.map((_, i) => cut(i)),
      );
    },
  };
  tx.setPort(port as NativePort);
  /** One packet whose payload is in pieces of these sizes, each of its own byte. */
  const send = (...sizes: number[]): void => {
    expect(tx.reserve(HEADERS)).toBe(true);
    tx.slab.fill(0, tx.offset, tx.offset + HEADERS);
    tx.slab[tx.offset + 32] = 0x50;
    sizes.forEach((size, i) => tx.append(new Uint8Array(size + 2).fill(i + 1), 1, size + 1));
    tx.commit(HEADERS, true, 1460);
  };
  return { tx, sent, send };
}

/** What the packet should be. */
const whole = (...sizes: number[]): number[] => {
  const headers = Array<number>(HEADERS).fill(0);
  headers[32] = 0x50;
  return [...headers, ...sizes.flatMap((size, i) => Array<number>(size).fill(i + 1))];
};

test.each([
  ["one small piece", [100], 0],
  ["one piece just below the average", [GATHER_PIECE - 1], 0],
  ["one piece of the average", [GATHER_PIECE], 1],
  ["many small pieces of a large payload", Array<number>(40).fill(1024), 0],
  ["large pieces", [16384, 16384, 20000], 3],
  ["a small piece beside one that makes up for it", [100, 2 * GATHER_PIECE], 2],
  ["a small piece beside one that does not", [100, GATHER_PIECE], 0],
])("%s: the packet is whole, and as many pieces are gathered as pays", (_, sizes, gathered) => {
  const { tx, sent, send } = open();
  send(...sizes);
  tx.flush();
  expect(sent.length).toBe(1);
  expect(sent[0]!.gathered).toBe(gathered);
  expect(sent[0]!.bytes).toEqual(whole(...sizes));
});

test("copied and gathered packets in one flush keep their order and their pieces", () => {
  const { tx, sent, send } = open();
  const packets = [[10], [5000, 6000], [20, 30], [9000]];
  for (const sizes of packets) send(...sizes);
  tx.flush();
  expect(sent.map((packet) => packet.gathered)).toEqual([0, 2, 0, 1]);
  expect(sent.map((packet) => packet.bytes)).toEqual(packets.map((sizes) => whole(...sizes)));
});

test.each([
  [0x10, 1],
  [0x90, 0x81],
])(
  "flags %i: the kernel is told whether the first piece has CWR [3168-6.1.2-CWR]",
  (flags, kind) => {
    const { tx, sent } = open(true);
    tx.reserve(HEADERS);
    tx.slab.fill(0, tx.offset, tx.offset + HEADERS);
    tx.slab[tx.offset + 32] = 0x50;
    tx.slab[tx.offset + 33] = flags;
    tx.append(new Uint8Array(5000), 0, 5000);
    tx.commit(HEADERS, true, 1460);
    tx.flush();
    // struct virtio_net_hdr: flags, gso_type
    expect(sent[0]!.bytes.slice(0, 2)).toEqual([1, kind]);
  },
);
