/** `tuntcp trace` as registered: what it prints for a capture, and how it refuses what is none. */
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { CommandFailure } from "../../src/cli/failure.ts";
import { registerTrace } from "../../src/cli/trace.ts";
import { captureDevice } from "../../src/devices/capture.ts";
import { createPair } from "../../src/devices/pair.ts";
import { readFigure } from "../../src/tools/pictures/page/other-run.ts";
import { systemClock } from "../../src/runtime/system.ts";
import { createStack } from "../../src/sockets/create-stack.ts";
import { descendants, parseXml } from "../tools/pictures/support/xml.ts";

const folder = mkdtempSync(join(tmpdir(), "tuntcp-trace-"));
const file = join(folder, "two.pcapng");
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A connection to port 80 with some text, and one to port 81 that is refused. */
beforeAll(async () => {
  const [a, b] = createPair();
  const device = captureDevice(a, file, systemClock);
  const client = createStack({ device, address: "192.0.2.1/24" });
  const server = createStack({ device: b, address: "192.0.2.2/24" });
  server.net.createServer((socket) => socket.end("bye\n")).listen(80);
  const socket = client.net.connect(80, "192.0.2.2");
  socket.resume();
  await once(socket, "close");
  const refused = client.net.connect(81, "192.0.2.2");
  await expect(once(refused, "connect")).rejects.toThrow("ECONNREFUSED");
  await client.close();
  await server.close();
});

/** What a run writes to stdout; what it throws is what `main` makes a line and an exit code of. */
async function trace(...args: string[]): Promise<string> {
  const program = new Command("tuntcp").exitOverride();
  registerTrace(program);
  let text = "";
  const write = vi.spyOn(process.stdout, "write").mockImplementation((chunk) => {
    text += String(chunk);
    return true;
  });
  try {
    await program.parseAsync(["node", "tuntcp", "trace", ...args]);
  } finally {
    write.mockRestore();
  }
  return text;
}

async function failure(...args: string[]): Promise<{ exitCode: number; line: string }> {
  const error: unknown = await trace(...args).then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(CommandFailure);
  const { exitCode, message } = error as CommandFailure;
  expect(message).not.toContain("\n");
  return { exitCode, line: message };
}

test("each connection of a capture is a ladder from its SYN to its end", async () => {
  const [first, second, ...rest] = (await trace(file)).split("\n\n");
  expect(rest).toEqual([]);
  const lines = first!.split("\n");
  expect(lines[0]).toMatch(/192\.0\.2\.1:\d+ +192\.0\.2\.2:80$/);
  expect(lines[2]).toMatch(/SYN-SENT ── SYN seq 0 win \d+ <mss 1460,.*>.*▶ SYN-RECEIVED$/);
  expect(lines.at(-1)).toMatch(/ CLOSED .* TIME-WAIT$/);
  expect(second).toMatch(/CLOSED ◀─+ RST,ACK .* ── CLOSED\n$/);
});

test("--port shows the connections of that port only", async () => {
  expect(await trace(file, "--port", "81")).not.toContain("ESTABLISHED");
  expect(await failure(file, "--port", "8")).toEqual({
    exitCode: 1,
    line: `${file} has no TCP connection with port 8`,
  });
});

test("--json gives an object for each connection, and one for each segment", async () => {
  const data = JSON.parse(await trace(file, "--json", "--port", "80")) as {
    right: string;
    segments: { flags: string[]; length: number }[];
  }[];
  expect(data).toHaveLength(1);
  expect(data[0]!.right).toBe("192.0.2.2:80");
  expect(data[0]!.segments[0]!.flags).toEqual(["SYN"]);
  expect(data[0]!.segments.reduce((sum, s) => sum + s.length, 0)).toBe(4);
});

test("a bad port or limit, or a file and a stack at once, is wrong usage: exit 2", async () => {
  for (const port of ["0", "65536", "http", "-1"]) {
    expect(await failure(file, `--port=${port}`)).toMatchObject({ exitCode: 2 });
  }
  expect(await failure(file, "--limit", "0")).toEqual({
    exitCode: 2,
    line: "--limit 0: a number of segments, 1 or more",
  });
  expect(await failure(file, "--tun", "tuntcp0")).toMatchObject({ exitCode: 2 });
});

test("--limit shows the first segments, and sums up the others", async () => {
  const text = await trace(file, "--port", "80", "--limit", "3");
  expect(text.match(/[▶◀]/g)).toHaveLength(3);
  expect(text).toMatch(/… \d+ segments.* … beyond the limit/);
  const [data] = JSON.parse(await trace(file, "--port", "80", "--limit", "3", "--json")) as [
    { segments: object[]; leftOut: number },
  ];
  expect(data.segments).toHaveLength(3);
  expect(data.leftOut).toBeGreaterThan(2);
});

test("a file that is missing, is no capture, or holds no TCP: one line and exit 1", async () => {
  const none = join(folder, "none.pcap");
  expect(await failure(none)).toEqual({ exitCode: 1, line: `${none}: there is no such file` });
  const text = join(folder, "text");
  writeFileSync(text, "this is a text and no capture\n");
  expect((await failure(text)).line).toMatch(/not a capture/);
  const empty = join(folder, "empty.pcapng");
  writeFileSync(empty, "");
  expect((await failure(empty)).exitCode).toBe(1);
  const cut = join(folder, "cut.pcapng");
  writeFileSync(cut, readFileSync(file).subarray(0, 120));
  expect((await failure(cut)).line).toBe(`${cut} has no TCP connection`);
  expect((await failure(folder)).line).toMatch(/EISDIR/);
});

test("--svg and --html draw the ladders and the graphs of what carried data", async () => {
  const [svg, html] = [join(folder, "two.svg"), join(folder, "two.html")];
  expect(await trace(file, "--svg", svg, "--html", html)).toContain("SYN");
  const said = [...descendants(parseXml(readFileSync(svg, "utf8")))].map((e) => e.text);
  expect(said.some((text) => text.startsWith("SYN seq 0"))).toBe(true);
  expect(said).toContain("ESTABLISHED");
  expect(
    said.some((text) => /^Time-sequence of 192\.0\.2\.2:80 → 192\.0\.2\.1:\d+ /.test(text)),
  ).toBe(true);
  const memoryOf = (base64: string): ArrayBuffer =>
    Uint8Array.from(Buffer.from(base64, "base64")).buffer;
  const figure = readFigure(readFileSync(html, "utf8"), memoryOf);
  expect(figure.ladders).toHaveLength(2);
  expect(figure.sequences[0]!.marks.find(({ kind }) => kind === "data")!.to).toEqual(
    Float64Array.of(4),
  );
});
