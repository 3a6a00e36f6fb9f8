/** From the name of a host to its addresses, asked for as Node asks. */
import { ADDRCONFIG, lookup as dnsLookup, type LookupAddress, type LookupOptions } from "node:dns";
import {
  getDefaultAutoSelectFamily,
  getDefaultAutoSelectFamilyAttemptTimeout,
  isIP,
  type LookupFunction,
} from "node:net";

import type { ConnectOptions } from "./arguments.ts";
import { invalidAddressFamily, invalidIpAddress } from "./errors.ts";

type Answer = (error: Error | null, address: unknown, family?: number) => void;
export type AnyLookup = (host: string, options: LookupOptions, done: Answer) => void;

export interface LookupPlan {
  readonly lookup: AnyLookup;
  readonly options: LookupOptions;
}

/** The options are those that Node would hand to a `lookup` of the user's. */
export function planLookup(given: ConnectOptions): LookupPlan {
  const { family: name, hints = 0, localAddress, autoSelectFamily } = given;
  const family = name === "IPv4" ? 4 : name === "IPv6" ? 6 : name;
  const known = family === 4 || family === 6;
  const options: LookupOptions = { family: family as number, hints };
  if (!known && hints === 0) options.hints = ADDRCONFIG;
  const several = autoSelectFamily ?? getDefaultAutoSelectFamily();
  if (!known && !localAddress && several) options.all = true;
  const own = given.lookup as AnyLookup | null | undefined;
  if (own !== undefined && own !== null) return { lookup: own, options };
  // what this machine has configured says nothing about the stack's addresses
  return {
    lookup: lookupIpv4,
    options: { ...options, family: (family as number) || 4, hints },
  };
}

/** `localhost` asks nobody. */
const lookupIpv4: AnyLookup = (host, options, done) => {
  if (host !== "localhost" || options.family !== 4 || options.hints !== 0)
    return dnsLookup(host, options, done as never);
  const address = "127.0.0.1";
  if (options.all === true) process.nextTick(done, null, [{ address, family: 4 }]);
  else process.nextTick(done, null, address, 4);
};

/** What an answer lacks to be an address; null: nothing. */
export function faultOf(ip: unknown, family: unknown, given: ConnectOptions): Error | null {
  if (typeof ip !== "string" || isIP(ip) === 0) return invalidIpAddress(ip);
  if (family === 4 || family === 6) return null;
  return invalidAddressFamily(family, given.host, given.port);
}

/** Each once, the two families in turn, beginning with that of the first. */
export function inTurn(found: readonly LookupAddress[], given: ConnectOptions): LookupAddress[] {
  const usable = found.filter(
    ({ address, family }, i) =>
      faultOf(address, family, given) === null &&
      found.findIndex((other) => other.address === address) === i,
  );
  const first = usable.filter(({ family }) => family === usable[0]!.family);
  const second = usable.filter(({ family }) => family !== usable[0]!.family);
  const turns: LookupAddress[] = [];
  for (let i = 0; i < Math.max(first.length, second.length); i++) {
    if (i < first.length) turns.push(first[i]!);
    if (i < second.length) turns.push(second[i]!);
  }
  return turns;
}

/** ms for each address but the last. */
export function attemptTimeout(given: ConnectOptions): number {
  const ms = given.autoSelectFamilyAttemptTimeout ?? getDefaultAutoSelectFamilyAttemptTimeout();
  return Math.max(10, ms);
}

/** The first address of a name to listen at. */
export function resolveHost(
  host: string,
  lookup: LookupFunction | undefined,
  done: (error: Error | null, address: string) => void,
): void {
  const ask = (lookup as AnyLookup | undefined) ?? lookupIpv4;
  if (isIP(host) !== 0) return process.nextTick(done, null, host);
  ask(host, { family: 4, hints: 0 }, (error, found) => {
    const address = Array.isArray(found) ? (found[0] as LookupAddress).address : found;
    done(error, typeof address === "string" ? address : "");
  });
}
