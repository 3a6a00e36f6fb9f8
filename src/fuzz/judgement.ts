/**
 * Looks at each packet to the stack and at what it draws: how many answers, and to whom (I4), and whether the state that follows
 * and the answer are among those that the model's table allows.
 */
import type { Stack } from "../stack/stack.ts";
import { TcpConnection } from "../tcp/connection.ts";
import type { TcpState } from "../tcp/state.ts";
import { broken } from "./broken.ts";
import { get16, get32, minus } from "./bytes.ts";
import {
  ACK_NONE,
  acksOf,
  type Arrival,
  createArrival,
  createNumbers,
  KIND_BROKEN,
  KIND_FIN,
  KIND_RST,
  KIND_SYN,
  KIND_SYN_ACK,
  PLACE_AT,
  placeOf,
  readArrival,
  readNumbers,
} from "./classify.ts";
import type { Flow } from "./flow.ts";
import { entryOf, isListening, stateOfEntry } from "./inside.ts";
import {
  CELLS,
  cellOf,
  type Circumstances,
  describeCell,
  NOTHING,
  RESET,
  type Row,
  ROWS,
  SEGMENT,
  STATES,
  SYN_ACK,
  TABLE,
} from "./model.ts";
import { ACK, type Peer, PEER_PORT, RST, SYN } from "./peer.ts";
import type { Profile } from "./profiles.ts";
import { checkSent } from "./sent-packet.ts";

const TCP = 6;
const STATE_INDEX = new Map<TcpState, number>(STATES.map((state, i) => [state, i]));

interface Mutable extends Circumstances {
  queued: boolean;
  orphan: boolean;
  cookies: boolean;
  acksFin: boolean;
  plainFin: boolean;
  sameSyn: boolean;
}

export class Judgement {
  readonly peer: Peer;
  /** A count for each cell of the table: segments of its class that came. Wraps at 256. */
  readonly cells: Uint8Array = new Uint8Array(CELLS);
  private stack!: Stack;
  private receiveBuffer = 0;
  private hasCookies = false;
  /** Connections end for reasons of the stack's own. */
  private isPoor = false;
  private isOn = false;
  private isReset = false;
  private controls = 0;
  private allowed = 1;
  /** Of the packet in hand: what it is judged by; null where the table does not speak of it. */
  private flow: Flow | null = null;
  private state: TcpState = "CLOSED";
  private cell = 0;
  private answers = 0;
  private entry: TcpConnection | null = null;
  private isStale = false;
  private readonly arrival = createArrival();
  private readonly numbers = createNumbers();
  private readonly when: Mutable = {
    queued: false,
    orphan: false,
    cookies: false,
    acksFin: false,
    plainFin: false,
    sameSyn: false,
  };

  constructor(peer: Peer) {
    this.peer = peer;
  }

  begin(stack: Stack, profile: Profile): void {
    this.stack = stack;
    this.isOn = false;
    const { settings } = profile;
    this.receiveBuffer = stack.settings.tcp_rmem[1];
    this.hasCookies = settings.tcp_syncookies === 2;
    this.isPoor = settings.tcp_mem !== undefined || settings.tcp_max_orphans !== undefined;
  }

  before(b: Uint8Array, length: number): void {
    this.isOn = true;
    this.controls = 0;
    this.allowed = 1;
    this.answers = 0;
    const at = (b[0]! & 15) * 4;
    const isWhole = (get16(b, 6) & 0x3fff) === 0;
    this.isReset = isWhole && length > at + 13 && b[9] === TCP && (b[at + 13]! & RST) !== 0;
    this.flow = this.isJudged(b, length) ? this.classify() : null;
  }

  private isJudged(b: Uint8Array, length: number): boolean {
    return readArrival(b, length, this.arrival);
  }

  /** The flow that the packet is of, its cell counted; null where it is of none. */
  private classify(): Flow | null {
    const a = this.arrival;
    const flow = this.peer.flows[a.sport - PEER_PORT];
    if (flow === undefined || flow.address !== a.source || flow.stackPort !== a.dport) return null;
    const { numbers } = this;
    const entry = entryOf(this.stack, flow);
    this.state = stateOfEntry(entry);
    this.entry = entry instanceof TcpConnection ? entry : null;
    if (this.state === "CLOSED" && isListening(this.stack, a.dport)) this.state = "LISTEN";
    if (entry !== null) readNumbers(entry, this.receiveBuffer, numbers);
    const hasNumbers = entry !== null && a.kind !== KIND_BROKEN && this.state !== "CLOSED";
    const place = hasNumbers && this.state !== "SYN-SENT" ? placeOf(a, numbers) : PLACE_AT;
    const ack = hasNumbers ? this.ackOf(a) : ACK_NONE;
    this.look(entry !== null);
    this.cell = cellOf(STATE_INDEX.get(this.state)!, a.kind, place, ack);
    this.cells[this.cell]!++;
    return flow;
  }

  private ackOf(a: Arrival): number {
    const { numbers } = this;
    if (this.state === "SYN-SENT") return acksOfSyn(acksOf(a, numbers), a.ack, numbers.una);
    return looksAtAck(a.kind, this.state) ? acksOf(a, numbers) : ACK_NONE;
  }

  private look(isThere: boolean): void {
    const { when, entry, arrival: a, numbers: n } = this;
    when.cookies = this.hasCookies;
    when.sameSyn = isThere && a.seq === n.irs;
    this.lookInside(entry, a);
    const isOld = a.hasStamps && minus(a.stamp, n.recent) < 0;
    this.isStale = isThere && n.stamps && (!a.hasStamps || isOld) && a.kind !== KIND_RST;
  }

  private lookInside(c: TcpConnection | null, a: Arrival): void {
    const { when } = this;
    when.queued = c !== null && c.snd.finQueued && !c.snd.finSent;
    when.orphan = c !== null && c.orphan;
    when.acksFin = c !== null && c.snd.finSent && a.ack === c.snd.nxt && a.ack !== c.snd.una;
    const isBare = a.kind === KIND_FIN && a.text === 0;
    when.plainFin = c !== null && isBare && !c.orphan && c.reassembly === null && !c.rcv.finSeen;
  }

  after(): void {
    this.isOn = false;
    if (this.controls > this.allowed)
      broken("I4", `too many control segments in answer to one packet: ${this.controls}`);
    if (this.flow !== null && !this.isPoor) this.judge(this.flow);
  }

  private judge(flow: Flow): void {
    const rows = ROWS[this.cell]!;
    const entry = entryOf(this.stack, flow);
    const state = stateOfEntry(entry);
    const answers = this.answers === 0 ? NOTHING : this.answers;
    for (const index of rows) {
      const row = TABLE[index]!;
      if (row.when !== undefined && !this.when[row.when]) continue;
      if (!this.allows(row, state, answers)) this.complain(row, state, answers);
      if (row.still && entry === this.entry && this.entry !== null && this.hasMoved())
        broken("MODEL", `${this.about()} moved SND.UNA or RCV.NXT`);
      return;
    }
    broken("MODEL", `no row of the table: ${this.about()}`);
  }

  private allows(row: Row, after: TcpState, answers: number): boolean {
    const stays = after === this.state || (after === "CLOSED" && this.state === "LISTEN");
    // by its timestamps the segment may be an old one (RFC 7323 §5.3)
    if (this.isStale && stays && (answers & ~(SEGMENT | NOTHING)) === 0) return true;
    if ((answers & ~row.answers) !== 0) return false;
    if (row.to.length === 0) return stays;
    return row.to.includes(after) || (after === "CLOSED" && row.to.includes("LISTEN"));
  }

  private hasMoved(): boolean {
    const { snd, rcv } = this.entry!;
    return snd.una !== this.numbers.una || rcv.nxt !== this.numbers.rcvNxt;
  }

  private about(): string {
    const { state, kind, place, ack } = describeCell(this.cell);
    return `${state}: ${kind} ${place}${ack === "-" ? "" : `, ack ${ack}`}`;
  }

  private complain(row: Row, after: TcpState, answers: number): never {
    const words = ["nothing", "a segment", "a RST", "a SYN-ACK"];
    const seen = words.filter((_, bit) => ((answers >> bit) & 1) === 1).join(" and ");
    const allowed = words.filter((_, bit) => ((row.answers >> bit) & 1) === 1).join(" or ");
    const to = row.to.length === 0 ? this.state : row.to.join(" or ");
    broken(
      "MODEL",
      `${this.about().replace(": ", " ")}: to ${after} with ${seen}, not to ${to} with ${allowed}`,
    );
  }

  /** The program reads what came, for which a window update may leave besides. */
  programActs(): void {
    this.allowed = 2;
  }

  leaves(b: Uint8Array, length: number): void {
    const isControl = checkSent(b, length);
    if (!this.isOn) return;
    if (isControl) this.controls++;
    if (b[9] !== TCP) return;
    const at = (b[0]! & 15) * 4;
    const flags = b[at + 13]!;
    if (this.isReset && (flags & RST) !== 0) broken("I4", "a RST was answered with a RST");
    const { flow } = this;
    if (flow === null || get16(b, at + 2) !== flow.port || get32(b, 16) !== flow.address) return;
    if ((flags & RST) !== 0) this.answers |= RESET;
    else if ((flags & (SYN | ACK)) === (SYN | ACK)) this.answers |= SYN_ACK;
    else this.answers |= SEGMENT;
  }
}

/** In SYN-SENT SND.UNA is the ISS: what acknowledges just that acknowledges nothing. */
function acksOfSyn(ack: number, number: number, una: number): number {
  return ack === 0 && number !== una ? 1 : ack;
}

function looksAtAck(kind: number, state: TcpState): boolean {
  if (kind === KIND_SYN_ACK) return state === "SYN-RECEIVED";
  return kind !== KIND_RST && kind !== KIND_SYN && kind !== 3;
}
