/** The flags of TCP as letters: written and read. */
import { ACK, CWR, ECE, FIN, PSH, RST, SYN, URG } from "../wire/tcp-segment.ts";
import { AE } from "./packet.ts";

/** In the order in which they are written. */
const LETTERS: Readonly<Record<string, number>> = {
  S: SYN,
  F: FIN,
  R: RST,
  P: PSH,
  U: URG,
  E: ECE,
  W: CWR,
  A: AE,
  ".": ACK,
};
const ALL = Object.entries(LETTERS);

/** The bit of a letter; 0 where it is none. */
export function tcpFlagOf(letter: string): number {
  return Object.hasOwn(LETTERS, letter) ? LETTERS[letter]! : 0;
}

/** `S`, `S.`, `FP.`, `SEW`; `-` for no flag at all. */
export function formatTcpFlags(flags: number): string {
  let letters = "";
  for (const [letter, bit] of ALL) if ((flags & bit) !== 0) letters += letter;
  return letters === "" ? "-" : letters;
}

/** `S.`, `FP.`, `-`, `none`; null for anything else. */
export function parseTcpFlags(text: string): number | null {
  if (text === "-" || text === "none") return 0;
  let flags = 0;
  for (const letter of text) {
    const bit = tcpFlagOf(letter);
    if (bit === 0 || (flags & bit) !== 0) return null;
    flags |= bit;
  }
  return text === "" ? null : flags;
}
