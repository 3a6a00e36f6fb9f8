/** What docs/dashboard.md says to type does what it says. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { obstacle, World } from "../../interop/support/world.ts";
import { commandsOf } from "../../support/document.ts";

const lines = commandsOf("docs/dashboard.md");

describe.skipIf(obstacle("curl") !== null)("docs/dashboard.md", () => {
  let world: World;
  beforeEach(() => {
    world = new World();
  });
  afterEach(async () => await world.remove());

  it("every command works", async () => {
    const [serves, posts] = [/^tuntcp serve /, /^curl /].map((kind) =>
      lines.filter((line) => kind.test(line)),
    );
    expect([serves!.length, posts!.length]).toEqual([3, 2]);
    expect(lines).toHaveLength(5);
    for (const line of serves!) {
      const serve = world.tuntcp([...line.split(" ").slice(1), "--control", world.path("c")]);
      await serve.says("ready");
      const url = /dashboard: (http:\S+)/.exec(serve.stderr)![1]!;
      const place = / --dashboard (\S+)$/.exec(line)?.[1] ?? "127.0.0.1:9000";
      expect(url.startsWith(`http://${place}/?token=`)).toBe(true);
      expect((await world.curl(url)).stdout).toContain("<title>tuntcp</title>");
      for (const post of line === serves![0] ? posts! : []) {
        const token = `TOKEN=${new URL(url).searchParams.get("token")!}; `;
        expect((await world.run("sh", ["-c", token + post])).stdout).toBe('{"ok":true}\n');
      }
      expect((await serve.stop()).code).toBe(0);
    }
  });

  it("what cannot be is said in a line", async () => {
    const cases: [string, number, string][] = [
      ["serve --dashboard --workers 2", 2, "--dashboard goes with one worker: leave out --workers"],
      ["serve --dashboard nonsense", 2, "--dashboard nonsense: HOST:PORT, or PORT on loopback"],
      ["serve --dashboard 1:99999", 2, "--dashboard 1:99999: HOST:PORT, or PORT on loopback"],
      ["serve http:80 --dashboard 192.0.2.2:80", 1, "--dashboard 192.0.2.2:80: "],
      ["serve --dashboard 203.0.113.1:9000", 1, "--dashboard 203.0.113.1:9000: "],
    ];
    for (const [line, code, text] of cases) {
      const { code: got, stdout, stderr } = await world.tuntcp(line.split(" ")).outcome;
      expect([line, got, stdout]).toEqual([line, code, ""]);
      expect(stderr).toContain(`tuntcp: ${text}`);
      expect(stderr.trim().split("\n")).toHaveLength(1);
    }
    expect(world.links()).toEqual([]);
  });

  it("the JSON ready line has the address, and a service may stand behind the option", async () => {
    const serve = world.tuntcp(["serve", "--json", "--dashboard", "echo:7"]);
    await serve.says("ready");
    const ready = JSON.parse(serve.stdout) as { dashboard: string; services: unknown };
    expect(ready.services).toEqual([{ name: "echo", port: 7 }]);
    expect(serve.stderr).toBe(`tuntcp: dashboard: ${ready.dashboard}\n`);
    expect((await serve.stop()).code).toBe(0);
  });
});
