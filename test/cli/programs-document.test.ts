/** What docs/node-programs.md says to type does what it says, in a network namespace. */
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { obstacle, World } from "../interop/support/world.ts";
import { blocksOf, commandsOf } from "../support/document.ts";
import { Terminal } from "../support/terminal.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

let world: World;
let terminal: Terminal;

describe.skipIf(obstacle("curl") !== null)("unchanged programs", () => {
  beforeEach(() => {
    world = new World();
    terminal = new Terminal(world);
  });
  afterEach(async () => await world.remove());

  test("docs/node-programs.md", async () => {
    const PAGE = "docs/node-programs.md";
    for (const { file, text } of blocksOf(PAGE))
      if (file !== null) writeFileSync(world.path(file), text);
    // installed, as far as `--import tuntcp/register` can tell
    mkdirSync(world.path("node_modules"));
    symlinkSync(ROOT, world.path("node_modules/tuntcp"));
    const said = new Map<string, string>();
    for (const line of commandsOf(PAGE)) {
      if (!line.endsWith(" run server.mjs")) {
        said.set(line, await terminal.type(line.replace(/^npx /, "")));
        continue;
      }
      const server = terminal.start(line);
      await server.says("listening");
      expect(await terminal.type("curl -sS http://192.0.2.2/")).toBe("hello 192.0.2.1\n");
      expect(await terminal.type("tuntcp ss -l")).toContain(":80 ");
      await server.stop();
    }
    const greeted = [...said].filter(([line]) => line.endsWith(" hello.mjs"));
    expect(greeted.map(([, text]) => text)).toEqual(Array(3).fill("hello 127.0.0.1\n"));
    expect([...said].find(([line]) => line.includes(" trace "))![1]).toContain("SYN-RECEIVED");
  }, 60_000);
});
