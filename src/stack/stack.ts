/**
 * The stack: packets and time in, packets and events out, no I/O. `input` takes one packet; `poll` runs what is
 * due, tells owners what happened and lets each connection that has something to send send it: once a
 * batch, so that one ACK answers many segments.
 */
import { type Failure, invariant, StackError } from "../base/errors.ts";
import { type PacketRemark, RX_CHECKSUM_GOOD, RX_KEEPABLE, RX_LENDABLE } from "../base/device.ts";
import type { Instant } from "../base/time.ts";
import { UNSPECIFIED } from "../wire/address.ts";
import { PROTO_ICMP } from "../wire/ipv4.ts";
import { createTcpSegment, RST, type TcpSegment } from "../wire/tcp-segment.ts";
import { readTcp } from "../wire/tcp.ts";
import { DEFAULT_SETTINGS, type Settings } from "../tcp/config.ts";
import { TcpConnection } from "../tcp/connection.ts";
import { type Endpoint, EVENT_CLOSED, EVENT_FIN_ACKED } from "../tcp/endpoint.ts";
import { IsnGenerator } from "../tcp/isn.ts";
import { prepareFastOpen } from "../tcp/fast-open.ts";
import { createOutgoing, type Outgoing } from "../tcp/output/outgoing.ts";
import { RESET } from "../tcp/input/verdict.ts";
import { beginMemory, settleMemory } from "../tcp/memory.ts";
import type { TcpEnvironment } from "../tcp/tcb.ts";
import { TraceList, type TcpTrace } from "../tcp/trace.ts";
import { advertisedMss } from "../tcp/mss.ts";
import { mayReuse } from "../tcp/time-wait.ts";
import { beginTuned } from "../tcp/tuning.ts";
import { toClosed } from "../tcp/transitions.ts";
import { Accounts } from "./accounts.ts";
import { ConnectionTable } from "./connection-table.ts";
import { Counters } from "./counters.ts";
import { createEnvironment } from "./environment.ts";
import { FastOpenKeys } from "./fast-open-keys.ts";
import { FreePorts, pairInUse } from "./free-ports.ts";
import { HalfOpen } from "./half-open.ts";
import { IcmpHandler } from "./icmp.ts";
import { IcmpRateLimit } from "./icmp-limit.ts";
import { IpIdentification } from "./ip-id.ts";
import { IpInput, type IpInputParts } from "./ip-input.ts";
import { ANY_PORT, type ListenerRow, Listeners } from "./listeners.ts";
import type { ConnectOptions, ListenOptions, StackOptions } from "./options.ts";
import { FreshListeners, type Listener, ListenerImpl } from "./listener.ts";
import { LocalAddresses } from "./local-addresses.ts";
import { MarkedList } from "./marked-list.ts";
import { PacketOutput } from "./packet-output.ts";
import { RandomBudget } from "./random-budget.ts";
import { SourceRoutes } from "./source-routes.ts";
import { SynCookies } from "./syn-cookies.ts";
import { type BuildConnection, SynQueue } from "./syn-queue.ts";
import { checkSettings } from "./sysctl.ts";
import { TimeWait } from "./time-wait.ts";
import { type TableEntry, TimeWaits } from "./time-waits.ts";
import { TimerWheel, type WheelEntry } from "./timer-wheel.ts";

/** Segments one connection may send before the next one's turn. */
const TURN = 64;

/** Many connections behind one device, without I/O and clock: packets, calls and time come as arguments. */
export class Stack {
  readonly settings: Settings;
  readonly counters: Counters = new Counters();
  readonly addresses: LocalAddresses;
  private readonly host: { requestPoll(): void } | null;
  private readonly watchers: TraceList;
  private readonly env: TcpEnvironment;
  private readonly wheel: TimerWheel;
  private readonly table: ConnectionTable<TableEntry>;
  private readonly listeners = new Listeners();
  private readonly synQueue: SynQueue;
  private readonly routes: SourceRoutes;
  private readonly accounts: Accounts;
  private readonly output: PacketOutput;
  private readonly ip: IpInput;
  private readonly isn: IsnGenerator;
  private readonly ports: FreePorts<TableEntry>;
  private readonly timeWaits: TimeWaits;
  private readonly segment: TcpSegment = createTcpSegment();
  private readonly outgoing: Outgoing = createOutgoing();
  private readonly marked = new MarkedList<TcpConnection>();
  private readonly fresh: FreshListeners;
  private clock: Instant;
  /** Inside `input` or `poll`, or a poll is already asked for. */
  private busy = false;
  private asked = false;
  private readonly onExpire = (entry: WheelEntry): void => {
    if (entry instanceof HalfOpen) this.synQueue.onTimeout(entry, this.clock);
    else if (entry instanceof TimeWait) this.timeWaits.end(entry, "2 MSL over", this.clock);
    else {
      const connection = entry as TcpConnection;
      connection.onTimeout(this.clock);
      this.mark(connection);
    }
  };

  private readonly build: BuildConnection = (local, port, remote, remotePort, iss, now) => {
    const mtu = this.env.paths.mtu(remote, now);
    const c = new TcpConnection(this.env, local, port, remote, remotePort, iss, mtu, now);
    c.pmtuExpires = this.env.paths.expires(remote, now);
    c.advMss = advertisedMss(mtu);
    c.tsOffset = this.isn.timestampOffset(local, port, remote, remotePort);
    return c;
  };

  constructor(options: StackOptions) {
    invariant(options.addresses.length > 0, "a stack has an address");
    const wrong = checkSettings(options.settings ?? {});
    if (wrong !== null) throw new StackError("EINVAL", wrong);
    this.settings = { ...DEFAULT_SETTINGS, ...options.settings };
    this.addresses = new LocalAddresses(options.addresses, options.anyAddress);
    this.host = options.host ?? null;
    this.watchers = new TraceList(options.trace ?? null);
    this.clock = options.now;
    this.wheel = new TimerWheel(options.now);
    this.table = new ConnectionTable<TableEntry>(options.rng);
    this.routes = new SourceRoutes(this.settings, this.table);
    const resets = new RandomBudget(options, this.settings.tcp_reset_rate);
    const { sender } = options;
    this.output = new PacketOutput(sender, this.counters, this.settings, this.routes, () =>
      resets.take(this.clock),
    );
    this.isn = new IsnGenerator(options.rng);
    const range = this.settings.ip_local_port_range;
    const mayTake = (e: TableEntry): boolean => this.timeWaits.mayTakeOver(e, this.clock);
    this.ports = new FreePorts(options.rng, range, this.table, this.listeners, mayTake);
    const ipId = new IpIdentification(options.rng);
    const icmp = new IcmpHandler(
      this.output,
      this.counters,
      (local, localPort, remote, remotePort) => {
        const c = this.table.get(local, localPort, remote, remotePort);
        // a half-open one has no user to tell, and no error may end it (RFC 9293 §3.9.2.2, MUST-56)
        if (c instanceof HalfOpen) return null;
        return c instanceof TimeWait ? this.timeWaits.thaw(c, this.clock) : c;
      },
      (source, destination) => ipId.next(source, destination, PROTO_ICMP),
      new IcmpRateLimit(options.rng, this.settings.icmp_ratelimit, options.now),
    );
    this.ip = new IpInput({
      addresses: this.addresses,
      counters: this.counters,
      settings: this.settings,
      routes: this.routes,
      icmp,
      onTcp: this.onTcp,
    });
    this.env = createEnvironment(options, this.settings, this.counters, (c) => this.mark(c));
    this.accounts = new Accounts(this.env);
    this.timeWaits = new TimeWaits({
      env: this.env,
      table: this.table,
      wheel: this.wheel,
      routes: this.routes,
      build: this.build,
      leave: (c) => this.leave(c),
    });
    this.synQueue = new SynQueue({
      env: this.env,
      counters: this.counters,
      table: this.table,
      wheel: this.wheel,
      output: this.output,
      isn: this.isn,
      cookies: new SynCookies(options.rng),
      fastOpenKeys: new FastOpenKeys(options.rng, this.settings),
      build: this.build,
      timeWaits: this.timeWaits,
      unreachable: (h, toNet, now) => icmp.synUnreachable(h, toNet, now),
      wake: () => this.wake(),
      mark: (c) => this.mark(c),
      deliver: (c, s, now) => {
        const remark = this.deliver(c, s, now);
        this.fresh.settle(c); // the accept queue grows with each ACK, not with each batch
        return remark;
      },
    });
    this.fresh = new FreshListeners(this.synQueue.held);
  }

  /** From now on `trace` hears of all connections, until the function that is returned is called. */
  watch(trace: TcpTrace): () => void {
    this.env.trace = this.watchers.with(trace);
    return () => void (this.env.trace = this.watchers.without(trace));
  }

  /** Bytes that all connections hold, against tcp_mem. */
  get memoryUsed(): number {
    return this.env.memory.used;
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
      return this.ip.packet(buffer, offset, length, flags, now);
    } finally {
      this.busy = wasBusy;
    }
  }

  private readonly onTcp: IpInputParts["onTcp"] = (h, buffer, offset, length, flags, now) => {
    const s = this.segment;
    const good = (flags & RX_CHECKSUM_GOOD) !== 0;
    s.keepable = (flags & RX_KEEPABLE) !== 0;
    s.lendable = (flags & RX_LENDABLE) !== 0;
    s.ecn = h.tos & 3;
    this.counters.add("TcpInSegs");
    const bad = readTcp(buffer, offset, length, h.source, h.destination, good, s);
    if (bad !== null)
      return this.counters.drop(bad === "bad-checksum" ? "TcpInCsumErrors" : "TcpInErrs", bad);
    if (s.source === s.destination && s.sourcePort === s.destinationPort) {
      return this.counters.drop("TcpExtLand", "LAND");
    }
    const c = this.table.get(s.destination, s.destinationPort, s.source, s.sourcePort);
    if (c instanceof HalfOpen) return this.synQueue.onSegment(c, s, now);
    if (c instanceof TimeWait) return this.inTimeWait(c, s, now);
    if (c !== null && !c.dead) {
      const isNew = c.state === "TIME-WAIT" && this.isNewer(c, s);
      return isNew
        ? this.toListener(s, this.timeWaits.freeze(c, now), now)
        : this.deliver(c, s, now);
    }
    if (c !== null) this.forget(c);
    return this.toListener(s, null, now);
  };

  /** A connection again for this one segment, which is answered at once. */
  private inTimeWait(e: TimeWait, s: TcpSegment, now: Instant): PacketRemark {
    const c = this.timeWaits.thaw(e, now);
    if (this.isNewer(c, s)) return this.toListener(s, e, now);
    const remark = this.deliver(c, s, now);
    this.transmit(c, now);
    this.timeWaits.settle(e, c);
    return remark;
  }

  /** A SYN that a listener takes instead of this connection in TIME-WAIT. */
  private isNewer(c: TcpConnection, s: TcpSegment): boolean {
    return mayReuse(c, s) && this.listeners.find(s.destination, s.destinationPort) !== null;
  }

  private deliver(c: TcpConnection, s: TcpSegment, now: Instant): PacketRemark {
    s.kept = false;
    const verdict = c.onSegment(s, now);
    settleMemory(c);
    if (s.kept) this.output.sender.keepReceived?.();
    this.mark(c);
    if (verdict === RESET) {
      this.output.reset(s);
      return "refused: RST sent";
    }
    if (verdict === null || verdict === "") {
      if (this.ip.header.sourceRoute) this.routes.learn(this.ip.header, s, now);
      if (!this.routes.isEmpty) this.routes.apply(c);
      return null;
    }
    this.counters.add(verdict);
    return verdict;
  }

  private toListener(s: TcpSegment, old: TimeWait | null, now: Instant): PacketRemark {
    const listener = this.listeners.find(s.destination, s.destinationPort);
    if (listener !== null) {
      this.routes.begin(this.ip.header, s, now);
      return this.synQueue.onListen(listener, s, old, now);
    }
    if ((s.flags & RST) !== 0) return this.counters.drop("TcpInRsts", "reset for nobody");
    this.output.reset(s);
    return "refused: RST sent";
  }

  // --- what is to be done ---------------------------------------------------------------------------

  /** Due timers, events to owners, output; flushing the device is the caller's, before the next `input`. */
  poll(now: Instant): void {
    this.clock = now;
    this.asked = false;
    this.busy = true;
    try {
      this.wheel.advance(now, this.onExpire);
      this.ip.expire(now);
      while (!this.marked.isEmpty || !this.fresh.isEmpty) {
        let c = this.marked.takeRound();
        while (c !== null) c = this.serve(c, now);
        this.fresh.tell(now);
      }
    } finally {
      this.env.lentArena.rewind();
      this.busy = false;
    }
  }

  /** The device is about to use the memory of its packets again, and `poll` is not called yet: what it lent is copied. */
  keepLent(): void {
    this.marked.forEach((c) => c.receiveQueue.own(this.env.arena));
  }

  /** The latest moment at which `poll` wants to be called. */
  nextTimeout(): Instant {
    const wheel = this.wheel.nextDeadline();
    const fragments = this.ip.nextDeadline();
    return wheel < fragments ? wheel : fragments;
  }

  /** Returns the one behind it. */
  private serve(c: TcpConnection, now: Instant): TcpConnection | null {
    const next = this.marked.leave(c);
    try {
      this.tell(c);
      if (c.receiveQueue.lent) c.receiveQueue.own(this.env.arena);
      // what sending itself brought, room for a writer, is told in the next round
      if (this.transmit(c, now) || (c.events !== 0 && c.owner !== null)) this.mark(c);
    } catch (error) {
      // an owner threw: the rest of the round must not be lost with it
      if (c.receiveQueue.lent) c.receiveQueue.own(this.env.arena);
      this.mark(c);
      for (let left = next; left !== null;) {
        const following: TcpConnection | null = this.marked.leave(left);
        if (left.receiveQueue.lent) left.receiveQueue.own(this.env.arena);
        this.mark(left);
        left = following;
      }
      throw error;
    }
    this.turnOver(c, now);
    return next;
  }

  private turnOver(c: TcpConnection, now: Instant): void {
    if (c.frozen) return;
    this.accounts.settle(c);
    if (c.dead && (c.events === 0 || c.owner === null || c.orphan)) this.forget(c);
    else if (!this.timeWaits.takes(c, now)) this.schedule(c);
  }

  private tell(c: TcpConnection): void {
    this.fresh.settle(c);
    if (c.events === 0 || c.owner === null) return;
    const events = c.events;
    c.events = 0;
    const told = c.orphan ? events & (EVENT_CLOSED | EVENT_FIN_ACKED) : events;
    if (told !== 0) c.owner.onEvents(c, told);
  }

  /** True when the connection's turn ended with more to send. */
  private transmit(c: TcpConnection, now: Instant): boolean {
    const out = this.outgoing;
    const max = this.output.maxPayload(c);
    for (let n = 0; n < TURN; n++) {
      if (!c.pollTransmit(out, max, now)) return false;
      if (this.env.trace !== null) this.env.trace.segmentSent(c, out.segment, out.remark, now);
      this.output.segment(c, out);
    }
    return true;
  }

  /** The wheel holds the earliest deadline; one that moved later is left to fire and be ignored. */
  private schedule(c: TcpConnection): void {
    const due = c.nextTimeout();
    if (c.wheelSlot < 0 ? due !== Infinity : due < c.wheelDeadline) this.wheel.schedule(c, due);
  }

  private leave(c: TcpConnection): void {
    this.accounts.leave(c);
    this.wheel.cancel(c);
    (c.listener as ListenerImpl | null)?.settle(c);
  }

  private forget(c: TcpConnection): void {
    this.leave(c);
    this.routes.forget(c.localAddress, c.localPort, c.remoteAddress, c.remotePort);
    if (this.table.get(c.localAddress, c.localPort, c.remoteAddress, c.remotePort) === c) {
      this.table.delete(c.localAddress, c.localPort, c.remoteAddress, c.remotePort);
    }
  }

  private mark(c: TcpConnection): void {
    if (c.frozen) {
      if (c.dead) this.timeWaits.onEnd(c, this.clock);
      return;
    }
    this.marked.add(c);
    this.wake();
  }

  private wake(): void {
    if (!this.busy && !this.asked && this.host !== null) {
      this.asked = true;
      this.host.requestPoll();
    }
  }

  // --- the user -------------------------------------------------------------------------------------

  listen(options: ListenOptions): Listener {
    const address = options.address ?? UNSPECIFIED;
    if (address !== UNSPECIFIED) this.addresses.checkOwn(address);
    const port = options.anyPort === true ? ANY_PORT : this.ports.toListen(address, options.port);
    const listener = new ListenerImpl(
      address,
      port,
      options,
      this.settings,
      (l) => this.closeListener(l),
      (c) => this.mark(c),
    );
    this.listeners.add(listener);
    return listener;
  }

  private closeListener(listener: ListenerImpl): void {
    this.listeners.remove(listener);
    this.table.forEach((entry) => {
      if (entry instanceof TimeWait || entry.listener !== listener) return;
      const c = this.whole(entry);
      if (c !== null) c.orphan = true;
      c?.abort();
    });
  }

  /** Active OPEN. `now`: which ISN, port or pair in TIME-WAIT may be used is a matter of time; by default the last event's. */
  connect(options: ConnectOptions, now: Instant = this.clock): Endpoint {
    const { remoteAddress, remotePort } = options;
    this.clock = now;
    const local = this.addresses.toReach(remoteAddress, options.localAddress);
    const port = this.ports.toConnect(local, options.localPort ?? 0, remoteAddress, remotePort);
    const existing = this.table.get(local, port, remoteAddress, remotePort);
    let iss = this.isn.generate(local, port, remoteAddress, remotePort, now);
    if (existing !== null && this.timeWaits.mayTakeOver(existing, now)) {
      iss = this.timeWaits.issAbove(existing, iss);
      this.timeWaits.end(existing, "reused by a new open", now);
    } else if (existing instanceof TcpConnection && existing.dead) this.forget(existing);
    else if (existing !== null) throw pairInUse(local, port);
    const c = this.build(local, port, remoteAddress, remotePort, iss, now);
    beginTuned(c, options.tuning ?? null);
    this.routes.give(c, options.sourceRoute);
    this.table.insert(local, port, remoteAddress, remotePort, c);
    beginMemory(c);
    c.owner = options.owner;
    this.counters.add("TcpActiveOpens");
    const { fastOpen } = options;
    if (fastOpen !== undefined && fastOpen !== false)
      prepareFastOpen(c, fastOpen === "with-data", now);
    c.open(now);
    return c;
  }

  /** To look at, not to use: half-open ones too, each as it would be if its ACK came now, and what TIME-WAIT keeps. */
  connections(): Endpoint[] {
    const all: Endpoint[] = [];
    this.table.forEach((entry) => {
      if (entry instanceof HalfOpen) all.push(this.synQueue.view(entry, this.clock));
      else all.push(entry instanceof TimeWait ? this.timeWaits.thaw(entry, this.clock) : entry);
    });
    return all;
  }

  /** What was learnt of destinations, path MTUs and Fast Open, is forgotten (`ip tcp_metrics flush all`). */
  forgetDestinations(): void {
    this.env.paths.forget();
    this.env.fastOpens.forget();
  }

  /** The ports that are listened on. */
  listening(): ListenerRow[] {
    return this.listeners.rows();
  }

  /** The end of the stack: RST to every peer that waits for something; the next `poll` sends them. */
  abortAll(): void {
    this.table.forEach((entry) => {
      if (entry instanceof TimeWait) this.timeWaits.end(entry, "aborted by the user", this.clock);
      else this.whole(entry)?.abandon();
    });
  }

  /** The device is gone: every connection fails, nothing is sent any more. */
  deviceLost(error: Failure): void {
    this.table.forEach((entry) => {
      if (entry instanceof HalfOpen) this.synQueue.forget(entry, error.message, this.clock);
      else if (entry instanceof TimeWait) this.timeWaits.end(entry, error.message, this.clock);
      else if (!entry.dead)
        toClosed(entry, error.message, this.clock, entry.state === "TIME-WAIT" ? null : error);
    });
  }

  /** To be ended; null: it was refused, as there is nothing yet that a connection could end. */
  private whole(entry: TcpConnection | HalfOpen): TcpConnection | null {
    if (!(entry instanceof HalfOpen)) return entry;
    if (this.synQueue.held.endsUndecided(entry, this.clock)) return null;
    return this.synQueue.makeWhole(entry, this.clock);
  }
}
