/** Debian's redis-server and PostgreSQL, as the programs of this folder ask for them. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, readdirSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const POSTGRES = "/usr/lib/postgresql";

function postgresFolder(): string | null {
  if (!existsSync(POSTGRES)) return null;
  const [version] = readdirSync(POSTGRES).toSorted((a, b) => Number(b) - Number(a));
  const folder = `${POSTGRES}/${version}/bin`;
  return existsSync(`${folder}/initdb`) ? folder : null;
}

/** Why it cannot run here, or null; said aloud. */
export function redisObstacle(): string | null {
  return said(spawnSync("which", ["redis-server"]).status === 0 ? null : "no redis-server");
}

export function postgresObstacle(): string | null {
  if (postgresFolder() === null) return said("no PostgreSQL");
  // its server refuses root
  return said(process.getuid?.() === 0 ? null : "not root, so PostgreSQL has no user of its own");
}

function said(obstacle: string | null): string | null {
  if (obstacle !== null) console.warn(`a program's tests are skipped: ${obstacle}`);
  return obstacle;
}

export class Service {
  /** Of the Unix socket. */
  readonly path: string;
  readonly #process: ChildProcess;
  readonly #exited: Promise<unknown>;

  constructor(process: ChildProcess, path: string) {
    this.path = path;
    this.#process = process;
    this.#exited = once(process, "exit");
  }

  /** Resolves once something answers at its socket. */
  async ready(): Promise<this> {
    while (!(await answers(this.path))) {
      if (this.#process.exitCode !== null) throw new Error(`${this.path}: the server has ended`);
      await sleep(50);
    }
    return this;
  }

  async stop(): Promise<void> {
    // PostgreSQL's "fast shutdown"
    this.#process.kill("SIGINT");
    await this.#exited;
  }
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once("error", () => resolve(false));
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
  });
}

/** `inside`: a command that runs others, such as in a namespace. Every address, port 6379. */
export async function startRedis(folder: string, inside: readonly string[] = []): Promise<Service> {
  const path = join(folder, "redis.sock");
  const options = [
    "--save",
    "",
    "--bind",
    "0.0.0.0",
    "--protected-mode",
    "no",
    "--unixsocket",
    path,
  ];
  const port = inside.length > 0 ? "6379" : "0";
  const argv = [...inside, "redis-server", "--port", port, ...options, "--dir", folder];
  return await new Service(spawn(argv[0]!, argv.slice(1), { stdio: "ignore" }), path).ready();
}

/** As {@link startRedis}; port 5432 of every address within, none outside. */
export async function startPostgres(
  folder: string,
  inside: readonly string[] = [],
): Promise<Service> {
  const bin = postgresFolder()!;
  const data = join(folder, "data");
  const uid = Number(execFileSync("id", ["-u", "postgres"], { encoding: "utf8" }));
  const gid = Number(execFileSync("id", ["-g", "postgres"], { encoding: "utf8" }));
  mkdirSync(data, { recursive: true });
  // initdb and the server run as that user
  chmodSync(folder, 0o755);
  execFileSync("chown", [`${uid}:${gid}`, data]);
  const auth = ["--auth", "trust", "--username", "postgres", "--no-sync", "--no-instructions"];
  execFileSync(`${bin}/initdb`, ["-D", data, ...auth], { uid, gid, cwd: data, stdio: "ignore" });
  execFileSync("sh", ["-c", `echo "host all all all trust" >> ${data}/pg_hba.conf`]);
  const listen = inside.length > 0 ? "*" : "";
  const options = ["-c", `listen_addresses=${listen}`, "-c", `unix_socket_directories=${data}`];
  const quick = ["-c", "fsync=off", "-c", "shared_buffers=16MB", "-c", "max_connections=20"];
  const asUser = ["setpriv", `--reuid=${uid}`, `--regid=${gid}`, "--clear-groups"];
  const argv = [...inside, ...asUser, `${bin}/postgres`, "-D", data, ...options, ...quick];
  const process = spawn(argv[0]!, argv.slice(1), { cwd: data, stdio: "ignore" });
  return await new Service(process, join(data, ".s.PGSQL.5432")).ready();
}
