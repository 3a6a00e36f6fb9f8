/**
 * A corpus on disk as libFuzzer has it: for each target a folder of files that are named by the SHA-1 of their content. Findings
 * stand beside, one file each. A file appears whole or not at all.
 */
import { mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { TargetName } from "../../fuzz/index.ts";
import { contentHash, type CorpusStore, type Finding, findingName } from "./store.ts";

const FINDINGS = "findings";
/** Files of other names are somebody else's. */
const NAME = /^[0-9a-f]{40}$/;

export class FolderStore implements CorpusStore {
  readonly path: string;
  private serial = 0;

  constructor(path: string) {
    this.path = path;
  }

  async list(target: TargetName): Promise<string[]> {
    return (await names(join(this.path, target))).filter((name) => NAME.test(name)).toSorted();
  }

  async has(target: TargetName, hash: string): Promise<boolean> {
    return (await this.get(target, hash)) !== null;
  }

  async get(target: TargetName, hash: string): Promise<Uint8Array | null> {
    return await readOrNull(join(this.path, target, hash));
  }

  async put(target: TargetName, data: Uint8Array): Promise<string> {
    const hash = contentHash(data);
    await this.write(target, hash, data);
    return hash;
  }

  async putFinding(finding: Finding): Promise<boolean> {
    const name = `${findingName(finding)}.json`;
    const old = await readOrNull(this.pathOf(finding));
    if (old !== null) {
      const { data } = JSON.parse(Buffer.from(old).toString()) as Finding;
      if (data.length <= finding.data.length) return false;
    }
    await this.write(FINDINGS, name, `${JSON.stringify(finding, null, 2)}\n`);
    return true;
  }

  /** Where a finding is kept. */
  pathOf(finding: Finding): string {
    return join(this.path, FINDINGS, `${findingName(finding)}.json`);
  }

  async findings(): Promise<Finding[]> {
    const files = (await names(join(this.path, FINDINGS))).filter((n) => n.endsWith(".json"));
    return await Promise.all(
      files
        .toSorted()
        .map(async (name) => JSON.parse(await readFile(join(this.path, FINDINGS, name), "utf8"))),
    );
  }

  async close(): Promise<void> {
    // nothing is held
  }

  private async write(folder: string, name: string, data: Uint8Array | string): Promise<void> {
    await mkdir(join(this.path, folder), { recursive: true });
    const path = join(this.path, folder, name);
    const beside = `${path}.${process.pid}.${this.serial++}.tmp`;
    await writeFile(beside, data);
    await rename(beside, path);
  }
}

async function names(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

async function readOrNull(path: string): Promise<Uint8Array | null> {
  try {
    return await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}
