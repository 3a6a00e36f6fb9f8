/**
 * Rows about interfaces and processes: `tuntcp serve` on a TUN of its own, the kernel's programs as peers. Of the invariants what
 * shows from outside is looked at after each: I1, I2, I3, and I6 by what is left when the process ends.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { ChildProcess } from "node:child_process";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  FULL,
  obstacle,
  type Outcome,
  type Running,
  STACK,
  World,
} from "../interop/support/world.ts";
import { bestOf } from "../support/best-of.ts";
import { title } from "./support/table.ts";

const SIZE = 12_000_000;

/** Opens connections, half of them downloads without end, and tells how each of them ended. */
const CROWD = `
import socket, sys
count, address = int(sys.argv[1]), (sys.argv[2], 80)
all = []
for n in range(count):
    s = socket.create_connection(address, timeout=20)
    if n % 2: s.sendall(b"GET /bytes/1099511627776 HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n")
    all.append(s)
print("open", flush=True)
told = 0
for s in all:
    try:
        while s.recv(65536): pass
        told += 1
    except ConnectionResetError:
        told += 1
    except OSError as error:
        print(error)
print("told", told, flush=True)
`;

/** One socket pair before and after the other end was killed. */
const AGAIN = `
import socket, sys
def opened(port):
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("0.0.0.0", port))
    s.settimeout(20)
    s.connect((sys.argv[1], 7))
    return s
def echoed(s, text):
    s.sendall(text)
    return s.recv(100)
s = opened(45678)
print("first", echoed(s, b"one").decode(), flush=True)
sys.stdin.readline()
try:
    print("old", echoed(s, b"two"))
except ConnectionResetError:
    print("reset", flush=True)
s.close()
print("second", echoed(opened(45678), b"three").decode(), flush=True)
`;

/** 1 kB there and back on a connection of its own: ms until all of it is there, and whether it is the same. */
const ECHO = `
import os, socket, sys, time
began = time.monotonic()
sent, got = os.urandom(1000), b""
with socket.create_connection((sys.argv[1], 7), timeout=20) as s:
    s.sendall(sent)
    while len(got) < 1000: got += s.recv(1000) or sys.exit("it ended early")
print(round(1000 * (time.monotonic() - began)), got == sent)
`;

describe.skipIf(obstacle("curl", "python3") !== null)("hostile, processes and interfaces", () => {
  let world: World;

  beforeEach(() => {
    world = new World();
    world.namespace.ip("tuntap", "add", "dev", "tuntcp0", "mode", "tun");
  });
  afterEach(async () => await world.remove());

  const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

  /** I1 and I2: it lives, has nothing to complain of, and serves who comes now. */
  async function isWell(serve: Running): Promise<void> {
    const echo = async (): Promise<number> => {
      const { code, stdout, stderr } = await world.run("python3", ["-c", ECHO, STACK]);
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      const [ms, same] = stdout.trim().split(" ");
      expect(same).toBe("True");
      return Number(ms);
    };
    expect(await bestOf(3, 2000, echo), "I2: an honest peer is served").toBeLessThan(2000);
    expect({ ended: serve.ended, stderr: serve.stderr }, "I1").toEqual({
      ended: false,
      stderr: "",
    });
  }

  /** Whether the TUN is up, and its addresses. */
  function found(): unknown {
    const text = world.namespace.ip("-j", "addr", "show", "dev", "tuntcp0");
    const [link] = JSON.parse(text) as { flags: string[]; addr_info: unknown[] }[];
    return { up: link!.flags.includes("UP"), addresses: link!.addr_info };
  }

  /** I6 as far as it shows from outside: the process ends well when asked to, and leaves the TUN as it found it. */
  async function endsWell(serve: Running, before: unknown): Promise<void> {
    const { code, stderr } = await serve.stop();
    expect({ code, stderr }, "I1").toEqual({ code: 0, stderr: "" });
    expect(found(), "I6").toEqual(before);
  }

  /** A download of three seconds, with something done to the interface meanwhile. */
  async function download(meanwhile: (serve: ChildProcess) => Promise<void>): Promise<void> {
    const before = found();
    const serve = await world.serve("http:80", "echo:7");
    const url = `http://${STACK}/bytes/${SIZE}`;
    const hash = (name: string): string =>
      createHash("sha256")
        .update(readFileSync(world.path(name)))
        .digest("hex");
    expect((await world.curl("-o", world.path("calm"), url)).code).toBe(0);
    const form = ["-sS", "-o", world.path("hit"), "-w", "%{size_download}", "--limit-rate", "4M"];
    const curl = world.start("curl", [...form, "--max-time", "50", url]);
    await pause(500);
    await meanwhile(serve.process);
    expect(await curl.outcome).toMatchObject({ code: 0, stdout: String(SIZE) });
    expect(hash("hit"), "I3: every byte, once").toBe(hash("calm"));
    await isWell(serve);
    await endsWell(serve, before);
  }

  it(title("H142"), async () => {
    await download(async () => {
      world.namespace.ip("link", "set", "tuntcp0", "down");
      await pause(FULL ? 10_000 : 1000);
      world.namespace.ip("link", "set", "tuntcp0", "up");
    });
  });

  it(`${title("H155")}: with SIGSTOP`, async () => {
    await download(async (serve) => {
      serve.kill("SIGSTOP");
      await pause(FULL ? 30_000 : 3000);
      serve.kill("SIGCONT");
    });
  });

  it(title("H145"), async () => {
    await download(async () => {
      for (const mtu of ["576", "9000", "1500"]) {
        world.namespace.ip("link", "set", "tuntcp0", "mtu", mtu);
        await pause(500);
      }
    });
  });

  it(title("H150"), async () => {
    const count = FULL ? 1000 : 100;
    /** ms until the stack has ended with that code and every peer has heard of it. */
    const crowd = async (
      code: number,
      end: (serve: Running) => Promise<Outcome>,
    ): Promise<number> => {
      const serve = await world.serve("http:80");
      const peers = world.start("python3", ["-c", CROWD, String(count), STACK]);
      await peers.says("open");
      const began = performance.now();
      expect((await end(serve)).code).toBe(code);
      expect((await peers.outcome).stdout).toContain(`told ${count}`);
      return performance.now() - began;
    };
    const once = async (): Promise<number> => await crowd(0, async (serve) => await serve.stop());
    expect(await bestOf(3, 6000, once)).toBeLessThan(6000);
    // and one that begins on the same TUN serves at once
    const before = found();
    const next = await world.serve("echo:7");
    await isWell(next);
    await endsWell(next, before);
    const twice = async (): Promise<number> =>
      await crowd(143, async (serve) => await serve.stopAtOnce());
    expect(await bestOf(3, 2000, twice)).toBeLessThan(2000);
  });

  it(title("H151"), async () => {
    const first = await world.serve("echo:7");
    const peer = world.start("python3", ["-u", "-c", AGAIN, STACK]);
    await peer.says("first one");
    first.process.kill("SIGKILL");
    await first.outcome;
    const before = found();
    const second = await world.serve("echo:7");
    peer.process.stdin!.end("go\n");
    const { stdout } = await peer.outcome;
    expect(stdout).toContain("reset");
    expect(stdout).toContain("second three");
    await isWell(second);
    await endsWell(second, before);
  });
});
