/**
 * Many conversations with one TCP through one device. Each has an address and a port of its own on our side; in the harness, which knows
 * one peer only, all of them have the ends of fuzz/peer.ts.
 */
import { get16, get32 } from "../../../fuzz/bytes.ts";
import {
  CONNECT_PORT,
  LISTEN_PORT,
  PEER_ADDRESS,
  PEER_PORT,
  STACK_ADDRESS,
} from "../../../fuzz/peer.ts";
import { formatIpv4, ipv4, type Ipv4Address } from "../../../wire/address.ts";
import { translate } from "./translate.ts";

export interface WireOptions {
  readonly send: (packet: Uint8Array) => void;
  /** Of the TCP that is asked. */
  readonly address: Ipv4Address;
  readonly servicePort: number;
}

const TCP = 6;

export class Wire {
  private readonly options: WireOptions;
  private readonly conversations: Map<string, Conversation> = new Map();

  constructor(options: WireOptions) {
    this.options = options;
  }

  open(address: Ipv4Address, port: number): Conversation {
    const key = `${formatIpv4(address)}:${port}`;
    const made = new Conversation(this.options, address, port, () => {
      this.conversations.delete(key);
    });
    this.conversations.set(key, made);
    return made;
  }

  /** A packet that the TCP sent; the bytes are the conversation's from now on. */
  receive(packet: Uint8Array): void {
    if (packet.length < 40 || packet[9] !== TCP) return;
    const key = `${formatIpv4(ipv4(get32(packet, 16)))}:${get16(packet, 22)}`;
    this.conversations.get(key)?.hears(packet);
  }
}

export class Conversation {
  readonly address: Ipv4Address;
  readonly port: number;
  /** What came, with the harness' ends. */
  readonly packets: Uint8Array[] = [];
  /** Ends the conversation: what still comes is passed over. */
  readonly close: () => void;
  private readonly options: WireOptions;
  /** Where the TCP connects from, once it did. */
  private from = 0;

  constructor(options: WireOptions, address: Ipv4Address, port: number, close: () => void) {
    this.options = options;
    this.address = address;
    this.port = port;
    this.close = close;
  }

  hears(packet: Uint8Array): void {
    const source = get16(packet, 20);
    const isService = source === this.options.servicePort;
    if (!isService) this.from = source;
    translate(packet, {
      source: STACK_ADDRESS,
      sourcePort: isService ? LISTEN_PORT : CONNECT_PORT,
      destination: PEER_ADDRESS,
      destinationPort: PEER_PORT,
    });
    this.packets.push(packet);
  }

  /** The bytes are lent for the call. */
  deliver(bytes: Uint8Array, length: number): void {
    const { send, address, servicePort } = this.options;
    const packet = bytes.slice(0, length);
    translate(packet, {
      source: this.address,
      sourcePort: this.port,
      destination: address,
      destinationPort: get16(packet, 22) === LISTEN_PORT ? servicePort : this.from,
    });
    send(packet);
  }
}
