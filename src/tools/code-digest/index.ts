/** What a result depends on besides its input: the code. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** Over the rooms that decide a result, as they are running: what different code made is not put together. */
export function codeDigest(rooms: readonly string[]): string {
  const root = fileURLToPath(new URL("../../", import.meta.url));
  const hash = createHash("sha256");
  for (const room of rooms) {
    const names = readdirSync(join(root, room), { recursive: true }) as string[];
    for (const name of names.map((n) => n.replaceAll("\\", "/")).toSorted()) {
      if (!/\.(?:js|ts)$/.test(name) || name.endsWith(".d.ts")) continue;
      hash.update(`${room}/${name}\n`).update(readFileSync(join(root, room, name)));
    }
  }
  return hash.digest("hex");
}
