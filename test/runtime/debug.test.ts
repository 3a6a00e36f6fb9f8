/** `NODE_DEBUG`: each section says its part, and nothing is said when it is off. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const LOADER = fileURLToPath(new URL("../../dist/index.js", import.meta.url));

/** A connection in memory that is silent until keep-alive asks, and a packet that is none. */
const PROGRAM = `
import { createPair, createStack } from ${JSON.stringify(LOADER)};
const [a, b] = createPair();
const client = createStack({ device: a, address: "192.0.2.1/24" });
const server = createStack({ device: b, address: "192.0.2.2/24" });
server.net.createServer((socket) => {
  socket.resume();
  socket.setTimeout(80, () => socket.end("hello"));
  socket.on("close", async () => { await client.close(); await server.close(); });
}).listen(80);
a.reserve(20); a.commit(20, false, 0, null); a.flush();
const socket = client.net.connect(80, "192.0.2.2");
socket.setKeepAlive(true, 20);
socket.resume();
`;

function stderrOf(sections: string): string[] {
  const { stderr, status } = spawnSync(
    process.execPath,
    ["--input-type=module", "--eval", PROGRAM],
    { env: { ...process.env, NODE_DEBUG: sections }, encoding: "utf8" },
  );
  expect(status).toBe(0);
  return stderr.split("\n").filter((line) => line !== "");
}

test.each([
  ["tuntcp", /^TUNTCP \d+: 192\.0\.2\.1:\d+ 192\.0\.2\.2:80: CLOSED -> SYN-SENT/],
  ["tuntcp-tcp", /^TUNTCP-TCP \d+: 192\.0\.2\.2:80 192\.0\.2\.1:\d+: > S\. \d+:\d+\(0\) ack \d+/],
  ["tuntcp-ip", /^TUNTCP-IP \d+: dropped: .*: 20 bytes, malformed/],
  ["tuntcp-tun", /^TUNTCP-TUN \d+: .*: open, 192\.0\.2\.1, mtu \d+, offloads/],
  [
    "tuntcp-timer",
    /^TUNTCP-TIMER \d+: 192\.0\.2\.1:\d+ 192\.0\.2\.2:80: keepalive ran out; rto \d+ ms/,
  ],
])("%s", (section, line) => {
  const lines = stderrOf(section);
  expect(lines.some((text) => line.test(text))).toBe(true);
  const name = section.toUpperCase();
  expect(lines.filter((text) => !text.startsWith(`${name} `))).toEqual([]);
});

test("nothing is said unasked", () => {
  expect(stderrOf("")).toEqual([]);
});
