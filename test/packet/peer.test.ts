/** A scripted peer against a stack of ours, in virtual time: what it fills in, what it notices, and how it fails. */
import { expect, test } from "vitest";
import { instantOf } from "../../src/base/time.ts";
import {
  decode,
  encode,
  formatPacket,
  type Packet,
  parsePacket,
  Peer,
  PeerError,
  type PeerHost,
} from "../../src/packet/index.ts";

/** Answers by hand: what the peer sent is noted, and timers run when the test says so. */
class Bench implements PeerHost {
  readonly lines: string[] = [];
  #now = 0;
  readonly #timers = new Set<{ at: number; call: () => void }>();
  readonly peer: Peer = new Peer(this, { address: "192.0.2.1", target: "192.0.2.2" });

  send(_: Packet, bytes: Uint8Array): void {
    this.lines.push(formatPacket(decode(bytes)).replace(/^\S+ > \S+ /, ""));
  }

  now(): number {
    return instantOf(this.#now);
  }

  after(ms: number, call: () => void): () => void {
    const timer = { at: this.#now + ms, call };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }

  /** The stack at port 7 answers, to the first conversation. */
  comes(segment: string, from = 7, to = 40000): void {
    const packet = parsePacket(`192.0.2.2:${from} > 192.0.2.1:${to} ${segment}`);
    if ("error" in packet) throw new Error(packet.error);
    this.peer.receive(encode(packet));
  }

  async pass(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (;;) {
      await settle();
      const next = [...this.#timers].filter((t) => t.at <= end).sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.#now = next.at;
      this.#timers.delete(next);
      next.call();
    }
    this.#now = end;
  }
}

const settle = async (): Promise<void> => {
  for (let i = 0; i < 20; i++) await Promise.resolve();
};

async function connected(bench: Bench, options?: Parameters<Peer["connect"]>[1]) {
  const opening = bench.peer.connect(7, options);
  await settle();
  const tcp = options?.options === undefined ? "mss 1460" : "mss 1400,TS val 700 ecr 5";
  bench.comes(`S. 1000 ack ${(options?.isn ?? 0) + 1} <${tcp}>`);
  return await opening;
}

test("a connection opens with three segments, numbers filled in", async () => {
  const bench = new Bench();
  const c = await connected(bench);
  expect(bench.lines).toEqual(["S 0:0(0) win 65535 <mss 1460>", ". 1:1(0) ack 1001 win 65535"]);
  expect([c.iss, c.irs, c.sent, c.received, c.mss, c.localPort]).toEqual([
    0, 1000, 1, 1, 1460, 40000,
  ]);
});

test("what is not said follows what was sent and taken; what is said counts from the ISNs", async () => {
  const bench = new Bench();
  const c = await connected(bench, { isn: 0xfffffffe, window: 500 });
  bench.lines.length = 0;
  c.send("P.", "hello");
  c.send("P. 3:6(3)", "LLO");
  c.send("R 100");
  c.send("P. 100", "x");
  c.send(". 1:1(0) ack 0 win 9 <sack 5:9> [ttl 3]");
  c.send(".");
  expect(bench.lines).toEqual([
    'P. 4294967295:4(5) ack 1001 win 500 data "hello"',
    'P. 1:4(3) ack 1001 win 500 data "LLO"',
    "R 98:98(0) win 500",
    'P. 98:99(1) ack 1001 win 500 data "x"',
    ". 4294967295:4294967295(0) ack 1000 win 9 <sack 1005:1009> [ttl 3]",
    ". 4:4(0) ack 1001 win 500",
  ]);
});

test("timestamps go with every segment once both SYNs had them", async () => {
  const bench = new Bench();
  const c = await connected(bench, { options: "mss 1460,TS val 5 ecr 0" });
  await bench.pass(20);
  c.send(".");
  bench.comes("P. 1001 ack 1 <nop,nop,TS val 777 ecr 25> data 61");
  await c.expect("P.", "a");
  c.send(".");
  expect(bench.lines.slice(1)).toEqual([
    ". 1:1(0) ack 1001 win 65535 <nop,nop,TS val 5 ecr 700>",
    ". 1:1(0) ack 1001 win 65535 <nop,nop,TS val 25 ecr 700>",
    ". 1:1(0) ack 1002 win 65535 <nop,nop,TS val 25 ecr 777>",
  ]);
});

test("expect passes over what does not fit, compares only what is said, and says what came instead", async () => {
  const bench = new Bench();
  const c = await connected(bench);
  bench.comes(". 1001 ack 1");
  bench.comes("P. 1001 ack 6 win 7 <nop,nop,sack 3:5> data 6162 [ect0,ttl 60]");
  await c.expect("P. 1:3(2) ack 6 win 7 <sack 3:5> [ect0]", "ab");
  bench.comes("P. 1003 ack 6 win 7 data 6364");
  for (const wrong of ["P. 2:4(2)", "P. 3:6(3)", "P. ack 5", "P. win 8", "* [ttl 60]", "F."]) {
    const failed = c.expect(wrong, undefined, 50).then(
      () => null,
      (error: unknown) => error as PeerError,
    );
    await bench.pass(50);
    const error = await failed;
    expect(error, wrong).toBeInstanceOf(PeerError);
    bench.comes("P. 1003 ack 6 win 7 data 6364");
  }
  const last = c.expect("F.", undefined, 50).catch((error: unknown) => error as PeerError);
  await bench.pass(50);
  expect(((await last) as PeerError).message).toBe(
    'expected a segment "F." within 50 ms: 192.0.2.2:7 > 192.0.2.1:40000 P. 3:5(2) ack 6 win 7 data "cd" came instead',
  );
  expect(((await last) as PeerError).timedOut).toBe(false);
});

test("when nothing comes, expect and connect say so and count as timed out", async () => {
  const bench = new Bench();
  const opening = bench.peer.connect(7).catch((error: unknown) => error as PeerError);
  await bench.pass(999);
  expect(await Promise.race([opening, Promise.resolve("still waiting")])).toBe("still waiting");
  await bench.pass(1);
  const error = (await opening) as PeerError;
  expect(error.message).toBe('expected a segment "S. ack 1" within 1000 ms: nothing came');
  expect(error.timedOut).toBe(true);
});

test("silence is broken by any segment", async () => {
  const bench = new Bench();
  const c = await connected(bench);
  const quiet = c.silence(100);
  await bench.pass(100);
  await quiet;
  const broken = c.silence(100);
  bench.comes(". 1001 ack 1");
  await expect(broken).rejects.toThrow(
    "expected silence for 100 ms: 192.0.2.2:7 > 192.0.2.1:40000 . 1:1(0) ack 1",
  );
});

test("read gathers text in order and acknowledges it; what is out of order waits for nobody", async () => {
  const bench = new Bench();
  const c = await connected(bench);
  bench.lines.length = 0;
  const reading = c.read(6);
  bench.comes("P. 1001 ack 1 data 6162");
  bench.comes("P. 1005 ack 1 data 7878");
  bench.comes("P. 1002 ack 1 data 626364");
  bench.comes("F. 1005 ack 1 data 6566");
  await bench.pass(1);
  expect(new TextDecoder().decode(await reading)).toBe("abcdef");
  expect(bench.lines.map((line) => /ack \d+/.exec(line)![0])).toEqual([
    "ack 1003",
    "ack 1005",
    "ack 1008",
  ]);
  expect([c.ended, c.received]).toEqual([true, 8]);
});

test("close ends both directions", async () => {
  const bench = new Bench();
  const c = await connected(bench);
  bench.lines.length = 0;
  const closing = c.close();
  bench.comes(". 1001 ack 2");
  bench.comes("F. 1001 ack 2");
  await closing;
  expect(bench.lines).toEqual(["F. 1:1(0) ack 1001 win 65535", ". 2:2(0) ack 1002 win 65535"]);
});

test("accept answers a SYN of the stack", async () => {
  const bench = new Bench();
  const accepting = bench.peer.accept(80, { isn: 500 });
  bench.comes("R 7", 1, 2);
  bench.comes("S 9000 <mss 1460>", 3333, 80);
  await bench.pass(1);
  expect(bench.lines).toEqual(["S. 500:500(0) ack 9001 win 65535 <mss 1460>"]);
  bench.comes(". 9001 ack 501", 3333, 80);
  const c = await accepting;
  expect([c.localPort, c.port, c.irs]).toEqual([80, 3333, 9000]);
});

test("packets of no conversation are the peer's own to send and to expect", async () => {
  const bench = new Bench();
  bench.peer.send("192.0.2.1:1 > 192.0.2.2:7 S 5 <mss 9>");
  bench.peer.send({
    ip: { source: "192.0.2.1", destination: "192.0.2.2" },
    tcp: { sourcePort: 1, destinationPort: 7, flags: "R", seq: 6 },
  });
  expect(bench.lines).toEqual(["S 5:5(0) win 65535 <mss 9>", "R 6:6(0) win 65535"]);
  bench.comes(". 1 ack 2", 7, 1);
  bench.comes("R. 0 ack 6", 7, 1);
  expect(formatPacket(await bench.peer.expect("R. ack 6"))).toContain("R. 0:0(0) ack 6");
  const none = bench.peer.next(10);
  await bench.pass(10);
  expect(await none).toBeNull();
});

test("a script's own mistakes are told in one line", async () => {
  const bench = new Bench();
  expect(() => bench.peer.send("nonsense")).toThrow("nonsense: expected an IPv4 address");
  const c = await connected(bench);
  expect(() => c.send("Q")).toThrow("Q: expected flags out of SFRPUEWA");
  expect(() => c.send("P. 1:3(2)", "abc")).toThrow("P. 1:3(2): the data has 3 bytes");
  expect(() => c.send("P.", "€")).toThrow("is no single byte");
  await expect(c.expect("P. windw 3")).rejects.toThrow("windw is not understood here");
  void c.next(5);
  await expect(c.next(5)).rejects.toThrow("two waits for a packet at the same time");
  expect(() => new Peer(bench, { address: "x", target: "192.0.2.2" })).toThrow(
    "x is no IPv4 address",
  );
});
