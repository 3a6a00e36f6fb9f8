/** What docs/forward.md says to type does what it says, in the order of the page, in a namespace of its own. */
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { COMMAND, obstacle, type Running, World } from "../interop/support/world.ts";
import { blocksOf } from "../support/document.ts";

const PAGE = "docs/forward.md";
const blocks = blocksOf(PAGE);
const scripts = blocks.filter(({ language }) => language === "sh").map(({ text }) => text);
const shown = blocks.filter(({ language }) => language === "text").map(({ text }) => text);

describe.skipIf(obstacle("curl", "nc", "python3") !== null)(
  "the commands of docs/forward.md",
  () => {
    let world: World;

    beforeAll(() => {
      world = new World();
      mkdirSync(world.path("bin"));
      const shim = world.path("bin/tuntcp");
      writeFileSync(shim, `#!/bin/sh\nexec '${process.execPath}' '${COMMAND}' "$@"\n`);
      chmodSync(shim, 0o755);
    });
    afterAll(async () => await world.remove());

    /** A block as it is typed: what ends in `&` runs on, and the next line waits until it serves. */
    async function types(script: string, expectsFailure = false): Promise<Running[]> {
      const started: Running[] = [];
      for (const line of script.trim().split("\n")) {
        const background = line.endsWith("&");
        const command = background ? `exec ${line.slice(0, -1)}` : line;
        const text = `export PYTHONUNBUFFERED=1; PATH='${world.path("bin")}':"$PATH"; cd '${world.folder}'; ${command}`;
        const running = world.start("bash", ["-c", text], background ? undefined : "");
        if (background) await running.says(line.startsWith("python3") ? "Serving" : "ready");
        else if (!expectsFailure) {
          const { code, stderr } = await running.outcome;
          expect([line, code, code === 0 ? "" : stderr]).toEqual([line, 0, ""]);
        }
        started.push(running);
      }
      return started;
    }

    async function stop(...all: readonly Running[]): Promise<void> {
      for (const running of all) if (!running.ended) await running.stop();
    }

    test("in one minute: a web server behind the stack", async () => {
      const [web, forward, curl] = await types(scripts[0]!);
      expect(forward!.stdout).toBe(shown[0]);
      expect(curl!.stdout).toContain("<title>Directory listing");
      await stop(forward!, web!);
    });

    test("from a real socket through the stack to the kernel's end", async () => {
      const [web, reverse, curl] = await types(scripts[3]!);
      expect(curl!.stdout).toContain("<title>Directory listing");
      await stop(reverse!, web!);
    });

    test("a refused target, as netcat sees it", async () => {
      const [forward, nc] = await types(scripts[1]!, true);
      const { code, stderr } = await nc!.outcome;
      expect([code, stderr]).toEqual([1, shown[1]]);
      await stop(forward!);
    });
  },
);

test("the page has the blocks that these tests type", () => {
  expect([scripts.length, shown.length]).toEqual([4, 2]);
  // the namespace as the way out is typed by test/interop/forward.test.ts, with names of its own
  expect(scripts[2]).toContain("tuntcp forward --any --no-configure --tun inside0");
});
