/** A server that a test starts for itself: on loopback, on a free port, with a folder of its own, and ended by its id. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Whether the program is installed: it tells its version. */
export function isInstalled(program: string): boolean {
  return spawnSync(program, ["--version"]).status === 0;
}

export interface ServerProgram {
  readonly name: string;
  readonly args: (port: number, folder: string) => readonly string[];
  /** What it says on stdout or stderr once it takes connections. */
  readonly ready: string;
}

export class ServerProcess {
  readonly port: number;
  private readonly program: ServerProgram;
  private readonly folder: string;
  private child: ChildProcess | null = null;

  private constructor(program: ServerProgram, port: number) {
    this.program = program;
    this.port = port;
    this.folder = mkdtempSync(join(tmpdir(), `tuntcp-${program.name}-`));
  }

  static async start(program: ServerProgram): Promise<ServerProcess> {
    const server = new ServerProcess(program, await freePort());
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
    const { name, args, ready } = this.program;
    const child = spawn(name, args(this.port, this.folder), { stdio: ["ignore", "pipe", "pipe"] });
    this.child = child;
    let said = "";
    await new Promise<void>((resolve, reject) => {
      const hear = (chunk: unknown): void => {
        said += String(chunk);
        if (said.includes(ready)) resolve();
      };
      child.once("error", reject);
      child.once("exit", () => reject(new Error(`${name}: ${said.slice(-300)}`)));
      child.stdout!.on("data", hear);
      child.stderr!.on("data", hear);
    });
  }
}

/** A TCP port that nobody listened on a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
