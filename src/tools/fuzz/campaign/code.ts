/** What a job's outcome depends on besides its specification: the code. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOMS = ["base", "wire", "tcp", "stack", "fuzz", "tools/fuzz"];

/** Over the rooms that fuzzing runs: workers with different code do not work on one campaign. */
export function codeDigest(): string {
  const root = fileURLToPath(new URL("../../../", import.meta.url));
  const hash = createHash("sha256");
  for (const room of ROOMS) {
    const names = readdirSync(join(root, room), { recursive: true }) as string[];
    for (const name of names.map((n) => n.replaceAll("\\", "/")).toSorted()) {
      if (!/\.(?:js|ts)$/.test(name) || name.endsWith(".d.ts")) continue;
      hash.update(`${room}/${name}\n`).update(readFileSync(join(root, room, name)));
    }
  }
  return hash.digest("hex");
}
