/** `tuntcp craft` to the stack in memory: packets in every form, expectations, scripts, captures played again, and each message. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { readCapture } from "../../src/devices/pcap-reader.ts";
import { decode, fromJson, type Packet, type PacketInput } from "../../src/packet/index.ts";
import { COMMAND, type Ended, tuntcp } from "../support/command.ts";

const folder = mkdtempSync(join(tmpdir(), "tuntcp-craft-"));
afterAll(() => rmSync(folder, { recursive: true }));

function craft(args: readonly string[], input = ""): Ended {
  return tuntcp(["craft", ...args], { cwd: folder, input });
}

interface Line {
  readonly time: number;
  readonly direction: "sent" | "got";
  readonly line: string;
  readonly packet: PacketInput;
}

function lines(out: string): Line[] {
  return out
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Line);
}

const SYN = "192.0.2.1:1234 > 192.0.2.2:7 S 0:0(0) win 65535 <mss 1460>";
const REFUSED = "192.0.2.1:1 > 192.0.2.2:4444 S 5";

test("a SYN to a service is answered, with times", () => {
  const { code, out, err } = craft(["--expect", "S. ack 1 <mss 1460>", SYN]);
  expect([code, err]).toEqual([0, ""]);
  expect(out).toMatch(
    /^ +\d+\.\d\d ms {2}sent {2}192\.0\.2\.1:1234 > 192\.0\.2\.2:7 S 0:0\(0\) win 65535 <mss 1460>\n +\d+\.\d\d ms {2}got {3}192\.0\.2\.2:7 > 192\.0\.2\.1:1234 S\. \d+:\d+\(0\) ack 1 win \d+ <mss 1460>\n$/,
  );
});

test("standard input may have lines, JSON and hex digits, comments and pauses, and what --json printed", () => {
  const first = craft(["--json", "--expect", "R.", REFUSED]);
  const input = [
    "# a comment",
    "",
    `+0.02 ${REFUSED}`,
    '{"ip":{"source":"192.0.2.1","destination":"192.0.2.2"},"tcp":{"sourcePort":2,"destinationPort":4445,"flags":"S","seq":9}}',
    craft(["--dry-run", "--hex", "192.0.2.1:3 > 192.0.2.2:4446 S 77"]).out.trim(),
    first.out.split("\n")[0]!,
  ].join("\n");
  const { code, out, err } = craft(
    [
      "--json",
      "--expect",
      "R. ack 6",
      "--expect",
      "* ack 10",
      "--expect",
      "* ack 78",
      "--expect",
      "* ack 6",
    ],
    input,
  );
  expect([code, err]).toEqual([0, ""]);
  const all = lines(out);
  expect(
    all.filter((l) => l.direction === "sent").map((l) => l.line.replace(/ win.*/, "")),
  ).toEqual([
    "192.0.2.1:1 > 192.0.2.2:4444 S 5:5(0)",
    "192.0.2.1:2 > 192.0.2.2:4445 S 9:9(0)",
    "192.0.2.1:3 > 192.0.2.2:4446 S 77:77(0)",
    "192.0.2.1:1 > 192.0.2.2:4444 S 5:5(0)",
  ]);
  expect(all.filter((l) => l.direction === "got")).toHaveLength(4);
  expect(all[0]!.time).toBe(0);
});

test("--dry-run prints the exact forms and sends nothing", () => {
  const line = "192.0.2.1:1 > 192.0.2.2:7 S 0:0(0) win 65535 sum 0x0bad [ttl 3]";
  expect(craft(["--dry-run", line]).out).toBe(`${line}\n`);
  const hex = craft(["--dry-run", "--hex", line]).out;
  expect(hex).toBe(
    "45000028000000000306" +
      "33cdc0000201c0000202" +
      "00010007000000000000" +
      "00005002ffff0bad0000\n",
  );
  expect(craft(["--dry-run"], hex).out).toBe(`${line}\n`);
  const json = JSON.parse(craft(["--dry-run", "--json", line]).out) as Line & { hex: string };
  expect([json.line, json.hex]).toEqual([line, hex.trim()]);
  expect(json.packet.tcp).toMatchObject({ checksum: 0x0bad });
});

test("--full and --hex print everything", () => {
  const args = ["--expect", "R.", "--full", "--hex", REFUSED];
  expect(craft(args).out).toMatch(
    /got {3}192\.0\.2\.2:4444 > 192\.0\.2\.1:1 R\. .*\[DF\]\n {20}45[0-9a-f]+\n$/,
  );
});

test("--capture - leaves standard output to the capture", () => {
  const { status, stdout } = spawnSync(
    process.execPath,
    [COMMAND, "craft", "--capture", "-", "--expect", "R.", REFUSED],
    { input: "" },
  );
  const passed = readCapture(stdout).map(({ direction, packet }) => [
    direction,
    decode(packet).tcp!.sourcePort,
  ]);
  expect([status, passed]).toEqual([
    0,
    [
      ["out", 1],
      ["in", 4444],
    ],
  ]);
});

test("an expectation that something else came for ends with 1, one that nothing came for with 4", () => {
  const other = craft(["--expect", "S.", "--wait", "0.1", REFUSED]);
  expect(other.code).toBe(1);
  expect(other.err).toMatch(
    /^tuntcp: expected "S\." within 0\.1 s: the last that came was 192\.0\.2\.2:4444 > 192\.0\.2\.1:1 R\. .*\n$/,
  );
  // a wrong checksum is dropped in silence (RFC 9293 MUST-3)
  const nothing = craft(["--expect", "S.", "--wait", "0.1", `${SYN} sum 0x0bad`]);
  expect([nothing.code, nothing.err]).toEqual([
    4,
    'tuntcp: expected "S." within 0.1 s: nothing came\n',
  ]);
  const silent = craft(["--wait", "0.1", `${SYN} sum 0x0bad`]);
  expect([silent.code, silent.err]).toEqual([0, "tuntcp: nothing came back within 0.1 s\n"]);
  // in the order in which they are given
  const args = ["--expect", "R. ack 6", "--expect", "R. ack 6", "--wait", "0.1", REFUSED];
  expect(craft(args).code).toBe(1);
});

test("services and settings of the stack are the user's to choose", () => {
  const only = ["--service", "daytime:99", "--set", "tcp_window_scaling=0"];
  const syn = "192.0.2.1:1 > 192.0.2.2:99 S 0 <mss 1460,nop,wscale 7>";
  const { out } = craft([...only, "--expect", "S.", syn]);
  expect(out).toMatch(/got .* S\. .*<mss 1460>\n$/);
  expect(craft([...only, "--expect", "R.", SYN]).code).toBe(0);
});

test.each<[string[], string]>([
  [["nonsense"], 'packet 1: expected an IPv4 address, not "nonsense" (at "nonsense")'],
  [[SYN.replace("mss", "mms")], "packet 1: mms is no TCP option; did you mean mss?"],
  [["{"], "packet 1: this is no JSON"],
  [['{"ip":{}}'], "packet 1: ip.source is missing"],
  [["450"], "packet 1: 3 hex digits: a byte takes two"],
  [["--expect", "Q", SYN], "--expect Q: expected flags out of SFRPUEWA"],
  [["--wait", "soon", SYN], "--wait soon: give a number from 0 to 86400"],
  [["--gap", "-1", SYN], "--gap -1: give a number"],
  [["--script", "a.ts", SYN], "craft takes packets, or --script, or --replay"],
  [["--script", "absent.ts"], "--script absent.ts: there is no such file"],
  [["--script", "empty.mjs"], "--script empty.mjs: export a function"],
  [["--replay", "x.pcap", "--port", "0"], "--port 0: a number from 1 to 65535"],
  [["--service", "telnet:23", SYN], "telnet:23: no service 'telnet'"],
  [["--capture", "/nowhere/at/all", SYN], "--capture /nowhere/at/all"],
  [
    [SYN.replace(" S 0:0(0) win 65535 <mss 1460>", " S")],
    "packet 1: the sequence number is a number, not the end of the line\n",
  ],
  [["--capture", "-", "--json", SYN], "--capture and --json: standard output takes one of them"],
  [["--peer", "192.0.2", SYN], "--peer 192.0.2: give a host's IPv4 address"],
  [[], "standard input has no packet"],
])("%j is refused in one line", (args, why) => {
  writeFileSync(join(folder, "empty.mjs"), "export const a = 1;\n");
  const { code, out, err } = craft(args);
  expect([code, out]).toEqual([2, ""]);
  expect(err).toMatch(/^tuntcp: [^\n]*\n$/);
  expect(err).toContain(why);
});

describe("a scripted peer", () => {
  function script(name: string, body: string): void {
    const head = 'import { type Peer, PeerError } from "tuntcp/packet";\n';
    const text = `${head}export default async function (peer: Peer): Promise<void> {\n${body}\n  void PeerError;\n}\n`;
    writeFileSync(join(folder, name), text);
  }

  test("holds a conversation", () => {
    script(
      "echo.ts",
      `  const c = await peer.connect(7);
  c.send("P.", "hello");
  await c.expect(". ack 6");
  await c.expect("P. 1:6(5)", "hello");
  c.send("P. 6:9(3)", "abc");
  const text = new TextDecoder().decode(await c.read(3));
  if (text !== "abc") throw new Error(text);
  await c.close();`,
    );
    const { code, out, err } = craft(["--script", "echo.ts"]);
    expect([code, err]).toEqual([0, ""]);
    expect(out).toContain("P. 1:6(5) ack");
    expect(out.trimEnd().split("\n").at(-1)).toMatch(/sent .* \. 10:10\(0\) ack/);
  });

  test("ends with 1 where something else came, with 4 where nothing did, and says which script", () => {
    script(
      "wrong.ts",
      '  const c = await peer.connect(7);\n  c.send("R 1");\n  c.send("P. 1 ack 1", "x");\n  await c.expect("F.");',
    );
    const wrong = craft(["--script", "wrong.ts", "--wait", "0.2"]);
    expect(wrong.code).toBe(1);
    expect(wrong.err).toMatch(
      /^tuntcp: wrong\.ts: expected a segment "F\." within 200 ms: .* came instead\n$/,
    );
    script("mute.ts", '  const c = peer.open(7);\n  c.send("S sum 1");\n  await c.expect("S.");');
    const mute = craft(["--script", "mute.ts", "--wait", "0.1"]);
    expect([mute.code, mute.err]).toEqual([
      4,
      'tuntcp: mute.ts: expected a segment "S." within 100 ms: nothing came\n',
    ]);
    script("own.ts", '  throw new Error("of its own\\nsecond line");');
    const own = craft(["--script", "own.ts"]);
    expect([own.code, own.err]).toEqual([1, "tuntcp: own.ts: of its own\n"]);
  });
});

describe("a capture played again", () => {
  const NAME = "recorded.pcapng";

  /** With timestamps, a hole that is SACKed, and both FINs. */
  function record(): void {
    writeFileSync(
      join(folder, "record.ts"),
      `export default async (peer) => {
  const c = await peer.connect(19, { options: "mss 200,sackOK,TS val 1000 ecr 0,nop,wscale 7", isn: 4000000000 });
  const first = await c.expect("*");
  const second = await c.next();
  const third = await c.next();
  const sack = [second, third].map(({ tcp, payload }) => tcp.seq - c.irs + ":" + (tcp.seq - c.irs + payload.length));
  const stamp = first.tcp.options.find((o) => o.kind === "TS");
  c.send(\`. ack 1 <nop,nop,TS val 1050 ecr \${stamp.val},nop,nop,sack \${sack[0]}>\`);
  c.send(". ack 189");
  await c.next(20);
  c.send("R");
};
`,
    );
    const { code, err } = craft(["--script", "record.ts", "--capture", NAME, "--wait", "1"]);
    expect([code, err]).toEqual([0, ""]);
  }

  test("is told to a stack of other numbers: acks, SACK blocks and timestamps are moved, the rest is as it was", () => {
    record();
    const then = readCapture(readFileSync(join(folder, NAME))).map(({ packet }) => decode(packet));
    const { code, out, err } = craft(["--replay", NAME, "--json", "--wait", "1"]);
    expect(code).toBe(0);
    expect(err).toMatch(
      /^replayed \d+ segments of 192\.0\.2\.1:\d+ > 192\.0\.2\.2:19.*; the other end sent \d+ bytes then, the stack \d+ now\n$/,
    );
    const now = lines(out).map(({ direction, packet }) => ({
      direction,
      packet: fromJson(packet) as Packet,
    }));
    const isn = (all: readonly Packet[]): number =>
      all.find((p) => p.tcp!.sourcePort === 19 && (p.tcp!.flags & 2) !== 0)!.tcp!.seq;
    const before = then.filter((p) => p.tcp!.destinationPort === 19);
    const after = now.filter((p) => p.direction === "sent").map((p) => p.packet);
    const [isnThen, isnNow] = [isn(then), isn(now.map((p) => p.packet))];
    expect(isnNow).not.toBe(isnThen);
    expect(after).toHaveLength(before.length);
    const sentByStack = new Set<number>();
    for (const { packet } of now) {
      if (packet.tcp!.sourcePort !== 19) continue;
      for (const o of packet.tcp!.options) if (o.kind === "TS") sentByStack.add(o.val);
    }
    let sacks = 0;
    for (const [i, b] of before.entries()) {
      const a = after[i]!;
      expect([a.tcp!.seq, a.tcp!.flags, a.tcp!.window, a.payload, a.tcp!.checksum]).toEqual([
        b.tcp!.seq,
        b.tcp!.flags,
        b.tcp!.window,
        b.payload,
        null,
      ]);
      if ((b.tcp!.flags & 16) !== 0)
        expect((a.tcp!.ack - isnNow) >>> 0).toBe((b.tcp!.ack - isnThen) >>> 0);
      for (const [k, o] of b.tcp!.options.entries()) {
        const moved = a.tcp!.options[k]!;
        expect(moved.kind).toBe(o.kind);
        if (o.kind === "sack" && moved.kind === "sack") {
          sacks++;
          expect(moved.blocks.map((e) => e.map((n) => (n - isnNow) >>> 0))).toEqual(
            o.blocks.map((e) => e.map((n) => (n - isnThen) >>> 0)),
          );
        }
        if (o.kind === "TS" && moved.kind === "TS" && o.ecr !== 0) {
          expect(moved.val).toBe(o.val);
          // never one that the stack has not yet said: it would be no echo
          expect(Math.max(...sentByStack)).toBeGreaterThanOrEqual(moved.ecr);
          expect(Math.min(...sentByStack)).toBeLessThanOrEqual(moved.ecr);
        }
      }
    }
    expect(sacks).toBe(1);
  });

  test("may go to another port, faster, and expect an answer", () => {
    record();
    const args = [
      "--replay",
      NAME,
      "--port",
      "19",
      "--to-port",
      "4444",
      "--pace",
      "0",
      "--wait",
      "0.2",
    ];
    const { code, err } = craft(args);
    expect([code, err]).toEqual([
      1,
      "tuntcp: the stack answered the SYN with RST: is something listening on that port?\n",
    ]);
  });

  test("needs a file that has a connection from its beginning", () => {
    expect(craft(["--replay", "absent.pcap"])).toMatchObject({
      code: 1,
      err: "tuntcp: absent.pcap: there is no such file\n",
    });
    writeFileSync(join(folder, "text.pcap"), "no capture, and not too short to be one either");
    expect(craft(["--replay", "text.pcap"]).err).toMatch(/^tuntcp: text\.pcap: not a capture/);
    record();
    expect(craft(["--replay", NAME, "--port", "80"]).err).toBe(
      `tuntcp: ${NAME}: no TCP connection to port 80 begins in it\n`,
    );
  });
});
