/** A Redis of the test's own: on loopback, on a free port, with a folder of its own, and ended by its id. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";

export function hasRedis(): boolean {
  return spawnSync("redis-server", ["--version"]).status === 0;
}

export class Broker {
  readonly url: string;
  readonly client: Redis;
  private readonly port: number;
  private readonly folder: string;
  private child: ChildProcess | null = null;

  private constructor(port: number) {
    this.port = port;
    this.folder = mkdtempSync(join(tmpdir(), "tuntcp-redis-"));
    this.url = `redis://127.0.0.1:${port}/1`;
    this.client = new Redis(this.url, { lazyConnect: true, maxRetriesPerRequest: null });
    this.client.on("error", () => {});
  }

  static async start(): Promise<Broker> {
    const broker = new Broker(await freePort());
    await broker.launch();
    await broker.client.connect();
    return broker;
  }

  /** As when the machine's process dies; what it had answered must be in its file. */
  async restart(): Promise<void> {
    await this.end();
    await this.launch();
    await this.client.ping();
  }

  async stop(): Promise<void> {
    this.client.disconnect();
    await this.end();
    rmSync(this.folder, { recursive: true, force: true });
  }

  private async end(): Promise<void> {
    const { child } = this;
    if (child === null) return;
    const exit = once(child, "exit");
    child.kill("SIGKILL");
    await exit;
    this.child = null;
  }

  private async launch(): Promise<void> {
    const options = { port: this.port, bind: "127.0.0.1", dir: this.folder, appendonly: "yes" };
    const list = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
    const child = spawn("redis-server", [...list, "--save", ""], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    this.child = child;
    let said = "";
    await new Promise<void>((resolve, reject) => {
      child.once("error", reject);
      child.once("exit", () => reject(new Error(`redis-server: ${said.slice(-300)}`)));
      child.stdout!.on("data", (chunk) => {
        said += String(chunk);
        if (said.includes("Ready to accept connections")) resolve();
      });
    });
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
