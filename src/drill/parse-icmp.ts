/** ICMP messages of a script, by the names of their types and codes. */
import { FRAG_NEEDED, icmpCodeOf, icmpTypeOf, UNREACHABLE } from "../packet/icmp-words.ts";
import type { IcmpBody } from "./ast.ts";
import { syntax } from "./failure.ts";
import type { TokenReader } from "./token-reader.ts";

const NO_CODE = new Set(["mtu", "id"]);

export function isIcmpWord(r: TokenReader): boolean {
  return r.isWord("icmp") || r.isWord("icmpv6");
}

export function readIcmpBody(r: TokenReader, inbound: boolean): IcmpBody {
  const { line } = r;
  if (r.next().text !== "icmp")
    throw syntax(line, "ICMPv6 is not supported: this TCP is over IPv4");
  const name = r.word("an ICMP type");
  const type = icmpTypeOf(name);
  if (type === null) throw syntax(line, `unknown ICMP type ${name}`);
  const code = readCode(r, type);
  let mtu: number | null = null;
  if (r.takeWord("mtu")) {
    mtu = r.natural("an MTU", 65535);
    if (type !== UNREACHABLE || code !== FRAG_NEEDED)
      throw syntax(line, "only frag_needed tells an mtu");
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
  const code = icmpCodeOf(type, word);
  if (code === null) throw syntax(line, `unknown ICMP code ${word}`);
  return code;
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
