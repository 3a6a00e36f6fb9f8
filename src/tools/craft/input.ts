/** Packets as a user gives them: lines of text, of JSON or of hex digits, each with a time to wait before it. */
import {
  fromJson,
  isPacketError,
  decode,
  type Packet,
  parseHex,
  parsePacket,
} from "../../packet/index.ts";

export interface Crafted {
  readonly packet: Packet;
  /** ms to wait before it is sent. */
  readonly delay: number;
}

/** What is wrong with a line: one line that begins with where it stands. */
export class InputError extends Error {
  constructor(line: string) {
    super(line);
    this.name = "CraftInputError";
  }
}

/** `+0.5` before a packet: seconds. */
const DELAY = /^\+(\d+(?:\.\d*)?|\.\d+)\s+/;

/** null for a line that says nothing. `where` names it in messages. Throws an {@link InputError}. */
export function readLine(line: string, where: string): Crafted | null {
  const text = line.trim();
  if (text === "" || text.startsWith("#") || text.startsWith("//")) return null;
  const waits = DELAY.exec(text);
  const delay = waits === null ? 0 : 1000 * Number(waits[1]);
  const rest = waits === null ? text : text.slice(waits[0].length);
  if (rest.startsWith("{")) return readJson(rest, where, delay);
  if (/^(0x)?[0-9a-fA-F]{2}/.test(rest) && !rest.includes(".")) {
    const bytes = parseHex(rest);
    if (isPacketError(bytes)) throw new InputError(`${where}: ${bytes.error}`);
    return { packet: decode(bytes), delay };
  }
  const packet = parsePacket(rest);
  if (isPacketError(packet)) {
    const near = rest.slice(packet.at, packet.at + 20);
    throw new InputError(`${where}: ${packet.error}${near === "" ? "" : ` (at "${near}")`}`);
  }
  return { packet, delay };
}

function readJson(text: string, where: string, delay: number): Crafted {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new InputError(`${where}: this is no JSON`);
  }
  // what `--json` prints can be sent again
  const inner =
    typeof value === "object" && value !== null && "packet" in value ? value.packet : value;
  const packet = fromJson(inner);
  if (isPacketError(packet)) throw new InputError(`${where}: ${packet.error}`);
  return { packet, delay };
}
