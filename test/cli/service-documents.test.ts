/** What docs/node-programs.md and docs/forward.md say to type does what they say, in a network namespace. */
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { obstacle, type Running, World } from "../interop/support/world.ts";
import { blocksOf, commandsOf } from "../support/document.ts";
import { Terminal } from "../support/terminal.ts";

/** A process that starts while the machine is busy. */
const PATIENT = { timeout: 20_000 };
const ROOT = fileURLToPath(new URL("../..", import.meta.url));

let world: World;
let terminal: Terminal;

describe.skipIf(obstacle("curl", "nc", "python3") !== null)(
  "a page about programs that serve",
  () => {
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

    test("docs/forward.md", async () => {
      const PAGE = "docs/forward.md";
      // what needs a second namespace is shown by test/interop/forward.test.ts
      const lines = commandsOf(PAGE).filter((line) => !line.includes("inside"));
      expect(lines).toHaveLength(6);
      const [ready] = blocksOf(PAGE).filter(({ text }) => text.startsWith("ready: "));
      const [refused] = blocksOf(PAGE).filter(({ text }) => text.startsWith("nc: "));
      let forward: Running | null = null;
      const readied: string[] = [];
      for (const line of lines) {
        const command = line.replace(/ &$/, "");
        if (command.startsWith("python3")) {
          terminal.start(command);
          await expect.poll(() => world.namespace.exec("ss", "-tln"), PATIENT).toContain(":8000 ");
        } else if (command.startsWith("tuntcp forward")) {
          await forward?.stop();
          forward = terminal.start(command);
          await forward.says("ready");
          readied.push(forward.stdout);
        } else if (command.startsWith("curl")) {
          expect(await terminal.type(command)).toContain("Directory listing");
        } else {
          await expect(terminal.type(command)).rejects.toThrow(refused!.text.trim());
        }
      }
      expect(readied[0]).toBe(ready!.text);
      expect(readied).toHaveLength(3);
      expect((await forward!.stop()).code).toBe(0);
    }, 60_000);
  },
);
