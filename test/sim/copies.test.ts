/** What leaves again: nothing whose arrival the sender has heard of, and of what was lost no more than must. */
import { expect, test } from "vitest";
import { readScenario } from "../../src/sim/index.ts";
import type { LinkInput } from "../../src/sim/scenario.ts";
import { Simulation } from "../../src/sim/simulation.ts";
import { createIpv4Header, readIpv4 } from "../../src/wire/ipv4.ts";
import { createTcpSegment, SYN, type TcpSegment } from "../../src/wire/tcp-segment.ts";
import { readTcp } from "../../src/wire/tcp.ts";

/** Bytes of the stream, one mark each: what has arrived, as one end knows it. */
class Known {
  private readonly marks: Uint8Array;

  constructor(bytes: number) {
    this.marks = new Uint8Array(bytes);
  }

  add(from: number, to: number): void {
    this.marks.fill(1, from, to);
  }

  has(from: number, to: number): boolean {
    return this.marks.subarray(from, to).every((mark) => mark === 1);
  }
}

interface Copies {
  readonly all: number;
  /** The receiver had it, the sender could not know. */
  readonly needless: number;
  /** The sender had heard that the receiver has it. */
  readonly heard: number;
  readonly lost: number;
}

function transfer(link: Partial<LinkInput>, settings: Readonly<Record<string, unknown>>): Copies {
  const bytes = 300_000;
  const plan = readScenario({
    duration: "3000s",
    sample: "100s",
    settings: { tcp_syn_retries: 20, tcp_synack_retries: 20, tcp_retries2: 60, ...settings },
    links: [{ from: "a", to: "b", rate: "20mbit", delay: "20ms", queue: 1000, ...link }],
    flows: [{ from: "a", to: "b", bytes }],
  });
  const header = createIpv4Header();
  const s = createTcpSegment();
  const read = (packet: Uint8Array, length: number): TcpSegment => {
    expect(readIpv4(packet, 0, length, header)).toBeNull();
    const { headerLength, source, destination } = header;
    const text = length - headerLength;
    expect(readTcp(packet, headerLength, text, source, destination, true, s)).toBeNull();
    return s;
  };
  let first = 0;
  const at = (seq: number): number => (seq - first) | 0;
  const arrived = new Known(bytes);
  const heard = new Known(bytes);
  const left = new Known(bytes);
  const count = { all: 0, needless: 0, heard: 0 };
  const simulation = new Simulation(plan, {
    seed: 1,
    onPacket: (_now, { name }, p) => {
      const { seq, ack, flags, payloadLength, sack, sackCount } = read(p.buffer, p.length);
      if ((flags & SYN) !== 0) return;
      if (name === "a>b") arrived.add(at(seq), at(seq) + payloadLength);
      else {
        heard.add(0, Math.max(0, at(ack)));
        for (let i = 0; i < sackCount; i++) heard.add(at(sack[2 * i]!), at(sack[2 * i + 1]!));
      }
    },
  });
  const [there] = simulation.network.links;
  const offer = there!.offer.bind(there);
  there!.offer = (p, now) => {
    const { seq, flags, payloadLength } = read(p.buffer, p.length);
    if ((flags & SYN) !== 0) first = (seq + 1) | 0;
    const [from, to] = [at(seq), at(seq) + payloadLength];
    if (payloadLength > 0 && left.has(from, to)) {
      count.all++;
      if (heard.has(from, to)) count.heard++;
      else if (arrived.has(from, to)) count.needless++;
    }
    left.add(from, to);
    offer(p, now);
  };
  const { flows, links } = simulation.run();
  expect(flows[0]!.outcome).toBe("done");
  return { ...count, lost: links[0]!.lost };
}

test.each<[string, Partial<LinkInput>, Readonly<Record<string, unknown>>]>([
  ["a quarter lost both ways", { loss: "25%" }, {}],
  ["a twentieth lost both ways", { loss: "5%" }, {}],
  ["the same without timestamps", { loss: "5%" }, { tcp_timestamps: 0 }],
  ["the same by RFC 6675", { loss: "5%" }, { tcp_recovery: 0 }],
  ["packets that overtake others", { reorder: "2%" }, {}],
])("with %s nothing leaves again that the sender knows to have arrived", (_, link, settings) => {
  const { all, needless, heard, lost } = transfer(link, settings);
  expect(all).toBeGreaterThan(0);
  expect(heard).toBe(0);
  // what arrived is repeated where the ACK is lost or late
  if (lost > 0) expect(needless / all).toBeLessThan(0.35);
});

test("where only data is lost, each lost segment leaves again once", () => {
  const { all, needless, lost } = transfer({ there: { loss: "5%" } }, {});
  expect(lost).toBeGreaterThan(5);
  expect([all, needless]).toEqual([lost, 0]);
});
