import { describe, expect, it } from "vitest";
import { inheritable } from "../../../src/tools/bench/child.ts";

describe("node's options for a process beside a benchmark", () => {
  it.each([
    ["-e", "import('./x.js')"],
    ["--eval", "x"],
    ["--eval=x"],
    ["-p", "x"],
    ["--print", "x"],
    ["-pe", "first\nsecond"],
    ["--print", "--eval", "x"],
    ["-i"],
    ["--interactive"],
    ["-c"],
    ["--check"],
    ["--test"],
    ["--input-type=module"],
    ["--input-type", "module"],
    ["--inspect"],
    ["--inspect=127.0.0.1:0"],
    ["--inspect-brk"],
    ["--inspect-port", "0"],
    ["--inspect-publish-uid=http"],
  ])("leave out what this process runs, or how it is debugged: %s %s %s", (...own) => {
    expect(inheritable(["--expose-gc", ...own, "--import", "./hooks.mjs"])).toEqual([
      "--expose-gc",
      "--import",
      "./hooks.mjs",
    ]);
  });

  it("keep the others as they are, with their values", () => {
    const options = ["-r", "./a.js", "--conditions=x", "--max-semi-space-size=16", "--no-warnings"];
    expect(inheritable(options)).toEqual(options);
  });
});
