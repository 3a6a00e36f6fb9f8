/** ICMP messages of a script, by the names of their types and codes. */
import type { IcmpBody } from "./ast.ts";
import { syntax } from "./failure.ts";
import type { TokenReader } from "./token-reader.ts";

const TYPES: ReadonlyMap<string, number> = new Map([
  ["echo_reply", 0],
  ["unreachable", 3],
  ["source_quench", 4],
  ["redirect", 5],
  ["echo_request", 8],
  ["time_exceeded", 11],
  ["parameter_problem", 12],
  ["timestamp_request", 13],
  ["timestamp_reply", 14],
  ["information_request", 15],
  ["information_reply", 16],
  ["address_mask_request", 17],
  ["address_mask_reply", 18],
]);
const UNREACHABLE = [
  "net_unreachable",
  "host_unreachable",
  "protocol_unreachable",
  "port_unreachable",
  "frag_needed",
  "source_route_failed",
  "net_unknown",
  "host_unknown",
  "source_host_isolated",
  "net_prohibited",
  "host_prohibited",
  "net_unreachable_for_tos",
  "host_unreachable_for_tos",
  "packet_filtered",
  "precedence_violation",
  "precedence_cutoff",
];
const FRAG_NEEDED = 4;
const NO_CODE = new Set(["mtu", "id"]);

export function isIcmpWord(r: TokenReader): boolean {
  return r.isWord("icmp") || r.isWord("icmpv6");
}

export function icmpTypeName(type: number): string {
  for (const [name, number] of TYPES) if (number === type) return name;
  return `type_${type}`;
}

export function icmpCodeName(type: number, code: number): string {
  return type === 3 && code < UNREACHABLE.length ? UNREACHABLE[code]! : `code_${code}`;
}

export function readIcmpBody(r: TokenReader, inbound: boolean): IcmpBody {
  const { line } = r;
  if (r.next().text !== "icmp")
    throw syntax(line, "ICMPv6 is not supported: this TCP is over IPv4");
  const name = r.word("an ICMP type");
  const type = TYPES.get(name) ?? numbered(name, "type");
  if (type === null) throw syntax(line, `unknown ICMP type ${name}`);
  const code = readCode(r, type);
  let mtu: number | null = null;
  if (r.takeWord("mtu")) {
    mtu = r.natural("an MTU", 65535);
    if (type !== 3 || code !== FRAG_NEEDED) throw syntax(line, "only frag_needed tells an mtu");
  }
  const id = r.takeWord("id") ? r.natural("an identifier", 65535) : null;
  const quote = r.isSign("[") ? readQuote(r) : ({ kind: "none" } as const);
  if (!inbound && quote.kind === "raw") throw syntax(line, "raw is for messages of the peer");
  return { protocol: "icmp", type, code, mtu, id, quote };
}

function readCode(r: TokenReader, type: number): number {
  if (!r.is("word") || NO_CODE.has(r.peek().text)) return 0;
  const { line } = r;
  const word = r.next().text;
  const found = type === 3 ? UNREACHABLE.indexOf(word) : -1;
  const code = found >= 0 ? found : numbered(word, "code");
  if (code === null) throw syntax(line, `unknown ICMP code ${word}`);
  return code;
}

function numbered(word: string, prefix: string): number | null {
  const form = /^(type|code)_(\d{1,3})$/.exec(word);
  if (form === null || form[1] !== prefix || Number(form[2]) > 255) return null;
  return Number(form[2]);
}

function readQuote(r: TokenReader): IcmpBody["quote"] {
  r.next();
  let quote: IcmpBody["quote"];
  if (r.isWord("udp") || r.isWord("raw")) {
    const kind = r.next().text as "udp" | "raw";
    r.sign("(", `behind ${kind}`);
    quote = { kind, length: r.natural("a length", 65000) };
    r.sign(")", "behind the length");
  } else {
    const { line } = r;
    const seq = r.natural("a sequence number");
    r.sign(":", "in seq:end(length)");
    const end = r.natural("a sequence number");
    r.sign("(", "in seq:end(length)");
    const length = r.natural("a length", 65000);
    r.sign(")", "in seq:end(length)");
    if ((seq + length) % 4294967296 !== end)
      throw syntax(line, `${seq}:${end}(${length}): ${seq} and ${length} make ${seq + length}`);
    quote = { kind: "tcp", seq, length };
  }
  r.sign("]", "behind the quoted packet");
  return quote;
}
