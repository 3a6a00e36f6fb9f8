/** What every segment of the stack must be to a peer that remembers what was said before: data, windows and acknowledgments. */
import { broken } from "./broken.ts";
import { get16, get32, minus, textByte } from "./bytes.ts";
import type { Flow } from "./flow.ts";
import { ACK, FIN, RST, SYN } from "./peer.ts";

/** `flow` as it was before the segment; `sent`: bytes that the program gave. `certain`: the peer knows what the stack was told. */
export function checkStream(
  flow: Flow,
  b: Uint8Array,
  length: number,
  sent: number,
  certain: boolean,
): void {
  const at = (b[0]! & 15) * 4;
  const flags = b[at + 13]!;
  const number = get32(b, at + 4);
  if ((flags & RST) !== 0) return;
  const header = (b[at + 12]! >> 4) * 4;
  const size = length - at - header;
  if ((flags & SYN) !== 0) return checkText(b, at + header, size, 0, sent);
  if (!flow.synSeen) return;
  const offset = minus(number, flow.theirIsn) - 1;
  if (isElsewhere(flow, number) || isOlder(flow, offset + size, sent)) {
    if (flow.incarnations === 1) broken("I9", "a number that this connection never had");
    flow.uncertain = true;
    return;
  }
  checkText(b, at + header, size, offset, sent);
  if ((flags & FIN) !== 0 && offset + size !== sent)
    broken("I3", "a FIN that is not behind the program's last byte");
  if (!certain) return;
  if (size > 0 && flow.hasOffered && minus(number + size, flow.maxEdge) > 1)
    broken("I9", "text beyond every window that was offered");
  if ((flags & ACK) !== 0 && flow.acknowledged) checkAck(flow, b, at);
}

function checkText(b: Uint8Array, at: number, size: number, offset: number, sent: number): void {
  if (size === 0) return;
  if (offset < 0) broken("I3", "text from before the stream began");
  if (offset + size > sent) broken("I3", "text that the program did not give");
  for (let i = 0; i < size; i++) {
    if (b[at + i] !== textByte(offset + i + 1))
      broken("I3", `a wrong byte was sent: at ${offset + i} of the stream`);
  }
}

function checkAck(flow: Flow, b: Uint8Array, at: number): void {
  const ack = get32(b, at + 8);
  if (minus(ack, flow.acked) < 0) broken("I9", "an ACK that goes back");
  const edge = ack + (get16(b, at + 14) << flow.theirScale);
  // a scaled window tells the edge in steps
  if (minus(edge, flow.edge) < 1 - (1 << flow.theirScale))
    broken("I9", "a right edge that moves left");
}

/** After a second SYN-ACK an older connection may speak: from TIME-WAIT, or by a cookie that is still good. */
function isOlder(flow: Flow, end: number, sent: number): boolean {
  return flow.incarnations > 1 && end > sent + 1;
}

/** Before its ISN, or so far behind that nothing can have been sent there. */
function isElsewhere(flow: Flow, seq: number): boolean {
  const offset = minus(seq, flow.theirIsn);
  return offset < 0 || offset > 0x10000000;
}
