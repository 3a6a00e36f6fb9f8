/** A Redis of the test's own, and a client of it. */
import { Redis } from "ioredis";
import { isInstalled, ServerProcess } from "../../../support/server-process.ts";

export function hasRedis(): boolean {
  return isInstalled("redis-server");
}

export class Broker {
  readonly url: string;
  readonly client: Redis;
  private readonly process: ServerProcess;

  private constructor(process: ServerProcess) {
    this.process = process;
    this.url = `redis://127.0.0.1:${process.port}/1`;
    this.client = new Redis(this.url, { lazyConnect: true, maxRetriesPerRequest: null });
    this.client.on("error", () => {});
  }

  static async start(): Promise<Broker> {
    const process = await ServerProcess.start({
      name: "redis-server",
      args: (port, dir) => {
        const options = { port, bind: "127.0.0.1", dir, appendonly: "yes" };
        const list = Object.entries(options).flatMap(([name, value]) => [`--${name}`, `${value}`]);
        return [...list, "--save", ""];
      },
      ready: "Ready to accept connections",
    });
    const broker = new Broker(process);
    await broker.client.connect();
    return broker;
  }

  async restart(): Promise<void> {
    await this.process.restart();
    await this.client.ping();
  }

  async stop(): Promise<void> {
    this.client.disconnect();
    await this.process.stop();
  }
}
