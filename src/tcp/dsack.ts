/** Reports of duplicates (RFC 2883): the range that came twice is the first SACK block of the next segment, once. */
import { type SeqNum, seqLt } from "../wire/seq.ts";
import type { Tcb } from "./tcb.ts";

/** [left, right) came again; of several before an ACK leaves the last is told. */
export function noteDuplicate(t: Tcb, left: SeqNum, right: SeqNum): void {
  if (!t.sack || t.env.settings.tcp_dsack === 0 || !seqLt(left, right)) return;
  t.dsackLeft = left;
  t.dsackRight = right;
  t.env.count(seqLt(left, t.rcv.nxt) ? "TcpExtTCPDSACKOldSent" : "TcpExtTCPDSACKOfoSent");
}

/** Fills the SACK blocks of a segment, at most `max`: the duplicate, then what is held, the newest first. */
export function writeSackBlocks(t: Tcb, blocks: Int32Array, max: number): number {
  let count = 0;
  if (t.dsackLeft !== t.dsackRight) {
    blocks[0] = t.dsackLeft;
    blocks[1] = t.dsackRight;
    t.dsackLeft = t.dsackRight;
    count = 1;
  }
  return t.reassembly === null ? count : t.reassembly.sackBlocks(blocks, max, count);
}

/** A SACK option will stand on the next segment. */
export function owesSack(t: Tcb): boolean {
  return (
    t.sack && (t.dsackLeft !== t.dsackRight || (t.reassembly !== null && !t.reassembly.isEmpty))
  );
}
