/** The control socket: its mode, strangers' lines, leftovers of a killed stack, and two askers at once. */
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { connect } from "node:net";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { seededRng } from "../../../src/base/rng.ts";
import { ControlClient } from "../../../src/tools/control/client.ts";
import { LONGEST_LINE } from "../../../src/tools/control/lines.ts";
import { controlPath, controlPaths, makeRuntimeFolder } from "../../../src/tools/control/path.ts";
import { type ControlServer, serveControl } from "../../../src/tools/control/server.ts";

let folder = "";
let path = "";
let server: ControlServer | null = null;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tuntcp-control-"));
  path = join(folder, "tun.sock");
});
afterEach(() => {
  server?.close();
  server = null;
  rmSync(folder, { recursive: true });
});

const handlers = {
  double: ({ n }: Readonly<Record<string, unknown>>) => Number(n) * 2,
  fails: () => {
    throw new Error("not today\nand more");
  },
  nothing: () => undefined,
};

/** What a stranger hears who writes `text` and waits. */
async function hears(text: string | Buffer): Promise<string> {
  const socket = connect(path);
  await once(socket, "connect");
  socket.write(text);
  const [answer] = (await once(socket, "data")) as [Buffer];
  socket.destroy();
  return String(answer);
}

test("requests are answered by their number, also two askers' at once", async () => {
  server = await serveControl(path, handlers);
  const [a, b] = [await ControlClient.open(path), await ControlClient.open(path)];
  const all = await Promise.all([
    a.ask("double", { n: 2 }),
    b.ask("double", { n: 3 }),
    a.ask("double", { n: 4 }),
  ]);
  expect(all).toEqual([4, 6, 8]);
  expect(await a.ask("nothing")).toBe(null);
  await expect(a.ask("fails")).rejects.toThrow(/^not today$/);
  await expect(a.ask("toString")).rejects.toThrow("do: one of double, fails, nothing");
  a.close();
  b.close();
});

test("only its own user may come in: the socket has mode 0600, its folder 0700", async () => {
  const before = process.env["XDG_RUNTIME_DIR"];
  process.env["XDG_RUNTIME_DIR"] = folder;
  try {
    makeRuntimeFolder();
    server = await serveControl(controlPath("tun7"), handlers);
    expect(statSync(server.path).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder, "tuntcp")).mode & 0o777).toBe(0o700);
    expect(controlPaths()).toEqual([server.path]);
    chmodSync(join(folder, "tuntcp"), 0o755);
    expect(makeRuntimeFolder).toThrow(/open to others/);
  } finally {
    if (before === undefined) delete process.env["XDG_RUNTIME_DIR"];
    else process.env["XDG_RUNTIME_DIR"] = before;
  }
});

test("not even between its making and its mode may others come in", async () => {
  const modes: number[] = [];
  const real = process.umask.bind(process);
  const umask = vi.spyOn(process, "umask").mockImplementation((mask) => {
    if (existsSync(path)) modes.push(statSync(path).mode & 0o777);
    return mask === undefined ? real() : real(mask);
  });
  const before = real(0);
  try {
    server = await serveControl(path, handlers);
  } finally {
    real(before);
    umask.mockRestore();
  }
  // when the umask is given back, which is before the mode can be set
  expect(modes).toEqual([0o600]);
});

test("garbage is told so in a line, and who sends it is shown out; others stay", async () => {
  server = await serveControl(path, handlers);
  const friend = await ControlClient.open(path);
  expect(await hears("GET / HTTP/1.1\r\n\r\n")).toBe('{"error":"a line that is not JSON"}\n');
  expect(await hears(Buffer.from([0, 255, 1, 10]))).toBe('{"error":"a line that is not JSON"}\n');
  expect(await hears("x".repeat(LONGEST_LINE + 1))).toContain("a line of more than");
  expect(await hears("[1]\n")).toContain("a request is an object");
  expect(await hears("null\n")).toContain("a request is an object");
  expect(await hears('{"do":"__proto__"}\n')).toContain("do: one of");
  expect(await hears('{"id":[{}],"do":"double","n":1}\n')).toBe(
    '{"error":"id: a number or a text"}\n',
  );
  expect(await hears('{"id":"x","do":"double","n":1}\n')).toBe('{"id":"x","ok":2}\n');
  const deep = "[".repeat(30_000);
  expect(await hears(`{"id":${deep}${deep.replaceAll("[", "]")},"do":"double"}\n`)).toMatch(
    /^\{"error":"[^"]+"\}\n$/,
  );
  expect(await friend.ask("double", { n: 1 })).toBe(2);
  friend.close();
});

test("at most 64 askers at a time", async () => {
  server = await serveControl(path, handlers);
  const clients = await Promise.all(Array.from({ length: 64 }, () => ControlClient.open(path)));
  for (const client of clients) await client.ask("nothing");
  const late = await ControlClient.open(path);
  await expect(late.ask("nothing")).rejects.toThrow();
  clients[0]!.close();
  await expect
    .poll(async () => {
      const next = await ControlClient.open(path);
      return next
        .ask("double", { n: 1 })
        .catch(() => 0)
        .finally(() => next.close());
    })
    .toBe(2);
  for (const client of clients) client.close();
});

test("the leftover of a killed stack is replaced, a living one is not, and the end removes it", async () => {
  leaveSocket(path);
  server = await serveControl(path, handlers);
  await expect(serveControl(path, handlers)).rejects.toThrow("another stack is controlled at");
  const second = await serveControl(path, handlers, join(folder, "tun-2.sock"));
  expect(second.path).toBe(join(folder, "tun-2.sock"));
  second.close();
  const client = await ControlClient.open(path);
  server.close();
  expect(existsSync(path)).toBe(false);
  await expect(client.ask("nothing")).rejects.toThrow();
  await expect(ControlClient.open(path)).rejects.toThrow(/ENOENT/);
});

/** As a process that was killed leaves it. */
function leaveSocket(at: string): void {
  const program = `require("net").createServer().listen(${JSON.stringify(at)}, () => process.kill(process.pid, "SIGKILL"))`;
  spawnSync(process.execPath, ["--eval", program]);
  expect(statSync(at).isSocket()).toBe(true);
}

test("what is no socket is left alone, and so is a place that others may write to", async () => {
  writeFileSync(path, "letters");
  await expect(serveControl(path, handlers)).rejects.toThrow("is there, and is no socket");
  expect(readFileSync(path, "utf8")).toBe("letters");
  rmSync(path);
  chmodSync(folder, 0o777);
  await expect(serveControl(path, handlers)).rejects.toThrow("others may write into");
  chmodSync(folder, 0o1777);
  (await serveControl(path, handlers)).close();
  await expect(serveControl(join(folder, "none", "x.sock"), handlers)).rejects.toThrow(
    "is no folder",
  );
});

test.skipIf(process.getuid?.() !== 0)(
  "a folder of somebody else's is refused (needs root)",
  async () => {
    chownSync(folder, 12_345, 12_345);
    await expect(serveControl(path, handlers)).rejects.toThrow("belongs to somebody else");
  },
);

test("two hundred strangers with random bytes and half requests change nothing for a friend", async () => {
  const rng = seededRng(5);
  server = await serveControl(path, handlers);
  const friend = await ControlClient.open(path);
  for (let i = 0; i < 200; i++) {
    const stranger = connect(path);
    stranger.on("error", () => {});
    const bytes = Buffer.from(Array.from({ length: 1 + (i % 50) }, () => rng.i32() & 255));
    stranger.write(i % 3 === 0 ? '{"id":1,"do":"dou' : bytes);
    if (i % 2 === 0) await once(stranger, "connect").then(() => stranger.destroy());
    else stranger.end();
    expect(await friend.ask("double", { n: i })).toBe(2 * i);
  }
  friend.close();
});

test("who asks and does not read is not answered further, and gets everything once it reads", async () => {
  let asked = 0;
  const large = "x".repeat(100_000);
  server = await serveControl(path, { large: () => (asked++, large), ...handlers });
  const slow = connect(path);
  slow.pause();
  slow.write('{"do":"large"}\n'.repeat(200));
  const friend = await ControlClient.open(path);
  for (let i = 0; i < 100; i++) expect(await friend.ask("double", { n: i })).toBe(2 * i);
  expect(asked).toBeLessThan(50);
  let bytes = 0;
  slow.on("data", (chunk: Buffer) => (bytes += chunk.length));
  slow.resume();
  await expect.poll(() => bytes, { timeout: 10_000 }).toBe(200 * (large.length + 20));
  expect(asked).toBe(200);
  slow.destroy();
  friend.close();
});

test("answers may be promises, and come in the order of the questions", async () => {
  const later = (): Promise<string> => new Promise((resolve) => setImmediate(resolve, "later"));
  const fails = (): Promise<string> => Promise.reject(new Error("not now"));
  server = await serveControl(path, { later, fails });
  expect(await hears('{"id":1,"do":"later"}\n{"id":2,"do":"fails"}\n')).toContain(
    '{"id":1,"ok":"later"}\n',
  );
  const client = await ControlClient.open(path);
  await expect(client.ask("fails")).rejects.toThrow("not now");
  client.close();
});
