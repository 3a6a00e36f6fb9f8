/** What needs nothing of Node is put into one script as for a browser, and runs where there is neither Node nor a page. */
import { createContext, runInContext } from "node:vm";
import { join } from "node:path";
import { rolldown } from "rolldown";
import { expect, test } from "vitest";
import { requireBuild } from "../interop/support/world.ts";
import { ROOT } from "./support/pack.ts";

/** One script, and what it would still import. */
async function bundled(entry: string): Promise<{ code: string; asks: readonly string[] }> {
  const build = await rolldown({
    input: join(ROOT, "dist", entry, "index.js"),
    platform: "browser",
    // functions of the user's are on Node's streams, and come in only when they are asked for
    external: /user-flow/,
    onLog: () => {}, // what is not found is looked at below
  });
  try {
    const { output } = await build.generate({ format: "iife", name: "made" });
    return { code: output[0].code, asks: output[0].imports };
  } finally {
    await build.close();
  }
}

const USES: readonly { entry: string; use: string; gives: unknown }[] = [
  {
    entry: "packet",
    use: `made.formatPacket(made.decode(made.encode(made.parsePacket("192.0.2.1:9 > 192.0.2.2:80 S 5:5(0) win 9"))))`,
    gives: "192.0.2.1:9 > 192.0.2.2:80 S 5:5(0) win 9",
  },
  {
    entry: "drill",
    use: `made.runDrill("0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\\n+0 bind(3, ..., ...) = 0\\n+0 < S 0:0(0) win 9 <mss 1000>\\n+0 > R. 0:0(0) ack 1\\n").ok`,
    gives: true,
  },
  {
    entry: "fuzz",
    use: `made.createTarget("connection").run(new Uint8Array(200)).violation`,
    gives: null,
  },
  {
    entry: "sim",
    use: `made.simulate({ name: "x", duration: "1s", links: [{ from: "a", to: "b", rate: "1mbit" }], flows: [{ from: "a", to: "b" }] }).flows.length`,
    gives: 1,
  },
];

test.each(USES)("tuntcp/$entry", async ({ entry, use, gives }) => {
  requireBuild();
  const { code, asks } = await bundled(entry);
  expect(asks).toEqual([]);
  const context = createContext({});
  expect(runInContext(`${code};\n${use}`, context)).toEqual(gives);
});
