/**
 * What a packet device is to the stack. Devices live in `devices/`; a middleware device wraps another one
 * and is itself a device, so that capture, tracing and impairment are never in the stack.
 */

/** What the device can be asked to do with a segment that is sent. */
export interface DeviceOffload {
  /** The device (or the kernel behind it) fills in TCP checksums. */
  readonly checksum: boolean;
  /** The device cuts a large TCP segment into `gsoSize` pieces. Implies `checksum`. */
  readonly tso: boolean;
}

/** Everything is left to the stack. */
export const NO_OFFLOAD: DeviceOffload = { checksum: false, tso: false };

/** `flags` of {@link PacketReceiver.onPacket}: the device vouches for the TCP checksum. */
export const RX_CHECKSUM_GOOD = 1;

/** `flags`: {@link PacketSender.keepReceived} may be called while this packet is delivered. */
export const RX_KEEPABLE = 2;

/** `flags`: the packet's bytes stay as they are until {@link PacketReceiver.onBatchEnd} has returned. */
export const RX_LENDABLE = 4;

/** Why a packet was dropped or what it was taken for: a short text from a closed set, `null` when normal. */
export type PacketRemark = string | null;

/** The receiving half, which a device is started with. */
export interface PacketReceiver {
  /**
   * One IPv4 packet at `buffer[offset .. offset + length)`. The bytes are lent for the call only.
   * Returns a remark for captures (`"dropped: bad checksum"`), `null` for a packet taken as usual.
   */
  onPacket(buffer: Uint8Array, offset: number, length: number, flags: number): PacketRemark;
  /** After the last packet of one read: the moment to answer. */
  onBatchEnd(): void;
  /** The device is gone for good (deleted, or closed by somebody else). */
  onDeviceLost(error: Error): void;
}

/**
 * The sending half. One packet at a time: `reserve`, write headers (and small payload) at
 * `buffer[offset ..]`, `append` large payload by reference, `commit`. Nothing need leave before `flush`.
 */
export interface PacketSender {
  /** Where the reserved bytes are; valid from `reserve` to `commit`. */
  readonly buffer: Uint8Array;
  readonly offset: number;
  /** Makes room for `size` bytes in one piece; false when the queue is full (flush, or drop). */
  reserve(size: number): boolean;
  /** Adds payload behind the reserved bytes by reference; it must stay as it is until `flush` returns. */
  append(chunk: Uint8Array, from: number, to: number): void;
  /**
   * Ends the packet. `used` of the reserved bytes count (the whole packet is these and what was
   * appended). With `needsChecksum` the TCP checksum field holds the folded pseudo-header sum, to be completed by
   * the device; `gsoSize` > 0 is the payload size to cut at (IPv4 header of 20 bytes in both cases).
   * `remark` is a word for captures, such as `"retransmission: RTO"`.
   */
  commit(used: number, needsChecksum: boolean, gsoSize: number, remark: PacketRemark): void;
  /** Gives everything committed to the wire. */
  flush(): void;
  /**
   * The memory of the packet that is being delivered is the receiver's for good; the device takes other memory for the
   * next one. Only of devices that set {@link RX_KEEPABLE}.
   */
  keepReceived?(): void;
}

/** Where packets come from and go to. */
export interface Device extends PacketSender {
  readonly name: string;
  /** Largest IPv4 packet, in bytes, that goes out without offload. */
  readonly mtu: number;
  readonly offload: DeviceOffload;
  /** Begins delivery to `receiver`. Called once. */
  start(receiver: PacketReceiver): void;
  /** Keeps (or no longer keeps) the process alive, as Node's handles do. */
  ref(): void;
  /** As of timers and handles of Node. */
  unref(): void;
  /** Idempotent; resolves when nothing is held any more. */
  close(): Promise<void>;
}
