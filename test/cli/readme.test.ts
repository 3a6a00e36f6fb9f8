/** What README.md and docs/curl-and-nc.md say to type works, in the order of the page, and says what the page says. */
import { cpSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, expect, test } from "vitest";
import { obstacle, World } from "../interop/support/world.ts";
import { blocksOf, commandsOf } from "../support/document.ts";
import { Terminal } from "../support/terminal.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** What has to start or to be written while the machine is busy. */
const PATIENT = { timeout: 20_000 };
const missing = obstacle("curl", "nc", "ping", "iperf3");

let world: World | null = null;
afterEach(async () => {
  await world?.remove();
  world = null;
});

/** Typed by other tests, each as a whole. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  "npm ci": "scripts/setup.sh",
  "npm run build": "scripts/setup.sh",
  "scripts/demo": "test/scripts/demo.test.ts",
  "ip address add 192.0.2.1/24 dev tuntcp0": "test/package/pack.test.ts",
  "ip link set tuntcp0 up": "test/package/pack.test.ts",
  "ping -c 1 192.0.2.2": "test/package/pack.test.ts",
};

test.skipIf(missing !== null)(
  "README.md",
  async () => {
    world = new World();
    const terminal = new Terminal(world);
    // scenarios of a second, instead of their ten or twenty
    cpSync(join(ROOT, "examples"), world.path("examples"), { recursive: true });
    for (const name of readdirSync(world.path("examples/scenarios"))) {
      const file = world.path(`examples/scenarios/${name}`);
      const text = readFileSync(file, "utf8");
      writeFileSync(file, text.replace(/("?duration"?: )"\d+s"/, '$1"1s"'));
    }
    cpSync(join(ROOT, "test/drill/scripts/fast-open"), world.path("test/drill/scripts"), {
      recursive: true,
    });
    const lines = commandsOf("README.md");
    const typed = lines.filter((line) => !(line in ELSEWHERE));
    expect(typed.length).toBeGreaterThan(18);
    for (const [line, where] of Object.entries(ELSEWHERE)) {
      expect(lines).toContain(line);
      expect(statSync(join(ROOT, where)).isFile()).toBe(true);
    }
    const said = new Map<string, string>();
    for (const line of typed) {
      const less = line
        .replace(/^npx /, "")
        .replace("/bytes/1000000000", "/bytes/1000000")
        .replace("--replicates 10", "--replicates 2")
        .replace("--time 60", "--time 1")
        .replace(/^tuntcp top$/, "tuntcp top -n 1 -d 0.2");
      said.set(line, await terminal.type(less));
      if (line.includes("--capture")) {
        await terminal.type("curl -sS http://192.0.2.2/");
        await untilCaptured(terminal, "curl http://192.0.2.2/");
      }
    }
    await terminal.stop();
    expect(said.get("npx tuntcp show handshake")).toContain("SYN-RECEIVED");
    expect(said.get("curl http://192.0.2.2/")).toContain("the connection that carries this page");
    expect(said.get("echo hi | nc -N 192.0.2.2 7")).toBe("hi\n");
    expect(said.get("tuntcp trace run.pcapng --port 80")).toMatch(/SYN-RECEIVED[^]* FIN,ACK /);
    expect(said.get("tuntcp drill test/drill/scripts")).toMatch(/^\d+ passed$/m);
    for (const name of ["run.html", "run.svg", "loss.csv"])
      expect(statSync(world.path(name)).size).toBeGreaterThan(1000);
    expect((await terminal.type("tuntcp show")).trim().split("\n")).toHaveLength(19);
  },
  120_000,
);

test.skipIf(missing !== null)(
  "docs/curl-and-nc.md",
  async () => {
    const PAGE = "docs/curl-and-nc.md";
    world = new World();
    const terminal = new Terminal(world);
    const [ready] = blocksOf(PAGE).filter(({ language }) => language === "text");
    const said = new Map<string, string>();
    for (const line of commandsOf(PAGE)) {
      if (/tuntcp nc |^ip tuntap/.test(line)) await terminal.stop();
      // "in another terminal"; it has a connection waiting or none yet
      const listener = line.includes(" 5001") ? terminal.start("nc -l 5001") : null;
      if (listener !== null) await expect.poll(() => isListening(5001), PATIENT).toBe(true);
      said.set(line, await terminal.type(line));
      await untilCaptured(terminal, line);
      if (listener !== null) expect((await listener.outcome).stdout).toBe("hello\n");
    }
    const of = (part: string): string[] =>
      [...said].filter(([line]) => line.includes(part)).map(([, text]) => text);
    expect(of("tuntcp doctor")[0]).toContain("serve and nc will work here.");
    expect(said.get("tuntcp serve")).toBe(ready!.text);
    expect(JSON.parse(of("/connection.json")[0]!)).toMatchObject({ state: "ESTABLISHED" });
    expect(of("curl -T")[0]).toMatch(/^[\da-f]{64} 1000000\n$/);
    expect(of("nc -N 192.0.2.2 7")[0]).toBe("hi\n");
    expect(of("nc 192.0.2.2 13")[0]).toMatch(/^\d{4}-\d\d-\d\dT/);
    expect(of("--fail --head")[0]).toContain("200 OK");
    expect(of("iperf3 -c")[0]).toContain("receiver");
    expect(of("trace run.pcapng --port")[0]).toMatch(/SYN-RECEIVED[^]* FIN,ACK /);
    expect(of("tuntcp ss")[0]).toMatch(/^State +Recv-Q/);
    for (const [name, size] of [
      ["million", 1_000_000],
      ["less", 200_000],
    ] as const)
      expect(statSync(world.path(name)).size).toBe(size);
    expect(world.links()).toEqual(["tuntcp0"]); // root's, for the user
  },
  120_000,
);

/** A packet is in the file a moment after it passed: nobody types that fast. */
async function untilCaptured(terminal: Terminal, line: string): Promise<void> {
  if (!/^curl http:\/\/192\.0\.2\.2\/$/.test(line) || !existsSync(world!.path("run.pcapng")))
    return;
  await expect.poll(() => terminal.type("tuntcp trace run.pcapng"), PATIENT).toContain("FIN,ACK");
}

function isListening(port: number): boolean {
  return world!.namespace.exec("ss", "-tln").includes(`:${port} `);
}
