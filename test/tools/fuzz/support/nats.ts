/** A NATS server of the test's own. */
import { isInstalled, ServerProcess } from "../../../support/server-process.ts";

/** What it says once it takes connections. */
export const READY = "Server is ready";

export function hasNats(): boolean {
  return isInstalled("nats-server");
}

export class NatsServer {
  readonly server: string;
  private readonly process: ServerProcess;

  private constructor(process: ServerProcess) {
    this.process = process;
    this.server = `127.0.0.1:${process.port}`;
  }

  static async start(): Promise<NatsServer> {
    const process = await ServerProcess.start({
      name: "nats-server",
      args: (port, folder) => ["-a", "127.0.0.1", "-p", String(port), "-js", "-sd", folder],
      ready: READY,
    });
    return new NatsServer(process);
  }

  restart(): Promise<void> {
    return this.process.restart();
  }

  stop(): Promise<void> {
    return this.process.stop();
  }
}
