/** `nc` of the kernel's side and `tuntcp nc`: echo, half-close, listening, refusal, timeout, and two stacks through the kernel. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { HOST, obstacle, type Outcome, type Running, STACK, World } from "./support/world.ts";

const SIZE = 5_000_000;

function sha256(text: string): string {
  return createHash("sha256").update(text, "latin1").digest("hex");
}

/** The kernel's listener prints nothing that tells when it is ready, but the table of sockets does. */
async function listening(world: World, port: number): Promise<void> {
  while (!(await world.run("ss", ["-tln"])).stdout.includes(`:${port} `));
}

describe.skipIf(obstacle("nc", "ss") !== null)("the kernel's nc and tuntcp serve", () => {
  let world: World;
  let content: { path: string; sha256: string };

  beforeAll(async () => {
    world = new World();
    content = world.content("content", SIZE);
    await world.serve("echo:7", "daytime:13");
  });
  afterAll(async () => await world.remove());

  it("get everything back after their end of input, then the end", async () => {
    const nc = await world.run("nc", ["-N", STACK, "7"], readFileSync(content.path));
    expect(nc).toMatchObject({ code: 0, stderr: "" });
    expect(nc.stdout.length).toBe(SIZE);
    expect(sha256(nc.stdout)).toBe(content.sha256);
  });

  it("hear the end at once from a service that says its line and closes", async () => {
    const nc = await world.run("nc", [STACK, "13"]);
    expect(nc.code).toBe(0);
    expect(nc.stdout).toMatch(/^[^\n]*20\d\d[^\n]*\n$/);
  });
});

describe.skipIf(obstacle("nc", "ss", "python3") !== null)("tuntcp nc and the kernel", () => {
  let world: World;
  let content: { path: string; sha256: string };
  let bytes: Buffer;

  beforeAll(() => {
    world = new World();
    content = world.content("content", SIZE);
    bytes = readFileSync(content.path);
  });
  afterAll(async () => await world.remove());

  it("sends its whole input to a listener of the kernel and exits with 0", async () => {
    const server = world.start("nc", ["-l", "0.0.0.0", "5001"], "");
    await listening(world, 5001);
    // the kernel's end closes when it has heard ours
    const nc = await world.tuntcp(["nc", "-N", HOST, "5001"], bytes).outcome;
    expect(nc).toMatchObject({ code: 0, stderr: "" });
    expect(sha256((await server.outcome).stdout)).toBe(content.sha256);
    expect(world.links()).toEqual([]);
  });

  it("prints everything that a listener of the kernel sends", async () => {
    const server = world.start("nc", ["-N", "-l", "0.0.0.0", "5002"], bytes);
    await listening(world, 5002);
    // the kernel's nc -l ends when it hears our end, with what it has not read unsent: ours stays open
    const nc = await world.tuntcp(["nc", HOST, "5002"]).outcome;
    expect(nc).toMatchObject({ code: 0, stderr: "" });
    expect(sha256(nc.stdout)).toBe(content.sha256);
    expect((await server.outcome).code).toBe(0);
  });

  it("sends the rest of its input after the peer's end", async () => {
    const script =
      "import hashlib,socket;l=socket.create_server(('',5003));print('listening',flush=True);s=l.accept()[0];s.sendall(b'early');s.shutdown(1);print(hashlib.sha256(b''.join(iter(lambda:s.recv(65536),b''))).hexdigest())";
    const server = world.start("python3", ["-c", script], "");
    await server.says("listening");
    const nc = world.tuntcp(["nc", "-N", HOST, "5003"]);
    await nc.says("early");
    nc.process.stdin!.end(bytes);
    expect(await nc.outcome).toEqual({ code: 0, stdout: "early", stderr: "" });
    expect((await server.outcome).stdout).toBe(`listening\n${content.sha256}\n`);
  });

  it("listens with -l and takes what the kernel's nc sends, both ways", async () => {
    const server = world.tuntcp(["nc", "-l", "-v", "-N", "5004"], bytes);
    await server.says("listening");
    const nc = await world.run("nc", ["-N", STACK, "5004"], bytes);
    expect(nc.code).toBe(0);
    expect(sha256(nc.stdout)).toBe(content.sha256);
    const listener = await server.outcome;
    expect(listener.code).toBe(0);
    expect(sha256(listener.stdout)).toBe(content.sha256);
    expect(listener.stderr).toContain(`connection from ${HOST}`);
  });

  it("keeps listening with -k for the next one", async () => {
    const server = world.tuntcp(["nc", "-l", "-k", "-v", "5005"]);
    await server.says("listening");
    for (const text of ["first\n", "second\n"]) {
      expect((await world.run("nc", ["-N", STACK, "5005"], text)).code).toBe(0);
      await server.says(text);
    }
    const { code, stdout } = await server.stop();
    expect({ code, stdout }).toEqual({ code: 0, stdout: "first\nsecond\n" });
  });

  it("says in one line that the connection was refused, and exits with 1", async () => {
    const { code, stderr } = await world.tuntcp(["nc", HOST, "5999"], "").outcome;
    expect(code).toBe(1);
    expect(stderr).toMatch(/^tuntcp: nc: [^\n]*(ECONNREFUSED|refused)[^\n]*\n$/);
    expect(world.links()).toEqual([]);
  });

  it("exits with 4 when -w seconds pass without an answer", async () => {
    const { code, stderr } = await world.tuntcp(["nc", "-w", "1", "192.0.2.77", "5999"], "")
      .outcome;
    expect(stderr).toMatch(/^tuntcp: nc: [^\n]*1 s\n$/);
    expect(code).toBe(4);
    expect(world.links()).toEqual([]);
  });

  it("exits with 4 when nothing moves on a connection for -w seconds", async () => {
    const server = world.start("nc", ["-l", "0.0.0.0", "5006"]);
    await listening(world, 5006);
    const { code } = await world.tuntcp(["nc", "-w", "1", HOST, "5006"]).outcome;
    expect(code).toBe(4);
    // the kernel's end is told, and does not wait for ever
    expect((await server.outcome).stdout).toBe("");
  });
});

describe.skipIf(obstacle("nc") !== null)("two stacks with the kernel between them", () => {
  const SECOND = ["--tun", "tuntcp1", "--address", "198.51.100.2/24", "--host", "198.51.100.1"];
  let world: World;
  let content: { path: string; sha256: string };
  let bytes: Buffer;

  beforeAll(async () => {
    world = new World();
    world.namespace.exec("sysctl", "-qw", "net.ipv4.ip_forward=1");
    content = world.content("content", SIZE);
    bytes = readFileSync(content.path);
    await world.serve("echo:7");
  });
  afterAll(async () => await world.remove());

  async function both(server: Running, client: Running): Promise<[Outcome, Outcome]> {
    return await Promise.all([server.outcome, client.outcome]);
  }

  it("tuntcp nc gets its bytes back from tuntcp serve", async () => {
    const nc = await world.tuntcp(["nc", "-N", STACK, "7", ...SECOND], bytes).outcome;
    expect(nc).toMatchObject({ code: 0, stderr: "" });
    expect(sha256(nc.stdout)).toBe(content.sha256);
  });

  it("tuntcp nc and tuntcp nc -l move both directions at once", async () => {
    const third = ["--tun", "tuntcp2", "--address", "203.0.113.2/24", "--host", "203.0.113.1"];
    const server = world.tuntcp(["nc", "-l", "-v", "-N", "5010", ...SECOND], bytes);
    await server.says("listening");
    const client = world.tuntcp(["nc", "-N", "198.51.100.2", "5010", ...third], bytes);
    for (const { code, stdout } of await both(server, client)) {
      expect(code).toBe(0);
      expect(sha256(stdout)).toBe(content.sha256);
    }
  });

  it("tuntcp nc hears from the other stack that nothing listens", async () => {
    const { code, stderr } = await world.tuntcp(["nc", STACK, "5999", ...SECOND], "").outcome;
    expect(code).toBe(1);
    expect(stderr).toMatch(/^tuntcp: nc: [^\n]*(ECONNREFUSED|refused)[^\n]*\n$/);
  });
});
