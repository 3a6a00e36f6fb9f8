/** Pages that have no test of their own: what they say to type works; and every page with something to type has a test. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { obstacle, World } from "../interop/support/world.ts";
import { blocksOf, commandsOf } from "../support/document.ts";
import { Terminal } from "../support/terminal.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** What these say to type are parts of the gate, and the scripts that run all tests. */
const BY_THEMSELVES = ["docs/gate.md", "CONTRIBUTING.md"];

test("every page that has something to type is read by a test", () => {
  const tests = readdirSync(join(ROOT, "test"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".test.ts"))
    .map((name) => readFileSync(join(ROOT, "test", name), "utf8"))
    .filter((text) => /blocksOf\(|commandsOf\(|DOCUMENT\b/.test(text));
  const pages = ["", "docs/", "native-notes/"].flatMap((folder) =>
    readdirSync(ROOT + folder)
      .filter((name) => name.endsWith(".md"))
      .map((name) => folder + name),
  );
  const typed = pages.filter((page) =>
    blocksOf(page).some(({ language }) => ["sh", "js", "ts"].includes(language)),
  );
  expect(typed.length).toBeGreaterThan(9);
  const unread = typed.filter(
    (page) => !BY_THEMSELVES.includes(page) && !tests.some((text) => text.includes(page)),
  );
  expect(unread).toEqual([]);
});

test.skipIf(obstacle("nc") !== null)(
  "docs/congestion-control.md: with buffers for a long path, and with the controller of the page",
  async () => {
    const PAGE = "docs/congestion-control.md";
    const world = new World();
    try {
      const terminal = new Terminal(world);
      const [code] = blocksOf(PAGE).filter(({ language }) => language === "ts");
      writeFileSync(world.path("gentle.ts"), code!.text);
      const lines = commandsOf(PAGE);
      expect(lines).toHaveLength(2);
      for (const line of lines) {
        await terminal.type(line);
        expect(await terminal.type("echo hi | nc -N 192.0.2.2 7")).toBe("hi\n");
        const idle = terminal.start("nc 192.0.2.2 7");
        const wanted = line.includes("gentle") ? " gentle " : " cubic ";
        await expect
          .poll(() => terminal.type("tuntcp ss established"), { timeout: 20_000 })
          .toContain(wanted);
        idle.process.kill("SIGKILL");
        await idle.outcome;
      }
      await terminal.stop();
    } finally {
      await world.remove();
    }
  },
  30_000,
);

test("docs/sockets.md: the server that reads without a stream hashes what it gets", () => {
  const [example] = blocksOf("docs/sockets.md").filter(({ language }) => language === "js");
  const folder = mkdtempSync(join(tmpdir(), "tuntcp-sockets-"));
  try {
    const program = `
      import { createHash } from "node:crypto";
      import { createStack, loopback } from ${JSON.stringify(join(ROOT, "dist/index.js"))};
      const { net } = createStack({ device: loopback(), address: "127.0.0.1/8" });
      const hash = createHash("sha256");
      const server = ${example!.text.trim().replace(/;$/, "")};
      server.listen(80, () => {
        const socket = net.connect(80, "127.0.0.1");
        socket.end(Buffer.alloc(100_000, 7));
        socket.resume().on("close", () => { server.close(); console.log(hash.digest("hex")); });
      });`;
    writeFileSync(join(folder, "run.mjs"), program);
    const run = spawnSync(process.execPath, [join(folder, "run.mjs")], { encoding: "utf8" });
    const digest = createHash("sha256").update(Buffer.alloc(100_000, 7)).digest("hex");
    expect([run.stdout, run.stderr]).toEqual([`${digest}\n`, ""]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
