/** How a program on the stack ends, what peers hear of it, and whose the traffic is: behind a TUN, beside the kernel's TCP. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { HOST, obstacle, type Running, STACK } from "../interop/support/world.ts";
import { requireBuild, tuntcp } from "../support/command.ts";
import { BehindTun } from "./support/behind-tun.ts";
import { onLoopback } from "./support/programs.ts";

requireBuild();
const folder = mkdtempSync(join(tmpdir(), "tuntcp-life-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Says what it hears of a connection to the stack, and ends when that does; `later`: reads once its input has ended. */
const PEER = `
  const [host, port, reads] = process.argv.slice(1);
  const socket = require("net").connect(port, host);
  if (reads !== "later") socket.on("data", (data) => console.log("data", data.length < 50 ? String(data) : data.length));
  else {
    const living = setInterval(() => {}, 1e6);
    socket.on("close", () => clearInterval(living));
    process.stdin.resume().on("end", () => socket.resume());
  }
  socket.on("connect", () => console.log("connected"));
  for (const name of ["end", "error", "close"])
    socket.on(name, (what) => console.log(name, what?.code ?? ""));
`;

describe("on loopback", () => {
  it.each([
    ["a server that is unreferenced", `net.createServer().listen(80).unref();`],
    ["one that is closed", `net.createServer().listen(80, function () { this.close(); });`],
    [
      "a client that is unreferenced",
      `const s = net.createServer((c) => c.unref()).listen(80, () => net.connect(80, () => {}).unref()); s.unref();`,
    ],
    [
      "a connection that is aborted",
      `const s = net.createServer((c) => c.resetAndDestroy()).listen(80, () =>
         net.connect(80).on("error", (e) => { console.log(e.message); s.close(); }));`,
    ],
  ])("%s does not keep the process", async (_, text) => {
    const argv = ["-e", `const net = require("net"); ${text}`];
    const { code, stdout, stderr } = await onLoopback(process.execPath, argv);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(["", "read ECONNRESET\n"]).toContain(stdout);
  });

  it("each worker thread has one of its own", async () => {
    const text = `
      const { Worker, isMainThread } = require("worker_threads");
      const net = require("net");
      const server = net.createServer((s) => s.end(isMainThread ? "main" : "worker")).listen(80, () => {
        net.connect(80).on("data", (d) => { console.log(String(d)); server.close(); })
          .on("close", () => { if (isMainThread) new Worker(__filename); });
      });`;
    const path = join(folder, "threads.cjs");
    writeFileSync(path, text);
    expect(await onLoopback(process.execPath, [path])).toEqual({
      code: 0,
      stdout: "main\nworker\n",
      stderr: "",
    });
  });

  it("answers nowhere but at 127.0.0.1", async () => {
    const text = `require("net").connect(80, "198.51.100.1").on("error", (e) => console.log(e.message));`;
    const { stdout } = await onLoopback(process.execPath, ["-e", text]);
    expect(stdout).toBe("connect ENETUNREACH 198.51.100.1:80 - Local (0.0.0.0:0)\n");
  });
});

describe.skipIf(obstacle() !== null)("behind a TUN", () => {
  let world!: BehindTun;
  beforeAll(() => void (world = new BehindTun()));
  afterAll(async () => await world.remove());

  /** A program that says "ready" when it listens on port 80. */
  async function listening(text: string, ...env: string[]): Promise<Running> {
    const program = `const net = require("net"); const server = net.createServer(); ${text}; server.listen(80, () => console.log("ready"));`;
    const running = world.onBoth(["-e", program], ...env);
    await running.says("ready");
    return running;
  }

  const peer = (...more: string[]): Running =>
    world.onKernel(process.execPath, ["-e", PEER, STACK, "80", ...more]);

  it("sends what was written before process.exit, and FIN", async () => {
    const program = await listening(
      `server.on("connection", (s) => { s.write("last words"); process.exit(5); })`,
    );
    expect((await peer().outcome).stdout).toBe("connected\ndata last words\nend \nclose \n");
    expect((await program.outcome).code).toBe(5);
  });

  it("tells peers of its end after an error that nobody caught", async () => {
    const program = await listening(`server.on("connection", () => { throw new Error("oh"); })`);
    expect((await peer().outcome).stdout).toBe("connected\nend \nclose \n");
    expect((await program.outcome).code).toBe(1);
  });

  it.each(["SIGTERM", "SIGINT", "SIGHUP"] as const)(
    "dies of %s and tells its peers",
    async (signal) => {
      const program = await listening(`server.on("connection", () => console.log("accepted"))`);
      const asking = peer();
      await program.says("accepted");
      program.process.kill(signal);
      expect((await asking.outcome).stdout).toBe("connected\nend \nclose \n");
      expect((await program.outcome).code).toBe(signal);
    },
  );

  it("resets a peer that would be cut short", async () => {
    const capture = world.path("cut-short.pcapng");
    const program = await listening(
      `server.on("connection", (s) => { s.write(Buffer.alloc(5e7)); setTimeout(() => console.log("full"), 200); })`,
      `TUNTCP_CAPTURE=${capture}`,
    );
    const asking = peer("later");
    await program.says("full");
    program.process.kill("SIGTERM");
    await program.outcome;
    // what libuv makes of data and a RST behind it is sometimes an end, sometimes an error: so what went over the wire
    const { out } = tuntcp(["trace", capture]);
    expect(out).toMatch(/CLOSED ◀─+ RST,ACK seq \d/);
    expect(out).not.toMatch(/◀─+ .*FIN/);
    asking.process.stdin!.end();
    expect((await asking.outcome).stdout).toMatch(/^connected\n(end|error)/);
  });

  it("leaves signals to a program that listens, and to packages that count the listeners", async () => {
    const program = await listening(
      `process.once("SIGINT", () => console.log("once"));
       process.on("SIGTERM", function end() {
         console.log("alone", process.listeners("SIGTERM").length === 1);
         process.removeListener("SIGTERM", end);
         process.kill(process.pid, "SIGTERM");
       })`,
    );
    program.process.kill("SIGINT");
    await program.says("once");
    program.process.kill("SIGTERM");
    expect(await program.outcome).toMatchObject({
      code: "SIGTERM",
      stdout: "ready\nonce\nalone true\n",
    });
  });

  it("takes back what it set of a TUN that was there before", async () => {
    world.namespace.ip("tuntap", "add", "dev", "kept0", "mode", "tun");
    const facts = (): unknown => {
      const [link] = JSON.parse(world.namespace.ip("-j", "addr", "show", "dev", "kept0")) as {
        flags: string[];
        addr_info: unknown[];
        mtu: number;
      }[];
      return { up: link!.flags.includes("UP"), addresses: link!.addr_info, mtu: link!.mtu };
    };
    const before = facts();
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      const program = await listening("", "TUNTCP_DEVICE=kept0", "TUNTCP_MTU=1400");
      expect(facts()).toMatchObject({ up: true, mtu: 1400 });
      program.process.kill(signal);
      await program.outcome;
      expect(facts()).toEqual(before);
    }
    world.namespace.ip("link", "del", "kept0");
  });

  it("reaches itself, and the kernel's 127.0.0.1", async () => {
    const kernel = world.onKernel(process.execPath, [
      "-e",
      `require("net").createServer((s) => s.end("kernel")).listen(81, "127.0.0.1", () => console.log("up"));`,
    ]);
    await kernel.says("up");
    const program = await listening(
      `server.on("connection", (s) => s.end("self"));
       server.on("listening", async () => {
         for (const [host, port] of [["127.0.0.1", 80], ["localhost", 80], ["0.0.0.0", 80], ["${STACK}", 80], ["127.0.0.1", 81]])
           for await (const data of net.connect(port, host)) console.log(host, port, String(data));
         for (const host of ["127.0.0.1", "${STACK}", "${HOST}"])
           await new Promise((r) => net.connect(82, host).on("error", (e) => r(console.log(e.message))));
         server.close();
       })`,
    );
    const { stdout, stderr, code } = await program.outcome;
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout.replace("ready\n", "").split("\n")).toEqual([
      "127.0.0.1 80 self",
      "localhost 80 self",
      "0.0.0.0 80 self",
      `${STACK} 80 self`,
      "127.0.0.1 81 kernel",
      "connect ECONNREFUSED 127.0.0.1:82",
      `connect ECONNREFUSED ${STACK}:82`,
      `connect ECONNREFUSED ${HOST}:82`,
      "",
    ]);
    await kernel.stop();
  });

  it("leaves a listener on 127.0.0.1 to the kernel, and says so once", async () => {
    const program = await listening(
      `net.createServer((s) => s.end("here")).listen(83, "127.0.0.1", () => console.log("too"))`,
    );
    await program.says("too");
    await program.says("TUNTCP_LOCAL");
    const argv = ["-e", PEER, "127.0.0.1", "83"];
    const asked = await world.onKernel(process.execPath, argv).outcome;
    expect(asked.stdout).toBe("connected\ndata here\nend \nclose \n");
    await program.stop();
    expect(program.stderr).toContain("127.0.0.1:83 is the kernel's");
  });

  it("refuses an address that is not the stack's", async () => {
    const program = world.onBoth([
      "-e",
      `require("net").createServer().listen(80, "198.51.100.9").on("error", (e) => console.log(e.message));`,
    ]);
    expect((await program.outcome).stdout).toBe(
      "listen EADDRNOTAVAIL: address not available 198.51.100.9:80\n",
    );
  });

  it("leaves TCP of children and threads to the kernel, with a word", async () => {
    const text = `
      const net = require("net");
      const { fork } = require("child_process");
      const { Worker, isMainThread } = require("worker_threads");
      const where = process.send !== undefined ? "child" : isMainThread ? "main" : "thread";
      const server = net.createServer((s) => s.end()).listen(0, "127.0.0.1", () => {
        net.connect(server.address().port, "127.0.0.1").resume().on("close", () => {
          console.log(where, server.address().family);
          server.close();
          if (where === "main") fork(__filename).on("exit", () => new Worker(__filename));
        });
      });`;
    writeFileSync(world.path("family.cjs"), text);
    const { code, stdout, stderr } = await world.onBoth([world.path("family.cjs")]).outcome;
    expect({ code, stdout }).toEqual({ code: 0, stdout: "main IPv4\nchild IPv4\nthread IPv4\n" });
    expect(stderr.match(/TUNTCP_ELSEWHERE/g)).toHaveLength(2);
    expect(stderr).toContain("the stack behind tuntcp0 is in the one that started it");
  });

  it("leaves the listeners of a cluster to the kernel", async () => {
    const text = `
      const cluster = require("cluster");
      if (cluster.isPrimary) {
        cluster.fork().on("listening", () => console.log("ready"));
      } else {
        require("http").createServer((q, r) => { r.end("worker"); process.disconnect(); }).listen(84);
      }`;
    writeFileSync(world.path("cluster.cjs"), text);
    const program = world.onBoth([world.path("cluster.cjs")]);
    await program.says("ready");
    expect((await world.curl("http://127.0.0.1:84/")).stdout).toBe("worker");
    await program.outcome;
  });

  it("says in one line what the machine lacks, with exit code 3, and that a TUN is in use, with 1", async () => {
    const program = await listening("");
    const second = await world.onBoth(["-e", ""]).outcome;
    expect(second).toMatchObject({ code: 1, stdout: "" });
    expect(second.stderr).toMatch(/^tuntcp: .*tuntcp0 .*\n$/);
    await program.stop();
    const poor = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", process.execPath];
    const preload = new URL("../../dist/register/index.js", import.meta.url).href;
    const argv = [...poor, "--import", preload, "-e", "console.log(1)"];
    const refused = await world.run(argv[0]!, argv.slice(1));
    expect(refused).toMatchObject({ code: 3, stdout: "" });
    expect(refused.stderr).toMatch(/^tuntcp: .*\n$/);
  });
});
