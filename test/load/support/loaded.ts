/** A namespace with the built stack on a TUN, asked what it holds, for tests that put load on it. */
import type { Running } from "../../interop/support/world.ts";
import { STACK, TUN_KIND, World } from "../../interop/support/world.ts";
import { fileURLToPath } from "node:url";

export const ROOT: string = fileURLToPath(new URL("../../..", import.meta.url));
export const DEVICE = "load0";

export interface Held {
  /** Bytes of heap and buffers after a forced collection. */
  readonly held: number;
  readonly rss: number;
  /** Connections by state. */
  readonly states: Readonly<Record<string, number>>;
  readonly counters: Readonly<Record<string, number>>;
  /** Bytes charged to tcp_mem. */
  readonly charged: number;
}

export function script(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}

export class Loaded {
  readonly world: World;
  private readonly server: Running;
  private asked = 0;

  private constructor(world: World, server: Running) {
    this.world = world;
    this.server = server;
  }

  /** `hosts`: the kernel's addresses at its end of the TUN. */
  static async start(hosts: readonly string[]): Promise<Loaded> {
    const world = new World();
    const { namespace } = world;
    namespace.ip("tuntap", "add", "dev", DEVICE, ...TUN_KIND);
    for (const host of hosts) namespace.ip("addr", "add", `${host}/24`, "dev", DEVICE);
    // a flood must not be lost in front of the stack because a machine is busy
    namespace.ip("link", "set", "dev", DEVICE, "txqueuelen", "20000", "up");
    const argv = ["--expose-gc", script("server.mjs"), ROOT, DEVICE, `${STACK}/24`];
    const server = world.start(process.execPath, argv);
    await server.says("ready\n");
    return new Loaded(world, server);
  }

  async report(): Promise<Held> {
    const report = `report ${++this.asked}`;
    this.server.process.stdin!.write(`${report}\n`);
    await this.server.says(`end of ${report}\n`);
    return JSON.parse(this.server.stdout.split("\n").at(-3)!) as Held;
  }

  async remove(): Promise<void> {
    await this.world.remove();
  }
}
