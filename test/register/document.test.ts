/** docs/node-programs.md: its programs are written and its commands typed, as a reader would. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { obstacle, World } from "../interop/support/world.ts";
import { COMMAND, requireBuild, runNode, tuntcp } from "../support/command.ts";
import { blocksOf, commandsOf } from "../support/document.ts";
import { PRELOADED } from "./support/programs.ts";

requireBuild();
const DOCUMENT = "docs/node-programs.md";
const folder = mkdtempSync(join(tmpdir(), "tuntcp-document-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
beforeAll(() => {
  for (const { file, text } of blocksOf(DOCUMENT))
    if (file !== null) writeFileSync(join(folder, file), text);
});

/** In the order of the page: what comes out of a command there. */
const OUTPUTS: Readonly<Record<string, RegExp>> = {
  "npx tuntcp run --tun loopback hello.mjs": /^hello 127\.0\.0\.1\n$/,
  "TUNTCP_DEVICE=loopback node --import tuntcp/register hello.mjs": /^hello 127\.0\.0\.1\n$/,
  "npx tuntcp run --tun loopback --capture hello.pcapng hello.mjs": /^hello 127\.0\.0\.1\n$/,
  "npx tuntcp trace hello.pcapng": /SYN seq 0[^]*FIN,ACK/,
  "tuntcp run server.mjs": /listening/,
};

test("the page's commands are these", () => {
  expect(commandsOf(DOCUMENT)).toEqual(Object.keys(OUTPUTS));
});

test.each(Object.entries(OUTPUTS).slice(0, 4))("%s", (typed, output) => {
  const preloaded = typed.startsWith("TUNTCP_DEVICE=loopback node");
  const { code, out, err } = preloaded
    ? runNode(["--env-file=loopback.env", ...PRELOADED, "hello.mjs"], { cwd: withEnvironment() })
    : tuntcp(typed.split(" ").slice(2), { cwd: folder });
  expect({ code, err }).toEqual({ code: 0, err: "" });
  expect(out).toMatch(output);
});

function withEnvironment(): string {
  writeFileSync(join(folder, "loopback.env"), "TUNTCP_DEVICE=loopback\n");
  return folder;
}

test.skipIf(obstacle("curl") !== null)("tuntcp run server.mjs, curl and ss", async () => {
  const world = new World();
  try {
    const server = world.start(process.execPath, [COMMAND, "run", join(folder, "server.mjs")]);
    await server.says("listening");
    expect((await world.curl("http://192.0.2.2/")).stdout).toBe("hello 192.0.2.1\n");
    expect((await server.stop()).code).toBe("SIGTERM");
  } finally {
    await world.remove();
  }
});
