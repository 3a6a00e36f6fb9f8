/**
 * The sending half of a TUN device: packets are laid out one behind the other in a slab, each with its
 * offload header before it, and leave together. Payload in small pieces is copied behind its headers, in
 * large ones gathered by the kernel from where it lies. What the device does not take is dropped and
 * counted: to TCP that is a loss, and waiting here would only be a second queue.
 */

import type { DeviceOffload } from "../base/device.ts";
import { invariant } from "../base/errors.ts";
import type { NativePort } from "./native-binding.ts";
import { STATUS_BYTES, STATUS_DROPPED, STATUS_ERROR } from "./native-binding.ts";
import type { TunStats } from "./tun.ts";

const SLAB_BYTES = 1 << 20;
const MAX_PACKETS = 256;
const MAX_CHUNKS = 1024;
/** Of one packet; more are merged, which the iovec limit of 1024 never asks for in practice. */
const MAX_CHUNKS_PER_PACKET = 128;
/**
 * Bytes from which the pieces of a packet's payload, on average, are gathered and not copied: measured, pieces of 4 KiB
 * cost 0.76 to 0.98 of the copy at every packet size, pieces of 1 KiB 1.01 to 1.23 (native-notes/README.md).
 */
export const GATHER_PIECE: number = 4096;
const MAX_IP_PACKET = 65535;

const VNET_HEADER = 10;
const VNET_NEEDS_CSUM = 1;
const VNET_GSO_TCPV4 = 1;
/** The first of the pieces has CWR, and no other (virtio 1.2 §5.1.6, VIRTIO_NET_HDR_GSO_ECN). */
const VNET_GSO_ECN = 0x80;
const IPV4_HEADER = 20;
const TCP_CHECKSUM_OFFSET = 16;
const TCP_FLAGS_OFFSET = 13;
const TCP_CWR = 0x80;

const NOTHING = new Uint8Array(0);

export class TunTransmit {
  /** Memory that the port is made with. */
  readonly slab: Uint8Array = new Uint8Array(new ArrayBuffer(SLAB_BYTES));
  readonly table: Int32Array = new Int32Array(new ArrayBuffer(MAX_PACKETS * 12));
  readonly status: Int32Array = new Int32Array(new ArrayBuffer(16));
  /** Of the packet in hand. */
  offset = 0;
  /** A fatal errno of the last flush, 0 for none. */
  fatal = 0;

  readonly #words: Uint16Array = new Uint16Array(this.slab.buffer);
  readonly #stats: TunStats;
  readonly #offload: DeviceOffload;
  readonly #mtu: number;
  readonly #header: number;
  readonly #gatherPiece: number;
  #port: NativePort | null = null;
  #head = 0;
  #reserved = 0;
  #appended = 0;
  #count = 0;
  readonly #chunks: Uint8Array[] = Array.from({ length: MAX_CHUNKS }, () => NOTHING);
  readonly #chunkFrom: Int32Array = new Int32Array(MAX_CHUNKS);
  readonly #chunkLength: Int32Array = new Int32Array(MAX_CHUNKS);
  /** Chunks of committed packets, and with those of the packet in hand. */
  #chunkBase = 0;
  #chunkCount = 0;

  constructor(
    stats: TunStats,
    offload: DeviceOffload,
    mtu: number,
    vnetHeader: boolean,
    gatherPiece: number = GATHER_PIECE,
  ) {
    this.#stats = stats;
    this.#offload = offload;
    this.#mtu = mtu;
    this.#header = vnetHeader ? VNET_HEADER : 0;
    this.#gatherPiece = gatherPiece;
  }

  /** Without a port everything is dropped: before the device has one, and after it was lost. */
  setPort(port: NativePort | null): void {
    this.#port = port;
  }

  get pending(): number {
    return this.#count;
  }

  reserve(size: number): boolean {
    if (!this.#place(size)) {
      this.flush();
      if (this.#port === null || !this.#place(size)) return false;
    }
    this.#reserved = size;
    this.#appended = 0;
    this.#chunkCount = this.#chunkBase;
    return true;
  }

  #place(size: number): boolean {
    // The IP header on a multiple of 4, as on receive.
    this.offset = (this.#head + this.#header + 3) & ~3;
    return (
      this.#port !== null &&
      this.#count < MAX_PACKETS &&
      this.#chunkBase <= MAX_CHUNKS - MAX_CHUNKS_PER_PACKET &&
      this.offset + size <= SLAB_BYTES
    );
  }

  append(chunk: Uint8Array, from: number, to: number): void {
    if (to <= from) return;
    if (this.#chunkCount - this.#chunkBase === MAX_CHUNKS_PER_PACKET) this.#mergeChunks();
    const at = this.#chunkCount++;
    this.#chunks[at] = chunk;
    this.#chunkFrom[at] = from;
    this.#chunkLength[at] = to - from;
    this.#appended += to - from;
  }

  commit(used: number, needsChecksum: boolean, gsoSize: number): void {
    invariant(used <= this.#reserved, "no more of a packet is used than was reserved");
    const total = used + this.#appended;
    const cut = gsoSize > 0 && this.#payload(total) > gsoSize;
    if (total > MAX_IP_PACKET || !this.#canSend(total, needsChecksum, cut)) {
      this.#drop(1);
      return;
    }
    const start = this.offset - this.#header;
    if (this.#header > 0) this.#writeHeader(start >> 1, needsChecksum, cut ? gsoSize : 0);
    let length = this.#header + used;
    let gathered = this.#chunkCount - this.#chunkBase;
    const copy = this.#appended < gathered * this.#gatherPiece;
    if (gathered > 0 && copy && start + length <= this.#roomForCopy()) {
      this.#copyChunks(start + length);
      length += this.#appended;
      gathered = 0;
    }
    this.#chunkBase += gathered;
    const row = 3 * this.#count++;
    this.table[row] = start;
    this.table[row + 1] = length;
    this.table[row + 2] = gathered;
    this.#head = start + length;
  }

  #roomForCopy(): number {
    return SLAB_BYTES - this.#appended;
  }

  #payload(total: number): number {
    return total - IPV4_HEADER - this.#tcpHeader();
  }

  #tcpHeader(): number {
    return (this.slab[this.offset + IPV4_HEADER + 12]! >> 4) << 2;
  }

  /** The TUN checks no length against the MTU, so a packet too large has to end here. */
  #canSend(total: number, needsChecksum: boolean, cut: boolean): boolean {
    if (needsChecksum && !this.#offload.checksum) return false;
    return cut ? this.#offload.tso && needsChecksum : total <= this.#mtu;
  }

  /** struct virtio_net_hdr, in the machine's byte order; `at` counts 16-bit words. */
  #writeHeader(at: number, needsChecksum: boolean, gsoSize: number): void {
    const words = this.#words;
    const cut = gsoSize > 0;
    this.slab[2 * at] = needsChecksum ? VNET_NEEDS_CSUM : 0;
    this.slab[2 * at + 1] = cut ? this.#gsoType() : 0;
    words[at + 1] = cut ? IPV4_HEADER + this.#tcpHeader() : 0;
    words[at + 2] = gsoSize;
    words[at + 3] = needsChecksum ? IPV4_HEADER : 0;
    words[at + 4] = needsChecksum ? TCP_CHECKSUM_OFFSET : 0;
  }

  #gsoType(): number {
    const flags = this.slab[this.offset + IPV4_HEADER + TCP_FLAGS_OFFSET]!;
    return (flags & TCP_CWR) === 0 ? VNET_GSO_TCPV4 : VNET_GSO_TCPV4 | VNET_GSO_ECN;
  }

  #copyChunks(to: number): void {
    let at = to;
    for (let i = this.#chunkBase; i < this.#chunkCount; i++) {
      const chunk = this.#chunks[i]!;
      const from = this.#chunkFrom[i]!;
      const length = this.#chunkLength[i]!;
      if (length < 64) {
        for (let k = 0; k < length; k++) this.slab[at + k] = chunk[from + k]!;
      } else {
        this.slab.set(
          from === 0 && length === chunk.length ? chunk : chunk.subarray(from, from + length),
          at,
        );
      }
      at += length;
    }
    this.#chunks.fill(NOTHING, this.#chunkBase, this.#chunkCount);
    this.#chunkCount = this.#chunkBase;
  }

  #mergeChunks(): void {
    const merged = new Uint8Array(this.#appended);
    let at = 0;
    for (let i = this.#chunkBase; i < this.#chunkCount; i++) {
      const from = this.#chunkFrom[i]!;
      merged.set(this.#chunks[i]!.subarray(from, from + this.#chunkLength[i]!), at);
      at += this.#chunkLength[i]!;
    }
    this.#chunks.fill(NOTHING, this.#chunkBase, this.#chunkCount);
    this.#chunkCount = this.#chunkBase;
    this.#appended = 0;
    this.append(merged, 0, merged.length);
  }

  flush(): void {
    const count = this.#count;
    if (count === 0) return;
    const gathered = this.#chunkBase;
    this.#count = 0;
    this.#head = 0;
    this.#chunkBase = 0;
    this.#chunkCount = 0;
    if (this.#port === null) {
      this.#drop(count);
    } else {
      const sent =
        gathered === 0
          ? this.#port.flush(count)
          : this.#port.flushGather(count, this.#chunks, this.#chunkFrom, this.#chunkLength);
      this.#account(count, sent);
    }
    // The payload belongs to somebody else again: do not keep it from being collected.
    if (gathered > 0) this.#chunks.fill(NOTHING, 0, gathered);
  }

  #account(count: number, sent: number): void {
    const dropped = this.status[STATUS_DROPPED]!;
    const error = this.status[STATUS_ERROR]!;
    this.#stats.txPackets += count - dropped;
    this.#stats.txBytes += this.status[STATUS_BYTES]! - this.#header * (count - dropped);
    if (dropped > 0) this.#drop(dropped);
    if (error !== 0) this.#stats.lastError = error;
    if (sent < 0) this.fatal = -sent;
  }

  #drop(count: number): void {
    this.#stats.txDropped += count;
  }
}
