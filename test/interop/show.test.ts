/** Scenes against the kernel: what passes, and the states of both ends, held against what the scene must show. */
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { KERNEL_SCENES, NOT_WITH_THE_KERNEL, SCENES } from "../../src/tools/show/index.ts";
import { descendants, parseXml } from "../tools/pictures/support/xml.ts";
import { obstacle, STACK, World } from "./support/world.ts";

interface Told {
  readonly segments: readonly {
    readonly from: string;
    readonly flags: readonly string[];
    readonly remark: string;
    readonly window: number;
    readonly options: string;
    readonly states: Readonly<Record<string, string>>;
  }[];
  readonly outcome: readonly string[];
}

/** In this order, others between them: `us SYN > SYN-SENT SYN-RECEIVED`, sender, flags, this stack's state and the kernel's. */
const STORIES: Readonly<Record<string, readonly string[]>> = {
  handshake: [
    "us SYN > SYN-SENT SYN-RECEIVED",
    "kernel SYN,ACK > ESTABLISHED SYN-RECEIVED",
    "us ACK > ESTABLISHED ESTABLISHED",
  ],
  "handshake-lost-ack": [
    "us SYN > SYN-SENT SYN-RECEIVED",
    "kernel SYN,ACK > ESTABLISHED SYN-RECEIVED",
    "us ACK lost > ESTABLISHED SYN-RECEIVED",
    "kernel SYN,ACK retransmission > ESTABLISHED SYN-RECEIVED",
    "us ACK > ESTABLISHED ESTABLISHED",
  ],
  refused: ["us SYN > SYN-SENT CLOSED", "kernel RST,ACK > CLOSED CLOSED"],
  data: [
    "us PSH,ACK > ESTABLISHED ESTABLISHED",
    "kernel PSH,ACK > ESTABLISHED ESTABLISHED",
    "us ACK > ESTABLISHED ESTABLISHED",
  ],
  "zero-window": [
    "kernel PSH,ACK > ESTABLISHED ESTABLISHED",
    "us ACK zero window > ESTABLISHED ESTABLISHED",
    "kernel ACK keep-alive or window probe > ESTABLISHED ESTABLISHED",
    "us ACK > ESTABLISHED ESTABLISHED",
    "kernel PSH,ACK > ESTABLISHED ESTABLISHED",
  ],
  loss: [
    "us ACK lost > ESTABLISHED ESTABLISHED",
    "kernel ACK duplicate ACK > ESTABLISHED ESTABLISHED",
    "us ACK retransmission: fast > ESTABLISHED ESTABLISHED",
    "kernel ACK > ESTABLISHED ESTABLISHED",
  ],
  close: [
    "us FIN,ACK > FIN-WAIT-1 CLOSE-WAIT",
    "kernel ACK > FIN-WAIT-2 CLOSE-WAIT",
    "kernel FIN,ACK > TIME-WAIT LAST-ACK",
    "us ACK > TIME-WAIT CLOSED",
  ],
  "half-close": [
    "us FIN,PSH,ACK > FIN-WAIT-1 CLOSE-WAIT",
    "kernel PSH,ACK > FIN-WAIT-2 CLOSE-WAIT",
    "kernel FIN,ACK > TIME-WAIT LAST-ACK",
    "us ACK > TIME-WAIT CLOSED",
  ],
  "time-wait-lost-ack": [
    "us FIN,ACK > FIN-WAIT-1 CLOSE-WAIT",
    "kernel FIN,ACK > TIME-WAIT LAST-ACK",
    "us ACK lost > TIME-WAIT LAST-ACK",
    "kernel FIN,ACK retransmission > TIME-WAIT LAST-ACK",
    "us ACK > TIME-WAIT CLOSED",
  ],
  abort: ["us PSH,ACK > ESTABLISHED ESTABLISHED", "us RST,ACK > CLOSED CLOSED"],
  keepalive: [
    "us ACK keep-alive probe > ESTABLISHED ESTABLISHED",
    "kernel ACK > ESTABLISHED ESTABLISHED",
    "us ACK keep-alive probe, lost > ESTABLISHED ESTABLISHED",
    "us ACK keep-alive probe, lost > ESTABLISHED ESTABLISHED",
    "us ACK keep-alive probe, lost > ESTABLISHED ESTABLISHED",
    "us RST,ACK lost > CLOSED ESTABLISHED",
  ],
};

const OUTCOMES: Readonly<Record<string, string>> = {
  refused: "The connect fails: ECONNREFUSED.",
  data: "The kernel took 100 bytes, this stack took 4000.",
  "zero-window": "This stack's program has read 8000 bytes in the end: none was lost.",
  loss: "The kernel took all 14000 bytes, in order.",
  "half-close": "This stack took 3000 bytes after it had ended its own side.",
  abort: "The kernel's program is told ECONNRESET.",
  keepalive: "This stack's program is told ETIMEDOUT.",
};

it("each topic has a scene with the kernel, or a reason why not", () => {
  const topics = [...Object.keys(KERNEL_SCENES), ...Object.keys(NOT_WITH_THE_KERNEL)];
  expect(topics.toSorted()).toEqual(SCENES.map(({ topic }) => topic).toSorted());
  expect(Object.keys(STORIES)).toEqual(Object.keys(KERNEL_SCENES));
});

function linesOf({ segments }: Told): string[] {
  return segments.map(({ from, flags, remark, states }) => {
    const ours = (end: string): boolean => end.startsWith(`${STACK}:`);
    const state = (mine: boolean): string =>
      Object.entries(states).find(([end]) => ours(end) === mine)![1];
    const said = remark === "" ? "" : ` ${remark}`;
    return `${ours(from) ? "us" : "kernel"} ${flags.join(",")}${said} > ${state(true)} ${state(false)}`;
  });
}

describe.skipIf(obstacle("ip") !== null)("show --tun", () => {
  let world: World;

  beforeAll(() => {
    world = new World();
  });
  afterAll(async () => await world.remove());

  it.each(Object.entries(STORIES))("%s", async (topic, story) => {
    const picture = world.path(`${topic}.svg`);
    const args = ["show", topic, "--tun", "--json", "--svg", picture];
    const { code, stdout, stderr } = await world.tuntcp(args).outcome;
    expect([code, stderr]).toEqual([0, ""]);
    const told = JSON.parse(stdout) as Told;
    const lines = linesOf(told);
    let at = 0;
    for (const line of story) {
      const next = lines.indexOf(line, at);
      expect(next, `${line}\nafter line ${at} of\n${lines.join("\n")}`).toBeGreaterThanOrEqual(at);
      at = next + 1;
    }
    if (OUTCOMES[topic] !== undefined) expect(told.outcome).toEqual([OUTCOMES[topic]]);
    const said = [...descendants(parseXml(readFileSync(picture, "utf8")))].map((e) => e.text);
    expect(said.some((text) => text.endsWith("(this stack)"))).toBe(true);
    expect(said.some((text) => text.startsWith(story[0]!.split(" ")[1]!))).toBe(true);
    expect(world.links()).toEqual([]);
  });

  it("prints a ladder, and refuses in one line what cannot be", async () => {
    const shown = await world.tuntcp(["show", "refused", "--tun"]).outcome;
    const stdout = Buffer.from(shown.stdout, "latin1").toString();
    expect(stdout).toMatch(/^Nobody listens there, with the kernel\n/);
    expect(stdout).toMatch(/SYN-SENT ── SYN seq 0 .*▶ CLOSED\n/);
    for (const [args, line] of [
      [["show", "isn", "--tun"], "show isn --tun: not with the kernel: what is shown"],
      [["show", "close", "--tun", "--html", "x"], "--html: goes with scenes between two stacks"],
      [["show", "close", "--rootless"], "--rootless: goes with --tun"],
    ] as const) {
      const { code, stderr } = await world.tuntcp(args).outcome;
      expect(code).toBe(2);
      expect(stderr).toContain(line);
      expect(stderr.trim().split("\n")).toHaveLength(1);
    }
  });
});
