/** What a scene against the kernel plays on: this stack's sockets, the kernel's, and the wire between, all in real time. */
import { once } from "node:events";
import kernelNet, { type AddressInfo, type Server, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { TcpSocket } from "../../../sockets/tcp-socket.ts";
import type { NetModule } from "../../../sockets/net.ts";
import { SYN } from "../../../wire/tcp-segment.ts";
import { type Conversation, type Rung, Tracker } from "../../observe/index.ts";

/** ms within which what must happen does, at the latest. */
const PATIENCE = 5000;

/** A segment as it passes: true loses it. */
export type Fate = (segment: Rung, outgoing: boolean) => boolean;

export class KernelWorld {
  readonly net: NetModule;
  /** Addresses of this stack and of the kernel's end of the TUN. */
  readonly ours: string;
  readonly kernels: string;
  fate: Fate = () => false;
  private readonly now: () => number;
  private outgoing = false;
  private readonly loses = (rung: Rung): boolean => this.fate(rung, this.outgoing);
  private tracker = new Tracker(this.loses);
  private recording = false;
  private heard: (() => void)[] = [];
  private readonly closing: (() => void)[] = [];

  constructor(net: NetModule, ours: string, kernels: string, now: () => number) {
    this.net = net;
    this.ours = ours;
    this.kernels = kernels;
    this.now = now;
  }

  /** For the watched device. */
  readonly watch = (packet: Uint8Array, outgoing: boolean, remark: string | null): boolean => {
    if (!this.recording) return false;
    this.outgoing = outgoing;
    const lost = this.tracker.packet(this.now(), packet, remark);
    for (const hear of this.heard.splice(0)) hear();
    return lost;
  };

  get rungs(): readonly Rung[] {
    return this.conversation?.rungs ?? [];
  }

  get conversation(): Conversation | null {
    return this.tracker.conversations[0] ?? null;
  }

  /** Only what passes from now on is shown. */
  begins(): void {
    this.tracker = new Tracker(this.loses);
    this.recording = true;
  }

  ends(): void {
    this.recording = false;
  }

  /** Until a segment has passed of which `is` holds. Throws a line when none does. */
  async sees(what: string, is: (rung: Rung) => boolean): Promise<Rung> {
    const end = this.now() + PATIENCE;
    for (let at = this.shownFrom; ;) {
      for (; at < this.rungs.length; at++) if (is(this.rungs[at]!)) return this.rungs[at]!;
      const left = end - this.now();
      if (left <= 0) throw new Error(`the kernel did not send what was waited for: ${what}`);
      const passed = new Promise<void>((resolve) => void this.heard.push(resolve));
      await Promise.race([passed, sleep(left, undefined, { ref: false })]);
    }
  }

  waits(ms: number): Promise<void> {
    return sleep(ms);
  }

  /** The kernel listens at a port of its own choice; resolves with the port and its next connection. */
  async kernelListens(
    options: { readonly allowHalfOpen?: boolean } = {},
  ): Promise<{ readonly port: number; readonly accepted: Promise<Socket> }> {
    const server: Server = kernelNet.createServer(options);
    server.listen(0, this.kernels);
    await once(server, "listening");
    this.closing.push(() => server.close());
    const accepted = once(server, "connection").then(([socket]) => {
      const mine = (socket as Socket).on("error", () => {});
      this.closing.push(() => mine.destroy());
      return mine;
    });
    accepted.catch(() => {});
    return { port: (server.address() as AddressInfo).port, accepted };
  }

  /** This stack connects to the kernel; the errors of the socket are kept, not thrown. */
  connects(port: number, allowHalfOpen = false): Connecting {
    const socket = this.net.connect({ port, host: this.kernels, allowHalfOpen });
    const told: { error: string } = { error: "" };
    socket.on("error", (error: NodeJS.ErrnoException) => (told.error = error.code ?? ""));
    this.closing.push(() => socket.destroy());
    return { socket, told, connected: once(socket, "connect") };
  }

  /** Both ends are connected, and the handshake is not shown. */
  async open(allowHalfOpen = false): Promise<Pair> {
    const { port, accepted } = await this.kernelListens({ allowHalfOpen: true });
    const { socket, told, connected } = this.connects(port, allowHalfOpen);
    this.begins();
    await connected;
    const kernel = await accepted;
    await this.sees("the end of the handshake", ({ flags }) => (flags & SYN) === 0);
    this.shownFrom = this.rungs.length;
    return { socket, told, kernel };
  }

  /** Index of the first segment that is shown: what is before it tells numbers and states. */
  shownFrom = 0;

  async close(): Promise<void> {
    this.ends();
    for (const end of this.closing.splice(0)) end();
    await sleep(20); // the RSTs of what was left open leave before the TUN goes
  }
}

export interface Connecting {
  readonly socket: TcpSocket;
  readonly told: { readonly error: string };
  readonly connected: Promise<unknown>;
}

export interface Pair {
  readonly socket: TcpSocket;
  readonly told: { readonly error: string };
  readonly kernel: Socket;
}
