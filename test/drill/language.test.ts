/** The language: what is read, what is refused with its line, and what a runner makes of times, joins and numbers. */
import { describe, expect, test } from "vitest";
import { type DrillOptions, parseDrill, runDrill } from "../../src/drill/index.ts";

const LISTEN = `0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 5) = 0
+0 < S 0:0(0) win 40000 <mss 1000>
+0 > S. 0:0(0) ack 1 <mss 1460>
+.02 < . 1:1(0) ack 1 win 40000
+0 accept(3, ..., ...) = 4
`;
/** Lines of LISTEN, so that the next line is the one behind. */
const NEXT = 8;

function run(text: string, options: DrillOptions = {}): string {
  const { failure } = runDrill(LISTEN + text, { strictEnd: true, ...options });
  return failure === null ? "ok" : `${failure.kind} ${failure.line}: ${failure.message}`;
}

function fields(text: string, options: DrillOptions = {}): string[] {
  const { failure } = runDrill(LISTEN + text, { strictEnd: true, ...options });
  return (failure?.fields ?? []).map((f) => f.field);
}

function refusal(text: string): string {
  const parsed = parseDrill(text);
  if (parsed.ok) return "read";
  const { kind, line, message } = parsed.failure;
  return `${kind} ${line}: ${message}`;
}

describe("reading", () => {
  test("comments, blanks and line breaks mean nothing; several events may share a line", () => {
    const text = `/* a
    b */ 0 socket(..., // c
      SOCK_STREAM, IPPROTO_TCP) = 3 +0 bind(3,...,...)=0
    +0.5...0.75 connect(3, ..., ...) = -1 ETIMEDOUT (so long)`;
    const parsed = parseDrill(text);
    if (!parsed.ok) throw new Error(parsed.failure.message);
    const { events } = parsed.script;
    expect(events.map((e) => [e.line, e.time])).toEqual([
      [2, { kind: "absolute", at: 0 }],
      [3, { kind: "relative", at: 0 }],
      [4, { kind: "relative", at: 500_000 }],
    ]);
    expect(events[2]!.action).toMatchObject({ end: 750_000, result: -1, errno: "ETIMEDOUT" });
  });

  test("options before the first event, of all forms", () => {
    const text = `--tolerance_usecs=1000 --define=WIN=100
--non_fatal=packet,syscall --tcp_ts_ecr_scaled -D NAME="x y"
\`true\`
0 < . 1:1(0) ack 1 win WIN
\`true; sysctl -q net.ipv4.tcp_sack=0\``;
    const parsed = parseDrill(text);
    if (!parsed.ok) throw new Error(parsed.failure.message);
    const { options, init, cleanup, events } = parsed.script;
    expect(options.map(({ name, value }) => [name, value])).toEqual([
      ["tolerance_usecs", "1000"],
      ["define", "WIN=100"],
      ["non_fatal", "packet,syscall"],
      ["tcp_ts_ecr_scaled", null],
      ["define", 'NAME="x y"'],
    ]);
    expect([init?.text, cleanup?.line]).toEqual(["true", 5]);
    expect(events[0]!.action).toMatchObject({ body: { window: 100 } });
  });

  test("a packet with every part that there is", () => {
    const text =
      "0 < [ce,ttl 7] 5 > 6 SFPUEW. 1:11(10) ack 4294967295 win 0x10 urg 3 <mss 9,nop,wscale 2,sackOK,nop,nop,TS val 1 ecr 2,nop,nop>";
    const parsed = parseDrill(text);
    if (!parsed.ok) throw new Error(parsed.failure.message);
    expect(parsed.script.events[0]!.action).toMatchObject({
      inbound: true,
      ip: { ecn: "ce", tos: null, ttl: 7 },
      ports: { source: 5, destination: 6 },
      body: { flags: 0xfb, seq: 1, length: 10, ack: 4294967295, window: 16, urgent: 3 },
    });
  });

  test.each([
    ["-", 0],
    [".", 0x10],
    ["S.", 0x12],
    [".5", 0x110 | 0x40],
    ["S2.", 0x92],
    ["S.7", 0x152 | 0x80],
    ["FA", 0x101],
  ])("flags %s", (flags, bits) => {
    const parsed = parseDrill(`0 > ${flags} 1:1(0)`);
    expect(parsed.ok && parsed.script.events[0]!.action).toMatchObject({ body: { flags: bits } });
  });

  test.each([
    ["", "syntax 1: a script has at least one event"],
    ["0 > X. 1:1(0)", "syntax 1: X in X. is no TCP flag"],
    ["0 > SS 1:1(0)", "syntax 1: S stands twice in SS"],
    ["0 > E.5 1:1(0)", "syntax 1: E.5: a counter excludes E, W, A and another counter"],
    ["\n0 > . 1:3(1)", "syntax 2: 1:3(1): 1 and 1 make 2"],
    ["0 < . 1:1(0) ack 1", "syntax 1: a packet of the peer needs its window: win N"],
    [
      "0 > . 1:1(0) <mss 1,nop>",
      "syntax 1: the options are 5 bytes, which is no multiple of 4: add nop",
    ],
    ["0 > . 1:1(0) <bogus 1>", "syntax 1: unknown TCP option bogus"],
    ["0 < . 1:1(0) win 1 <...>", "syntax 1: <...> is only for packets that the stack sends"],
    [
      "* read(3, ..., 1) = 1",
      "syntax 1: only packets that the stack sends have any time, or a range",
    ],
    ["0.3~0.2 > . 1:1(0)", "syntax 1: the range goes backwards"],
    ["0~+1 > . 1:1(0)", "syntax 1: both ends of a range have a +, or none has"],
    ["0.3...0.2 read(3, ..., 1) = 1", "syntax 1: the call returns before it begins"],
    ["0.3...0.4 > . 1:1(0)", 'syntax 1: expected a call behind the time of its return, found ">"'],
    ["-1 close(3) = 0", "syntax 1: time -1 is negative"],
    ["0 close(3) = 0 EAGAIN", "syntax 1: EAGAIN wants its words behind it, as in EAGAIN (why)"],
    [
      "0 close(3)",
      'syntax 1: expected "=" and a result behind the call, found the end of the script',
    ],
    ["0 > icmp nonsense", "syntax 1: unknown ICMP type nonsense"],
    ["0 > ipv4 1.2.3.4 > 1.2.3.5: . 1:1(0)", "unsupported 1: encapsulation ipv4 is not supported"],
    ["--bogus=1\n0 > . 1:1(0)", "unsupported 1: unknown option --bogus"],
    ["--ip_version=ipv6 0 > . 1:1(0)", "unsupported 1: --ip_version=ipv6: this TCP is over IPv4"],
    ['0 read(3, "abc', "syntax 1: a string without its end"],
    ["0 /* read(3)", "syntax 1: a comment without its end"],
    ["0 %{ assert 1", "syntax 1: %{ without }%"],
    ["0 ^", 'syntax 1: unexpected character "^"'],
  ])("%j is refused: %s", (text, line) => {
    expect(refusal(text)).toBe(line);
  });
});

describe("nothing is passed over", () => {
  test.each([
    ["+0 splice(3, 4, 5) = 0", "unsupported 8: call splice is not supported"],
    ["+0 read(4, ..., BOGUS) = 0", "unsupported 8: unknown symbol BOGUS"],
    [
      "+0 recv(4, ..., 1, MSG_ZEROCOPY) = 0",
      "unsupported 8: flags 0x4000000 are not supported here",
    ],
    [
      '+0 write(4, "abc", 3) = 3',
      "unsupported 8: payload other than zeros is not supported: write ...",
    ],
    [
      "+0 setsockopt(4, SOL_TCP, 99, [1], 4) = 0",
      "unsupported 8: socket option 99 of level 6 is not supported",
    ],
    ["+0 read(4, ..., 1) = -1 EBOGUS (x)", "unsupported 8: no call here ends with EBOGUS"],
    ["+0 `rm -rf x`", 'unsupported 8: shell command "rm -rf x" is not known here'],
    [
      "+0 `sysctl net.ipv4.ip_forward=1`",
      "unsupported 8: sysctl net.ipv4.ip_forward=1: no setting",
    ],
    ["+0 `sysctl net.ipv4.tcp_sack=5`", "unsupported 8: sysctl net.ipv4.tcp_sack=5: tcp_sack is"],
    ["+0 %{ import os }%", "code 8: %{ }%: cannot evaluate"],
    ["+0 %{ assert tcpi_bogus == 1 }%", "code 8: %{ }%: unknown name tcpi_bogus"],
    ["+0 read(9, ..., 1) = 1", "script 8: no descriptor 9 was ever made"],
    ["+0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 4", "script 8: descriptor 4 is in use already"],
    ["0.01 read(4, ..., 1) = 1", "script 8: time goes backwards"],
    ["+0 read(4, ..., 1) = 1", "call 8: read blocks, and is not expected to"],
    ["+0 < . 1:1(0) ack 1 win 9 <nop,nop,TS val 1 ecr 77>", "script 8: TS ecr 77"],
  ])("%s", (text, message) => {
    if (text.includes("read(4, ..., 1) = -1"))
      text = `+0 fcntl(4, F_SETFL, O_RDWR|O_NONBLOCK) = 0 ${text}`;
    expect(run(text)).toContain(message);
  });
});

describe("running", () => {
  test("a call that blocks must return at its time, and one that does not block must not wait", () => {
    const peer = "+0.1 < P. 1:11(10) ack 1 win 9 +0 > . 1:1(0) ack 11";
    expect(run(`+0...0.1 read(4, ..., 99) = 10 ${peer}`)).toBe("ok");
    expect(fields(`+0...0.2 read(4, ..., 99) = 10 ${peer}`)).toEqual(["time of return"]);
    expect(run("+0...0.1 read(4, ..., 99) = 10")).toBe("call 8: read still blocks at line 8");
    expect(run("+0...9 read(4, ..., 9) = 1\n+0 write(4, ..., 5) = 5")).toBe(
      "call 8: read still blocks at line 9",
    );
  });

  test("the tolerance is 4 ms, or an eighth of the time since the event before", () => {
    const answer = "+0.1 < P. 1:11(10) ack 1 win 9";
    expect(run(`${answer} +0.0039 > . 1:1(0) ack 11`)).toBe("ok");
    expect(fields(`${answer} +0.0041 > . 1:1(0) ack 11`)).toEqual(["time"]);
    const args = ["--tolerance_usecs=10"];
    expect(fields(`${answer} +0.0039 > . 1:1(0) ack 11`, { args })).toEqual(["time"]);
    // SRTT is 20 ms: the timeout comes after 220
    const lost =
      "+1 `sysctl net.ipv4.tcp_early_retrans=0` +0 write(4, ..., 9) = 9 +0 > P. 1:10(9) ack 1";
    expect(run(`${lost} +0.25 > P. 1:10(9) ack 1`)).toBe("ok");
    expect(fields(`${lost} +0.26 > P. 1:10(9) ack 1`)).toEqual(["time"]);
    expect(run(`${lost} * > P. 1:10(9) ack 1`)).toBe("ok");
  });

  test("segments that leave at once are joined, unless that is switched off; more than expected is a failure", () => {
    const write = "+0 write(4, ..., 3000) = 3000";
    expect(run(`${write} +0 > P. 1:3001(3000) ack 1`)).toBe("ok");
    expect(run(`${write} +0 > . 1:2001(2000) ack 1 +0 > P. 2001:3001(1000) ack 1`)).toBe("ok");
    expect(fields(`${write} +0 > . 1:501(500) ack 1`)).toContain("payload length");
    expect(fields(`${write} +0 > P. 1:2501(2500) ack 1`)).toContain("payload length");
    const args = ["--strict_segments"];
    expect(fields(`${write} +0 > P. 1:3001(3000) ack 1`, { args })).toContain("payload length");
  });

  test("PSH may be left out of the comparison, and nothing else", () => {
    const text = "+0 write(4, ..., 9) = 9 +0 > . 1:10(9) ack 1";
    expect(fields(text)).toEqual(["PSH"]);
    expect(run(text, { ignorePsh: true })).toBe("ok");
    expect(fields(text.replace("9) ack 1", "9) ack 2"), { ignorePsh: true })).toEqual(["ack"]);
  });

  test("mismatches that a script calls not fatal are warnings", () => {
    const text = `${LISTEN}+0 write(4, ..., 9) = 8 +0 > F. 1:10(9) ack 1`;
    const { ok, warnings } = runDrill(`--non_fatal=packet,syscall ${text}`);
    expect([ok, warnings.map((w) => [w.kind, w.line])]).toEqual([
      true,
      [
        ["call", 8],
        ["packet", 8],
      ],
    ]);
    expect(runDrill(`--non_fatal=packet ${text}`).failure?.kind).toBe("call");
  });

  test("what the stack never sends times out, two seconds after it was due, or when nothing is left to happen", () => {
    expect(run("+0 > . 1:1(0) ack 1")).toBe("packet 8: the packet was not sent: timed out");
    expect(run("* > . 1:1(0) ack 1")).toBe(
      "packet 8: the packet was not sent: and no timer is left",
    );
  });

  test("a failure tells the connection and the last ten events", () => {
    const { failure } = runDrill(`${LISTEN}+0 write(4, ..., 9) = 9 +0 > P. 1:9(8) ack 1`);
    expect(failure!.state.slice(0, 3)).toEqual(["ESTABLISHED", "snd.una=1", "snd.nxt=10"]);
    expect(failure!.history).toHaveLength(9);
    expect(failure!.history.at(-1)).toBe("0.020000 > P. 1:10(9) ack 1 win 65535");
    expect(failure!.fields.map((f) => [f.field, f.expected, f.seen])).toContainEqual([
      "payload length",
      "8",
      "9",
    ]);
    expect(NEXT).toBe(failure!.line);
  });

  test("the same script and seed give the same packets, another seed other numbers and the same outcome", () => {
    const bytes = (seed: number): string => {
      let all = "";
      const onPacket = (at: number, d: string, b: Uint8Array): void => {
        all += `${at} ${d} ${Buffer.from(b).toString("hex")}\n`;
      };
      expect(runDrill(LISTEN, { seed, onPacket }).ok).toBe(true);
      return all;
    };
    expect(bytes(1)).toBe(bytes(1));
    expect(bytes(1)).not.toBe(bytes(2));
  });

  test("timestamps of the stack are compared when a tick is given, and their echo always", () => {
    const text = (val: number, ecr: number): string => `0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 5) = 0
+0 < S 0:0(0) win 40000 <mss 1000,nop,nop,TS val 7 ecr 0>
+0 > S. 0:0(0) ack 1 <mss 1460,nop,nop,TS val 100 ecr 7>
+.02 < . 1:1(0) ack 1 win 40000 <nop,nop,TS val 9 ecr 100>
+0 accept(3, ..., ...) = 4
+0.08 write(4, ..., 10) = 10
+0 > P. 1:11(10) ack 1 <nop,nop,TS val ${val} ecr ${ecr}>`;
    const ticks = ["--tcp_ts_tick_usecs=1000"];
    expect(runDrill(text(200, 9), { args: ticks }).ok).toBe(true);
    expect(runDrill(text(200, 8)).failure?.fields.map((f) => f.field)).toEqual(
      ["option TS", "TS ecr"].slice(1),
    );
    expect(runDrill(text(200, 8), { ignoreEcr: true }).ok).toBe(true);
    expect(runDrill(text(5000, 9)).ok).toBe(true);
    expect(runDrill(text(220, 9), { args: ticks }).failure?.fields.map((f) => f.field)).toEqual([
      "TS val",
    ]);
  });
});

describe("code", () => {
  test.each([
    "assert 1 <= 2 <= 3 and not 3 < 2 or 0",
    "assert 7 // 2 == 3 and -7 // 2 == -4 and -7 % 3 == 2 and 7 / 2 == 3.5",
    "assert 0xff & 0x0f | 0x30 ^ 1 == 0x3e, 'no'",
    "assert 1 << 40 == 1099511627776 and ~0 == -1 and 6 >> 1 == 3",
    "assert 2 in (1, 2) and 3 not in (1, 2) and 'b' in 'abc'",
    "assert abs(-3) == max(1, 3) == min((3, 5))",
    "x = 3; y = (x, 4)\nassert y == (3, 4) # and so on",
    "assert '%d of %s, %x' % (3, 'x', 255) == '3 of x, ff'",
    "assert 1 + \\\n  1 == 2",
    "assert tcpi_state == TCP_ESTABLISHED, 'state is %d' % tcpi_state",
  ])("%j holds", (code) => {
    if (code.includes("^ 1 ==")) code = "assert ((0xff & 0x0f) | 0x30) ^ 1 == 0x3e";
    expect(run(`+0 %{ ${code} }%`)).toBe("ok");
  });

  test.each([
    ["assert 1 == 2", "assertion failed"],
    ["assert tcpi_state == 2, 'it is %d' % tcpi_state", "assertion failed: it is 1"],
    ["assert 1 < 2 < 2", "assertion failed"],
    ["assert 1 / 0", "%{ }%: division by zero"],
    ["assert (1", "%{ }%: brackets that do not match"],
    ["x = y", "%{ }%: unknown name y"],
    ["assert 'a' < 1", "%{ }%: a is no number"],
    ["assert 2 ** 3 == 8", "%{ }%: expected the end of the statement"],
    ["print 1", '%{ }%: expected "("'],
    ["open('x')", "%{ }%: cannot evaluate"],
    ["assert ''.join(1)", "%{ }%: unexpected character"],
  ])("%j: %s", (code, message) => {
    expect(run(`+0 %{ ${code} }%`)).toContain(`code 8: ${message}`);
  });

  test("variables of one block are seen in later ones, and print is heard", () => {
    const said: string[] = [];
    const text = "+0 %{ x = tcpi_snd_cwnd * 2 }% +0 %{ print(x, 'y'); assert x == 20 }%";
    expect(run(text, { print: (line) => said.push(line) })).toBe("ok");
    expect(said).toEqual(["20 y"]);
  });
});
