/**
 * The TCP of the kernel under us, behind a TUN, with a program on its sockets. Each conversation has an address and a port of its own on
 * our side, so that many go on side by side. Runs in a network namespace made for it: see namespace.ts.
 */
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { setImmediate as turn, setTimeout as sleep } from "node:timers/promises";
import type { Device, PacketReceiver } from "../../../base/device.ts";
import { forwardPacket } from "../../../devices/buffered-sender.ts";
import { formatIpv4, ipv4, type Ipv4Address } from "../../../wire/address.ts";
import { type Heard, nothingHeard, type Subject, TEXT } from "./subject.ts";
import { type Conversation, Wire } from "./wire.ts";

/** Where the kernel's sockets listen. */
const SERVICE_PORT = 80;
/** 198.51.100.1 and on are ours: each with this range of ports, one a conversation. */
const FIRST_PEER = 0xc6336401 | 0;
const PEERS = 200;
const FIRST_PORT = 1024;
const LAST_PORT = 65535;
/** ms at most until a program has heard of its connection. */
const OPENED = 500;

export interface KernelOptions {
  readonly device: Device;
  /** The kernel's own address on the TUN. */
  readonly address: Ipv4Address;
}

export class Kernel implements PacketReceiver {
  private readonly options: KernelOptions;
  private readonly wire: Wire;
  private readonly server: Server;
  private readonly subjects: Map<string, KernelSubject> = new Map();
  private next = 0;

  constructor(options: KernelOptions) {
    this.options = options;
    const { device, address } = options;
    const send = (packet: Uint8Array): void => sendOn(device, packet);
    this.wire = new Wire({ send, address, servicePort: SERVICE_PORT });
    this.server = createServer({ allowHalfOpen: true }, (socket) => {
      const subject = this.subjects.get(`${socket.remoteAddress}:${socket.remotePort}`);
      if (subject === undefined) socket.resetAndDestroy();
      else subject.takes(socket);
    });
    device.start(this);
  }

  async listen(): Promise<void> {
    this.server.listen(SERVICE_PORT, formatIpv4(this.options.address), 4096);
    await once(this.server, "listening");
  }

  /** A conversation with ends that none had for a long time; `pace`: ms that a step is given. */
  subject(pace: number): KernelSubject {
    const at = this.next++;
    const address = ipv4((FIRST_PEER + (at % PEERS)) | 0);
    const port = FIRST_PORT + (Math.floor(at / PEERS) % (LAST_PORT - FIRST_PORT));
    const key = `${formatIpv4(address)}:${port}`;
    const forget = (): void => void this.subjects.delete(key);
    const made = new KernelSubject(this.wire.open(address, port), pace, forget);
    this.subjects.set(key, made);
    return made;
  }

  onPacket(buffer: Uint8Array, offset: number, length: number): null {
    this.wire.receive(buffer.slice(offset, offset + length));
    return null;
  }

  onBatchEnd(): void {
    this.options.device.flush();
  }

  onDeviceLost(error: Error): void {
    throw error;
  }

  async close(): Promise<void> {
    this.server.close();
    await this.options.device.close();
  }
}

function sendOn(device: Device, packet: Uint8Array): void {
  if (!forwardPacket(device, packet, 0, packet.length, false, 0, null)) {
    throw new Error("the TUN takes no packet");
  }
  device.flush();
}

class KernelSubject implements Subject {
  readonly packets: Uint8Array[];
  readonly heard: Heard = nothingHeard();
  readonly state = "";
  private readonly conversation: Conversation;
  private readonly pace: number;
  private readonly forget: () => void;
  private socket: Socket | null = null;
  /** The program let go of the connection. */
  private gone = false;

  constructor(conversation: Conversation, pace: number, forget: () => void) {
    this.conversation = conversation;
    this.packets = conversation.packets;
    this.pace = pace;
    this.forget = forget;
  }

  takes(socket: Socket): void {
    if (this.socket !== null) return void socket.resetAndDestroy();
    this.socket = socket;
    this.heard.open = true;
    this.listen(socket);
  }

  deliver(bytes: Uint8Array, length: number): void {
    this.conversation.deliver(bytes, length);
  }

  connect(): void {
    if (this.socket !== null) return;
    const { address, port } = this.conversation;
    const socket = connect({ host: formatIpv4(address), port, allowHalfOpen: true });
    this.socket = socket;
    socket.on("connect", () => (this.heard.open = true));
    this.listen(socket);
  }

  send(bytes: number): void {
    const { socket } = this;
    if (socket?.writable === true) socket.write(TEXT.subarray(0, bytes));
  }

  shutdown(): void {
    this.socket?.end();
  }

  close(): void {
    this.gone = true;
    this.socket?.destroy();
  }

  abort(): void {
    if (!this.heard.open) return this.close();
    this.gone = true;
    this.socket?.resetAndDestroy();
  }

  noDelay(on: boolean): void {
    this.socket?.setNoDelay(on);
  }

  async opened(): Promise<void> {
    for (let waited = 0; !this.heard.open && waited < OPENED; waited += this.pace) {
      await this.settle(false);
    }
  }

  async settle(long: boolean): Promise<void> {
    await sleep(long ? Math.max(60, this.pace) : this.pace);
    // the kernel has answered; what it said waits in the TUN and in its sockets
    for (let i = 0; i < 3; i++) await turn();
  }

  dispose(): void {
    this.gone = true;
    this.socket?.resetAndDestroy();
    this.conversation.close();
    this.forget();
  }

  private listen(socket: Socket): void {
    const { heard } = this;
    socket.on("data", (chunk) => {
      if (!this.gone) heard.received += chunk.length;
    });
    socket.on("end", () => {
      if (!this.gone) heard.ended = true;
    });
    socket.on("error", (error: NodeJS.ErrnoException) => {
      if (!this.gone) heard.error = error.code ?? error.message;
    });
  }
}
