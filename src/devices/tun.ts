/**
 * A TUN device on the native layer: negotiates offload, receives in batches, answers in the same turn
 * while there is more to read, and notices when the device behind the descriptor has gone.
 */

import { getSystemErrorName } from "node:util";
import {
  type Device,
  type DeviceOffload,
  type PacketReceiver,
  type PacketRemark,
  RX_KEEPABLE,
  RX_LENDABLE,
} from "../base/device.ts";
import type { NativePort, NativeTun } from "./native-binding.ts";
import { isSystemError, loadNative, NativeLayerError, RX_IP_OFFSET } from "./native-binding.ts";
import { TunTransmit } from "./tun-transmit.ts";

/** `"auto"` (the default) takes what the kernel grants, `"checksum"` no segmentation; `"off"` is a plain device. */
export type OffloadMode = "auto" | "checksum" | "off";

/** Which interface, and how. */
export interface TunOptions {
  /** Of the interface; created where it does not exist (needs CAP_NET_ADMIN), else attached to. */
  readonly name: string;
  /** Set on the interface where it differs and we may; otherwise only a lower limit on what is sent. */
  readonly mtu?: number;
  readonly offload?: OffloadMode;
  readonly multiQueue?: boolean;
}

/** Packets of a TUN. */
export interface TunStats {
  rxPackets: number;
  rxBytes: number;
  /** The largest packet read: above the MTU it shows that the kernel's segmentation was put off. */
  rxLargest: number;
  txPackets: number;
  txBytes: number;
  /** Too large, malformed, or refused by the device (link down, no buffers). */
  txDropped: number;
  /** errno of the last write that failed, 0 for none. */
  lastError: number;
}

/** Rounds of reading and answering in one callback; then the event loop gets its turn. */
const MAX_ROUNDS = 8;
const CHECK_INTERVAL_MS = 1000;
const SMALL_SLOT = 2048;
const SMALL_SLOTS = 64;
const LARGE_SLOT = 65664;
const LARGE_SLOTS = 16;
const EBADFD = 77;
/** A packet that fills half a large slot may be kept as it is: bulk to the stack is 1.5 to 1.8 times as fast. */
const KEEP_FROM = LARGE_SLOT / 2;

function lostError(name: string, errno: number): Error {
  const code = errno === EBADFD ? "EBADFD" : getSystemErrorName(-errno);
  const error = new Error(`${code}: TUN device ${name} is gone`);
  return Object.assign(error, { code, errno: -errno, syscall: "tun" });
}

/** A TUN device, as {@link openTun} gives it. */
export class TunDevice implements Device {
  readonly name: string;
  readonly mtu: number;
  readonly offload: DeviceOffload;
  readonly stats: TunStats;

  readonly #fd: number;
  readonly #port: NativePort;
  readonly #tx: TunTransmit;
  /** Memory that packets are read into; the native layer looks at this very array. */
  readonly #slots: Uint8Array[];
  readonly #keepFrom: number;
  readonly #lengths: Int32Array;
  readonly #flags: Int32Array;
  #receiver: PacketReceiver | null = null;
  #check: NodeJS.Timeout | null = null;
  #kept = false;
  #polling = false;
  #lost = false;
  #closed: Promise<void> | null = null;

  /** Use {@link openTun}. Takes over the descriptor. */
  constructor(tun: NativeTun, mtu: number) {
    this.name = tun.name;
    this.mtu = mtu;
    this.offload = { checksum: tun.checksum, tso: tun.tso4 };
    this.stats = {
      rxPackets: 0,
      rxBytes: 0,
      rxLargest: 0,
      txPackets: 0,
      txBytes: 0,
      txDropped: 0,
      lastError: 0,
    };
    const large = tun.tso4 || mtu > SMALL_SLOT - RX_IP_OFFSET;
    const stride = large ? LARGE_SLOT : SMALL_SLOT;
    const count = large ? LARGE_SLOTS : SMALL_SLOTS;
    const slab = large ? null : new Uint8Array(stride * count);
    this.#slots = Array.from({ length: count }, (_, i) =>
      slab === null ? slotMemory() : slab.subarray(i * stride, (i + 1) * stride),
    );
    this.#keepFrom = large ? KEEP_FROM : Infinity;
    this.#lengths = new Int32Array(new ArrayBuffer(count * 4));
    this.#flags = new Int32Array(new ArrayBuffer(count * 4));
    this.#tx = new TunTransmit(this.stats, this.offload, mtu, tun.vnetHeader);
    this.#fd = tun.fd;
    this.#port = new (loadNative().Port)(
      tun.fd,
      tun.vnetHeader,
      stride,
      this.#slots,
      this.#lengths,
      this.#flags,
      this.#tx.slab,
      this.#tx.table,
      this.#tx.status,
    );
    this.#tx.setPort(this.#port);
  }

  get buffer(): Uint8Array {
    return this.#tx.slab;
  }

  /** As of {@link PacketSender}. */
  get offset(): number {
    return this.#tx.offset;
  }

  reserve(size: number): boolean {
    return this.#tx.reserve(size);
  }

  append(chunk: Uint8Array, from: number, to: number): void {
    this.#tx.append(chunk, from, to);
  }

  commit(used: number, needsChecksum: boolean, gsoSize: number, _remark: PacketRemark): void {
    this.#tx.commit(used, needsChecksum, gsoSize);
  }

  flush(): void {
    this.#tx.flush();
    if (this.#tx.fatal !== 0) this.#lose(this.#tx.fatal);
  }

  keepReceived(): void {
    this.#kept = true;
  }

  start(receiver: PacketReceiver): void {
    if (this.#receiver !== null) throw new Error(`${this.name}: already started`);
    this.#receiver = receiver;
    this.#port.start((count) => this.#onBatch(count));
    this.#polling = true;
    // A deleted device raises no poll event to rely on.
    this.#check = setInterval(() => this.#checkAttached(), CHECK_INTERVAL_MS).unref();
  }

  ref(): void {
    this.#port.ref();
  }

  unref(): void {
    this.#port.unref();
  }

  /** Keeps the interface when its last user goes, or no longer. */
  setPersist(persist: boolean): void {
    loadNative().setPersist(this.#fdInUse(), persist ? 1 : 0);
  }

  /** Lets the user `uid` attach without a capability. */
  setOwner(uid: number): void {
    loadNative().setOwner(this.#fdInUse(), uid);
  }

  /** After `close` the number may be another file's. */
  #fdInUse(): number {
    if (this.#closed !== null) throw new Error(`${this.name}: closed`);
    return this.#fd;
  }

  close(): Promise<void> {
    if (this.#closed !== null) return this.#closed;
    this.#tx.flush();
    this.#tx.setPort(null);
    this.#stopChecking();
    this.#closed = new Promise((resolve) => {
      this.#port.close(resolve);
    });
    return this.#closed;
  }

  #stopChecking(): void {
    if (this.#check !== null) clearInterval(this.#check);
    this.#check = null;
  }

  /**
   * Writing to a TUN runs the peer's side at once, so that its answers are often there when the batch
   * has been dealt with: read again rather than go round the event loop.
   */
  #onBatch(first: number): void {
    let count = first;
    if (count <= 0) {
      this.#onPollError(-count);
      return;
    }
    const receiver = this.#receiver!;
    for (let round = 1; ; round++) {
      const sentBefore = this.stats.txPackets;
      this.#deliver(receiver, count);
      receiver.onBatchEnd();
      if (this.#closed !== null || this.#lost || round === MAX_ROUNDS) return;
      if (count < this.#slots.length && this.stats.txPackets === sentBefore) return;
      count = this.#port.drain();
      // An error comes again with the next poll event.
      if (count <= 0) return;
    }
  }

  #deliver(receiver: PacketReceiver, count: number): void {
    const stats = this.stats;
    for (let i = 0; i < count; i++) {
      const length = this.#lengths[i]!;
      stats.rxPackets++;
      stats.rxBytes += length;
      if (length > stats.rxLargest) stats.rxLargest = length;
      // The native layer's flag is RX_CHECKSUM_GOOD.
      const memory = length >= this.#keepFrom ? RX_KEEPABLE | RX_LENDABLE : RX_LENDABLE;
      const flags = this.#flags[i]! | memory;
      receiver.onPacket(this.#slots[i]!, RX_IP_OFFSET, length, flags);
      if (this.#kept) this.#renew(i);
      if (this.#closed !== null) return;
    }
  }

  #renew(slot: number): void {
    this.#kept = false;
    this.#slots[slot] = slotMemory();
    this.#port.renewSlot(slot);
  }

  /** Polling is left off until the slow check finds the device well: a lasting error must not spin. */
  #onPollError(errno: number): void {
    if (errno !== 0) this.stats.lastError = errno;
    this.#port.stop();
    this.#polling = false;
    this.#checkAttached(true);
  }

  #checkAttached(failing = false): void {
    if (this.#closed !== null) return;
    const result = this.#port.check();
    if (result < 0) {
      this.#lose(-result);
    } else if (!this.#polling && !failing) {
      this.#port.start();
      this.#polling = true;
    }
  }

  #lose(errno: number): void {
    if (this.#lost || this.#closed !== null) return;
    this.#lost = true;
    this.#tx.setPort(null);
    this.#port.stop();
    this.#stopChecking();
    // Not from inside a flush, which the receiver itself may be in the middle of.
    setImmediate(() => this.#receiver?.onDeviceLost(lostError(this.name, errno)));
  }
}

/** Not cleared: a packet is read into it before anything is read out of it. */
function slotMemory(): Uint8Array {
  return new Uint8Array(Buffer.allocUnsafeSlow(LARGE_SLOT).buffer);
}

/** Sets the interface's MTU where it can be set; returns what may be sent. */
export function settleMtu(name: string, wanted: number | undefined): number {
  const native = loadNative();
  const actual = native.getMtu(name);
  if (wanted === undefined || wanted === actual) return actual;
  try {
    native.setMtu(name, wanted);
    return wanted;
  } catch (error) {
    if (!isSystemError(error) || error.code !== "EPERM") throw error;
    return Math.min(wanted, actual);
  }
}

/** One queue of the device, with the offload that is wanted and granted. */
export function openQueue(name: string, mode: OffloadMode = "auto", multiQueue = false): NativeTun {
  const header = mode !== "off";
  return loadNative().open(name, header, header, mode === "auto", multiQueue);
}

/**
 * The kernel's side of the TUN `name`: what is sent goes to whoever is attached to it, and what that one sends is received, beside
 * the kernel. Needs CAP_NET_RAW. Throws as {@link openTun} does.
 */
export function openLink(name: string): TunDevice {
  const native = loadNative();
  if (native.openLink === undefined) {
    throw new NativeLayerError("it is of an older version; `npm run build:native` renews it");
  }
  const fd = native.openLink(name);
  // not cut for the MTU: whoever is attached may send large segments
  return new TunDevice(
    { fd, name, vnetHeader: true, checksum: false, tso4: false },
    LARGE_SLOT - RX_IP_OFFSET,
  );
}

/** Opens a TUN device. Throws a system error (`code` as EPERM, EBUSY, …) or a `NativeLayerError`. */
export function openTun(options: TunOptions): TunDevice {
  const tun = openQueue(options.name, options.offload, options.multiQueue);
  let mtu: number;
  try {
    mtu = settleMtu(tun.name, options.mtu);
  } catch (error) {
    loadNative().closeFd(tun.fd);
    throw error;
  }
  return new TunDevice(tun, mtu);
}
