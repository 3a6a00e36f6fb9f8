/** A NATS server of the test's own: on loopback, on a free port, with a folder of its own, and ended by its id. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

export function hasNats(): boolean {
  return spawnSync("nats-server", ["--version"]).status === 0;
}

export class NatsServer {
  readonly server: string;
  private readonly port: number;
  private readonly folder: string;
  private child: ChildProcess | null = null;

  private constructor(port: number) {
    this.port = port;
    this.folder = mkdtempSync(join(tmpdir(), "tuntcp-nats-"));
    this.server = `127.0.0.1:${port}`;
  }

  static async start(): Promise<NatsServer> {
    const server = new NatsServer(await freePort());
    await server.launch();
    return server;
  }

  /** As when its process dies; what it had answered must be in its files. */
  async restart(): Promise<void> {
    await this.end();
    await this.launch();
  }

  async stop(): Promise<void> {
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
    const args = ["-a", "127.0.0.1", "-p", String(this.port), "-js", "-sd", this.folder];
    const child = spawn("nats-server", args, { stdio: ["ignore", "ignore", "pipe"] });
    this.child = child;
    let said = "";
    await new Promise<void>((resolve, reject) => {
      child.once("error", reject);
      child.once("exit", () => reject(new Error(`nats-server: ${said.slice(-300)}`)));
      child.stderr!.on("data", (chunk) => {
        said += String(chunk);
        if (said.includes("Server is ready")) resolve();
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
