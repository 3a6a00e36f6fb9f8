/** Names of ICMP types and codes (RFC 792, RFC 1122), as packetdrill has them. */

const TYPES: Readonly<Record<string, number>> = {
  echo_reply: 0,
  unreachable: 3,
  source_quench: 4,
  redirect: 5,
  echo_request: 8,
  time_exceeded: 11,
  parameter_problem: 12,
  timestamp_request: 13,
  timestamp_reply: 14,
  information_request: 15,
  information_reply: 16,
  address_mask_request: 17,
  address_mask_reply: 18,
};
/** Of `unreachable`, from 0 on. */
const CODES = [
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
] as const;

const NAMES = new Map(Object.entries(TYPES).map(([name, type]) => [type, name]));

export const UNREACHABLE = 3;
export const FRAG_NEEDED = 4;
export const ICMP_TYPE_WORDS: readonly string[] = Object.keys(TYPES);
export const ICMP_CODE_WORDS: readonly string[] = CODES;

export function icmpTypeName(type: number): string {
  return NAMES.get(type) ?? `type_${type}`;
}

export function icmpCodeName(type: number, code: number): string {
  return (type === UNREACHABLE ? CODES[code] : undefined) ?? `code_${code}`;
}

/** null for a word that is none. */
export function icmpTypeOf(word: string): number | null {
  return Object.hasOwn(TYPES, word) ? TYPES[word]! : numbered(word, /^type_(\d{1,3})$/);
}

export function icmpCodeOf(type: number, word: string): number | null {
  const code = type === UNREACHABLE ? (CODES as readonly string[]).indexOf(word) : -1;
  return code >= 0 ? code : numbered(word, /^code_(\d{1,3})$/);
}

function numbered(word: string, form: RegExp): number | null {
  const found = form.exec(word);
  return found !== null && Number(found[1]) <= 255 ? Number(found[1]) : null;
}

/** The second word is an identifier and a sequence number. */
export function hasIdentifier(type: number): boolean {
  return type === 0 || type === 8 || (type >= 13 && type <= 18);
}

/** The body quotes the packet that the message is about. */
export function quotes(type: number): boolean {
  return type === UNREACHABLE || type === 4 || type === 5 || type === 11 || type === 12;
}
