// Makes the native layer available without a network: a prebuilt file that loads is taken as it is,
// otherwise the three C files are compiled against the headers that came with Node. Run by npm as the
// `install` script, where a failure must not keep the JavaScript part from installing: it is one line,
// remembered in build/native-missing.txt for whoever asks for the layer later. With --force
// (`npm run build:native`) it always compiles, and fails loudly; with --prebuild (scripts/prebuild) as well, into
// prebuilds/, under the name by which node-gyp-build finds it: Node-API, so one file serves every Node.

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const reasonFile = join(root, "build", "native-missing.txt");
const prebuild = process.argv.includes("--prebuild");
const force = prebuild || process.argv.includes("--force");
const prebuilds = join(root, "prebuilds", `${process.platform}-${process.arch}`);
const output = prebuild
  ? join(prebuilds, `tuntcp.${libc()}.node`)
  : join(root, "build", "Release", "tuntcp.node");

function libc() {
  process.report.excludeNetwork = true; // else it looks up names
  return process.report.getReport().header.glibcVersionRuntime === undefined ? "musl" : "glibc";
}

function loads(file) {
  try {
    createRequire(import.meta.url)(file);
    return true;
  } catch {
    return false;
  }
}

function prebuilt() {
  if (!existsSync(prebuilds)) return undefined;
  const files = readdirSync(prebuilds).filter((name) => name.endsWith(".node"));
  return files.map((name) => join(prebuilds, name)).find(loads);
}

function headers() {
  const given = process.env.npm_config_nodedir;
  const beside = join(dirname(process.execPath), "..");
  const prefixes = [given, beside, "/usr", "/usr/local"].filter((prefix) => prefix !== undefined);
  const candidates = prefixes.map((prefix) => join(prefix, "include", "node"));
  return candidates.find((folder) => existsSync(join(folder, "node_api.h")));
}

function compiler() {
  const candidates = [process.env.CC, "cc", "gcc", "clang"].filter((name) => name);
  return candidates.find(
    (name) => spawnSync(name, ["--version"], { stdio: "ignore" }).status === 0,
  );
}

function compile() {
  if (process.platform !== "linux") return "TUN devices need Linux; nothing to do here";
  const cc = compiler();
  if (cc === undefined) {
    return "no C compiler found; install gcc (or set CC), then `npm run build:native`";
  }
  const include = headers();
  if (include === undefined) {
    return "Node's headers (node_api.h) not found; set npm_config_nodedir to Node's prefix, then `npm run build:native`";
  }
  mkdirSync(dirname(output), { recursive: true });
  const sources = ["module.c", "tun.c", "port.c"].map((name) => join(root, "src", "native", name));
  // To a side file first: a process that runs may have the old one mapped.
  const draft = `${output}.${process.pid}`;
  const flags = "-std=gnu11 -O2 -Wall -Wextra -fPIC -shared -s -fvisibility=hidden -D_GNU_SOURCE";
  const result = spawnSync(cc, [...flags.split(" "), "-I", include, "-o", draft, ...sources], {
    encoding: "utf8",
  });
  if (result.status !== 0) {
    rmSync(draft, { force: true });
    const line = (result.stderr ?? "").split("\n").find((text) => text.includes("error")) ?? "";
    return `${cc} failed (${line.trim()}); \`npm run build:native\` shows it whole`;
  }
  renameSync(draft, output);
  if (result.stderr !== "") process.stderr.write(result.stderr);
  return loads(output) ? undefined : "the compiled file does not load in this Node";
}

const found = force ? undefined : prebuilt();
const problem = found === undefined ? compile() : undefined;
if (problem === undefined) {
  rmSync(reasonFile, { force: true });
  console.log(`tuntcp: native layer: ${found ?? output}`);
} else {
  mkdirSync(dirname(reasonFile), { recursive: true });
  writeFileSync(reasonFile, `${problem}\n`);
  console.error(`tuntcp: TUN devices will not work: ${problem}`);
  if (force) process.exitCode = 1;
}
