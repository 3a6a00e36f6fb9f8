/** Hex digits as people paste them. */
import { expect, test } from "vitest";
import { parseHex } from "../../src/packet/index.ts";

test.each([
  ["4500 00ff", [0x45, 0, 0, 255]],
  ["0x45, 0x00, 0xAB", [0x45, 0, 0xab]],
  ["45:00:0a", [0x45, 0, 10]],
  ["", []],
  // tcpdump -x, and -X with the text behind
  ["\t0x0000:  4500 003c\n\t0x0010:  0a00", [0x45, 0, 0, 0x3c, 10, 0]],
  ["\t0x0000:  4500 003c                                 E..<", [0x45, 0, 0, 0x3c]],
  // xxd
  ["00000000: 4500 003c 0a                             E..<.", [0x45, 0, 0, 0x3c, 10]],
])("%j", (text, bytes) => {
  expect([...(parseHex(text) as Uint8Array)]).toEqual(bytes);
});

test.each([
  ["450", "3 hex digits: a byte takes two"],
  ["45 zz", '"z" is no hex digit'],
])("%j is refused: %s", (text, error) => {
  expect(parseHex(text)).toMatchObject({ error });
});
