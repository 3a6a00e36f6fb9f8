/** Node itself and newer ones, which scripts/setup.sh brings from the npm registry. */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { FULL } from "./full.ts";
import { NEWER_NODES } from "./newer-node.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** Every day the newest alone, as in scripts/setup.sh. */
const NEWER = FULL ? NEWER_NODES : NEWER_NODES.slice(-1);

export interface Node {
  readonly name: string;
  readonly path: string;
}

function newer(version: string): Node {
  const path = `${ROOT}node_modules/.nodes/${version}/node_modules/node/bin/node`;
  return { name: `Node ${version}`, path };
}

/** The running one first. Newer ones that are not there are said to be missing: a skipped test is easily overlooked. */
export function nodes(): readonly Node[] {
  const found = [{ name: `Node ${process.versions.node}`, path: process.execPath }];
  for (const node of NEWER.map(newer)) {
    if (existsSync(node.path)) found.push(node);
    else console.warn(`${node.name} is missing, and so are its tests: scripts/setup.sh brings it`);
  }
  return found;
}
