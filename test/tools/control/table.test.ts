/** The connection table as text: ss's words, with ss's meaning. */
import { expect, test } from "vitest";
import { instantOf } from "../../../src/base/time.ts";
import { tableText } from "../../../src/tools/control/table.ts";
import { limitOf } from "../../../src/tools/observe/index.ts";
import { TwoStacks, type WireOptions } from "../../support/two-stacks.ts";

/** What `ss` says of A's end after it has sent ten segments. */
function told(options: WireOptions, wait = 1000): string {
  const wire = new TwoStacks(options).established();
  wire.a.endpoint!.send(new Uint8Array(10 * 1448));
  wire.runs(wait);
  const info = wire.a.endpoint!.info(instantOf(wire.time));
  return tableText({ listeners: [], connections: [{ ...info, limit: limitOf(info) }] });
}

const word = (text: string, name: string): string | undefined =>
  new RegExp(`(?:^|\\s)${name}(?::| )(\\S+)`).exec(text)?.[1];

test("a transfer without loss: bytes, segments, rates and times", () => {
  const text = told({});
  expect(text).toMatch(/^ESTAB +0 +0 +192\.0\.2\.1:50000 +192\.0\.2\.2:80/m);
  expect(word(text, "bytes_sent")).toBe("14480");
  expect(word(text, "bytes_acked")).toBe("14480");
  expect(word(text, "data_segs_out")).toBe("10");
  expect(word(text, "data_segs_in")).toBe(undefined);
  expect(word(text, "rtt")).toMatch(/^2\d/);
  const cwnd = Number(word(text, "cwnd"));
  const [srtt] = word(text, "rtt")!.split("/").map(Number) as [number];
  const bits = Number(/send (\d+)bps/.exec(text)![1]);
  expect(bits / ((cwnd * 1448 * 8000) / srtt)).toBeCloseTo(1, 1);
  expect(Number(word(text, "lastsnd"))).toBe(1000);
  expect(Number(word(text, "lastack"))).toBe(980);
  expect(word(text, "unacked")).toBe(undefined);
  expect(word(text, "retrans")).toBe(undefined);
  expect(text.trimEnd().split("\n").at(-1)).toBe("\t nothing to send");
});

test("with a loss what was sent again counts as sent, and is told beside", () => {
  const text = told({ lose: (from, _s, n) => from === "A" && n === 4 });
  expect(word(text, "bytes_sent")).toBe(`${11 * 1448}`);
  expect(word(text, "bytes_retrans")).toBe("1448");
  expect(word(text, "retrans")).toBe("0/1");
});

test("while segments are under way they are told in segments, SACKed and lost ones too", () => {
  const text = told({ lose: (from, _s, n) => from === "A" && n === 4 }, 25);
  expect(word(text, "unacked")).toBe("8");
  expect(word(text, "sacked")).toBe("7");
  expect(word(text, "lost")).toBe("1");
  expect(text).toMatch(/timer:\(on,\d+ms,0\)/);
  expect(text).toContain(" recovery");
  expect(text.trimEnd().split("\n").at(-1)).toMatch(/^\t repairing a loss \(\d+ B lost\)$/);
});
