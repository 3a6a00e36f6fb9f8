/**
 * Each scene of `tuntcp show` says what it must: moment, sender with its state, segment, receiver with its state, held against
 * RFC 9293's figures where it has one.
 */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import {
  play,
  sceneHtml,
  sceneJson,
  SCENES,
  sceneSvg,
  sceneText,
} from "../../../src/tools/show/index.ts";
import { lineOf } from "../../../src/tools/show/scene.ts";
import type { Played, SceneSegment } from "../../../src/tools/show/record.ts";

const STORIES: Readonly<Record<string, readonly string[]>> = {
  handshake: [
    "0 A SYN-SENT > SYN seq 0 ack 0 > B SYN-RECEIVED",
    "10 B SYN-RECEIVED > SYN,ACK seq 0 ack 1 > A ESTABLISHED",
    "20 A ESTABLISHED > ACK seq 1 ack 1 > B ESTABLISHED",
  ],
  "handshake-lost-ack": [
    "0 A SYN-SENT > SYN seq 0 ack 0 > B SYN-RECEIVED",
    "10 B SYN-RECEIVED > SYN,ACK seq 0 ack 1 > A ESTABLISHED",
    "20 A ESTABLISHED > ACK seq 1 ack 1 > lost",
    "1010 B SYN-RECEIVED > SYN,ACK seq 0 ack 1 > A ESTABLISHED",
    "1020 A ESTABLISHED > ACK seq 1 ack 1 > B ESTABLISHED",
  ],
  "old-duplicate-syn": [
    "0 A SYN-SENT > SYN seq 0 ack 0 > B SYN-RECEIVED",
    "0 A SYN-SENT > SYN seq 366924695 ack 0 > B SYN-RECEIVED",
    "10 B SYN-RECEIVED > SYN,ACK seq 0 ack 366924696 > A SYN-SENT",
    "20 A SYN-SENT > RST seq 366924696 ack 0 > B LISTEN",
    "60 B SYN-RECEIVED > SYN,ACK seq 12500 ack 1 > A ESTABLISHED",
    "70 A ESTABLISHED > ACK seq 1 ack 12501 > B ESTABLISHED",
  ],
  "simultaneous-open": [
    "0 A SYN-SENT > SYN seq 0 ack 0 > B SYN-RECEIVED",
    "0 B SYN-SENT > SYN seq 0 ack 0 > A SYN-RECEIVED",
    "10 B SYN-RECEIVED > SYN,ACK seq 0 ack 1 > A ESTABLISHED",
    "10 A SYN-RECEIVED > SYN,ACK seq 0 ack 1 > B ESTABLISHED",
  ],
  refused: [
    "0 A SYN-SENT > SYN seq 0 ack 0 > B CLOSED",
    "10 B CLOSED > RST,ACK seq 0 ack 1 > A CLOSED",
  ],
  data: [
    "100 A ESTABLISHED > PSH,ACK seq 1:101 ack 1 > B ESTABLISHED",
    "110 B ESTABLISHED > ACK seq 1 ack 101 > A ESTABLISHED",
    "130 B ESTABLISHED > ACK seq 1:1449 ack 101 > A ESTABLISHED",
    "130 B ESTABLISHED > ACK seq 1449:2897 ack 101 > A ESTABLISHED",
    "130 B ESTABLISHED > PSH,ACK seq 2897:4001 ack 101 > A ESTABLISHED",
    "140 A ESTABLISHED > ACK seq 101 ack 1449 > B ESTABLISHED",
    "140 A ESTABLISHED > ACK seq 101 ack 2897 > B ESTABLISHED",
    "140 A ESTABLISHED > ACK seq 101 ack 4001 > B ESTABLISHED",
  ],
  "zero-window": [
    "100 A ESTABLISHED > ACK seq 1:1461 ack 1 > B ESTABLISHED",
    "100 A ESTABLISHED > ACK seq 1461:2921 ack 1 > B ESTABLISHED",
    "100 A ESTABLISHED > PSH,ACK seq 2921:4381 ack 1 > B ESTABLISHED",
    "110 B ESTABLISHED > ACK seq 1 ack 1461 > A ESTABLISHED",
    "110 B ESTABLISHED > ACK seq 1 ack 2921 > A ESTABLISHED",
    "110 B ESTABLISHED > ACK seq 1 ack 4381 > A ESTABLISHED",
    "340 A ESTABLISHED > ACK seq 4380 ack 1 > B ESTABLISHED",
    "350 B ESTABLISHED > ACK seq 1 ack 4381 > A ESTABLISHED",
    "780 A ESTABLISHED > ACK seq 4380 ack 1 > B ESTABLISHED",
    "790 B ESTABLISHED > ACK seq 1 ack 4381 > A ESTABLISHED",
    "1660 A ESTABLISHED > ACK seq 4380 ack 1 > B ESTABLISHED",
    "1670 B ESTABLISHED > ACK seq 1 ack 4381 > A ESTABLISHED",
    "2100 B ESTABLISHED > ACK seq 1 ack 4381 > A ESTABLISHED",
    "2110 A ESTABLISHED > ACK seq 4381:5841 ack 1 > B ESTABLISHED",
    "2110 A ESTABLISHED > PSH,ACK seq 5841:6001 ack 1 > B ESTABLISHED",
    "2120 B ESTABLISHED > ACK seq 1 ack 5841 > A ESTABLISHED",
    "2120 B ESTABLISHED > ACK seq 1 ack 6001 > A ESTABLISHED",
  ],
  loss: [
    "100 A ESTABLISHED > ACK seq 1:1461 ack 1 > B ESTABLISHED",
    "100 A ESTABLISHED > ACK seq 1461:2921 ack 1 > B ESTABLISHED",
    "100 A ESTABLISHED > ACK seq 2921:4381 ack 1 > lost",
    "100 A ESTABLISHED > ACK seq 4381:5841 ack 1 > B ESTABLISHED",
    "100 A ESTABLISHED > ACK seq 5841:7301 ack 1 > B ESTABLISHED",
    "100 A ESTABLISHED > ACK seq 7301:8761 ack 1 > B ESTABLISHED",
    "100 A ESTABLISHED > ACK seq 8761:10221 ack 1 > B ESTABLISHED",
    "100 A ESTABLISHED > ACK seq 10221:11681 ack 1 > B ESTABLISHED",
    "100 A ESTABLISHED > ACK seq 11681:13141 ack 1 > B ESTABLISHED",
    "100 A ESTABLISHED > PSH,ACK seq 13141:14601 ack 1 > B ESTABLISHED",
    "110 B ESTABLISHED > ACK seq 1 ack 1461 > A ESTABLISHED",
    "110 B ESTABLISHED > ACK seq 1 ack 2921 > A ESTABLISHED",
    "110 B ESTABLISHED > ACK seq 1 ack 2921 > A ESTABLISHED",
    "110 B ESTABLISHED > ACK seq 1 ack 2921 > A ESTABLISHED",
    "110 B ESTABLISHED > ACK seq 1 ack 2921 > A ESTABLISHED",
    "110 B ESTABLISHED > ACK seq 1 ack 2921 > A ESTABLISHED",
    "110 B ESTABLISHED > ACK seq 1 ack 2921 > A ESTABLISHED",
    "110 B ESTABLISHED > ACK seq 1 ack 2921 > A ESTABLISHED",
    "110 B ESTABLISHED > ACK seq 1 ack 2921 > A ESTABLISHED",
    "120 A ESTABLISHED > ACK seq 2921:4381 ack 1 > B ESTABLISHED",
    "130 B ESTABLISHED > ACK seq 1 ack 14601 > A ESTABLISHED",
  ],
  close: [
    "100 A FIN-WAIT-1 > FIN,ACK seq 1 ack 1 > B CLOSE-WAIT",
    "110 B CLOSE-WAIT > ACK seq 1 ack 2 > A FIN-WAIT-2",
    "200 B LAST-ACK > FIN,ACK seq 1 ack 2 > A TIME-WAIT",
    "210 A TIME-WAIT > ACK seq 2 ack 2 > B CLOSED",
  ],
  "close-three-segments": [
    "100 A FIN-WAIT-1 > FIN,ACK seq 1 ack 1 > B CLOSE-WAIT",
    "110 B LAST-ACK > FIN,ACK seq 1 ack 2 > A TIME-WAIT",
    "120 A TIME-WAIT > ACK seq 2 ack 2 > B CLOSED",
  ],
  "half-close": [
    "100 A FIN-WAIT-1 > FIN,PSH,ACK seq 1:201 ack 1 > B CLOSE-WAIT",
    "110 B CLOSE-WAIT > ACK seq 1 ack 202 > A FIN-WAIT-2",
    "200 B CLOSE-WAIT > ACK seq 1:1461 ack 202 > A FIN-WAIT-2",
    "200 B CLOSE-WAIT > ACK seq 1461:2921 ack 202 > A FIN-WAIT-2",
    "200 B CLOSE-WAIT > PSH,ACK seq 2921:3001 ack 202 > A FIN-WAIT-2",
    "210 A FIN-WAIT-2 > ACK seq 202 ack 1461 > B CLOSE-WAIT",
    "210 A FIN-WAIT-2 > ACK seq 202 ack 2921 > B CLOSE-WAIT",
    "210 A FIN-WAIT-2 > ACK seq 202 ack 3001 > B CLOSE-WAIT",
    "300 B LAST-ACK > FIN,ACK seq 3001 ack 202 > A TIME-WAIT",
    "310 A TIME-WAIT > ACK seq 202 ack 3002 > B CLOSED",
  ],
  "simultaneous-close": [
    "100 A FIN-WAIT-1 > FIN,ACK seq 1 ack 1 > B CLOSING",
    "100 B FIN-WAIT-1 > FIN,ACK seq 1 ack 1 > A CLOSING",
    "110 B CLOSING > ACK seq 2 ack 2 > A TIME-WAIT",
    "110 A CLOSING > ACK seq 2 ack 2 > B TIME-WAIT",
  ],
  "time-wait-lost-ack": [
    "100 A FIN-WAIT-1 > FIN,ACK seq 1 ack 1 > B CLOSE-WAIT",
    "110 B LAST-ACK > FIN,ACK seq 1 ack 2 > A TIME-WAIT",
    "120 A TIME-WAIT > ACK seq 2 ack 2 > lost",
    "330 B LAST-ACK > FIN,ACK seq 1 ack 2 > A TIME-WAIT",
    "340 A TIME-WAIT > ACK seq 2 ack 2 > B CLOSED",
  ],
  abort: [
    "100 A ESTABLISHED > PSH,ACK seq 1:101 ack 1 > B ESTABLISHED",
    "110 B ESTABLISHED > ACK seq 1 ack 101 > A ESTABLISHED",
    "200 A CLOSED > RST,ACK seq 101 ack 1 > B CLOSED",
  ],
  keepalive: [
    "10000 A ESTABLISHED > ACK seq 0 ack 1 > B ESTABLISHED",
    "10010 B ESTABLISHED > ACK seq 1 ack 1 > A ESTABLISHED",
    "20020 A ESTABLISHED > ACK seq 0 ack 1 > lost",
    "21020 A ESTABLISHED > ACK seq 0 ack 1 > lost",
    "22020 A ESTABLISHED > ACK seq 0 ack 1 > lost",
    "23020 A CLOSED > RST,ACK seq 1 ack 1 > lost",
  ],
  "half-open": [
    "100 A ESTABLISHED > PSH,ACK seq 1:101 ack 1 > B ESTABLISHED",
    "110 B ESTABLISHED > ACK seq 1 ack 101 > A ESTABLISHED",
    "1100 A ESTABLISHED > PSH,ACK seq 101:201 ack 1 > B LISTEN",
    "1110 B LISTEN > RST seq 1 ack 0 > A CLOSED",
  ],
  "syn-queue": [
    "0 A CLOSED > SYN seq 0 ack 0 > B SYN-RECEIVED",
    "10 B SYN-RECEIVED > SYN,ACK seq 0 ack 1 > lost",
    "100 A CLOSED > SYN seq 0 ack 0 > B SYN-RECEIVED",
    "110 B SYN-RECEIVED > SYN,ACK seq 0 ack 1 > lost",
    "200 A SYN-SENT > SYN seq 0 ack 0 > B LISTEN",
    "1010 B SYN-RECEIVED > SYN,ACK seq 0 ack 1 > lost",
    "1110 B SYN-RECEIVED > SYN,ACK seq 0 ack 1 > lost",
    "1200 A SYN-SENT > SYN seq 0 ack 0 > B LISTEN",
    "3200 A SYN-SENT > SYN seq 0 ack 0 > B SYN-RECEIVED",
    "3210 B SYN-RECEIVED > SYN,ACK seq 0 ack 1 > A ESTABLISHED",
    "3220 A ESTABLISHED > ACK seq 1 ack 1 > B ESTABLISHED",
  ],
  "syn-cookies": [
    "0 A CLOSED > SYN seq 0 ack 0 > B SYN-RECEIVED",
    "10 B SYN-RECEIVED > SYN,ACK seq 0 ack 1 > lost",
    "100 A CLOSED > SYN seq 0 ack 0 > B SYN-RECEIVED",
    "110 B SYN-RECEIVED > SYN,ACK seq 0 ack 1 > lost",
    "200 A CLOSED > SYN seq 0 ack 0 > B LISTEN",
    "210 B LISTEN > SYN,ACK seq 0 ack 1 > lost",
    "300 A SYN-SENT > SYN seq 0 ack 0 > B LISTEN",
    "310 B LISTEN > SYN,ACK seq 0 ack 1 > A ESTABLISHED",
    "320 A ESTABLISHED > ACK seq 1 ack 1 > B ESTABLISHED",
    "500 A ESTABLISHED > PSH,ACK seq 1:11 ack 1 > B ESTABLISHED",
    "510 B ESTABLISHED > ACK seq 1 ack 11 > A ESTABLISHED",
  ],
  isn: [
    "0 A SYN-SENT > SYN seq 0 ack 0 > B SYN-RECEIVED",
    "10 B SYN-RECEIVED > SYN,ACK seq 0 ack 1 > A ESTABLISHED",
    "20 A ESTABLISHED > ACK seq 1 ack 1 > B ESTABLISHED",
    "25 A CLOSED > RST,ACK seq 1 ack 1 > B CLOSED",
    "100 A SYN-SENT > SYN seq 0 ack 0 > B SYN-RECEIVED",
    "110 B SYN-RECEIVED > SYN,ACK seq 0 ack 1 > A ESTABLISHED",
    "120 A ESTABLISHED > ACK seq 1 ack 1 > B ESTABLISHED",
    "125 A CLOSED > RST,ACK seq 1 ack 1 > B CLOSED",
    "200 A SYN-SENT > SYN seq 0 ack 0 > B SYN-RECEIVED",
    "210 B SYN-RECEIVED > SYN,ACK seq 0 ack 1 > A ESTABLISHED",
    "220 A ESTABLISHED > ACK seq 1 ack 1 > B ESTABLISHED",
    "225 A CLOSED > RST,ACK seq 1 ack 1 > B CLOSED",
    "300 A SYN-SENT > SYN seq 75000 ack 0 > B SYN-RECEIVED",
    "310 B SYN-RECEIVED > SYN,ACK seq 75000 ack 75001 > A ESTABLISHED",
    "320 A ESTABLISHED > ACK seq 75001 ack 75001 > B ESTABLISHED",
    "325 A CLOSED > RST,ACK seq 75001 ack 75001 > B CLOSED",
  ],
};

/** The topics of the contract. */
const TOPICS =
  "handshake handshake-lost-ack old-duplicate-syn simultaneous-open refused data zero-window loss close close-three-segments half-close simultaneous-close time-wait-lost-ack abort keepalive half-open syn-queue syn-cookies isn";

const played = new Map(SCENES.map((scene): [string, Played] => [scene.topic, play(scene)]));

function storyOf(segment: SceneSegment): string {
  const { sent, arrived, from, fromState, toState } = segment;
  const end = arrived === null ? "lost" : `${from === "A" ? "B" : "A"} ${toState}`;
  return `${sent} ${from} ${fromState} > ${lineOf(segment).slice(2)} > ${end}`;
}

test("the README's picture is what the scene draws", () => {
  const picture = new URL("../../../docs/time-wait-lost-ack.svg", import.meta.url);
  expect(readFileSync(picture, "utf8")).toBe(sceneSvg(played.get("time-wait-lost-ack")!));
});

test("there is a scene for each topic", () => {
  expect([...played.keys()].toSorted()).toEqual(TOPICS.split(" ").toSorted());
  expect(Object.keys(STORIES).toSorted()).toEqual(TOPICS.split(" ").toSorted());
});

test.each(Object.entries(STORIES))("%s", (topic, story) => {
  expect(played.get(topic)!.segments.map(storyOf)).toEqual(story);
});

test.each([
  ["refused", ["A's connect fails: ECONNREFUSED."]],
  ["data", ["B took 100 bytes, A took 4000."]],
  ["zero-window", ["B has read 6000 bytes in the end: none was lost."]],
  ["loss", ["B took all 14600 bytes, in order."]],
  ["half-close", ["A took 3000 bytes after it had ended its own side."]],
  ["abort", ["B's program is told ECONNRESET."]],
  ["keepalive", ["A's program is told ETIMEDOUT."]],
  ["half-open", ["A's program is told ECONNRESET; it may connect again at once."]],
  [
    "syn-queue",
    [
      "SYNs that found no room: 2 (TcpExtTCPReqQFullDrop). A got in when the strangers' entries had timed out: ESTABLISHED.",
    ],
  ],
  ["syn-cookies", ["Cookies sent: 2, come back: 1. A is ESTABLISHED, B took 10 bytes."]],
])("%s ends as it must", (topic, outcome) => {
  expect(played.get(topic)!.outcome).toEqual(outcome);
});

test("the windows close and open again, and SACK names what lies behind the hole", () => {
  const windows = played
    .get("zero-window")!
    .segments.filter(({ from }) => from === "B")
    .map(({ window }) => window);
  expect(windows).toEqual([2920, 1460, 0, 0, 0, 0, 4380, 4380, 4220]);
  const sacks = played.get("loss")!.segments.map(({ options }) => options);
  expect(sacks.filter((text) => text !== "")).toEqual(
    [5841, 7301, 8761, 10221, 11681, 13141, 14601].map((end) => `sack 4381:${end}`),
  );
});

test("ISNs of a pair grow with the clock of 4 microseconds, those of other pairs are elsewhere", () => {
  const { outcome } = played.get("isn")!;
  const numbers = outcome.map((line) => Number(/ISN (\d+)/.exec(line)![1]));
  expect(new Set(numbers).size).toBe(4);
  expect((numbers[3]! - numbers[0]!) >>> 0).toBe(300_000 / 4);
});

test("states over time begin and end as the segments say", () => {
  const { states } = played.get("simultaneous-close")!;
  const names = states.A.map(({ state }) => state);
  expect(names).toEqual([
    "CLOSED",
    "SYN-SENT",
    "ESTABLISHED",
    "FIN-WAIT-1",
    "CLOSING",
    "TIME-WAIT",
    "CLOSED",
  ]);
  expect(states.A.at(-1)!.at - states.A.at(-2)!.at).toBeCloseTo(60_000, 0);
});

/** Several connections at once, of which the band shows one. */
const MANY = ["syn-queue", "syn-cookies"];

test.each([...played.entries()].filter(([topic]) => !MANY.includes(topic)))(
  "the bands of %s have each end in the state that its segments are sent and received in",
  (_topic, { segments, states }) => {
    /** More than one where it changes at that moment. */
    const inForce = (name: "A" | "B", at: number): string[] =>
      states[name]
        .filter((span, i) => span.at <= at && (states[name][i + 1]?.at ?? Infinity) >= at)
        .map(({ state }) => state);
    for (const s of segments) {
      const line = storyOf(s);
      expect(inForce(s.from, s.sent), line).toContain(s.fromState);
      if (s.arrived === null) continue;
      expect(inForce(s.from === "A" ? "B" : "A", s.arrived), line).toContain(s.toState);
    }
  },
);

test.each([...played.values()].map((scene): [string, Played] => [scene.topic, scene]))(
  "%s as text, picture and data",
  (topic, scene) => {
    const text = sceneText(scene, { width: 110 });
    expect(text.split("\n").filter((line) => line.length > 112)).toEqual([]);
    for (const note of scene.segments.flatMap(({ notes }) => notes))
      expect(text.replaceAll(/\s+/g, " ")).toContain(note.slice(0, 40));
    const svg = sceneSvg(scene);
    expect(svg).not.toMatch(/NaN|undefined/);
    expect(svg.match(/<path d="M(?:158|678) \S+L/g)).toHaveLength(scene.segments.length);
    for (const state of new Set(scene.segments.map(({ fromState }) => fromState)))
      expect(svg).toContain(`>${state}</text>`);
    const page = sceneHtml(scene);
    expect(page).not.toMatch(/NaN|undefined|https?:\/\/(?!www\.w3\.org)/);
    expect(page.match(/<g class="segment">/g)).toHaveLength(scene.segments.length);
    expect(page.match(/<tr><td>/g)).toHaveLength(scene.segments.length);
    const data = JSON.parse(JSON.stringify(sceneJson(scene))) as {
      topic: string;
      segments: unknown[];
    };
    expect(data.topic).toBe(topic);
    expect(data.segments).toHaveLength(scene.segments.length);
  },
);
