/** Another TCP seen from outside: ours in memory stands for it, as it is, and with mistakes put in. */
import { expect, test } from "vitest";
import { LISTEN_PORT, RST, STACK_ADDRESS } from "../../../src/fuzz/peer.ts";
import { sealTcp } from "../../../src/fuzz/bytes.ts";
import { Outside, type OutsideReport } from "../../../src/tools/fuzz/kernel/outside.ts";
import { seededRng } from "../../../src/base/rng.ts";
import { instantOf } from "../../../src/base/time.ts";
import type { Listener } from "../../../src/stack/listener.ts";
import { Stack } from "../../../src/stack/stack.ts";
import { SETTINGS } from "../../../src/tools/fuzz/kernel/ours.ts";
import { ipv4 } from "../../../src/wire/address.ts";
import { RecordingSender } from "../../support/recording-sender.ts";

interface Mistake {
  /** What it sends instead. */
  readonly answer: (packet: Uint8Array, asked: Uint8Array) => readonly Uint8Array[];
  readonly deaf?: boolean;
}

const RIGHT: Mistake = { answer: (packet) => [packet] };

async function look({ answer, deaf }: Mistake): Promise<OutsideReport> {
  const sender = new RecordingSender();
  const stack = new Stack({
    addresses: [{ address: ipv4(STACK_ADDRESS), prefix: 24 }],
    rng: seededRng(1),
    now: instantOf(0),
    sender,
    settings: SETTINGS,
  });
  const owner = {
    onConnection: (listener: Listener): void => {
      const endpoint = listener.accept();
      if (endpoint !== null)
        endpoint.owner = { onEvents: (e) => void (e.receive() === null ? 0 : e.receive()) };
    },
  };
  if (deaf !== true) stack.listen({ port: LISTEN_PORT, owner });
  const outside: Outside = new Outside({
    address: ipv4(STACK_ADDRESS),
    port: LISTEN_PORT,
    peer: ipv4(0xc0000263 | 0),
    seed: 1,
    first: 0,
    sequences: 30,
    onProgress: () => {},
    signal: new AbortController().signal,
    send: (asked) => {
      stack.input(asked, 0, asked.length, 0, instantOf(performance.now()));
      stack.poll(instantOf(performance.now()));
      for (const { bytes } of sender.packets.splice(0)) {
        for (const packet of answer(bytes, asked)) outside.receive(packet.slice());
      }
    },
  });
  return outside.run();
}

const rules = ({ findings }: OutsideReport): string[] => [
  ...new Set(findings.map(({ rule, message }) => `${rule} ${message.split(":")[0]}`)),
];

test("a TCP without a mistake has no findings", async () => {
  const report = await look(RIGHT);
  expect(report.findings).toEqual([]);
  expect(report.sequences).toBe(30);
});

test("a RST in answer to a RST is found", async () => {
  const report = await look({
    answer: (packet, asked) => {
      if ((asked[33]! & RST) === 0) return [packet];
      const reset = packet.slice();
      reset[33] = RST;
      sealTcp(reset, 20, reset.length);
      return [reset];
    },
  });
  expect(rules(report)).toEqual(["I4 RST answered with RST"]);
  expect(report.findings[0]!.input).toMatchObject({ steps: expect.anything() as unknown });
});

test("wrong lengths and checksums are found", async () => {
  const spoil = (at: number): Mistake => ({
    answer: (packet) => [packet.map((byte, i) => (i === at ? byte ^ 1 : byte))],
  });
  expect(rules(await look(spoil(3)))).toContain("I8 wrong length");
  expect(rules(await look(spoil(8)))).toEqual(["I8 wrong checksum"]);
  expect(rules(await look(spoil(35)))).toEqual(["I8 wrong checksum"]);
});

test("more than one RST for a packet is found", async () => {
  const report = await look({
    answer: (packet) => ((packet[33]! & RST) === 0 ? [packet] : [packet, packet]),
  });
  expect(rules(report)).toEqual(["I4 several RSTs"]);
});

test("a TCP that serves nobody is found", async () => {
  expect(rules(await look({ ...RIGHT, deaf: true }))).toEqual([
    "I2 a SYN of an honest peer is not answered",
  ]);
});
