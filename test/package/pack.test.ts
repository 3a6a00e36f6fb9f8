/** The package as `npm pack` makes it, in the hands of a stranger: an empty project, no install scripts, no registry. */
import { createPackageFromTarballData, checkPackage } from "@arethetypeswrong/core";
import { readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { homedir, hostname } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { FULL } from "../support/full.ts";
import { Namespace, tunObstacle } from "../support/tun.ts";
import { blocksOf } from "../support/document.ts";
import { attempt, MANIFEST, type Packed, ROOT, run, Stranger } from "./support/pack.ts";

const ENTRIES = Object.keys(MANIFEST.exports)
  .filter((entry) => entry !== "./package.json")
  .map((entry) => entry.replace(".", "tuntcp"));
const PREBUILT = `prebuilds/${process.platform}-${process.arch}/tuntcp.glibc.node`;
const stranger = new Stranger();
let packed: Packed;

beforeAll(
  () => {
    packed = stranger.pack();
    stranger.install(packed.tarball);
    stranger.lend("@types");
    stranger.lend("undici-types");
  },
  FULL ? 300_000 : 60_000,
);
afterAll(() => stranger.remove());

/** The example of the README that a line of it names. */
const example = (part: string): string =>
  blocksOf("README.md").find(({ language, text }) => language === "js" && text.includes(part))!
    .text;

describe("the tarball", () => {
  test("has what runs, the native layer as source and built, the papers, and nothing else", () => {
    const tops = new Set(packed.files.map(({ path }) => path.split("/")[0]!));
    const papers = ["CHANGELOG.md", "LICENSE", "README.md", "binding.gyp", "package.json"];
    const folders = ["dist", "examples", "prebuilds", "scripts", "src"];
    expect([...tops].sort()).toEqual([...papers, ...folders].sort());
    const paths = packed.files.map(({ path }) => path);
    expect(paths).toContain(PREBUILT);
    expect(paths.filter((path) => path.startsWith("scripts/"))).toEqual([
      "scripts/build-native.mjs",
    ]);
    expect(paths.filter((path) => path.startsWith("src/") && !/\.[ch]$/.test(path))).toEqual([]);
    expect(paths.filter((path) => /\.(?:map|log)$|\.test\.|\.d\.ts\.ts$/.test(path))).toEqual([]);
    expect(packed.size).toBeLessThan(1_200_000);
    expect(packed.unpackedSize).toBeLessThan(5_000_000);
  });

  test("says nothing of the machine that made it", () => {
    const own = [ROOT, stranger.folder, `${homedir()}/`];
    if (hostname().length > 5) own.push(hostname());
    const telling: string[] = [];
    for (const name of readdirSync(stranger.installed, { recursive: true, encoding: "utf8" })) {
      const path = join(stranger.installed, name);
      if (!statSync(path).isFile()) continue;
      const text = readFileSync(path, "latin1");
      for (const word of own) if (text.includes(word)) telling.push(`${name}: ${word}`);
    }
    expect(telling).toEqual([]);
  });

  test("its native layer asks for no newer glibc than Node does, and comes out the same each time", () => {
    const file = join(stranger.installed, PREBUILT);
    const versions = readFileSync(file, "latin1").match(/GLIBC_2\.\d+/g) ?? [];
    expect(versions.length).toBeGreaterThan(0);
    expect(versions.filter((name) => Number(name.slice(8)) > 28)).toEqual([]);
    const source = join(stranger.folder, "source");
    expect(run(source, "scripts/prebuild", [])).toMatch(/tuntcp\.glibc\.node: \d+ bytes, /);
    expect(readFileSync(join(source, PREBUILT)).equals(readFileSync(file))).toBe(true);
  });

  test("publint finds nothing", async () => {
    const tarball = Uint8Array.from(readFileSync(packed.tarball)).buffer;
    const { messages, pkg } = await publint({ pack: { tarball }, strict: true });
    expect(messages.map((message) => formatMessage(message, pkg))).toEqual([]);
  });

  test("arethetypeswrong finds nothing but that it is ESM alone", async () => {
    const pack = createPackageFromTarballData(new Uint8Array(readFileSync(packed.tarball)));
    const { problems, entrypoints } = (await checkPackage(pack)) as Extract<
      Awaited<ReturnType<typeof checkPackage>>,
      { problems: unknown }
    >;
    expect(Object.keys(entrypoints).length).toBe(ENTRIES.length + 1);
    // node10 knows no `exports`; `require` of ESM works since Node 20.19, see below
    const others = problems.filter(
      (problem) =>
        !("resolutionKind" in problem) ||
        !["node10", "node16-cjs"].includes(problem.resolutionKind) ||
        !["NoResolution", "CJSResolvesToESM"].includes(problem.kind),
    );
    expect(others).toEqual([]);
  });
});

describe("installed without its install script", () => {
  test.each(ENTRIES)("%s can be imported and required, without a warning", (entry) => {
    if (entry === "tuntcp/register") return; // takes the process over: test/register
    const imported = stranger.node(
      "--input-type=module",
      "-e",
      `import * as all from "${entry}"; console.log(Object.keys(all).length)`,
    );
    const required = stranger.node(
      "--input-type=commonjs",
      "-e",
      `console.log(Object.keys(require("${entry}")).length)`,
    );
    expect([imported.stderr, required.stderr]).toEqual(["", ""]);
    expect(Number(imported.stdout)).toBeGreaterThan(2);
    expect(Number(required.stdout)).toBeGreaterThan(2);
  });

  test("what the package does not export cannot be reached", () => {
    const { stderr } = stranger.node("-e", `require("tuntcp/dist/stack/stack.js")`);
    expect(stderr).toContain("ERR_PACKAGE_PATH_NOT_EXPORTED");
  });

  test("the README's stack in memory runs", () => {
    stranger.write("memory.mjs", example("loopback()"));
    const { stdout, stderr, status } = stranger.node("memory.mjs");
    expect([stdout, stderr, status]).toEqual(["bye\n", "", 0]);
  });

  test("npx tuntcp runs, and its commands on files of the project", () => {
    expect(run(stranger.project, "npx", ["--no-install", "tuntcp", "--version"])).toBe(
      `${MANIFEST.version}\n`,
    );
    const type = (...args: string[]): string =>
      run(stranger.project, "node_modules/.bin/tuntcp", args);
    const commands = [...type("--help").matchAll(/^ {2}(\w[\w-]*) \[/gm)].map((m) => m[1]!);
    expect(commands.length).toBeGreaterThan(11);
    expect(type("show", "refused")).toContain("RST");
    const hello = blocksOf("docs/drill.md").find(({ file }) => file === "hello.pkt")!;
    stranger.write("hello.pkt", hello.text);
    expect(type("drill", "hello.pkt")).toBe("1 passed\n");
    const first = blocksOf("docs/simulation.md").find(({ file }) => file === "first.ts")!;
    stranger.write("first.ts", first.text.replace('"20s"', '"1s"'));
    expect(type("sim", "first.ts", "--svg", "first.svg")).toContain("digest ");
    expect(type("fuzz", "options", "--random", "--runs", "200")).toContain("nothing found");
  });

  test("what needs a package that is not there names it", () => {
    const args = ["sim", "first.ts", "--queue", "redis://127.0.0.1:1/0"];
    const { status, stderr } = attempt(stranger.project, "node_modules/.bin/tuntcp", args);
    expect(stderr).toMatch(/^tuntcp: [^\n]*bullmq[^\n]*\n$/);
    expect(status).not.toBe(0);
  });

  const obstacle = tunObstacle();
  if (obstacle !== null) console.warn(`skipped: the installed package through a TUN (${obstacle})`);
  test.skipIf(obstacle !== null)("the README's servers answer through a TUN", async () => {
    const namespace = new Namespace();
    stranger.write("hello.mjs", example("openTun("));
    const exec = ["netns", "exec", namespace.name];
    const { spawn } = await import("node:child_process");
    const server = spawn("ip", [...exec, process.execPath, "hello.mjs"], {
      cwd: stranger.project,
      stdio: ["ignore", "inherit", "inherit"],
    });
    const exit = new Promise((resolve) => server.once("exit", resolve));
    try {
      while (namespace.try("ip", "link", "show", "tuntcp0").status !== 0)
        expect(server.exitCode).toBe(null);
      const typed = blocksOf("README.md")
        .find(({ text }) => text.startsWith("ip address add"))!
        .text.replaceAll(/#.*$/gm, "");
      const said = namespace.exec("sh", "-ec", typed.replace("curl", "curl -sS --max-time 10"));
      expect(said).toMatch(/^hello\nhi\nPING [^]* 0% packet loss/);
    } finally {
      server.kill("SIGKILL");
      await exit;
      await namespace.remove();
    }
  });
});

describe("types, for a strict project of somebody else's", () => {
  const COMPILERS = { "5.9": "typescript-5", "7.0": "typescript" } as const;
  // the older compiler takes five seconds
  const of = (
    version: string,
    ...resolutions: string[]
  ): { version: string; resolution: string }[] =>
    resolutions.map((resolution) => ({ version, resolution }));
  const cases = [
    ...of("7.0", "node16", "nodenext", "bundler"),
    ...of("5.9", "nodenext", ...(FULL ? ["node16", "bundler"] : [])),
  ];

  function compilerOf(version: string): string {
    const folder = COMPILERS[version as keyof typeof COMPILERS];
    return join(ROOT, "node_modules", folder, "bin", "tsc");
  }

  function compile(version: string, options: string[]): string {
    const strict = "--strict --exactOptionalPropertyTypes --noUncheckedIndexedAccess --noEmit";
    const flags = ["--target", "es2022", "--skipLibCheck", "false", ...strict.split(" ")];
    return stranger.node(compilerOf(version), ...flags, ...options).stdout;
  }

  beforeAll(() => {
    for (const name of ["program.ts", "core.ts"])
      stranger.write(name, readFileSync(join(ROOT, "test/package/outside", name), "utf8"));
  });

  test.each(cases)("TypeScript $version, $resolution", ({ version, resolution }) => {
    const module = resolution === "bundler" ? "esnext" : resolution;
    const how = ["--module", module, "--moduleResolution", resolution];
    expect(compile(version, [...how, "--types", "node", "program.ts"])).toBe("");
  });

  test("packets, scripts and targets without Node's types and without the DOM's", () => {
    const compilerOptions = { module: "nodenext", strict: true, noEmit: true, skipLibCheck: false };
    const bare = { compilerOptions: { ...compilerOptions, types: [], lib: ["es2023"] } };
    stranger.write("bare.json", JSON.stringify({ ...bare, files: ["core.ts"] }));
    expect(stranger.node(compilerOf("7.0"), "-p", "bare.json").stdout).toBe("");
  });

  test("they see a mistake", () => {
    stranger.write("wrong.ts", `import { openTun } from "tuntcp";\nopenTun({ nam: "x" });\n`);
    const how = ["--module", "nodenext", "--types", "node", "wrong.ts"];
    expect(compile("7.0", how)).toContain("'nam' does not exist");
  });

  test("the program that was compiled runs", () => {
    const how = "--module nodenext --types node --target es2022 --outDir made program.ts";
    expect(stranger.node(compilerOf("7.0"), ...how.split(" ")).stdout).toBe("");
    const { stdout, stderr } = stranger.node("made/program.js");
    expect(stderr).toBe("");
    expect(stdout).toMatch(/^hello \w* .*192\.0\.2\.1:1234 > 192\.0\.2\.2:80 S .*; passed; /);
  });
});

describe("the install script", () => {
  const script = join("node_modules", "tuntcp", "scripts", "build-native.mjs");
  const build = join(stranger.installed, "build");

  test("with a prebuilt file that loads compiles nothing", () => {
    const { status, stdout } = stranger.node(script);
    expect([status, stdout.includes(PREBUILT)]).toEqual([0, true]);
    expect(() => statSync(build)).toThrow("ENOENT");
  });

  test("without it compiles, and without a compiler says what is missing and lets the rest work", () => {
    rmSync(join(stranger.installed, "prebuilds"), { recursive: true });
    const without = attempt(stranger.project, process.execPath, [script], {
      PATH: "/nowhere",
      CC: "",
    });
    expect(without.status).toBe(0);
    expect(without.stderr).toMatch(
      /^tuntcp: TUN devices will not work: no C compiler found; .*\n$/,
    );
    expect(stranger.node("memory.mjs").stdout).toBe("bye\n");
    const open = `import { openTun } from "tuntcp"; try { openTun({ name: "t" }) } catch (e) { console.log(e.code, e.message) }`;
    expect(stranger.node("--input-type=module", "-e", open).stdout).toMatch(
      /^ERR_TUNTCP_NATIVE .* no C compiler found; install gcc/,
    );
    expect(stranger.node(script).status).toBe(0);
    expect(statSync(join(build, "Release", "tuntcp.node")).isFile()).toBe(true);
    expect(stranger.node("--input-type=module", "-e", open).stdout).not.toContain("NATIVE");
  });
});
