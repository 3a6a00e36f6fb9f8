/**
 * The program on the stack: makes the calls of an input, reads what comes and holds every byte against what the peer sent. What it
 * sends is foreseeable, too: a byte of its stream is known by its place.
 */
import { StackError } from "../base/errors.ts";
import type { Listener } from "../stack/listener.ts";
import type { Stack } from "../stack/stack.ts";
import type { TcpConnection } from "../tcp/connection.ts";
import { type Endpoint, type EndpointOwner, EVENT_CLOSED } from "../tcp/endpoint.ts";
import { ipv4 } from "../wire/address.ts";
import type { Instant } from "../base/time.ts";
import { broken } from "./broken.ts";
import { minus, textByte } from "./bytes.ts";
import type { Flow } from "./flow.ts";
import { CONNECT_PORT, ECHO_PORT, FLOWS, HONEST, LISTEN_PORT, type Peer } from "./peer.ts";
import {
  CALL_ABORT,
  CALL_CLOSE,
  CALL_CONGESTION_CONTROL,
  CALL_CONNECT,
  CALL_KEEP_ALIVE,
  CALL_LISTEN,
  CALL_NO_DELAY,
  CALL_NOT_SENT_LOWAT,
  CALL_OFFER_USER_TIMEOUT,
  CALL_READS,
  CALL_RECEIVE,
  CALL_SEND,
  CALL_SEND_URGENT,
  CALL_SHUTDOWN,
  CALL_STOPS_READING,
  CALL_USER_TIMEOUT,
  type Step,
} from "./step.ts";

const CONTROLS = ["reno", "cubic", "bbr", "nobody's"] as const;
/** Bytes of a call that sends much. */
const MUCH = 200_000;

/** The user's end of one flow. */
class Slot implements EndpointOwner {
  readonly flow: Flow;
  private readonly program: Program;
  endpoint: TcpConnection | null = null;
  reads = true;
  /** Bytes given to `send`, and taken by `receive`. */
  sent = 0;
  received = 0;
  closed = false;

  constructor(program: Program, flow: Flow) {
    this.program = program;
    this.flow = flow;
  }

  reset(): void {
    this.endpoint = null;
    this.reads = true;
    this.sent = 0;
    this.received = 0;
    this.closed = false;
  }

  takes(endpoint: Endpoint): void {
    this.endpoint = endpoint as TcpConnection;
    this.sent = 0;
    this.received = 0;
    this.closed = false;
    endpoint.owner = this;
  }

  onEvents(endpoint: Endpoint, events: number): void {
    if (this.program.hears !== null) this.program.hears(this.flow.index, events);
    if (endpoint !== this.endpoint) return;
    if (this.closed) broken("I3", "an event after the last one");
    if ((events & EVENT_CLOSED) !== 0) this.closed = true;
    if (this.reads) this.read();
    const { rcv } = this.endpoint;
    // irs and FIN are numbers without a byte
    if (endpoint.atEnd && endpoint.error === null && this.received !== minus(rcv.nxt, rcv.irs) - 2)
      broken("I3", `bytes are missing at the end: ${this.received} were received`);
    if (this.flow.index === HONEST && endpoint.atEnd) endpoint.close();
  }

  read(): void {
    const { endpoint } = this;
    if (endpoint === null) return;
    for (let c = endpoint.receive(); c !== null; c = endpoint.receive()) {
      this.check(c);
      this.program.takes?.(this.flow.index, `read ${c.length}`);
      this.program.acts();
    }
  }

  private check(chunk: Uint8Array): void {
    if (chunk.length === 0) broken("I3", "an empty chunk was received");
    if (!this.program.peer.spoiled) {
      const first = this.endpoint!.rcv.irs + 1 + this.received;
      for (let i = 0; i < chunk.length; i++) {
        if (chunk[i] !== textByte(first + i)) {
          broken("I3", `a byte that was not sent: at ${this.received + i} of the stream`);
        }
      }
    }
    this.received += chunk.length;
    // as many go back
    if (this.flow.index === HONEST) this.program.sends(this, chunk.length);
  }
}

export class Program {
  readonly peer: Peer;
  /** Of what the program hears; for a trace. */
  hears: ((flow: number, events: number) => void) | null = null;
  /** Of what it takes, `accept` and `read 100`; for a trace. */
  takes: ((flow: number, what: string) => void) | null = null;
  /** Called when it has read something. */
  acts: () => void = () => {};
  private stack!: Stack;
  private readonly slots: readonly Slot[];
  private listener: Listener | null = null;
  private readonly text = new Uint8Array(MUCH + 8192);
  private mayLend = false;
  private readonly accepts = {
    onConnection: (listener: Listener): void => {
      for (let e = listener.accept(); e !== null; e = listener.accept()) this.accepted(e);
    },
  };

  constructor(peer: Peer) {
    this.peer = peer;
    this.slots = peer.flows.map((flow) => new Slot(this, flow));
  }

  begin(stack: Stack, lends: boolean): void {
    this.stack = stack;
    this.mayLend = lends;
    this.listener = null;
    for (const slot of this.slots) slot.reset();
    this.listens(16);
  }

  /** For the honest peer; its bytes go back to it. */
  listensHonestly(): void {
    this.stack.listen({ port: ECHO_PORT, backlog: 16, owner: this.accepts });
  }

  private listens(backlog: number): void {
    this.listener = this.stack.listen({
      port: LISTEN_PORT,
      backlog,
      fastOpen: 4,
      owner: this.accepts,
    });
  }

  private accepted(endpoint: Endpoint): void {
    const slot = this.slots[endpoint.remotePort - this.peer.flows[0]!.port];
    if (slot === undefined || slot.flow.address !== endpoint.remoteAddress) {
      endpoint.abort(); // a packet was damaged so that it is nobody's
      return;
    }
    slot.takes(endpoint);
    this.takes?.(slot.flow.index, "accept");
    endpoint.lends = this.mayLend;
    if (slot.reads) slot.read();
  }

  /** Bytes that flow `index` was given to send; what leaves is never more. */
  sentOn(index: number): number {
    return this.slots[index]!.sent;
  }

  endpointOf(index: number): TcpConnection | null {
    return this.slots[index]!.endpoint;
  }

  /** A call that the stack refuses with a {@link StackError} is refused; anything else that it throws is a fault. */
  call(step: Step, now: Instant): void {
    try {
      this.calls(step, this.slots[step.flow]!, now);
    } catch (error) {
      if (!(error instanceof StackError)) throw error;
    }
  }

  private calls(step: Step, slot: Slot, now: Instant): void {
    const kind = step.flags & 15;
    const e = slot.endpoint;
    if (kind === CALL_CONNECT) return this.connect(slot, step, now);
    if (kind === CALL_LISTEN) return this.listenAnew(step);
    if (kind === CALL_STOPS_READING) return void (slot.reads = false);
    if (e === null) return;
    switch (kind) {
      case CALL_SEND:
        return this.send(slot, e, step, false);
      case CALL_SEND_URGENT:
        return this.send(slot, e, step, true);
      case CALL_RECEIVE:
        return slot.read();
      case CALL_READS:
        slot.reads = true;
        return slot.read();
      case CALL_SHUTDOWN:
        return e.shutdown();
      case CALL_CLOSE:
        return e.close();
      case CALL_ABORT:
        return e.abort();
      default:
        return setOption(e, kind, step);
    }
  }

  private connect(slot: Slot, step: Step, now: Instant): void {
    const { flow } = slot;
    const localPort = CONNECT_PORT + flow.index + (step.word & 1) * FLOWS;
    const e = this.stack.connect(
      {
        remoteAddress: ipv4(flow.address),
        remotePort: flow.port,
        localPort,
        fastOpen: (step.word & 2) !== 0,
        owner: slot,
      },
      now,
    );
    const old = slot.endpoint;
    slot.takes(e);
    // a handle that nobody holds any more is closed
    if (old !== null && !old.dead) old.abort();
    this.peer.connecting(flow, localPort);
    if ((step.word & 2) !== 0) this.send(slot, slot.endpoint!, step, false);
  }

  private listenAnew(step: Step): void {
    if (this.listener !== null) {
      this.listener.close();
      this.listener = null;
    } else this.listens(step.word & 15);
  }

  sends(slot: Slot, length: number): void {
    for (let i = 0; i < length; i++) this.text[i] = textByte(slot.sent + i + 1);
    slot.endpoint!.sendCopy(this.text.subarray(0, length));
    slot.sent += length;
  }

  private send(slot: Slot, e: TcpConnection, step: Step, urgent: boolean): void {
    const length = step.word === 0xffff ? MUCH : step.length === 0 ? 100 : step.length;
    if (e.sendSpace <= 0) return;
    // `send` takes by reference: what is queued must stay as it is
    const copies = urgent || (step.word & 1) === 0;
    const text = copies ? this.text.subarray(0, length) : new Uint8Array(length);
    for (let i = 0; i < length; i++) text[i] = textByte(slot.sent + i + 1);
    if (urgent) e.sendUrgent(text);
    else if (copies) e.sendCopy(text);
    else e.send(text);
    slot.sent += length;
  }

  /** The end: every handle is closed (or aborted), nobody listens any more. */
  end(abort: boolean): void {
    this.listener?.close();
    this.listener = null;
    for (const { endpoint } of this.slots) {
      if (endpoint === null) continue;
      if (abort) endpoint.abort();
      else endpoint.close();
    }
  }
}

function setOption(e: TcpConnection, kind: number, step: Step): void {
  const { word } = step;
  switch (kind) {
    case CALL_NO_DELAY:
      return e.setNoDelay((word & 1) === 0);
    case CALL_KEEP_ALIVE:
      return e.setKeepAlive((word & 1) === 0, 1000 + word, 1000 + (word >> 4), word & 7);
    case CALL_USER_TIMEOUT:
      return e.setUserTimeout(word & 1 ? Infinity : word);
    case CALL_OFFER_USER_TIMEOUT:
      return e.offerUserTimeout(word * 100);
    case CALL_CONGESTION_CONTROL:
      return e.setCongestionControl(CONTROLS[word & 3]!);
    case CALL_NOT_SENT_LOWAT:
      return e.setNotSentLowat(word);
    default:
      e.setTypeOfService(word & 511);
  }
}
