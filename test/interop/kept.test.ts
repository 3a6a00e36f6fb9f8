/** Memory that the stack keeps of what the TUN read: a program that holds every chunk finds each as it was. */
import { writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { obstacle, PACKAGE, STACK, World } from "./support/world.ts";

const PROGRAM = `
import { createHash } from "node:crypto";
import { createStack, openTun } from ${JSON.stringify(PACKAGE)};
const device = openTun({ name: "tuntcp0" });
const { net } = createStack({ device, address: "${STACK}/24" });
net.createServer({ allowHalfOpen: true }, (socket) => {
  const chunks = [];
  socket.on("data", (chunk) => chunks.push(chunk)).on("end", () => {
    const hash = createHash("sha256");
    for (const chunk of chunks) hash.update(chunk);
    socket.end(hash.digest("hex") + " " + Math.max(...chunks.map((c) => c.length)));
  });
}).listen(9, () => console.log("ready", device.offload.tso));
// the same in memory that is lent: hashed while it is
const hashes = new Map();
const callback = function (nread, lent) {
  if (!hashes.has(this)) hashes.set(this, createHash("sha256"));
  hashes.get(this).update(lent);
};
net.createServer({ allowHalfOpen: true, onread: { callback } }, (socket) => {
  socket.on("end", () => socket.end(hashes.get(socket).digest("hex"))).resume();
}).listen(10);
`;

describe.skipIf(obstacle("nc") !== null)("chunks that a program holds", () => {
  let world: World;
  let tso = false;

  beforeAll(async () => {
    world = new World();
    writeFileSync(world.path("hold.mjs"), PROGRAM);
    const program = world.start(process.execPath, [world.path("hold.mjs")]);
    await program.says("ready");
    tso = program.stdout.includes("true");
    world.namespace.ip("addr", "add", "192.0.2.1/24", "dev", "tuntcp0");
    world.namespace.ip("link", "set", "tuntcp0", "up");
  });
  afterAll(async () => await world.remove());

  it("are not written over by what comes after them", async () => {
    const { path, sha256 } = world.content("held", 32 << 20);
    const { stdout } = await world.run("sh", ["-c", `nc -N ${STACK} 9 < ${path}`]);
    const [hash, largest] = stdout.split(" ");
    expect(hash).toBe(sha256);
    // with segmentation offload chunks are large enough to be kept
    expect(Number(largest) > 32768 || !tso).toBe(true);
  });

  it("and those that are lent are whole as long as they are", async () => {
    const { path, sha256 } = world.content("lent", 32 << 20);
    const { stdout } = await world.run("sh", ["-c", `nc -N ${STACK} 10 < ${path}`]);
    expect(stdout).toBe(sha256);
  });
});
