/** Packets of a script: direction, IP annotations, ports, and TCP, ICMP or UDP. */
import type { EcnWord, IcmpBody, IpInfo, PacketAction, PacketBody, TcpBody } from "./ast.ts";
import { AE } from "../packet/packet.ts";
import { counterNames } from "../packet/option-text.ts";
import { tcpFlagOf } from "../packet/tcp-flags.ts";
import { type TcpOption, tcpOptionLength } from "../packet/tcp-option.ts";
import { syntax, unsupported } from "./failure.ts";
import { isIcmpWord, readIcmpBody } from "./parse-icmp.ts";
import type { TokenReader } from "./token-reader.ts";

const ACK = 0x10;
const ECN_WORDS = new Set(["noecn", "ect0", "ect1", "ce", "ect01"]);
const ENCAPSULATIONS = new Set(["ipv4", "ipv6", "gre", "mpls", "encap", "eth", "vlan", "psp"]);
const MAX_LENGTH = 65535;

export function readPacket(r: TokenReader): PacketAction {
  const from = r.peek().from;
  const inbound = r.isSign("<");
  r.next();
  const ip = readInfo(r, inbound);
  const ports = readPorts(r);
  if (r.is("word") && ENCAPSULATIONS.has(r.peek().text))
    throw unsupported(r.line, `encapsulation ${r.peek().text} is not supported`);
  const body = readBody(r, inbound);
  const span = { from, to: r.previous().to };
  return { kind: "packet", inbound, ip, ports, body, span };
}

function readBody(r: TokenReader, inbound: boolean): PacketBody {
  if (isIcmpWord(r)) return readIcmpBody(r, inbound);
  if (r.takeWord("udp")) {
    const ports = readPorts(r);
    if (ports !== null) throw unsupported(r.line, "ports behind udp are not supported");
    r.sign("(", "behind udp");
    const length = r.natural("the length of a UDP packet", MAX_LENGTH - 28);
    r.sign(")", "behind the length");
    return { protocol: "udp", length };
  }
  return readTcpBody(r, inbound);
}

function readInfo(r: TokenReader, inbound: boolean): IpInfo {
  const info: { ecn: EcnWord | null; tos: number | null; ttl: number | null } = {
    ecn: null,
    tos: null,
    ttl: null,
  };
  const close = r.isSign("[") ? "]" : r.isSign("(") ? ")" : null;
  if (close === null) return info;
  r.next();
  do {
    const { line } = r;
    const word = r.word("an IP annotation");
    if (ECN_WORDS.has(word)) {
      if (word === "ect01" && inbound)
        throw syntax(line, "ect01 is only for packets that the stack sends");
      info.ecn = word as EcnWord;
    } else if (word === "tos") info.tos = hexByte(r);
    else if (word === "ttl") info.ttl = r.natural("a TTL", 255);
    else if (word === "flowlabel")
      throw unsupported(line, "flowlabel is IPv6's, which is not supported");
    else throw syntax(line, `unknown IP annotation ${word}`);
  } while (r.takeSign(","));
  if (info.ecn !== null && info.tos !== null) throw syntax(r.line, "ECN and TOS are one field");
  r.sign(close, "behind the IP annotations");
  return info;
}

/** Written `0x10` or `10`, hexadecimal both. */
function hexByte(r: TokenReader): number {
  const token = r.next();
  const digits = /^(?:0x)?([0-9a-fA-F]{1,2})$/.exec(token.text);
  if (digits === null) throw syntax(token.line, `tos ${token.text}: expected 0x00 to 0xff`);
  return Number.parseInt(digits[1]!, 16);
}

function readPorts(r: TokenReader): PacketAction["ports"] {
  if (!r.is("integer") || !r.isSign(">", 1)) return null;
  const source = r.natural("a port", 65535);
  r.next();
  return { source, destination: r.natural("a port", 65535) };
}

function readTcpBody(r: TokenReader, inbound: boolean): TcpBody {
  const flags = readFlags(r);
  const { line } = r;
  const seq = r.natural("a sequence number");
  r.sign(":", "in seq:end(length)");
  const end = r.natural("a sequence number");
  r.sign("(", "in seq:end(length)");
  const length = r.natural("a payload length", MAX_LENGTH - 40);
  r.sign(")", "in seq:end(length)");
  if ((seq + length) % 4294967296 !== end)
    throw syntax(line, `${seq}:${end}(${length}): ${seq} and ${length} make ${seq + length}`);
  const ack = r.takeWord("ack") ? r.natural("an acknowledgement number") : null;
  const window = r.takeWord("win") ? r.natural("a window", 65535) : null;
  const urgent = r.takeWord("urg") ? r.natural("an urgent pointer", 65535) : 0;
  const options = r.isSign("<") ? readOptions(r, inbound) : [];
  if (inbound && window === null)
    throw syntax(line, "a packet of the peer needs its window: win N");
  return { protocol: "tcp", flags, seq, length, ack, window, urgent, options };
}

/** Letters, then a dot for ACK; a digit is the counter that accurate ECN makes of AE, CWR and ECE. */
function readFlags(r: TokenReader): number {
  const first = r.next();
  let text = first.text;
  if (!["word", "sign", "float", "integer"].includes(first.kind))
    throw syntax(first.line, `expected TCP flags, found ${JSON.stringify(text)}`);
  // `S.` and `S.5` are several tokens without a blank between them
  while (r.peek().from === r.previous().to && ["sign", "float"].includes(r.peek().kind)) {
    text += r.next().text;
  }
  const form = /^(?:([A-Z]*)([0-7]?)(\.?)([0-7]?)|-)$/.exec(text);
  if (form === null || text === "") throw syntax(first.line, `${text} are no TCP flags`);
  let flags = form[3] === "." ? ACK : 0;
  for (const letter of form[1] ?? "") {
    const bit = tcpFlagOf(letter);
    if (bit === 0) throw syntax(first.line, `${letter} in ${text} is no TCP flag`);
    if ((flags & bit) !== 0) throw syntax(first.line, `${letter} stands twice in ${text}`);
    flags |= bit;
  }
  return flags | counterBits(`${form[2] ?? ""}${form[4] ?? ""}`, flags, text, first.line);
}

function counterBits(digits: string, flags: number, text: string, line: number): number {
  if (digits === "") return 0;
  if (digits.length > 1 || (flags & (0xc0 | AE)) !== 0)
    throw syntax(line, `${text}: a counter excludes E, W, A and another counter`);
  const counter = Number(digits);
  return ((counter & 4) << 6) | ((counter & 2) << 6) | ((counter & 1) << 6);
}

function readOptions(r: TokenReader, inbound: boolean): TcpBody["options"] {
  const { line } = r;
  r.next();
  if (r.is("ellipsis")) {
    if (inbound) throw syntax(line, "<...> is only for packets that the stack sends");
    r.next();
    r.sign(">", "behind the options");
    return "any";
  }
  const options: TcpOption[] = [];
  do options.push(readOption(r));
  while (r.takeSign(","));
  r.sign(">", "behind the options");
  const size = options.reduce((n, option) => n + tcpOptionLength(option), 0);
  if (size % 4 !== 0)
    throw syntax(line, `the options are ${size} bytes, which is no multiple of 4: add nop`);
  if (size > 40) throw syntax(line, `the options are ${size} bytes; 40 fit`);
  return options;
}

function readOption(r: TokenReader): TcpOption {
  const { line } = r;
  const word = r.word("a TCP option");
  switch (word) {
    case "nop":
    case "eol":
    case "sackOK":
      return { kind: word };
    case "mss":
      return { kind: "mss", value: r.natural("an MSS", 65535) };
    case "wscale":
      return { kind: "wscale", value: r.natural("a window scale", 255) };
    case "sack":
      return readSack(r);
    case "TS":
      return readTimestamps(r);
    case "md5":
      return { kind: word, digest: hexBytes(r) };
    case "FO":
    case "FOEXP":
      return { kind: word, cookie: hexBytes(r) };
    case "ECN":
      return readAccurateEcn(r);
    default:
      throw syntax(line, `unknown TCP option ${word}`);
  }
}

function readSack(r: TokenReader): TcpOption {
  const blocks: (readonly [number, number])[] = [];
  while (r.is("integer")) {
    const left = r.natural("the left edge of a SACK block");
    r.sign(":", "in a SACK block");
    blocks.push([left, r.natural("the right edge of a SACK block")]);
  }
  return { kind: "sack", blocks };
}

function readTimestamps(r: TokenReader): TcpOption {
  if (!r.takeWord("val")) throw r.unexpected('"val" behind TS');
  const val = r.natural("a timestamp");
  if (!r.takeWord("ecr")) throw r.unexpected('"ecr" behind the timestamp');
  return { kind: "TS", val, ecr: r.natural("a timestamp echo") };
}

function hexBytes(r: TokenReader): Uint8Array {
  const { kind, text, line } = r.peek();
  if (kind !== "word" && kind !== "integer" && kind !== "hex") return new Uint8Array(0);
  r.next();
  const digits = text.replace(/^0x/, "");
  if (!/^(?:[0-9a-fA-F]{2})+$/.test(digits))
    throw syntax(line, `${text}: expected whole bytes in hexadecimal`);
  return Uint8Array.from(digits.match(/../g)!, (pair) => Number.parseInt(pair, 16));
}

function readAccurateEcn(r: TokenReader): TcpOption {
  const first = r.is("word") ? r.peek().text : "";
  if (first !== "e0b" && first !== "e1b") throw r.unexpected("e0b or e1b behind ECN");
  const counters: number[] = [];
  for (const name of counterNames(first)) {
    if (!r.takeWord(name)) break;
    counters.push(r.natural("a counter of 24 bits", 0xffffff));
  }
  return { kind: "ECN", first, counters };
}

export type { IcmpBody };
