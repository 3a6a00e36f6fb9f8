/**
 * The stack: packets and time in, packets and events out, no I/O. `input` takes one packet; `poll` runs what is
 * due, tells owners what happened and lets each connection that has something to send send it: once a
 * batch, so that one ACK answers many segments.
 */
import { type Failure, invariant, StackError } from "../base/errors.ts";
import { type PacketRemark, RX_CHECKSUM_GOOD, RX_KEEPABLE, RX_LENDABLE } from "../base/device.ts";
import type { Instant } from "../base/time.ts";
import { formatIpv4, type Ipv4Address, UNSPECIFIED } from "../wire/address.ts";
import {
  createIpv4Header,
  type Ipv4Header,
  PROTO_ICMP,
  PROTO_TCP,
  readIpv4,
} from "../wire/ipv4.ts";
import { seqAdd, seqMax } from "../wire/seq.ts";
import { ACK, createTcpSegment, RST, SYN, type TcpSegment } from "../wire/tcp-segment.ts";
import { readTcp } from "../wire/tcp.ts";
import { DEFAULT_SETTINGS, type Settings } from "../tcp/config.ts";
import { TcpConnection } from "../tcp/connection.ts";
import { type Endpoint, EVENT_CLOSED, EVENT_FIN_ACKED } from "../tcp/endpoint.ts";
import { IsnGenerator } from "../tcp/isn.ts";
import { createOutgoing, type Outgoing } from "../tcp/output/outgoing.ts";
import { RESET } from "../tcp/input/verdict.ts";
import type { TcpEnvironment } from "../tcp/tcb.ts";
import type { TcpTrace } from "../tcp/trace.ts";
import { mayReuse } from "../tcp/time-wait.ts";
import { toClosed } from "../tcp/transitions.ts";
import { ConnectionTable } from "./connection-table.ts";
import { Counters } from "./counters.ts";
import { createEnvironment } from "./environment.ts";
import { FreePorts } from "./free-ports.ts";
import { IcmpHandler } from "./icmp.ts";
import { IcmpRateLimit } from "./icmp-limit.ts";
import { IpIdentification } from "./ip-id.ts";
import { type ListenerRow, Listeners } from "./listeners.ts";
import type { ConnectOptions, ListenOptions, StackOptions } from "./options.ts";
import { type Listener, ListenerImpl } from "./listener.ts";
import { LocalAddresses } from "./local-addresses.ts";
import { PacketOutput } from "./packet-output.ts";
import { FragmentReassembler } from "./reassembly.ts";
import { checkSettings } from "./sysctl.ts";
import { endPredecessor, mayTakeOver, TimeWaits } from "./time-waits.ts";
import { TimerWheel, type WheelEntry } from "./timer-wheel.ts";

/** Segments one connection may send before the next one's turn. */
const TURN = 64;

export class Stack {
  readonly settings: Settings;
  readonly counters: Counters = new Counters();
  readonly addresses: LocalAddresses;
  private readonly host: { requestPoll(): void } | null;
  private readonly trace: TcpTrace | null;
  private readonly env: TcpEnvironment;
  private readonly wheel: TimerWheel;
  private readonly table: ConnectionTable<TcpConnection>;
  private readonly listeners = new Listeners();
  private readonly output: PacketOutput;
  private readonly icmp: IcmpHandler;
  private readonly isn: IsnGenerator;
  private readonly ports: FreePorts<TcpConnection>;
  private readonly timeWaits: TimeWaits;
  private readonly ipId: IpIdentification;
  private readonly fragments: FragmentReassembler;
  private readonly header: Ipv4Header = createIpv4Header();
  private readonly segment: TcpSegment = createTcpSegment();
  private readonly outgoing: Outgoing = createOutgoing();
  private marked: TcpConnection[] = [];
  private freshListeners: ListenerImpl[] = [];
  private clock: Instant;
  /** Inside `input` or `poll`, or a poll is already asked for. */
  private busy = false;
  private asked = false;
  private readonly onExpire = (entry: WheelEntry): void => {
    const connection = entry as TcpConnection;
    connection.onTimeout(this.clock);
    this.mark(connection);
  };

  constructor(options: StackOptions) {
    invariant(options.addresses.length > 0, "a stack has an address");
    const wrong = checkSettings(options.settings ?? {});
    if (wrong !== null) throw new StackError("EINVAL", wrong);
    this.settings = { ...DEFAULT_SETTINGS, ...options.settings };
    this.addresses = new LocalAddresses(options.addresses);
    this.host = options.host ?? null;
    this.trace = options.trace ?? null;
    this.clock = options.now;
    this.wheel = new TimerWheel(options.now);
    this.table = new ConnectionTable<TcpConnection>(options.rng);
    this.output = new PacketOutput(options.sender, this.counters, this.settings.ip_default_ttl);
    this.isn = new IsnGenerator(options.rng);
    const range = this.settings.ip_local_port_range;
    this.timeWaits = new TimeWaits(this.settings.tcp_max_tw_buckets, this.counters);
    this.ports = new FreePorts(options.rng, range, this.table, this.listeners, (c) =>
      mayTakeOver(c, this.clock),
    );
    this.ipId = new IpIdentification(options.rng);
    this.fragments = new FragmentReassembler({
      highThreshBytes: this.settings.ipfrag_high_thresh,
      timeoutMs: this.settings.ipfrag_time * 1000,
    });
    this.icmp = new IcmpHandler(
      this.output,
      this.counters,
      (local, localPort, remote, remotePort) =>
        this.table.get(local, localPort, remote, remotePort),
      (source, destination) => this.ipId.next(source, destination, PROTO_ICMP),
      new IcmpRateLimit(options.rng, this.settings.icmp_ratelimit, options.now),
    );
    this.env = createEnvironment(options, this.settings, this.counters, (c) => this.mark(c));
  }

  // --- packets in -----------------------------------------------------------------------------------

  input(
    buffer: Uint8Array,
    offset: number,
    length: number,
    flags: number,
    now: Instant,
  ): PacketRemark {
    this.clock = now;
    const wasBusy = this.busy;
    this.busy = true;
    try {
      return this.ipv4Input(buffer, offset, length, flags, now);
    } finally {
      this.busy = wasBusy;
    }
  }

  private ipv4Input(
    buffer: Uint8Array,
    offset: number,
    length: number,
    flags: number,
    now: Instant,
  ): PacketRemark {
    const h = this.header;
    this.counters.add("IpInReceives");
    const bad = readIpv4(buffer, offset, length, h);
    if (bad !== null) {
      if (bad === "bad-ip-option" && this.addresses.refuse(h) === null) {
        this.icmp.badOption(h, buffer, offset, now);
      }
      return this.counters.drop("IpInHdrErrors", bad);
    }
    const refused = this.addresses.refuse(h);
    if (refused !== null) return this.counters.drop("IpInAddrErrors", refused);
    if (h.moreFragments || h.fragmentOffset > 0) return this.fragment(buffer, offset, now);
    // with DF the identification means nothing (RFC 6864 §4.1)
    if (!h.dontFragment) this.fragments.release(h);
    const at = offset + h.headerLength;
    const size = h.totalLength - h.headerLength;
    switch (h.protocol) {
      case PROTO_TCP:
        return this.tcpInput(h, buffer, at, size, flags, now);
      case PROTO_ICMP:
        return this.icmp.input(h, buffer, at, size, now);
      default:
        this.icmp.protocolUnreachable(h, buffer, offset, now);
        return this.counters.drop("IpInUnknownProtos", "protocol");
    }
  }

  private fragment(buffer: Uint8Array, offset: number, now: Instant): PacketRemark {
    const h = this.header;
    const at = offset + h.headerLength;
    this.expireFragments(now); // the missing piece comes too late, however late the poll is
    const result = this.fragments.add(h, buffer, at, h.totalLength - h.headerLength, now);
    if (result.datagram !== null) {
      this.counters.add("IpReasmOKs");
      return this.ipv4Input(result.datagram, 0, result.datagram.length, 0, now);
    }
    if (result.dropped !== null) return this.counters.drop("IpReasmFails", result.dropped);
    return null;
  }

  private tcpInput(
    h: Ipv4Header,
    buffer: Uint8Array,
    offset: number,
    length: number,
    flags: number,
    now: Instant,
  ): PacketRemark {
    const s = this.segment;
    const good = (flags & RX_CHECKSUM_GOOD) !== 0;
    s.keepable = (flags & RX_KEEPABLE) !== 0;
    s.lendable = (flags & RX_LENDABLE) !== 0;
    this.counters.add("TcpInSegs");
    const bad = readTcp(buffer, offset, length, h.source, h.destination, good, s);
    if (bad !== null)
      return this.counters.drop(bad === "bad-checksum" ? "TcpInCsumErrors" : "TcpInErrs", bad);
    if (s.source === s.destination && s.sourcePort === s.destinationPort) {
      return this.counters.drop("TcpExtLand", "LAND");
    }
    const c = this.table.get(s.destination, s.destinationPort, s.source, s.sourcePort);
    if (c !== null && !c.dead) {
      const isNew = c.state === "TIME-WAIT" && mayReuse(c, s) && this.listens(s);
      return isNew ? this.toListener(s, now, c) : this.deliver(c, s, now);
    }
    if (c !== null) this.forget(c);
    return this.toListener(s, now, null);
  }

  private deliver(c: TcpConnection, s: TcpSegment, now: Instant): PacketRemark {
    if (c.state === "SYN-RECEIVED" && c.passive && (s.flags & (ACK | RST)) === ACK) {
      const listener = c.listener as ListenerImpl | null;
      if (listener !== null && listener.isFull) {
        // as Linux: the client's ACK is dropped and comes again with data, or the SYN-ACK does
        if (this.settings.tcp_abort_on_overflow !== 0) c.abort();
        return this.counters.drop("TcpExtListenOverflows", "accept queue full");
      }
    }
    s.kept = false;
    const verdict = c.onSegment(s, now);
    if (s.kept) this.output.sender.keepReceived?.();
    this.mark(c);
    if (verdict === RESET) {
      this.output.reset(s);
      return "refused: RST sent";
    }
    if (verdict === null || verdict === "") return null;
    this.counters.add(verdict);
    return verdict;
  }

  private listens(s: TcpSegment): boolean {
    return this.listeners.find(s.destination, s.destinationPort) !== null;
  }

  private toListener(s: TcpSegment, now: Instant, old: TcpConnection | null): PacketRemark {
    const listener = this.listeners.find(s.destination, s.destinationPort);
    if (listener === null) {
      if ((s.flags & RST) !== 0) return this.counters.drop("TcpInRsts", "reset for nobody");
      this.output.reset(s);
      return "refused: RST sent";
    }
    // RFC 9293 §3.10.7.2
    if ((s.flags & RST) !== 0) return this.counters.drop("TcpInRsts", "reset in LISTEN");
    if ((s.flags & ACK) !== 0) {
      this.output.reset(s);
      return "refused: RST sent";
    }
    if ((s.flags & SYN) === 0) return this.counters.drop("TcpInErrs", "no SYN in LISTEN");
    if (listener.isFull) return this.counters.drop("TcpExtListenOverflows", "accept queue full");
    if (listener.halfOpen >= this.settings.tcp_max_syn_backlog) {
      return this.counters.drop("TcpExtTCPReqQFullDrop", "SYN queue full");
    }
    if (old !== null) this.forget(old);
    const c = this.create(s.destination, s.destinationPort, s.source, s.sourcePort, now, old);
    c.predecessor = old;
    c.listener = listener;
    listener.halfOpen++;
    this.counters.add("TcpPassiveOpens");
    c.onPassiveOpen(s, now);
    this.mark(c);
    return null;
  }

  private create(
    local: Ipv4Address,
    localPort: number,
    remote: Ipv4Address,
    remotePort: number,
    now: Instant,
    old: TcpConnection | null,
  ): TcpConnection {
    let iss = this.isn.generate(local, localPort, remote, remotePort, now);
    if (old !== null) {
      // RFC 9293 §3.6.1 (MAY-2): above everything the old connection used
      iss = seqMax(iss, seqAdd(old.snd.nxt, 65537));
      this.counters.add("TcpExtTWRecycled");
    }
    const c = new TcpConnection(
      this.env,
      local,
      localPort,
      remote,
      remotePort,
      iss,
      this.output.sender.mtu,
      now,
    );
    c.tsOffset = this.isn.timestampOffset(local, localPort, remote, remotePort);
    this.table.insert(local, localPort, remote, remotePort, c);
    return c;
  }

  // --- what is to be done ---------------------------------------------------------------------------

  /** Due timers, events to owners, output; flushing the device is the caller's, before the next `input`. */
  poll(now: Instant): void {
    this.clock = now;
    this.asked = false;
    this.busy = true;
    try {
      this.wheel.advance(now, this.onExpire);
      this.expireFragments(now);
      while (this.marked.length > 0 || this.freshListeners.length > 0) {
        const batch = this.marked;
        this.marked = [];
        for (let i = 0; i < batch.length; i++) this.serve(batch, i, now);
        this.tellListeners();
      }
    } finally {
      this.env.lentArena.rewind();
      this.busy = false;
    }
  }

  /** The latest moment at which `poll` wants to be called. */
  nextTimeout(): Instant {
    const wheel = this.wheel.nextDeadline();
    const fragments = this.fragments.nextDeadline();
    return wheel < fragments ? wheel : fragments;
  }

  private expireFragments(now: Instant): void {
    if (this.fragments.nextDeadline() > now) return;
    for (const first of this.fragments.advance(now)) {
      this.counters.add("IpReasmTimeout");
      this.icmp.reassemblyTimeout(first, now);
    }
  }

  private serve(batch: TcpConnection[], i: number, now: Instant): void {
    const c = batch[i]!;
    c.marked = false;
    try {
      this.tell(c);
      if (c.receiveQueue.lent) c.receiveQueue.own(this.env.arena);
      if (this.transmit(c, now)) this.mark(c);
    } catch (error) {
      // an owner threw: the rest of the batch must not be lost with it
      for (let k = i; k < batch.length; k++) {
        const left = batch[k]!;
        if (left.receiveQueue.lent) left.receiveQueue.own(this.env.arena);
        left.marked = false;
        this.mark(left);
      }
      throw error;
    }
    if (c.predecessor !== null && c.snd.una !== c.snd.iss) endPredecessor(c, now);
    if (c.dead && c.events === 0) this.forget(c);
    else if (c.dead && (c.owner === null || c.orphan)) this.forget(c);
    else this.schedule(c);
    if (c.state === "TIME-WAIT") this.timeWaits.add(c, now);
  }

  private tell(c: TcpConnection): void {
    const listener = c.listener as ListenerImpl | null;
    if (listener !== null && listener.settle(c)) this.freshListeners.push(listener);
    if (c.events === 0 || c.owner === null) return;
    const events = c.events;
    c.events = 0;
    const told = c.orphan ? events & (EVENT_CLOSED | EVENT_FIN_ACKED) : events;
    if (told !== 0) c.owner.onEvents(c, told);
  }

  private tellListeners(): void {
    while (this.freshListeners.length > 0) {
      const listener = this.freshListeners.shift()!;
      listener.fresh = false;
      if (!listener.closed && listener.waiting > 0) listener.owner.onConnection(listener);
    }
  }

  /** True when the connection's turn ended with more to send. */
  private transmit(c: TcpConnection, now: Instant): boolean {
    const out = this.outgoing;
    const max = this.output.maxPayload(c.snd.mss);
    for (let n = 0; n < TURN; n++) {
      if (!c.pollTransmit(out, max, now)) return false;
      if (this.trace !== null) this.trace.segmentSent(c, out.segment, out.remark, now);
      this.output.segment(c, out);
    }
    return true;
  }

  /** The wheel holds the earliest deadline; one that moved later is left to fire and be ignored. */
  private schedule(c: TcpConnection): void {
    const due = c.nextTimeout();
    if (c.wheelSlot < 0 ? due !== Infinity : due < c.wheelDeadline) this.wheel.schedule(c, due);
  }

  private forget(c: TcpConnection): void {
    this.wheel.cancel(c);
    if (this.table.get(c.localAddress, c.localPort, c.remoteAddress, c.remotePort) === c) {
      this.table.delete(c.localAddress, c.localPort, c.remoteAddress, c.remotePort);
    }
    (c.listener as ListenerImpl | null)?.settle(c);
    this.timeWaits.remove(c);
    const old = c.predecessor;
    if (old === null) return;
    c.predecessor = null;
    if (c.snd.una !== c.snd.iss) return;
    // the SYN was an old duplicate: TIME-WAIT goes on where it stood
    this.table.insert(old.localAddress, old.localPort, old.remoteAddress, old.remotePort, old);
    this.mark(old);
  }

  private mark(c: TcpConnection): void {
    if (!c.marked) {
      c.marked = true;
      this.marked.push(c);
    }
    if (!this.busy && !this.asked && this.host !== null) {
      this.asked = true;
      this.host.requestPoll();
    }
  }

  // --- the user -------------------------------------------------------------------------------------

  listen(options: ListenOptions): Listener {
    const address = options.address ?? UNSPECIFIED;
    if (address !== UNSPECIFIED) this.addresses.checkOwn(address);
    const port = options.port === 0 ? this.ports.toListen(address) : options.port;
    const backlog = Math.max(0, Math.min(options.backlog ?? 511, this.settings.somaxconn));
    const listener = new ListenerImpl(
      address,
      port,
      backlog,
      options.owner,
      (l) => this.closeListener(l),
      (c) => this.mark(c),
    );
    this.listeners.add(listener);
    return listener;
  }

  private closeListener(listener: ListenerImpl): void {
    this.listeners.remove(listener);
    for (const c of this.connections() as TcpConnection[]) {
      if (c.listener !== listener) continue;
      c.orphan = true;
      c.abort();
    }
  }

  connect(options: ConnectOptions): Endpoint {
    const { remoteAddress, remotePort } = options;
    if (remotePort < 1 || remotePort > 65535)
      throw new StackError("EINVAL", "the port is 1 to 65535");
    const local = this.addresses.toReach(remoteAddress, options.localAddress);
    const localPort = options.localPort ?? 0;
    const port =
      localPort === 0 ? this.ports.toConnect(local, remoteAddress, remotePort) : localPort;
    const existing = this.table.get(local, port, remoteAddress, remotePort);
    const old = existing !== null && mayTakeOver(existing, this.clock) ? existing : null;
    if (existing !== null && !existing.dead && old === null) {
      throw new StackError(
        "EADDRINUSE",
        `${formatIpv4(local)}:${port} has a connection to that peer`,
      );
    }
    if (old !== null) toClosed(old, "reused by a new open", this.clock, null);
    if (existing !== null) this.forget(existing);
    const c = this.create(local, port, remoteAddress, remotePort, this.clock, old);
    c.owner = options.owner;
    this.counters.add("TcpActiveOpens");
    c.open(this.clock);
    return c;
  }

  connections(): Endpoint[] {
    const all: Endpoint[] = [];
    this.table.forEach((c) => all.push(c));
    return all;
  }

  /** The ports that are listened on. */
  listening(): ListenerRow[] {
    return this.listeners.rows();
  }

  /** The end of the stack: RST to every peer that waits for something; the next `poll` sends them. */
  abortAll(): void {
    for (const c of this.connections() as TcpConnection[]) c.abandon();
  }

  /** The device is gone: every connection fails, nothing is sent any more. */
  deviceLost(error: Failure): void {
    for (const c of this.connections() as TcpConnection[]) {
      if (!c.dead) toClosed(c, error.message, this.clock, c.state === "TIME-WAIT" ? null : error);
    }
  }
}
