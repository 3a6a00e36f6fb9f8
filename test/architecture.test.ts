/** The layers, read from the import lines: an allow-list, so that a layer added later is noticed too. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const SRC = fileURLToPath(new URL("../src", import.meta.url));

const BELOW_TOOLS = [
  "base",
  "wire",
  "packet",
  "tcp",
  "stack",
  "netem",
  "devices",
  "runtime",
  "sockets",
  "sim",
  "drill",
  "fuzz",
];
/** A room may import from itself and from these. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  base: [],
  wire: ["base"],
  packet: ["base", "wire"],
  tcp: ["base", "wire"],
  stack: ["base", "wire", "tcp"],
  netem: ["base"],
  devices: ["base", "wire", "netem"],
  runtime: ["base", "wire", "tcp", "stack", "devices"],
  sockets: ["base", "wire", "tcp", "stack", "devices", "runtime"],
  sim: ["base", "wire", "tcp", "stack", "netem", "sockets"],
  drill: ["base", "wire", "packet", "tcp", "stack"],
  fuzz: ["base", "wire", "packet", "tcp", "stack"],
  tools: BELOW_TOOLS,
  cli: [...BELOW_TOOLS, "tools"],
  register: [...BELOW_TOOLS, "tools", "cli"],
};
/** What may come from outside: Node's own modules, and packages by name. */
const MAY_USE_NODE = new Set(["devices", "runtime", "sockets", "tools", "cli", "register"]);
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  devices: ["node-gyp-build"],
  tools: [
    "@nats-io/jetstream",
    "@nats-io/transport-node",
    "@swc/wasm-typescript",
    "acorn",
    "bullmq",
    "ioredis",
    "uplot",
  ],
  cli: ["commander"],
};

interface Import {
  readonly file: string;
  readonly from: string;
}

function imports(): Import[] {
  const found: Import[] = [];
  for (const name of readdirSync(SRC, { recursive: true }) as string[]) {
    if (!name.endsWith(".ts")) continue;
    const text = readFileSync(join(SRC, name), "utf8");
    for (const m of text.matchAll(/^(?:import|export)[^;]*?from "([^"]+)"|^import "([^"]+)"/gms)) {
      found.push({ file: name, from: (m[1] ?? m[2])! });
    }
  }
  return found;
}

function violations(all: readonly Import[]): string[] {
  const wrong: string[] = [];
  for (const { file, from } of all) {
    if (!file.includes("/")) continue; // index.ts, the one file that re-exports
    const layer = file.split("/")[0]!;
    const rule = ALLOWED[layer];
    if (rule === undefined) {
      wrong.push(`${file}: ${layer} is no layer`);
    } else if (from.startsWith(".")) {
      const target = relative(".", normalize(join(dirname(file), from))).split("/")[0]!;
      if (target !== layer && !rule.includes(target)) wrong.push(`${file} imports ${from}`);
    } else if (from.startsWith("node:")) {
      if (!MAY_USE_NODE.has(layer)) wrong.push(`${file} imports ${from}`);
    } else if (!(PACKAGES[layer] ?? []).includes(from)) {
      wrong.push(`${file} imports ${from}`);
    }
  }
  return wrong;
}

test("every import goes the way the layers allow", () => {
  const all = imports();
  expect(all.length).toBeGreaterThan(100);
  expect(violations(all)).toEqual([]);
});

test("the check sees an import that goes the wrong way", () => {
  const wrong = violations([
    { file: "wire/tcp.ts", from: "../tcp/tcb.ts" },
    { file: "tcp/rtt.ts", from: "node:fs" },
    { file: "devices/pair.ts", from: "../stack/stack.ts" },
    { file: "stack/stack.ts", from: "lodash" },
    { file: "attic/old.ts", from: "../base/time.ts" },
  ]);
  expect(wrong).toHaveLength(5);
});

test("tools do not import one another", () => {
  const wrong = imports().filter(({ file, from }) => {
    if (!file.startsWith("tools/") || !from.startsWith(".")) return false;
    const own = file.split("/")[1];
    const [top, tool] = normalize(join(dirname(file), from)).split("/");
    return top === "tools" && tool !== own && !from.endsWith("/index.ts");
  });
  expect(wrong).toEqual([]);
});

test("only index.ts re-exports", () => {
  for (const name of readdirSync(SRC, { recursive: true }) as string[]) {
    if (!name.endsWith(".ts") || !name.includes("/") || name.endsWith("/index.ts")) continue;
    expect(readFileSync(join(SRC, name), "utf8"), name).not.toMatch(/^export \* from/m);
  }
});
