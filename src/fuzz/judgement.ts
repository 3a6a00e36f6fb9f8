/** Looks at each packet to the stack and at what it draws: how many answers, of what kind (I4), and what the model allows. */
import type { Instant } from "../base/time.ts";
import type { Stack } from "../stack/stack.ts";
import { broken } from "./broken.ts";
import { checkSent } from "./sent-packet.ts";
import { RST, type Peer } from "./peer.ts";

const TCP = 6;

export class Judgement {
  readonly peer: Peer;
  private stack!: Stack;
  /** While a packet is judged. */
  private isOn = false;
  private isReset = false;
  private controls = 0;
  private allowed = 1;

  constructor(peer: Peer) {
    this.peer = peer;
  }

  begin(stack: Stack): void {
    this.stack = stack;
    this.isOn = false;
  }

  before(b: Uint8Array, length: number, _now: Instant): void {
    this.isOn = true;
    this.controls = 0;
    this.allowed = 1;
    const at = (b[0]! & 15) * 4;
    const isWhole = (((b[6]! << 8) | b[7]!) & 0x3fff) === 0;
    this.isReset = isWhole && length > at + 13 && b[9] === TCP && (b[at + 13]! & RST) !== 0;
  }

  after(_now: Instant): void {
    this.isOn = false;
    if (this.controls > this.allowed)
      broken("I4", `${this.controls} control segments in answer to one packet`);
  }

  /** The program reads what came, for which a window update may leave besides. */
  programActs(): void {
    this.allowed = 2;
  }

  leaves(b: Uint8Array, length: number): void {
    const isControl = checkSent(b, length);
    if (!this.isOn) return;
    if (isControl) this.controls++;
    const at = (b[0]! & 15) * 4;
    if (this.isReset && b[9] === TCP && (b[at + 13]! & RST) !== 0)
      broken("I4", "a RST was answered with a RST");
  }
}
