/**
 * What this machine lets us do with TUN devices, as plain facts: for `doctor`, which turns them into
 * advice. Leaves nothing behind: the device it tries goes with its descriptor.
 */

import { accessSync, constants, existsSync, readFileSync } from "node:fs";
import { lineOf } from "../base/errors.ts";
import { isSystemError, loadNative } from "./native-binding.ts";

export const TUN_NODE = "/dev/net/tun";
const CAP_NET_ADMIN = 12;

/**
 * Why a device cannot be had, told apart because the cures differ:
 * - `no-native`: our native layer is not there;
 * - `no-node`: /dev/net/tun is missing (module not loaded, or a container without it);
 * - `node-mode`: the node's permissions keep us out (EACCES, or EPERM of a device cgroup);
 * - `not-permitted`: no CAP_NET_ADMIN to create it, or it belongs to somebody else (EPERM);
 * - `wrong-kind`: it exists as something else, or its `multi_queue` flag differs (EINVAL);
 * - `in-use`: another process holds it (EBUSY).
 */
export type TunObstacle =
  "no-native" | "no-node" | "node-mode" | "not-permitted" | "wrong-kind" | "in-use" | "other";

export interface TunTrial {
  readonly ok: boolean;
  readonly obstacle: TunObstacle | null;
  readonly code: string | null;
  readonly message: string | null;
  /** What the kernel granted; all false when it was not opened. */
  readonly vnetHeader: boolean;
  readonly checksum: boolean;
  readonly tso: boolean;
}

export interface TunFacts {
  readonly nativeLoaded: boolean;
  /** One line, `null` when it is loaded. */
  readonly nativeProblem: string | null;
  readonly nodeExists: boolean;
  /** By the node's permissions; opening may still fail. */
  readonly nodeAccessible: boolean;
  /** `null` where it cannot be known. */
  readonly capNetAdmin: boolean | null;
  /** Creating a temporary device. */
  readonly create: TunTrial;
  /** Attaching to the named device where it exists; `null` when none was named or it does not exist. */
  readonly attach: TunTrial | null;
}

function nativeProblem(): string | null {
  try {
    loadNative();
    return null;
  } catch (error) {
    return lineOf(error);
  }
}

function accessible(): boolean {
  try {
    accessSync(TUN_NODE, constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function hasNetAdmin(): boolean | null {
  try {
    const line = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "utf8"));
    const bits = line?.[1];
    return bits === undefined ? null : ((BigInt(`0x${bits}`) >> BigInt(CAP_NET_ADMIN)) & 1n) === 1n;
  } catch {
    return null;
  }
}

function obstacleOf(code: string, syscall: string): TunObstacle {
  const opening = syscall.startsWith("open");
  switch (code) {
    case "ENOENT":
    case "ENXIO":
    case "ENODEV":
      return opening ? "no-node" : "other";
    case "EACCES":
      return opening ? "node-mode" : "not-permitted";
    case "EPERM":
      return opening ? "node-mode" : "not-permitted";
    case "EINVAL":
      return "wrong-kind";
    case "EBUSY":
      return "in-use";
    default:
      return "other";
  }
}

function failed(obstacle: TunObstacle, code: string | null, message: string): TunTrial {
  return {
    ok: false,
    obstacle,
    code,
    message,
    vnetHeader: false,
    checksum: false,
    tso: false,
  };
}

/** Opens the device (or a new one, for a pattern such as `name%d`) and lets it go at once. */
export function tryTun(name: string, multiQueue = false): TunTrial {
  const problem = nativeProblem();
  if (problem !== null) return failed("no-native", "ERR_TUNTCP_NATIVE", problem);
  const native = loadNative();
  try {
    const tun = native.open(name, true, true, true, multiQueue);
    native.closeFd(tun.fd);
    return {
      ok: true,
      obstacle: null,
      code: null,
      message: null,
      vnetHeader: tun.vnetHeader,
      checksum: tun.checksum,
      tso: tun.tso4,
    };
  } catch (error) {
    if (!isSystemError(error)) return failed("other", null, lineOf(error));
    return failed(obstacleOf(error.code, error.syscall), error.code, error.message);
  }
}

/** Gathers the facts; `name` is a device that is meant to be attached to. */
export function probeTun(name?: string): TunFacts {
  const problem = nativeProblem();
  const exists = name !== undefined && existsSync(`/sys/class/net/${name}`);
  return {
    nativeLoaded: problem === null,
    nativeProblem: problem,
    nodeExists: existsSync(TUN_NODE),
    nodeAccessible: accessible(),
    capNetAdmin: hasNetAdmin(),
    create: tryTun("tcpprobe%d"),
    attach: exists ? tryTun(name) : null,
  };
}
