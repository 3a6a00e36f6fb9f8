/** The kernel's end of a TUN: packets go in unchecked through a packet socket, and what the stack writes comes out. */
import { type ChildProcess, spawn } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const SCRIPT = join(dirname(fileURLToPath(import.meta.url)), "raw_socket.py");

export class RawEnd {
  /** Packets that came out. */
  seen = 0;
  private readonly process: ChildProcess;
  private readonly onPacket: (packet: Uint8Array) => void;
  private readonly written: (() => void)[] = [];
  private unread: Buffer = Buffer.alloc(0);

  constructor(namespace: string, device: string, onPacket: (packet: Uint8Array) => void) {
    this.onPacket = onPacket;
    this.process = spawn("ip", ["netns", "exec", namespace, "python3", SCRIPT, device]);
    this.process.stdout!.on("data", (chunk: Buffer) => this.onData(chunk));
    this.process.stdin!.on("error", () => {});
    // packets that the interface refuses are lost, as they are for the kernel
    this.process.stderr!.resume();
  }

  put(packets: readonly Uint8Array[]): void {
    const parts: Uint8Array[] = [];
    for (const packet of packets) {
      const head = Buffer.alloc(4);
      head.writeUInt32BE(packet.length);
      parts.push(head, packet);
    }
    this.process.stdin!.write(Buffer.concat(parts));
  }

  /** All that was put is in the interface's queue. */
  async allWritten(): Promise<void> {
    const done = new Promise<void>((resolve) => this.written.push(resolve));
    this.process.stdin!.write(Buffer.alloc(4));
    await done;
  }

  async end(): Promise<void> {
    const gone = new Promise<void>((resolve) =>
      this.process.exitCode !== null ? resolve() : this.process.once("exit", () => resolve()),
    );
    this.process.stdin!.end();
    await gone;
  }

  private onData(chunk: Buffer): void {
    this.unread = this.unread.length === 0 ? chunk : Buffer.concat([this.unread, chunk]);
    let at = 0;
    while (this.unread.length - at >= 4) {
      const size = this.unread.readUInt32BE(at);
      if (this.unread.length - at - 4 < size) break;
      if (size === 0) this.written.shift()?.();
      else {
        this.seen++;
        this.onPacket(Uint8Array.from(this.unread.subarray(at + 4, at + 4 + size)));
      }
      at += 4 + size;
    }
    this.unread = this.unread.subarray(at);
  }
}
