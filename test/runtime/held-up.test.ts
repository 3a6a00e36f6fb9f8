/** A process that was held up: what waited in the device is read before timers count, and it stays what it was. */
import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "vitest";
import {
  type Device,
  NO_OFFLOAD,
  type PacketReceiver,
  RX_LENDABLE,
} from "../../src/base/device.ts";
import { type Instant, instantOf } from "../../src/base/time.ts";
import { BufferedSender } from "../../src/devices/buffered-sender.ts";
import { decode, encode, isPacketError, parsePacket } from "../../src/packet/index.ts";
import { Driver } from "../../src/runtime/driver.ts";
import type { Endpoint } from "../../src/tcp/endpoint.ts";
import { parseCidr } from "../../src/wire/address.ts";

/** As a TUN reads: each batch into the memory of the one before. */
class Rereading extends BufferedSender implements Device {
  readonly name = "rereading";
  readonly mtu = 1500;
  readonly offload = NO_OFFLOAD;
  readonly sent: Uint8Array[];
  private readonly memory = new Uint8Array(8192);
  private receiver!: PacketReceiver;

  constructor() {
    const sent: Uint8Array[] = [];
    super(
      (buffer, offset, length) => sent.push(buffer.slice(offset, offset + length)),
      () => {},
    );
    this.sent = sent;
  }

  start(receiver: PacketReceiver): void {
    this.receiver = receiver;
  }

  comes(text: string): void {
    const packet = parsePacket(`192.0.2.1:50000 > 192.0.2.2:80 ${text}`);
    if (isPacketError(packet)) throw new Error(packet.error);
    const bytes = encode(packet);
    this.memory.fill(0xee);
    this.memory.set(bytes);
    this.receiver.onPacket(this.memory, 0, bytes.length, RX_LENDABLE);
    this.receiver.onBatchEnd();
  }

  ref(): void {}
  unref(): void {}
  close(): Promise<void> {
    return Promise.resolve();
  }
}

test.each([100, 5000])(
  "pieces of %i bytes that were lent meanwhile do not change",
  async (size) => {
    const device = new Rereading();
    let now: Instant = instantOf(1000);
    const addresses = [parseCidr("192.0.2.2/24")!];
    const driver = new Driver({ device, addresses, clock: { now: () => now } });
    const got: number[] = [];
    let endpoint: Endpoint | null = null;
    const listener = driver.stack.listen({
      port: 80,
      owner: {
        onConnection: () => {
          endpoint = listener.accept()!;
          endpoint.lends = true;
          endpoint.owner = {
            onEvents: (e) => {
              for (let chunk = e.receive(); chunk !== null; chunk = e.receive()) got.push(...chunk);
            },
          };
        },
      },
    });
    device.comes("S 0:0(0) win 65535 <mss 8000>");
    const ack = (decode(device.sent.at(-1)!).tcp!.seq + 1) >>> 0;
    device.comes(`. 1:1(0) ack ${ack} win 65535`);
    endpoint!.sendCopy(new Uint8Array(10));
    await turn();
    now = instantOf(60_000); // the retransmission is long due
    const hex = (byte: number): string => byte.toString(16).padStart(2, "0").repeat(size);
    for (let n = 0; n < 3; n++) {
      const at = 1 + n * size;
      device.comes(`. ${at}:${at + size}(${size}) ack ${ack} win 65535 data ${hex(n + 1)}`);
      expect(got).toHaveLength(0);
    }
    for (let n = 0; n < 5; n++) await turn();
    const all = [1, 2, 3].flatMap((byte) => Array.from({ length: size }, () => byte));
    expect(got).toEqual(all);
    await driver.close();
  },
);
