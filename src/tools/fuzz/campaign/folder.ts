/**
 * A folder that all workers see is a board without a broker. A file appears whole or not at all: it is written beside and renamed.
 *
 *   specification.json   what the campaign is about
 *   inputs/, findings/   by SHA-256, as libFuzzer names them
 *   outcomes/R/J         of job J in round R
 *   claims/R.J           who does it; the time of its last change is the sign of life
 */
import { randomUUID } from "node:crypto";
import {
  access,
  link,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  utimes,
  writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import { LoadError } from "../../load-module/index.ts";
import type { Board, Claim, ObjectKind } from "./board.ts";

export interface FolderOptions {
  /** ms of silence after which a job goes to another worker. */
  readonly lostAfter: number;
}

/** Throws a LoadError where the folder cannot be used. */
export async function openFolder(path: string, options: FolderOptions): Promise<Board> {
  try {
    for (const name of ["inputs", "findings", "outcomes", "claims", "tmp"]) {
      await mkdir(join(path, name), { recursive: true });
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new LoadError(`--campaign ${path}: the folder cannot be made (${code ?? "unknown"})`);
  }
  return new FolderBoard(path, options.lostAfter);
}

class FolderBoard implements Board {
  readonly shown: string;
  readonly pause: number = 200;
  private readonly lostAfter: number;
  private readonly id: string = randomUUID();

  constructor(path: string, lostAfter: number) {
    this.shown = path;
    this.lostAfter = lostAfter;
  }

  async open(specification: string | null): Promise<string | null> {
    const target = join(this.shown, "specification.json");
    if (specification !== null) {
      const beside = await this.beside(Buffer.from(`${specification}\n`));
      // unlike a rename, a link leaves what another worker has put there
      await link(beside, target).catch(unlessCode("EEXIST"));
      await rm(beside);
    }
    const text = await readFile(target, "utf8").catch(unlessCode("ENOENT"));
    return text?.trimEnd() ?? null;
  }

  async claim(round: number, jobs: number): Promise<Claim | null> {
    const done = new Set(await this.names(round));
    const taken = new Set(await readdir(join(this.shown, "claims")));
    const now = taken.size === 0 ? 0 : await this.now();
    for (let job = 0; job < jobs; job++) {
      if (done.has(String(job))) continue;
      const file = join(this.shown, "claims", `${round}.${job}`);
      if (taken.has(`${round}.${job}`) && !(await this.freed(file, now))) continue;
      if (await this.take(file)) return this.claimOf(file, job);
    }
    return null;
  }

  async put(kind: ObjectKind, digest: string, data: Uint8Array): Promise<void> {
    const target = join(this.shown, kind, digest);
    const missing = await access(target).then(
      () => false,
      () => true,
    );
    if (missing) await rename(await this.beside(data), target);
  }

  get(kind: ObjectKind, digest: string): Promise<Uint8Array> {
    return readFile(join(this.shown, kind, digest));
  }

  async putOutcome(round: number, job: number, data: Uint8Array): Promise<void> {
    const folder = join(this.shown, "outcomes", String(round));
    await mkdir(folder, { recursive: true });
    const beside = await this.beside(data);
    await link(beside, join(folder, String(job))).catch(unlessCode("EEXIST"));
    await rm(beside);
  }

  async outcomes(round: number): Promise<Map<number, Uint8Array>> {
    const folder = join(this.shown, "outcomes", String(round));
    const found = new Map<number, Uint8Array>();
    for (const name of await this.names(round)) {
      found.set(Number(name), await readFile(join(folder, name)));
    }
    return found;
  }

  async close(): Promise<void> {}

  private async names(round: number): Promise<string[]> {
    const names = await readdir(join(this.shown, "outcomes", String(round))).catch(
      unlessCode("ENOENT"),
    );
    return names ?? [];
  }

  private async beside(data: Uint8Array): Promise<string> {
    const path = join(this.shown, "tmp", randomUUID());
    await writeFile(path, data);
    return path;
  }

  /** By the clock that stamps the claims, which need not be this machine's. */
  private async now(): Promise<number> {
    const probe = await this.beside(new Uint8Array(0));
    const { mtimeMs } = await stat(probe);
    await rm(probe);
    return mtimeMs;
  }

  /**
   * Of two workers that find a claim old, both may come to do the job: that costs time, and the outcome is the same.
   */
  private async freed(file: string, now: number): Promise<boolean> {
    const found = await stat(file).catch(unlessCode("ENOENT"));
    if (found === undefined) return true;
    if (now - found.mtimeMs <= this.lostAfter) return false;
    await rm(file, { force: true });
    return true;
  }

  private async take(file: string): Promise<boolean> {
    try {
      await writeFile(file, this.id, { flag: "wx" });
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
      throw error;
    }
  }

  private claimOf(file: string, job: number): Claim {
    const mine = async (): Promise<boolean> => {
      const owner = await readFile(file, "utf8").catch(unlessCode("ENOENT"));
      return owner === this.id;
    };
    const end = async (): Promise<void> => {
      if (await mine()) await rm(file, { force: true });
    };
    return {
      job,
      keep: async () => {
        const now = (await this.now()) / 1000;
        if (await mine()) await utimes(file, now, now).catch(unlessCode("ENOENT"));
      },
      done: end,
      giveBack: end,
    };
  }
}

function unlessCode(code: string): (error: NodeJS.ErrnoException) => undefined {
  return (error) => {
    if (error.code === code) return undefined;
    throw error;
  };
}
