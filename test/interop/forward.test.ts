/** `tuntcp forward` through a TUN, with the tools that people forward: curl, netcat, ssh, redis-cli. */
import { mkdirSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Namespace } from "../support/tun.ts";
import { ANOTHER_MODE, obstacle, type Running, STACK, World } from "./support/world.ts";

const why = ANOTHER_MODE ? "tested without a mode" : obstacle("curl", "nc");

/** A server on loopback of the namespace that answers HTTP with what it knows of the client. */
const WEB = `
const server = require("http").createServer((request, response) => {
  if (request.url === "/abort") return request.socket.resetAndDestroy();
  const size = Number(request.url.slice(1));
  response.end(size > 0 ? Buffer.alloc(size, "x") : request.socket.remoteAddress + "\\n");
});
server.listen(8000, "127.0.0.1", () => console.log("listens"));
`;

describe.skipIf(why !== null)("tuntcp forward", () => {
  let world: World;
  let forward: Running;

  beforeAll(async () => {
    world = new World();
    await world.start(process.execPath, ["-e", WEB]).says("listens");
    const specs = ["8080:127.0.0.1:8000", "8081:127.0.0.1:9", "2222:127.0.0.1:2022"];
    forward = world.tuntcp(["forward", "-v", "--json", ...specs, "6380:127.0.0.1:6379"]);
    await forward.says('"ready":true');
  });
  afterAll(async () => await world.remove());

  it("carries HTTP from a real server to curl", async () => {
    const { code, stdout } = await world.curl(`http://${STACK}:8080/`);
    expect([code, stdout]).toEqual([0, "127.0.0.1\n"]);
    const many = await world.curl(
      "-w",
      "%{size_download}",
      "-o",
      "/dev/null",
      `http://${STACK}:8080/20000000`,
    );
    expect([many.code, many.stdout]).toEqual([0, "20000000"]);
  });

  it("refuses in netcat's sight where the target refuses, without a connection in between", async () => {
    const { code, stderr } = await world.run("nc", ["-v", "-w", "20", STACK, "8081"]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/Connection refused/);
    await forward.says("127.0.0.1:9: refused (ECONNREFUSED)");
  });

  it("resets where the target resets", async () => {
    const { code } = await world.curl(`http://${STACK}:8080/abort`);
    expect([52, 56]).toContain(code); // an empty reply, or reset by peer
    await forward.says("reset (target: ECONNRESET)");
  });

  const noSsh = obstacle("sshd", "ssh", "ssh-keygen");
  it.skipIf(noSsh !== null)("carries ssh: a command, and megabytes through it", async () => {
    const key = world.path("key");
    for (const name of [key, world.path("host")]) {
      expect(
        (await world.run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", name])).code,
      ).toBe(0);
    }
    mkdirSync("/run/sshd", { recursive: true, mode: 0o755 });
    writeFileSync(
      world.path("sshd.conf"),
      [
        "ListenAddress 127.0.0.1:2022",
        `HostKey ${world.path("host")}`,
        `AuthorizedKeysFile ${key}.pub`,
        `PidFile ${world.path("sshd.pid")}`,
        "StrictModes no",
        "UsePAM no",
        "PermitRootLogin prohibit-password",
        "PasswordAuthentication no",
        "",
      ].join("\n"),
    );
    const sshd = world.start("/usr/sbin/sshd", ["-D", "-e", "-f", world.path("sshd.conf")]);
    await sshd.says("Server listening");
    const options = [
      "StrictHostKeyChecking=no",
      `UserKnownHostsFile=${world.path("known")}`,
      "LogLevel=ERROR",
    ];
    const how = ["-F", "none", "-i", key, "-p", "2222", ...options.flatMap((o) => ["-o", o])];
    const ssh = async (
      command: string,
      input = "",
    ): Promise<{ code: number | string; stdout: string }> =>
      await world.run("ssh", [...how, `root@${STACK}`, command], input);
    expect(await ssh("echo $((6 * 7)); exit 3")).toMatchObject({ code: 3, stdout: "42\n" });
    const up = "0123456789abcdef".repeat(1 << 18);
    expect(await ssh("wc -c", up)).toMatchObject({ code: 0, stdout: `${up.length}\n` });
    const down = await ssh("head -c 4000000 /dev/zero | tr '\\0' y");
    expect([down.code, down.stdout.length]).toEqual([0, 4_000_000]);
    sshd.process.kill("SIGTERM");
  });

  const noRedis = obstacle("redis-server", "redis-cli");
  it.skipIf(noRedis !== null)(
    "carries redis-cli: commands, a pipe of them, and what is pushed",
    async () => {
      const args = ["--port", "6379", "--bind", "127.0.0.1", "--save", "", "--dir", world.folder];
      await world.start("redis-server", args).says("Ready to accept connections");
      const redis = async (...command: string[]): Promise<string> =>
        (await world.run("redis-cli", ["-h", STACK, "-p", "6380", ...command])).stdout;
      expect(await redis("PING")).toBe("PONG\n");
      const commands = Array.from(
        { length: 20_000 },
        (_, i) => `SET key${i} ${"v".repeat(1 + (i % 100))}\r\n`,
      );
      const piped = await world.run(
        "redis-cli",
        ["-h", STACK, "-p", "6380", "--pipe"],
        commands.join(""),
      );
      expect(piped.stdout).toContain("errors: 0, replies: 20000");
      expect(await redis("GET", "key10099")).toBe(`${"v".repeat(100)}\n`);
      const subscriber = world.start("redis-cli", ["-h", STACK, "-p", "6380", "SUBSCRIBE", "news"]);
      await subscriber.says("subscribe");
      expect(await redis("PUBLISH", "news", "extra")).toBe("1\n");
      await subscriber.says("extra");
      subscriber.process.kill("SIGTERM");
    },
  );

  it("on SIGTERM resets what stays open, and is gone within its 3 s with all that it set", async () => {
    const idle = world.start("nc", ["-v", STACK, "8080"]);
    await idle.says("succeeded");
    const { code, stderr } = await forward.stop();
    expect(code).toBe(0);
    expect(stderr).not.toContain("Error");
    expect((await idle.outcome).code).not.toBe("SIGKILL");
    expect(world.links()).toEqual([]);
  });
});

describe.skipIf(why !== null)("tuntcp forward --reverse", () => {
  it("takes real connections through the stack to a server of the kernel", async () => {
    const world = new World();
    try {
      await world
        .start(process.execPath, ["-e", WEB.replace("127.0.0.1", "0.0.0.0")])
        .says("listens");
      const args = ["forward", "--reverse", "8090:192.0.2.1:8000", "8091:192.0.2.1:9"];
      const forward = world.tuntcp(args);
      await forward.says("ready");
      const { code, stdout } = await world.curl("http://127.0.0.1:8090/");
      expect([code, stdout]).toEqual([0, `${STACK}\n`]);
      // reset, which curl may hear before it has looked at its connection
      const refused = await world.curl("http://127.0.0.1:8091/");
      expect([7, 56]).toContain(refused.code);
      expect((await forward.stop()).code).toBe(0);
    } finally {
      await world.remove();
    }
  });
});

describe.skipIf(why !== null)("tuntcp forward --any", () => {
  it("is the way out of a namespace: address and port as they are asked for, refusals as they are", async () => {
    const world = new World();
    const inside = new Namespace();
    try {
      // what the outside has: an address with a server, and one where nobody is
      world.namespace.ip("address", "add", "198.51.100.7/32", "dev", "lo");
      world.namespace.ip("route", "add", "unreachable", "203.0.113.0/24");
      await world
        .start(process.execPath, ["-e", WEB.replace("127.0.0.1", "198.51.100.7")])
        .says("listens");
      const forward = world.tuntcp(["forward", "--any", "--no-configure", "--tun", "tt0", "-v"]);
      await forward.says("ready: any address and port");
      world.namespace.ip("link", "set", "tt0", "netns", inside.name);
      inside.ip("address", "add", "192.0.2.1/24", "dev", "tt0");
      inside.ip("link", "set", "tt0", "up");
      inside.ip("route", "add", "default", "dev", "tt0");
      const curl = (...args: string[]): Running =>
        world.start("ip", ["netns", "exec", inside.name, "curl", "-sS", ...args]);
      expect(await curl("http://198.51.100.7:8000/").outcome).toMatchObject({
        code: 0,
        stdout: "198.51.100.7\n",
      });
      const refused = await curl("-v", "http://198.51.100.7:9/").outcome;
      expect([refused.code, refused.stderr]).toEqual([7, expect.stringMatching(/refused/)]);
      const unreachable = await curl("-v", "http://203.0.113.9/").outcome;
      expect([unreachable.code, unreachable.stderr]).toEqual([
        7,
        expect.stringMatching(/No route to host/),
      ]);
      expect((await forward.stop()).code).toBe(0);
    } finally {
      await world.remove();
      await inside.remove();
    }
  });
});

describe.skipIf(why !== null)("a way that leads back into the TUN", () => {
  it("is refused at its second turn, so that it goes round once and the client hears of it", async () => {
    const world = new World();
    try {
      const forward = world.tuntcp(["forward", "--any", "-v"]);
      await forward.says("ready");
      world.namespace.ip("route", "add", "198.51.100.0/24", "dev", "tuntcp0");
      const { code, stderr } = await world.curl("-v", "http://198.51.100.7/");
      expect([code, stderr]).toEqual([7, expect.stringMatching(/refused/)]);
      expect((await forward.stop()).code).toBe(0);
      const lines = forward.stderr.trim().split("\n");
      expect(lines).toHaveLength(2);
      expect(lines[0]).toContain("refused (the way to the target leads back here)");
      expect(lines[1]).toContain("refused (ECONNREFUSED)");
    } finally {
      await world.remove();
    }
  });
});

describe("what tuntcp forward does not take", () => {
  it.skipIf(why !== null).each([
    [[], /forward needs \[ADDRESS:\]PORT:HOST:PORT/],
    [["80"], /80: write \[ADDRESS:\]PORT:HOST:PORT/],
    [["80:127.0.0.1:99999"], /a port is 1 to 65535/],
    [["80:127.0.0.1:1", "80:127.0.0.1:2"], /port 80 is given twice/],
    [["10.0.0.1:80:127.0.0.1:1"], /not the stack's address/],
    [["--any", "--reverse"], /leave out --reverse/],
    [["80:127.0.0.1:1", "--proxy-protocol", "3"], /1 or 2/],
    [["80:127.0.0.1:1", "-w", "soon"], /seconds above 0/],
  ])("%j is one line and exit code 2", async (args, line) => {
    const world = new World();
    try {
      const { code, stdout, stderr } = await world.tuntcp(["forward", ...args]).outcome;
      expect([code, stdout]).toEqual([2, ""]);
      expect(stderr).toMatch(line);
      expect(stderr.trim().split("\n")).toHaveLength(1);
    } finally {
      await world.remove();
    }
  });
});
