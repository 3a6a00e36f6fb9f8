/**
 * The state of one end of a connection that is only watched: what RFC 9293 §3.3.2 makes of each segment it sends
 * and receives. "?" where the beginning was not seen.
 */
import { type SeqNum, seqAdd, seqGeq, seqGt, seqLeq, seqLt } from "../../wire/seq.ts";
import { ACK, FIN, RST, segmentLength, SYN, type TcpSegment } from "../../wire/tcp-segment.ts";
import type { TcpState } from "../../tcp/state.ts";

export type SeenState = TcpState | "?";

export class EndState {
  state: SeenState;
  /** Its first sequence number; what is printed counts from it. */
  base: SeqNum | null = null;
  /** One above the highest number it sent. */
  next: SeqNum | null = null;
  /** The highest number it acknowledged, and with which window. */
  acked: SeqNum | null = null;
  window = 0;
  /** -1: not offered. */
  shift = -1;
  /** It opened with a SYN of its own. */
  active = false;
  /** One above its FIN. */
  private finEnd: SeqNum | null = null;
  /** What it expects from the other end, and what it holds beyond. */
  private expected: SeqNum | null = null;
  private held: [SeqNum, SeqNum][] = [];
  private peerFin: SeqNum | null = null;

  constructor(state: SeenState) {
    this.state = state;
  }

  /** Goes on where the beginning was not seen: its first number, what it sends next, what it acknowledged, its shift. */
  resume(base: SeqNum, next: SeqNum, acked: SeqNum, shift: number): void {
    this.base = base;
    this.next = next;
    this.acked = acked;
    this.expected = acked;
    this.shift = shift;
    const { state } = this;
    if (state === "FIN-WAIT-1" || state === "CLOSING" || state === "LAST-ACK") this.finEnd = next;
  }

  sends(s: TcpSegment): void {
    const end = seqAdd(s.seq, segmentLength(s));
    if ((s.flags & RST) !== 0) {
      this.state = "CLOSED";
      return;
    }
    this.base ??= (s.flags & SYN) !== 0 ? s.seq : seqAdd(s.seq, -1);
    if (this.next === null || seqGt(end, this.next)) this.next = end;
    if ((s.flags & SYN) !== 0) this.sendsSyn(s);
    if ((s.flags & ACK) !== 0) this.acknowledges(s.ack);
    this.window = s.window;
    if ((s.flags & FIN) === 0) return;
    this.finEnd = end;
    if (this.state === "ESTABLISHED" || this.state === "SYN-RECEIVED") this.state = "FIN-WAIT-1";
    else if (this.state === "CLOSE-WAIT") this.state = this.crossed(s) ? "CLOSING" : "LAST-ACK";
  }

  /** It had not seen the other FIN when it sent its own: the two passed each other. */
  private crossed(s: TcpSegment): boolean {
    return this.expected !== null && seqLt(s.ack, this.expected);
  }

  /** What it acknowledges it has, even if the capture has not. */
  private acknowledges(ack: SeqNum): void {
    if (this.acked === null || seqGt(ack, this.acked)) this.acked = ack;
    if (this.expected === null || seqLeq(ack, this.expected)) return;
    this.take(
      this.expected,
      this.peerFin !== null && seqGt(ack, this.peerFin) ? this.peerFin : ack,
    );
    this.takeFin();
  }

  private sendsSyn(s: TcpSegment): void {
    this.shift = s.windowScale;
    if ((s.flags & ACK) !== 0) {
      if (this.state === "LISTEN" || this.state === "?") this.state = "SYN-RECEIVED";
    } else if (this.state === "CLOSED" || this.state === "?") {
      this.state = "SYN-SENT";
      this.active = true;
    } else if (this.state === "SYN-RECEIVED") {
      this.active = true; // the SYNs passed each other
    }
  }

  receives(s: TcpSegment): void {
    if ((s.flags & RST) !== 0) {
      this.receivesReset(s);
      return;
    }
    if ((s.flags & SYN) !== 0) this.receivesSyn(s);
    if ((s.flags & ACK) !== 0) this.receivesAck(s);
    this.receivesText(s);
  }

  /** In the window is enough for a watcher; TIME-WAIT stays (RFC 1337), and a listener listens on. */
  private receivesReset(s: TcpSegment): void {
    if (this.state === "TIME-WAIT" || this.state === "LISTEN") return;
    if (this.state === "SYN-SENT" && (s.flags & ACK) === 0) return;
    if (this.expected !== null && seqLt(s.seq, this.expected)) return;
    this.state = this.state === "SYN-RECEIVED" && !this.active ? "LISTEN" : "CLOSED";
  }

  private receivesSyn(s: TcpSegment): void {
    if (this.expected === null) this.expected = seqAdd(s.seq, 1);
    if ((s.flags & ACK) !== 0) {
      if (this.state === "SYN-SENT" || this.state === "?") this.state = "ESTABLISHED";
    } else if (this.state === "LISTEN" || this.state === "SYN-SENT") {
      this.state = "SYN-RECEIVED";
    }
  }

  private receivesAck(s: TcpSegment): void {
    if (this.next === null || seqGt(s.ack, this.next)) return;
    const opened = this.base !== null && seqGt(s.ack, this.base);
    if (this.state === "SYN-RECEIVED" && opened) this.state = "ESTABLISHED";
    if (this.finEnd === null || seqLt(s.ack, this.finEnd)) return;
    if (this.state === "FIN-WAIT-1") this.state = "FIN-WAIT-2";
    else if (this.state === "CLOSING") this.state = "TIME-WAIT";
    else if (this.state === "LAST-ACK") this.state = "CLOSED";
  }

  private receivesText(s: TcpSegment): void {
    if (this.expected === null) this.expected = s.seq;
    const start = (s.flags & SYN) !== 0 ? seqAdd(s.seq, 1) : s.seq;
    const end = seqAdd(start, s.payloadLength);
    if ((s.flags & FIN) !== 0) this.peerFin = end;
    this.take(start, end);
    this.takeFin();
  }

  private takeFin(): void {
    if (this.peerFin === null || this.expected !== this.peerFin) return;
    this.expected = seqAdd(this.peerFin, 1);
    this.peerFin = null;
    if (this.state === "ESTABLISHED" || this.state === "SYN-RECEIVED") this.state = "CLOSE-WAIT";
    else if (this.state === "FIN-WAIT-1") this.state = "CLOSING";
    else if (this.state === "FIN-WAIT-2") this.state = "TIME-WAIT";
  }

  /** Text in order moves what is expected; what lies beyond a hole is held. */
  private take(start: SeqNum, end: SeqNum): void {
    if (seqGt(start, this.expected!)) {
      this.held.push([start, end]);
      return;
    }
    if (seqGt(end, this.expected!)) this.expected = end;
    for (let more = true; more;) {
      more = false;
      for (const [from, to] of this.held) {
        if (seqLeq(from, this.expected!) && seqGt(to, this.expected!)) {
          this.expected = to;
          more = true;
        }
      }
    }
    this.held = this.held.filter(([, to]) => seqGt(to, this.expected!));
  }

  /** Everything up to `end` was sent before. */
  hasSent(end: SeqNum): boolean {
    return this.next !== null && seqGeq(this.next, end);
  }
}
