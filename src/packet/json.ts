/**
 * A packet as plain JSON, and from it: addresses, flags and bytes as text, what is filled in left out. The same form, with
 * numbers, bytes and options in words allowed, is how a program says a packet to {@link packet}.
 */
import { StackError } from "../base/errors.ts";
import { formatIpv4, ipv4, type Ipv4Address } from "../wire/address.ts";
import { toHex } from "./hex.ts";
import { ipOptionFrom, optionJson, tcpOptionFrom } from "./json-options.ts";
import {
  createIcmp,
  createIp,
  createTcp,
  type IcmpFields,
  type IpFields,
  isPacketError,
  NO_BYTES,
  type Packet,
  type PacketError,
  PROTOCOL_UNSAID,
  rawPacket,
  type TcpFields,
} from "./packet.ts";
import { formatTcpFlags, parseTcpFlags } from "./tcp-flags.ts";
import { quoteOf } from "./quote.ts";
import {
  addressOf,
  bytesOf,
  fail,
  InputError,
  type JsonObject,
  objectOf,
  wholeNumber,
} from "./reading.ts";

/** Anything that may be left out is filled in or has its usual value. */
export interface PacketInput {
  readonly ip?: Partial<Omit<IpFields, "source" | "destination" | "options">> & {
    readonly source?: string | Ipv4Address;
    readonly destination?: string | Ipv4Address;
    readonly options?: readonly (string | JsonObject)[] | IpFields["options"];
  };
  readonly tcp?: Partial<Omit<TcpFields, "flags" | "options">> & {
    readonly flags?: string | number;
    readonly options?: string | readonly (string | JsonObject)[] | TcpFields["options"];
  };
  readonly icmp?: Partial<IcmpFields>;
  /** Hex digits, or bytes. */
  readonly payload?: string | Uint8Array;
  /** The payload as text instead, one byte each character. */
  readonly text?: string;
  /** The payload of an ICMP error instead: what it quotes of this packet. */
  readonly quote?: PacketInput;
  readonly trailer?: string | Uint8Array;
  /** Just these bytes, and nothing else. */
  readonly raw?: string | Uint8Array;
}

type Form = "u3" | "u4" | "u8" | "u16" | "u32" | "offset" | "boolean";

const MOST: Readonly<Record<Exclude<Form, "boolean">, number>> = {
  u3: 7,
  u4: 15,
  u8: 255,
  u16: 65535,
  u32: 0xffffffff,
  offset: 65528,
};
const IP_FORMS = {
  version: "u4",
  ihl: "u4",
  tos: "u8",
  totalLength: "u16",
  id: "u16",
  reservedFlag: "boolean",
  dontFragment: "boolean",
  moreFragments: "boolean",
  fragmentOffset: "offset",
  ttl: "u8",
  protocol: "u8",
  checksum: "u16",
} as const satisfies Partial<Record<keyof IpFields, Form>>;
const TCP_FORMS = {
  sourcePort: "u16",
  destinationPort: "u16",
  seq: "u32",
  ack: "u32",
  dataOffset: "u4",
  reserved: "u3",
  window: "u16",
  checksum: "u16",
  urgentPointer: "u16",
} as const satisfies Partial<Record<keyof TcpFields, Form>>;
const ICMP_FORMS = {
  type: "u8",
  code: "u8",
  checksum: "u16",
  rest: "u32",
} as const satisfies Partial<Record<keyof IcmpFields, Form>>;
/** Left out of the JSON where they have this value. */
const USUAL: Readonly<Record<string, unknown>> = {
  reservedFlag: false,
  dontFragment: false,
  moreFragments: false,
  fragmentOffset: 0,
  reserved: 0,
  urgentPointer: 0,
};

/** The packet as plain data, which {@link fromJson} reads; fields that are as they may be are left out. */
export function toJson(packet: Packet): PacketInput & JsonObject {
  const { ip, tcp, icmp, payload, trailer } = packet;
  if (ip === null) return { raw: toHex(payload) };
  const json: Record<string, unknown> = {
    ip: {
      source: formatIpv4(ip.source),
      destination: formatIpv4(ip.destination),
      ...plain(ip, Object.keys(IP_FORMS)),
      ...(ip.options.length === 0 ? {} : { options: ip.options.map(optionJson) }),
    },
  };
  if (tcp !== null) {
    json["tcp"] = {
      ...plain(tcp, Object.keys(TCP_FORMS)),
      flags: formatTcpFlags(tcp.flags),
      ...(tcp.options.length === 0 ? {} : { options: tcp.options.map(optionJson) }),
    };
  }
  if (icmp !== null) json["icmp"] = plain(icmp, Object.keys(ICMP_FORMS));
  if (payload.length > 0) json["payload"] = toHex(payload);
  if (trailer.length > 0) json["trailer"] = toHex(trailer);
  return json;
}

function plain(from: object, names: readonly string[]): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const name of names) {
    const value = (from as Record<string, unknown>)[name];
    if (value !== null && value !== USUAL[name]) out[name] = value;
  }
  return out;
}

/** The packet that a value out of JSON says; never throws. */
export function fromJson(value: unknown): Packet | PacketError {
  try {
    return read(value, "the packet", null);
  } catch (error) {
    if (error instanceof InputError) return { error: error.message, at: 0 };
    throw error;
  }
}

/** The packet that `input` says. Throws a StackError (EINVAL). */
export function packet(input: PacketInput): Packet {
  return orThrow(fromJson(input));
}

/** A copy with these fields different; lists and bytes are replaced as a whole. Throws a StackError (EINVAL). */
export function change(base: Packet, input: PacketInput): Packet {
  try {
    return read(input, "the change", base);
  } catch (error) {
    if (error instanceof InputError) throw new StackError("EINVAL", error.message);
    throw error;
  }
}

export function orThrow<T>(value: T | PacketError): T {
  if (isPacketError(value)) throw new StackError("EINVAL", value.error);
  return value;
}

const PARTS = ["ip", "tcp", "icmp", "payload", "text", "quote", "trailer", "raw"] as const;

/** With `base`: a copy of it that differs in what `value` says. */
function read(value: unknown, what: string, base: Packet | null): Packet {
  const o = objectOf(value, what, PARTS);
  if (o["raw"] !== undefined) {
    if (Object.keys(o).length > 1) fail(`${what}: raw stands alone`);
    return rawPacket(bytesOf(o["raw"], "raw"));
  }
  if (o["tcp"] !== undefined && o["icmp"] !== undefined) fail(`${what} is TCP or ICMP, not both`);
  if (base === null && o["ip"] === undefined) fail(`${what} has neither ip nor raw`);
  if (base !== null && base.ip === null) fail(`${what}: raw bytes have no fields`);
  return readParts(o, what, base ?? rawPacket(NO_BYTES));
}

function readParts(o: JsonObject, what: string, from: Packet): Packet {
  const tcp = o["icmp"] === undefined ? readTcp(o["tcp"], from.tcp) : null;
  const icmp = o["tcp"] === undefined ? readIcmp(o["icmp"], from.icmp) : null;
  const ip = readIp(o["ip"] ?? {}, from.ip);
  if (tcp === null && icmp === null) ip.protocol ??= PROTOCOL_UNSAID;
  const trailer = o["trailer"] === undefined ? from.trailer : bytesOf(o["trailer"], "trailer");
  return { ip, tcp, icmp, payload: readPayload(o, what) ?? from.payload, trailer };
}

function readPayload(o: JsonObject, what: string): Uint8Array | null {
  const given = ["payload", "text", "quote"].filter((name) => o[name] !== undefined);
  if (given.length > 1) fail(`${what}: ${given.join(" and ")} both say what the payload is`);
  const { payload, text, quote } = o;
  if (payload !== undefined) return bytesOf(payload, "payload");
  if (quote !== undefined) return quoteOf(read(quote, "quote", null));
  return text === undefined ? null : bytesOfText(text);
}

function bytesOfText(value: unknown): Uint8Array {
  if (typeof value !== "string") fail("text is a string");
  const bytes = new Uint8Array(value.length);
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i);
    if (code > 255) fail(`text is a byte each character: ${JSON.stringify(value[i])} is none`);
    bytes[i] = code;
  }
  return bytes;
}

function readFields(
  into: object,
  o: JsonObject,
  forms: Readonly<Record<string, Form>>,
  where: string,
): void {
  const out = into as Record<string, unknown>;
  for (const [name, form] of Object.entries(forms)) {
    const value = o[name];
    if (value === undefined) continue;
    out[name] =
      value === null && isFilledIn(name) ? null : fieldOf(value, form, `${where}.${name}`);
  }
}

function isFilledIn(name: string): boolean {
  return ["version", "ihl", "totalLength", "protocol", "checksum", "dataOffset"].includes(name);
}

function fieldOf(value: unknown, form: Form, what: string): number | boolean {
  if (form === "boolean") {
    return typeof value === "boolean" ? value : fail(`${what} is true or false`);
  }
  const n = wholeNumber(value, what, MOST[form]);
  if (form === "offset" && n % 8 !== 0) fail(`${what} is a multiple of 8, in bytes`);
  return n;
}

function readIp(value: unknown, base: IpFields | null): IpFields {
  const names = [...Object.keys(IP_FORMS), "source", "destination", "options"];
  const o = objectOf(value, "ip", names);
  const ip = base === null ? createIp(ipv4(0), ipv4(0)) : { ...base };
  for (const name of ["source", "destination"] as const) {
    if (o[name] !== undefined) ip[name] = addressOf(o[name], `ip.${name}`);
    else if (base === null) fail(`ip.${name} is missing`);
  }
  readFields(ip, o, IP_FORMS, "ip");
  if (o["options"] !== undefined) ip.options = listOf(o["options"], "ip.options").map(ipOptionFrom);
  return ip;
}

function readTcp(value: unknown, base: TcpFields | null): TcpFields | null {
  if (value === undefined) return base === null ? null : { ...base };
  const names = [...Object.keys(TCP_FORMS), "flags", "options"];
  const o = objectOf(value, "tcp", names);
  const tcp = base === null ? createTcp(0, 0) : { ...base };
  for (const name of ["sourcePort", "destinationPort"] as const) {
    if (o[name] === undefined && base === null) fail(`tcp.${name} is missing`);
  }
  readFields(tcp, o, TCP_FORMS, "tcp");
  if (o["flags"] !== undefined) tcp.flags = flagsOf(o["flags"]);
  if (o["options"] !== undefined)
    tcp.options = listOf(o["options"], "tcp.options").map(tcpOptionFrom);
  return tcp;
}

function flagsOf(value: unknown): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= 0 && value < 512)
    return value;
  const flags = typeof value === "string" ? parseTcpFlags(value) : null;
  return flags ?? fail('tcp.flags is letters out of SFRPUEWA and a dot for ACK, as "S." or "-"');
}

function listOf(value: unknown, what: string): readonly unknown[] {
  if (typeof value === "string") return value === "" ? [] : value.split(",");
  return Array.isArray(value) ? (value as unknown[]) : fail(`${what} is a list`);
}

function readIcmp(value: unknown, base: IcmpFields | null): IcmpFields | null {
  if (value === undefined) return base === null ? null : { ...base };
  const o = objectOf(value, "icmp", Object.keys(ICMP_FORMS));
  if (o["type"] === undefined && base === null) fail("icmp.type is missing");
  const icmp = base === null ? createIcmp(0, 0) : { ...base };
  readFields(icmp, o, ICMP_FORMS, "icmp");
  return icmp;
}
