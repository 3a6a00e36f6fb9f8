/** Other Nodes than this one, out of the npm registry; for the gate alone, as they are fetched over the network. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const NEWER_NODES: readonly string[] = ["24.21.0", "26.10.0"];

/** Hands over the path of that Node, which is installed for as long as `use` takes. */
export function withNode(version: string, use: (node: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), "tuntcp-node-"));
  try {
    writeFileSync(join(folder, "package.json"), "{}");
    const spec = `node@npm:node-linux-${process.arch}@${version}`;
    execFileSync("npm", ["install", "--no-audit", "--no-fund", "--prefix", folder, spec]);
    use(join(folder, "node_modules", "node", "bin", "node"));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
