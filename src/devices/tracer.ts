/** A middleware device that tells of each packet in one line of text, both ways. */
import type { Device } from "../base/device.ts";
import type { Clock, Instant } from "../base/time.ts";
import { formatPacket } from "../wire/format.ts";
import { TappedDevice } from "./tap.ts";

export type TraceLine = (direction: "in" | "out", at: Instant, line: string) => void;

export function traceDevice(inner: Device, clock: Clock, tell: TraceLine): TappedDevice {
  return new TappedDevice(inner, clock, (direction, at, buffer, offset, length) =>
    tell(direction, at, formatPacket(buffer, offset, length)),
  );
}
