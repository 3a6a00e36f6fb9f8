/** Options in JSON: an object with `kind` and what the kind has, or the word that the one-line form has for it. */
import { formatIpv4, type Ipv4Address } from "../wire/address.ts";
import { toHex } from "./hex.ts";
import type { IpOption } from "./ip-option.ts";
import { scanIpOption, scanTcpOption } from "./option-text.ts";
import { isPacketError } from "./packet.ts";
import { addressOf, bytesOf, fail, type JsonObject, objectOf, wholeNumber } from "./reading.ts";
import { scan, type Scanner } from "./scanner.ts";
import type { TcpOption } from "./tcp-option.ts";

type Field = (value: unknown, what: string) => unknown;
/** What an option of each kind has besides its kind. */
type Kinds = Readonly<Record<string, Readonly<Record<string, Field>>>>;

const upTo =
  (most: number): Field =>
  (value, what) =>
    wholeNumber(value, what, most);
const U8 = upTo(255);
const U16 = upTo(65535);
const U32 = upTo(0xffffffff);

/** Edges in pairs. */
const blocks: Field = (value, what) =>
  listOf(value, what, 31).map((block) => {
    const pair = listOf(block, what, 2);
    if (pair.length !== 2) fail(`${what}: a block is [left, right]`);
    return pair.map((edge) => U32(edge, what));
  });
const TCP_KINDS: Kinds = {
  eol: {},
  nop: {},
  mss: { value: U16 },
  wscale: { value: U8 },
  sackOK: {},
  sack: { blocks },
  TS: { val: U32, ecr: U32 },
  uto: {
    value: upTo(0x7fff),
    minutes: (v, what) => v === true || (v !== false && fail(`${what} is true or false`)),
  },
  md5: { digest: bytesOf },
  FO: { cookie: bytesOf },
  FOEXP: { cookie: bytesOf },
  ECN: {
    first: (v, what) => (v === "e0b" || v === "e1b" ? v : fail(`${what} is "e0b" or "e1b"`)),
    counters: (v, what) => listOf(v, what, 3).map((n) => wholeNumber(n, what, 0xffffff)),
  },
  raw: { bytes: bytesOf },
};
const route = {
  pointer: U8,
  route: ((v, what) => listOf(v, what, 63).map((a) => addressOf(a, what))) as Field,
};
const IP_KINDS: Kinds = {
  eol: {},
  nop: {},
  rr: route,
  lsrr: route,
  ssrr: route,
  ra: { value: U16 },
  raw: { bytes: bytesOf },
};

function listOf(value: unknown, what: string, most: number): readonly unknown[] {
  if (!Array.isArray(value)) fail(`${what} is a list`);
  if (value.length > most) fail(`${what} has at most ${most} entries`);
  return value as unknown[];
}

/** Bytes as hex, addresses as text; all else is JSON as it is. */
export function optionJson(option: TcpOption | IpOption): JsonObject {
  return Object.fromEntries(
    Object.entries(option).map(([name, value]: [string, unknown]) => {
      if (value instanceof Uint8Array) return [name, toHex(value)];
      return [name, name === "route" ? (value as readonly Ipv4Address[]).map(formatIpv4) : value];
    }),
  );
}

export function tcpOptionFrom(value: unknown): TcpOption {
  return optionFrom(value, "tcp.options", TCP_KINDS, scanTcpOption) as TcpOption;
}

export function ipOptionFrom(value: unknown): IpOption {
  return optionFrom(value, "ip.options", IP_KINDS, scanIpOption) as IpOption;
}

function optionFrom(
  value: unknown,
  where: string,
  kinds: Kinds,
  read: (s: Scanner) => unknown,
): unknown {
  if (typeof value === "string") {
    const option = scan(value.trim(), read);
    return isPacketError(option) ? fail(`${where}: ${option.error}`) : option;
  }
  if (typeof value !== "object" || value === null || !("kind" in value)) {
    fail(`${where}: an option is a word, as "mss 1460", or an object with kind`);
  }
  const { kind } = value;
  if (typeof kind !== "string" || !Object.hasOwn(kinds, kind)) {
    fail(`${where}: the kinds are ${Object.keys(kinds).join(", ")}`);
  }
  const fields = kinds[kind]!;
  const o = objectOf(value, `${where}: ${kind}`, ["kind", ...Object.keys(fields)]);
  const option: Record<string, unknown> = { kind };
  for (const [name, field] of Object.entries(fields)) {
    if (o[name] === undefined) fail(`${where}: ${kind} needs ${name}`);
    option[name] = field(o[name], `${where}: ${kind}.${name}`);
  }
  return option;
}
