/**
 * The native layer as TypeScript sees it, and the one place that loads it: from `build/Release` or
 * `prebuilds/` of the package, found upwards from this file, wherever it was compiled to.
 */

import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { lineOf } from "../base/errors.ts";

export interface NativeTun {
  readonly fd: number;
  readonly name: string;
  readonly vnetHeader: boolean;
  readonly checksum: boolean;
  readonly tso4: boolean;
}

/** Words of the array that `flush` leaves its outcome in. */
export const STATUS_DROPPED = 0;
export const STATUS_ERROR = 1;
export const STATUS_BYTES = 2;

/** Where the IP header starts in a receive slot. */
export const RX_IP_OFFSET = 12;

export interface NativePort {
  /** `onBatch` gets the number of filled slots, or 0 or less when polling has ended with an error. */
  start(onBatch?: (count: number) => void): void;
  stop(): void;
  ref(): void;
  unref(): void;
  /** False when closing had begun before; then `onClosed` is not called. */
  close(onClosed: () => void): boolean;
  drain(): number;
  check(): number;
  /** Element `index` of the array of slots was replaced. */
  renewSlot(index: number): void;
  flush(count: number): number;
  flushGather(
    count: number,
    buffers: readonly Uint8Array[],
    offsets: Int32Array,
    lengths: Int32Array,
  ): number;
}

export interface NativeBinding {
  open(
    name: string,
    vnetHeader: boolean,
    checksum: boolean,
    tso4: boolean,
    multiQueue: boolean,
  ): NativeTun;
  /** The kernel's side of an interface; absent in a native layer that was built before there was one. */
  readonly openLink?: (name: string) => number;
  closeFd(fd: number): void;
  /** Another descriptor of the same queue, which stays attached until the last of them is closed. */
  dupFd(fd: number): number;
  setPersist(fd: number, persist: number): void;
  setOwner(fd: number, uid: number): void;
  getMtu(name: string): number;
  setMtu(name: string, mtu: number): void;
  readonly Port: new (
    fd: number,
    vnetHeader: boolean,
    stride: number,
    rxSlots: readonly Uint8Array[],
    rxLengths: Int32Array,
    rxFlags: Int32Array,
    txSlab: Uint8Array,
    txTable: Int32Array,
    status: Int32Array,
  ) => NativePort;
}

/** What the native layer throws for a failing system call. */
export interface SystemError extends Error {
  readonly code: string;
  readonly errno: number;
  readonly syscall: string;
}

/** The native layer is not there: one line that says why and what to do. */
export class NativeLayerError extends Error {
  readonly code = "ERR_TUNTCP_NATIVE" as const;

  constructor(reason: string) {
    super(`TUN devices need tuntcp's native layer, which is missing: ${reason}`);
    this.name = "NativeLayerError";
  }
}

export function isSystemError(error: unknown): error is SystemError {
  return error instanceof Error && "code" in error && "errno" in error && "syscall" in error;
}

const packageRoot = findPackageRoot(dirname(fileURLToPath(import.meta.url)));
let loaded: NativeBinding | null = null;

function findPackageRoot(from: string): string {
  const parent = dirname(from);
  return parent === from || existsSync(join(from, "package.json")) ? from : findPackageRoot(parent);
}

/** Loads the native layer once. Throws {@link NativeLayerError}. */
export function loadNative(): NativeBinding {
  if (loaded !== null) return loaded;
  const require = createRequire(import.meta.url);
  try {
    const load = require("node-gyp-build") as (folder: string) => NativeBinding;
    loaded = load(packageRoot);
  } catch (error) {
    throw new NativeLayerError(missingReason(error));
  }
  return loaded;
}

/** The installer left a line when it could not build; otherwise it has not run at all. */
function missingReason(error: unknown): string {
  try {
    return readFileSync(join(packageRoot, "build", "native-missing.txt"), "utf8").trim();
  } catch {
    return `${lineOf(error)}; \`npm run build:native\` in ${packageRoot} makes it`;
  }
}
