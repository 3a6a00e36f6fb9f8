/**
 * A peer of a stack, played by a script: packets one by one, or whole conversations ({@link Conversation}). It does nothing of
 * itself: what the script does not send is not sent. Time and the wire are its host's, so it runs in virtual time, too.
 */
import { type Ipv4Address, parseIpv4 } from "../wire/address.ts";
import { Arrivals, type PeerHost } from "./arrivals.ts";
import { Conversation, type ConversationOptions } from "./conversation.ts";
import { decode } from "./decode.ts";
import { encode } from "./encode.ts";
import { packet as packetOf, type PacketInput } from "./json.ts";
import { isPacketError, type Packet } from "./packet.ts";
import { parsePacket } from "./parse.ts";
import { PeerError, segmentOf } from "./peer-error.ts";
import { BRIEF, formatPacket } from "./print.ts";
import { segmentMatches } from "./segment.ts";

/** Where a peer is, and how patient. */
export interface PeerOptions {
  /** The peer's own address, and the stack's. */
  readonly address: string;
  readonly target: string;
  /** ms that `expect` and `next` wait where nothing else is said; 1000. */
  readonly patience?: number;
  /** The first local port of conversations that choose none; 40000. */
  readonly firstPort?: number;
}

/** A peer made by hand: it sends what it is told and waits for what it is told to expect. */
export class Peer {
  readonly address: string;
  readonly target: string;
  /** ms that `expect` and `next` wait where nothing else is said. */
  patience: number;

  readonly #host: PeerHost;
  readonly #local: Ipv4Address;
  readonly #remote: Ipv4Address;
  readonly #conversations = new Map<string, Conversation>();
  readonly #others: Arrivals;
  #nextPort: number;

  constructor(host: PeerHost, options: PeerOptions) {
    this.#host = host;
    this.address = options.address;
    this.target = options.target;
    this.#local = addressOf(options.address);
    this.#remote = addressOf(options.target);
    this.patience = options.patience ?? 1000;
    this.#nextPort = options.firstPort ?? 40000;
    this.#others = new Arrivals(host);
  }

  /** The host has a packet from the stack. */
  receive(bytes: Uint8Array): void {
    const packet = decode(bytes);
    const key = packet.tcp === null ? "" : keyOf(packet.tcp.destinationPort, packet.tcp.sourcePort);
    const mine = packet.ip?.source === this.#remote && packet.ip.destination === this.#local;
    const conversation = mine ? this.#conversations.get(key) : undefined;
    if (conversation === undefined) this.#others.push(packet);
    else conversation.arrived(packet);
  }

  /** ms since the host's clock began. */
  now(): number {
    return this.#host.now();
  }

  /** Resolves after so many ms. */
  wait(ms: number): Promise<void> {
    return new Promise((resolve) => void this.#host.after(ms, resolve));
  }

  /** Sends any packet: a line, a record, or fields as `packet()` takes them. Throws where it is none. */
  send(what: string | Packet | PacketInput): Packet {
    const packet = packetFrom(what);
    this.#host.send(packet, encode(packet));
    return packet;
  }

  /** The next packet that belongs to no conversation; null where none comes within so many ms. */
  next(within: number = this.patience): Promise<Packet | null> {
    return this.#others.next(within);
  }

  /**
   * Waits for a segment that is as `like` says, numbers as on the wire, among those of no conversation; others before it are passed
   * over. Throws a {@link PeerError}.
   */
  async expect(like: string, within: number = this.patience): Promise<Packet> {
    const said = segmentOf(like);
    const end = this.now() + within;
    const seen: string[] = [];
    for (;;) {
      const packet = await this.#others.next(Math.max(0, end - this.now()));
      if (packet === null) throw PeerError.missing(like, within, seen);
      if (segmentMatches(packet, said, 0, 0)) return packet;
      seen.push(formatPacket(packet, BRIEF));
    }
  }

  /** A conversation with a port of the stack, of which nothing has been sent yet. */
  open(port: number, options: ConversationOptions = {}): Conversation {
    const localPort = options.localPort ?? this.#nextPort++;
    const conversation = new Conversation(
      this.#host,
      {
        source: this.#local,
        destination: this.#remote,
        sourcePort: localPort,
        destinationPort: port,
      },
      { patience: this.patience, ...options },
    );
    this.#conversations.set(keyOf(localPort, port), conversation);
    return conversation;
  }

  /** Opens a conversation with three segments: SYN, the stack's SYN-ACK, ACK. Throws a {@link PeerError}. */
  async connect(port: number, options: ConversationOptions = {}): Promise<Conversation> {
    const conversation = this.open(port, options);
    conversation.send("S");
    await conversation.expect("S. ack 1");
    conversation.send(".");
    return conversation;
  }

  /** Waits for a SYN of the stack to `port` and answers it; resolves when the stack's ACK has come. Throws a {@link PeerError}. */
  async accept(port: number, options: ConversationOptions = {}): Promise<Conversation> {
    const within = options.patience ?? this.patience;
    const end = this.now() + within;
    const seen: string[] = [];
    for (;;) {
      const packet = await this.#others.next(Math.max(0, end - this.now()));
      if (packet === null) throw PeerError.missing(`S to port ${port}`, within, seen);
      const { tcp } = packet;
      if (tcp?.flags !== undefined && (tcp.flags & 0x17) === 2 && tcp.destinationPort === port) {
        const conversation = this.open(tcp.sourcePort, { ...options, localPort: port });
        conversation.arrived(packet);
        await conversation.expect("*");
        conversation.send("S.");
        await conversation.expect("* ack 1");
        return conversation;
      }
      seen.push(formatPacket(packet, BRIEF));
    }
  }
}

function keyOf(local: number, remote: number): string {
  return `${local} ${remote}`;
}

function addressOf(text: string): Ipv4Address {
  const address = parseIpv4(text);
  if (address === null) throw new PeerError(`${text} is no IPv4 address`, false);
  return address;
}

function packetFrom(what: string | Packet | PacketInput): Packet {
  if (typeof what !== "string") return isRecord(what) ? what : packetOf(what);
  const packet = parsePacket(what);
  if (isPacketError(packet)) throw new PeerError(`${what}: ${packet.error}`, false);
  return packet;
}

/** All parts of a record are there, null where they are none. */
function isRecord(what: Packet | PacketInput): what is Packet {
  return ["ip", "tcp", "icmp", "payload", "trailer"].every((name) => name in what);
}
