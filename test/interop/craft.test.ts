/** `tuntcp craft` through a TUN: the kernel as the stack that answers, another stack of ours behind it, and a kernel's session played again. */
import { writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { HOST, obstacle, type Outcome, type Running, STACK, World } from "./support/world.ts";

interface Line {
  readonly direction: string;
  readonly line: string;
}

const lines = (out: string): Line[] =>
  out
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Line);

describe.skipIf(obstacle("nc", "ss", "curl") !== null)("craft through a TUN", () => {
  let world: World;

  beforeAll(() => {
    world = new World();
  });
  afterAll(async () => await world.remove());

  const craft = (...args: string[]): Promise<Outcome> =>
    world.tuntcp(["craft", ...args], "").outcome;

  async function listener(port: number, input = ""): Promise<Running> {
    const nc = world.start("nc", ["-N", "-l", "0.0.0.0", String(port)], input);
    while (!(await world.run("ss", ["-tln"])).stdout.includes(`:${port} `));
    return nc;
  }

  function script(name: string, body: string): string {
    const path = world.path(name);
    writeFileSync(
      path,
      `import type { Peer } from "tuntcp/packet";\nexport default async function (peer: Peer): Promise<void> {\n${body}\n}\n`,
    );
    return path;
  }

  it("the kernel answers a SYN, and nobody here breaks in: what comes is its SYN-ACK, again and again", async () => {
    const nc = await listener(5001);
    const syn = `${STACK}:1234 > ${HOST}:5001 S 0 <mss 1000>`;
    const { code, stdout, stderr } = await craft("--tun", "tt0", "--json", "--wait", "1.3", syn);
    expect([code, stderr]).toEqual([0, ""]);
    const all = lines(stdout);
    expect(all.filter((l) => l.direction === "sent")).toHaveLength(1);
    const got = all.filter((l) => l.direction === "got").map((l) => l.line);
    expect(got.length).toBeGreaterThan(1);
    for (const line of got)
      expect(line).toMatch(/^192\.0\.2\.1:5001 > 192\.0\.2\.2:1234 S\. \d+:\d+\(0\) ack 1 /);
    expect(world.links()).toEqual([]);
    nc.process.kill();
    await nc.outcome;
  });

  it("expects an answer of the kernel, or none", async () => {
    const refused = await craft(
      "--tun",
      "tt0",
      "--expect",
      "R. 0 ack 8",
      `${STACK}:1 > ${HOST}:4444 S 7`,
    );
    expect([refused.code, refused.stderr]).toEqual([0, ""]);
    // Linux drops what has a wrong checksum, too
    const wrong = await craft(
      "--tun",
      "tt0",
      "--wait",
      "0.3",
      "--expect",
      "R.",
      `${STACK}:1 > ${HOST}:4444 S 7 sum 1`,
    );
    expect([wrong.code, wrong.stderr]).toEqual([
      4,
      'tuntcp: expected "R." within 0.3 s: nothing came\n',
    ]);
  });

  it("refuses an address of this machine, as the peer's own and as a packet's source, and touches nothing", async () => {
    const own = await craft(
      "--tun",
      "tt0",
      "--address",
      "127.0.0.1/8",
      "--host",
      "127.0.0.2",
      `${STACK}:1 > ${HOST}:1 R 1`,
    );
    expect(own.code).toBe(1);
    expect(own.stderr).toMatch(
      /^tuntcp: 127\.0\.0\.1 belongs to this machine \(lo\), whose kernel would answer for it: [^\n]*\n$/,
    );
    world.namespace.ip("link", "add", "dev", "veth0", "type", "veth", "peer", "name", "veth1");
    world.namespace.ip("address", "add", "198.51.100.7/24", "dev", "veth0");
    world.namespace.ip("link", "set", "veth0", "up");
    const source = await craft("--tun", "tt0", `198.51.100.7:1 > ${HOST}:1 R 1`);
    expect(source.code).toBe(1);
    expect(source.stderr).toMatch(/^tuntcp: 198\.51\.100\.7 belongs to this machine \(veth0\)/);
    const file = script("spoof.ts", '  peer.send("198.51.100.7:1 > 192.0.2.1:1 R 1");');
    const scripted = await craft("--tun", "tt0", "--script", file);
    expect(scripted.code).toBe(1);
    expect(scripted.stderr).toMatch(/^tuntcp: .*198\.51\.100\.7 belongs to this machine/m);
    world.namespace.ip("link", "del", "veth0");
    expect(world.links()).toEqual([]);
  });

  it("a scripted peer talks with a program on the kernel's TCP", async () => {
    const nc = await listener(5002, "from the kernel");
    const file = script(
      "client.ts",
      `  const c = await peer.connect(5002, { options: "mss 1460,sackOK,TS val 1 ecr 0,nop,wscale 7" });
  await c.expect("P.", "from the kernel");
  c.send("P.", "from the script");
  await c.expect(". ack 16");
  await c.close();`,
    );
    const { code, stderr } = await craft("--tun", "tt0", "--script", file);
    expect([code, stderr]).toEqual([
      0,
      `ready: ${STACK} is played by ${file}; the kernel through tt0 is ${HOST}\n`,
    ]);
    expect(await nc.outcome).toMatchObject({ code: 0, stdout: "from the script" });
  });

  it("a scripted peer is called by a program on the kernel's TCP", async () => {
    const file = script(
      "server.ts",
      `  peer.patience = 10000;
  const c = await peer.accept(8080);
  const request = new TextDecoder().decode(await c.read(4));
  c.send("P.", "you said " + request);
  await c.close();`,
    );
    const running = world.tuntcp(["craft", "--tun", "tt0", "--script", file], "");
    await running.says("ready: 192.0.2.2 is played by");
    // the kernel drops what it has for an interface right after its carrier came; a SYN leaves again after a second
    const nc = await world.run("nc", ["-N", STACK, "8080"], "ping");
    expect(nc).toMatchObject({ code: 0, stdout: "you said ping" });
    expect((await running.outcome).code).toBe(0);
  });

  it("reaches another stack behind the kernel, which forwards to its TUN", async () => {
    await world.serve("echo:7");
    world.namespace.exec("sysctl", "-qw", "net.ipv4.ip_forward=1");
    const ends = ["--address", "198.51.100.2/24", "--host", "198.51.100.1"];
    const syn = `198.51.100.2:1234 > ${STACK}:7 S 5 win 9 <mss 777>`;
    const { code, stderr } = await craft(
      "--tun",
      "tt1",
      ...ends,
      "--expect",
      "S. ack 6 <mss 1460>",
      syn,
    );
    expect([code, stderr]).toEqual([0, ""]);
  });

  it("is the peer of the stack that is attached to a TUN, from the kernel's side of it", async () => {
    const ends = ["--tun", "tt5", "--address", "203.0.113.2/24", "--host", "203.0.113.1"];
    const serve = await world.serve("echo:7", ...ends);
    const to = ["--into", "tt5", ...ends.slice(2)];
    const file = script(
      "into.ts",
      `  const c = await peer.connect(7);
  c.send("P. 1:6(5) [ttl 1]", "hello");
  await c.expect("P.", "hello");
  await c.close();
  // what no router would pass on arrives here: the stack drops it, and says nothing
  peer.send("203.0.113.9:1 > 203.0.113.2:4444 S 1 [sum 1]");
  peer.send("203.0.113.9:1 > 203.0.113.2:4445 S 2");
  await peer.expect("R. ack 3");`,
    );
    const { code, stdout, stderr } = await craft(...to, "--script", file);
    expect([code, stderr]).toEqual([
      0,
      `ready: 203.0.113.3 is played by ${file}; the stack on tt5 is 203.0.113.2\n`,
    ]);
    // neither a wrong checksum, which the TUN's other end would have completed, nor the kernel's voice
    const got = stdout.split("\n").filter((line) => line.includes(" got "));
    expect(got.filter((line) => line.includes(" sum ") || !line.includes("203.0.113.2:"))).toEqual(
      [],
    );
    expect(got.filter((line) => / R/.test(line))).toHaveLength(1);

    const bulk = await craft(...to, "--wait", "0.3", "--json", "203.0.113.3:5 > 203.0.113.2:7 S 0");
    expect(lines(bulk.stdout).filter((l) => l.direction === "got")[0]!.line).toContain("S. ");
    const own = await craft(...to, "--peer", "203.0.113.1", "--script", file);
    expect(own).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        /^tuntcp: 203\.0\.113\.1 belongs to this machine \(tt5\)/,
      ) as string,
    });
    const none = await craft("--into", "tt6", "203.0.113.3:5 > 203.0.113.2:7 S 0");
    expect([none.code, none.stderr]).toEqual([
      1,
      "tuntcp: --into tt6: there is no such interface; 'tuntcp serve --tun tt6' makes it\n",
    ]);
    const both = await craft("--tun", "a", "--into", "b", "203.0.113.3:5 > 203.0.113.2:7 S 0");
    expect([both.code, both.stderr]).toEqual([2, "tuntcp: --tun and --into: give one of them\n"]);
    await serve.stop();
  });

  it("plays a session of curl and the kernel again to the stack in memory, which answers as it did", async () => {
    const capture = world.path("curl.pcapng");
    const serve = await world.serve(
      "http:8000",
      "--capture",
      capture,
      "--tun",
      "tt3",
      "--address",
      "203.0.113.2/24",
      "--host",
      "203.0.113.1",
    );
    // no more than the first window: how fast that grows depends on round trips, and these are not the captured ones
    const body = await world.curl("http://203.0.113.2:8000/bytes/12000");
    expect(body.stdout.length).toBe(12_000);
    await serve.stop();
    const { code, stderr } = await world.tuntcp(
      ["craft", "--replay", capture, "--to-port", "80", "--wait", "2"],
      "",
    ).outcome;
    expect(code).toBe(0);
    const [, early = "", then, now] =
      /^replayed \d+ segments of 203\.0\.113\.1:\d+ > 203\.0\.113\.2:8000(, \d+ of them before[^;]*)?; the other end sent (\d+) bytes then, the stack (\d+) now\n$/.exec(
        stderr,
      )!;
    expect([early, Number(now)]).toEqual(["", Number(then)]);
    expect(Number(then)).toBeGreaterThan(12_000);
  });
});
