/** Transfers whose sequence numbers cross from 4294967295 to 0, over a wire that loses and reorders (RFC 9293 §3.4). */
import { expect, test } from "vitest";
import { seqUnsigned } from "../../src/wire/seq.ts";
import { TwoStacks } from "../support/two-stacks.ts";

const PORT = 50000;

/** When A's initial sequence number is `wanted`: the clock beneath it ticks 250 times a ms. */
function momentOf(wanted: number): number {
  const probe = new TwoStacks();
  probe.a.connects(probe.b, 80, PORT);
  probe.settle();
  return ((wanted - seqUnsigned(probe.a.isn)) >>> 0) / 250;
}

test.each([0, 1, 2, 3])(
  "a stream that begins at 4294967000 arrives whole, with loss and reordering at the wrap (%i) [9293-3.4-MOD]",
  (variant) => {
    const at = momentOf(4_294_967_000);
    const w = new TwoStacks({
      settings: variant % 2 === 0 ? {} : { tcp_sack: 0, tcp_timestamps: 0 },
      lose: (from, _s, n) => from === "A" && (n === 2 || n === 3 + variant),
    });
    w.b.listens(80);
    w.runs(at);
    w.a.connects(w.b, 80, PORT);
    w.runs(100);
    expect(seqUnsigned(w.a.isn)).toBeGreaterThan(4_294_966_990);
    expect(seqUnsigned(w.a.isn)).toBeLessThan(4_294_967_010);
    // every third packet of A takes a detour
    const { lose } = w;
    w.lose = (from, s, n) => {
      w.delay = from === "A" && n % 3 === 0 ? 25 : 10;
      return lose(from, s, n);
    };
    const bytes = Uint8Array.from({ length: 50_000 }, (_, i) => (i * 31 + (i >> 8)) & 0xff);
    w.a.endpoint!.send(bytes);
    w.a.endpoint!.shutdown();
    w.runs(20_000);
    expect(Uint8Array.from(w.b.received)).toEqual(bytes);
    expect(w.b.state).toBe("CLOSE-WAIT");
    expect(w.a.endpoint!.info().retransmits).toBeGreaterThan(0);
    expect(w.a.endpoint!.info().sndUna).toBe(50_002 + seqUnsigned(w.a.isn) - 2 ** 32);
  },
);
