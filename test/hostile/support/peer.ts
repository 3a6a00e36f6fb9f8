/** One end of one connection, scripted: numbers are relative to both ISNs, and answers come back as text. */
import { expect } from "vitest";
import {
  ACK,
  flagsOf,
  pattern,
  PEER,
  type Seen,
  SINK,
  STACK,
  SYN,
  tcp,
  type TcpParts,
  tell,
} from "./packet.ts";
import { freshPort, type World } from "./world.ts";

export interface PeerPlace {
  address?: number;
  port?: number;
  to?: number;
  isn?: number;
}

export class Peer {
  readonly w: World;
  readonly address: number;
  readonly port: number;
  to: number;
  isn: number;
  /** The stack's ISN, once a SYN of its was seen. */
  iss = 0;
  window = 65535;
  /** Options of every segment that names none. */
  always: Uint8Array | undefined = undefined;
  /** The answers of the last `says`, as they came. */
  last: Seen[] = [];

  constructor(w: World, place: PeerPlace = {}) {
    this.w = w;
    this.address = place.address ?? PEER;
    this.port = place.port ?? freshPort();
    this.to = place.to ?? SINK;
    this.isn = place.isn ?? 0xfffffff0;
  }

  make(
    flags: string,
    seq: number,
    ack = 0,
    data: Uint8Array | number = 0,
    more: Partial<TcpParts> = {},
  ): Uint8Array {
    const bits = flagsOf(flags);
    return tcp({
      source: this.address,
      destination: STACK,
      sport: this.port,
      dport: this.to,
      seq: this.isn + seq,
      ack: (bits & ACK) === 0 ? 0 : this.iss + ack,
      flags: bits,
      window: this.window,
      payload: typeof data === "number" ? pattern(seq, data) : data,
      ...(this.always === undefined ? {} : { tcpOptions: this.always }),
      ...more,
    });
  }

  /** Sends and tells what came back on this connection. */
  async says(...segment: Parameters<Peer["make"]>): Promise<string[]> {
    return await this.puts(this.make(...segment));
  }

  async puts(...packets: Uint8Array[]): Promise<string[]> {
    this.w.put(...packets);
    return await this.hears();
  }

  /** What came up to now. */
  async hears(): Promise<string[]> {
    await this.w.settle();
    this.last = this.take();
    return this.last.map((s) => tell(s, this.iss, this.isn));
  }

  take(): Seen[] {
    const { w } = this;
    const mine = (s: Seen): boolean =>
      s.destination === this.address &&
      (s.icmpType >= 0 || (s.dport === this.port && s.sport === this.to));
    const taken = w.inbox.filter(mine);
    w.inbox = w.inbox.filter((s) => !mine(s));
    for (const s of taken) if ((s.flags & SYN) !== 0) this.iss = s.seq;
    return taken;
  }

  /** The three segments of a passive open. */
  async open(tcpOptions: Uint8Array = Uint8Array.of(2, 4, 5, 180)): Promise<this> {
    expect(await this.says("S", 0, 0, 0, { tcpOptions })).toEqual(["S. 0:0(0) ack 1"]);
    expect(await this.says(".", 1, 1)).toEqual([]);
    return this;
  }

  /** The stack opens to this peer, from port 30000 + n. */
  async opened(tcpOptions: Uint8Array = Uint8Array.of(2, 4, 5, 180)): Promise<this> {
    await this.called();
    expect(await this.says("S.", 0, 1, 0, { tcpOptions })).toEqual([". 1:1(0) ack 1"]);
    return this;
  }

  /** As far as the stack's SYN. */
  async called(): Promise<this> {
    this.to = freshPort();
    await this.w.app.connect(this.port, this.to, this.address);
    await this.w.settle();
    this.last = this.take();
    expect(this.last.map((s) => s.flags)).toEqual([SYN]);
    return this;
  }
}
