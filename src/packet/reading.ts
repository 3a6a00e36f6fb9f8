/** Reading what a program or a line of JSON says. {@link InputError} is caught at the edge of this room. */
import { nearest } from "../base/nearest.ts";
import { ipv4, type Ipv4Address, parseIpv4 } from "../wire/address.ts";
import { bytesOfDigits } from "./hex.ts";

export type JsonObject = Readonly<Record<string, unknown>>;

export class InputError extends Error {
  constructor(line: string) {
    super(line);
    this.name = "InputError";
  }
}

export function fail(line: string): never {
  throw new InputError(line);
}

/** An object that has no other fields than these. */
export function objectOf(value: unknown, what: string, names: readonly string[]): JsonObject {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    fail(`${what} is an object`);
  }
  for (const name of Object.keys(value)) {
    if (!names.includes(name)) {
      fail(`${what} has no field ${JSON.stringify(name)}; did you mean ${nearest(name, names)}?`);
    }
  }
  return value as JsonObject;
}

export function wholeNumber(value: unknown, what: string, most: number): number {
  if (typeof value !== "number" || !Number.isInteger(value) || value < 0 || value > most) {
    fail(`${what} is a whole number from 0 to ${most}`);
  }
  return value;
}

/** Hex digits, or bytes as they are. */
export function bytesOf(value: unknown, what: string): Uint8Array {
  if (value instanceof Uint8Array) return value;
  if (typeof value !== "string") fail(`${what} is hex digits in a string`);
  return bytesOfDigits(value) ?? fail(`${what} is no even number of hex digits`);
}

export function addressOf(value: unknown, what: string): Ipv4Address {
  if (typeof value === "number" && Number.isInteger(value)) return ipv4(value);
  const address = typeof value === "string" ? parseIpv4(value) : null;
  return address ?? fail(`${what} is an IPv4 address, as "192.0.2.1"`);
}
