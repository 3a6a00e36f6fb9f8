/**
 * A reader who types what a page says, in a network namespace and a folder of its own, with `tuntcp` as a command. A line that
 * serves takes the place of the one before; every other line runs to its end.
 */
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { COMMAND, type Outcome, type Running, type World } from "../interop/support/world.ts";

export class Terminal {
  readonly #world: World;
  readonly #shell: string;
  #server: Running | null = null;

  constructor(world: World) {
    this.#world = world;
    const bin = world.path("bin");
    mkdirSync(bin);
    writeFileSync(`${bin}/tuntcp`, `#!/bin/sh\nexec '${process.execPath}' '${COMMAND}' "$@"\n`);
    chmodSync(`${bin}/tuntcp`, 0o755);
    // its own runtime folder: ss and top find this stack and no other
    this.#shell = `cd '${world.folder}'; export PATH='${bin}':"$PATH" XDG_RUNTIME_DIR='${world.folder}'; `;
  }

  /** In the background. */
  start(line: string): Running {
    return this.#world.start("sh", ["-c", `${this.#shell}exec ${line}`]);
  }

  /** What it printed; a line that fails is thrown with what it said. For one that serves its ready line. */
  async type(line: string): Promise<string> {
    if (/^tuntcp serve\b/.test(line)) {
      await this.stop();
      this.#server = this.start(line);
      await this.#server.says("ready");
      return this.#server.stdout;
    }
    const { code, stdout, stderr }: Outcome = await this.#world.run("sh", [
      "-c",
      this.#shell + line,
    ]);
    if (code !== 0) throw new Error(`${line}: exit code ${code}: ${stderr}${stdout}`);
    return stdout;
  }

  /** Ctrl-C for what serves. */
  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    if (server === null) return;
    const { code, stderr } = await server.stop();
    if (code !== 0) throw new Error(`exit code ${code}: ${stderr}`);
  }
}
