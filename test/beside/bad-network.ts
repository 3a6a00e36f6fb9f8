/**
 * The kernel's curl behind a bad network, and two servers beyond it: ours on the TUN itself, and the kernel's own in a second
 * namespace behind a relay. Both networks are the same device with the same impairments, in a process of Node.
 */
import { execFileSync, spawn } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Running, STACK, World } from "../interop/support/world.ts";
import { Namespace } from "../support/tun.ts";

const here = fileURLToPath(new URL(".", import.meta.url));
const NEAR = "near0";
const FAR = "far0";

/** `up`: the kernel's curl sends; `down`: it receives. */
export type Way = "up" | "down";

export class BadNetwork {
  readonly world: World = new World();
  readonly #spec: string;
  #far: Namespace | null = null;
  readonly #helpers: Running[] = [];

  constructor(spec: string) {
    this.#spec = spec;
  }

  /** Our stack beyond the network. */
  async serveOurs(): Promise<void> {
    await this.world.serve("http:80", "--tun", NEAR, "--impair", this.#spec);
    plug(this.world.namespace, NEAR, "192.0.2.1");
  }

  /** The kernel beyond the network. */
  async serveKernel(): Promise<void> {
    const far = new Namespace();
    this.#far = far;
    far.ip("link", "set", "lo", "up");
    const { namespace } = this.world;
    const relay = this.#start(namespace, "relay.mjs", NEAR, FAR, this.#spec);
    await relay.says("open");
    namespace.ip("link", "set", FAR, "netns", far.name);
    plug(namespace, NEAR, "192.0.2.1");
    plug(far, FAR, STACK);
    relay.process.stdin!.write("go\n");
    await relay.says("ready");
    await this.#start(far, "kernel-http.mjs").says("ready");
  }

  #start(namespace: Namespace, script: string, ...args: string[]): Running {
    const argv = ["netns", "exec", namespace.name, process.execPath, join(here, script), ...args];
    const running = new Running(spawn("ip", argv));
    this.#helpers.push(running);
    return running;
  }

  /** Seconds that each of `flows` transfers of `bytes` at once took. */
  async transfer(way: Way, flows: number, bytes: number): Promise<number[]> {
    const file = way === "up" ? this.world.content(`up-${bytes}`, bytes).path : "";
    const what = way === "up" ? ["-T", file] : [];
    const url = `http://${STACK}/${way === "up" ? "put" : `bytes/${bytes}`}`;
    const format = ["-o", "/dev/null", "-w", "%{http_code} %{size_download} %{time_total}"];
    const one = async (): Promise<number> => {
      const done = await this.world.curl(...what, ...format, url);
      const [status, size, seconds] = done.stdout.split(" ");
      if (done.code !== 0 || status !== "200" || (way === "down" && Number(size) !== bytes)) {
        throw new Error(`${way} ${bytes}: ${done.stdout} ${done.stderr}`);
      }
      return Number(seconds);
    };
    return await Promise.all(Array.from({ length: flows }, one));
  }

  async remove(): Promise<void> {
    for (const helper of this.#helpers) {
      if (!helper.ended) helper.process.kill("SIGKILL");
      await helper.outcome;
    }
    if (this.#far !== null) await this.#far.remove();
    await this.world.remove();
  }
}

/** Up, and with the same congestion control at every kernel, whatever the machine prefers. */
function plug(namespace: Namespace, name: string, address: string): void {
  namespace.ip("address", "replace", `${address}/24`, "dev", name);
  namespace.ip("link", "set", name, "up");
  const route = ["192.0.2.0/24", "dev", name, "proto", "kernel", "scope", "link", "src", address];
  namespace.ip("route", "replace", ...route, "congctl", "cubic");
}

/** Whether this kernel has CUBIC to be compared with. */
export function hasCubic(): boolean {
  const known = execFileSync("sysctl", ["-n", "net.ipv4.tcp_available_congestion_control"], {
    encoding: "utf8",
  });
  return known.split(/\s+/).includes("cubic");
}
