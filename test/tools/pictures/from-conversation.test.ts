/** What a watcher can tell of a connection, out of its segments. */
import { expect, test } from "vitest";
import {
  figureOfConnections,
  type SeenConnection,
  type SeenSegment,
} from "../../../src/tools/pictures/from-conversation.ts";
import type { Ladder, LadderSegment } from "../../../src/tools/pictures/figure.ts";
import { svg } from "../../../src/tools/pictures/svg.ts";
import { descendants, parseXml } from "./support/xml.ts";

type Row = readonly [
  time: number,
  way: ">" | "<",
  seq: number,
  length: number,
  ack: number,
  options?: string,
];

function seen(rows: readonly Row[], window = 10_000): SeenConnection {
  const rungs = rows.map(([time, way, seq, length, ack, options = ""]): SeenSegment => {
    const flags = ack > 0 ? 0x10 : 0x02;
    return { time, fromLeft: way === ">", flags, seq, length, ack, window, options, remark: "" };
  });
  return { left: "a:1", right: "b:2", rungs };
}

/** A handshake, three segments of which the second is lost, a SACK, and its retransmission. */
const LOSS = seen([
  [1000, ">", 0, 0, 0],
  [1010, "<", 0, 0, 1],
  [1010, ">", 1, 0, 1],
  [1020, ">", 1, 100, 1],
  [1021, ">", 101, 100, 1],
  [1022, ">", 201, 100, 1],
  [1040, "<", 1, 0, 101],
  [1042, "<", 1, 0, 101, "sack 201:301"],
  [1050, ">", 101, 100, 1],
  [1070, "<", 1, 0, 301],
]);

test("segments, retransmissions, ACKs, windows and SACK blocks are marks from byte 0 and time 0 on", () => {
  const { sequences, owners, duration } = figureOfConnections("x.pcapng", [LOSS]);
  expect(duration).toBe(70);
  expect(owners.map(({ name }) => name)).toEqual(["a:1 → b:2"]);
  const marks = Object.fromEntries(
    sequences[0]!.marks.map(({ kind, t, from, to }) => [
      kind,
      [...t].map((time, i) => [time, from[i], to[i]]),
    ]),
  );
  expect(marks).toEqual({
    data: [
      [20, 0, 100],
      [21, 100, 200],
      [22, 200, 300],
    ],
    retransmission: [[50, 100, 200]],
    sack: [[42, 200, 300]],
    ack: [
      [10, 0, 0],
      [40, 100, 100],
      [42, 100, 100],
      [70, 300, 300],
    ],
    window: [
      [10, 10_000, 10_000],
      [40, 10_100, 10_100],
      [42, 10_100, 10_100],
      [70, 10_300, 10_300],
    ],
  });
});

test("flight, round-trip time without what was sent twice, and rate follow from them", () => {
  const { panels } = figureOfConnections("x", [LOSS]);
  const of = (id: string): [number, number][] => {
    const { t, v } = panels.find((p) => p.id === id)!.lines[0]!;
    return [...t].map((time, i) => [time, v[i]!]);
  };
  expect(of("flight")).toEqual([
    [20, 100],
    [21, 200],
    [22, 300],
    [40, 200],
    [70, 0],
  ]);
  // the ACK of the retransmission tells no time (RFC 6298 §3)
  expect(of("rtt")).toEqual([[40, 20]]);
  const sum = of("rate").reduce((total, [, rate]) => total + (rate * 70) / 200 / 8000, 0);
  expect(sum).toBeCloseTo(300);
});

test("both directions of a connection are shown, and of many only those with most bytes", () => {
  const both = seen([
    [0, ">", 1, 10, 1],
    [5, "<", 1, 2000, 11],
    [9, ">", 11, 0, 2001],
  ]);
  const names = figureOfConnections("x", [both]).owners.map(({ name }) => name);
  expect(names).toEqual(["b:2 → a:1", "a:1 → b:2"]);
  const many = Array.from({ length: 30 }, (_, i) => seen([[0, ">", 1, 100 + i, 1]]));
  const figure = figureOfConnections("x", many);
  expect(figure.owners).toHaveLength(12);
  expect(figure.owners[0]!.facts).toContainEqual(["bytes", "129 B"]);
  expect(figure.runs[0]!.facts).toContain("the 12 of 30 directions with most bytes");
});

test("a capture without data is a ladder alone", () => {
  const segment = (sent: number, fromLeft: boolean, label: string): LadderSegment => ({
    sent,
    arrived: sent + 5,
    fromLeft,
    time: `${sent}.000`,
    labels: [label],
    look: "plain",
    notes: [],
  });
  const ladder: Ladder = {
    left: "a:1",
    right: "b:2",
    segments: [segment(0, true, "SYN seq 0"), segment(9, false, "RST")],
    states: { left: [{ at: 0, state: "SYN-SENT" }], right: [{ at: -1, state: "CLOSED" }] },
    gaps: [{ before: 1, text: "… 7 more" }],
    remarks: ["flight times are guessed"],
  };
  const figure = figureOfConnections("x", [seen([[0, ">", 0, 0, 0]])], [ladder]);
  expect(figure.panels).toEqual([]);
  const said = [...descendants(parseXml(svg(figure)))].map((e) => e.text);
  expect(said).toEqual(
    expect.arrayContaining([
      "a:1",
      "b:2",
      "SYN seq 0",
      "SYN-SENT",
      "… 7 more",
      "RST",
      "flight times are guessed",
    ]),
  );
});
