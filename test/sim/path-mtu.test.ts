/** Paths whose MTU changes under a transfer: routers that tell the sender, and such that say nothing. */
import { expect, test } from "vitest";
import { simulate, type ScenarioInput } from "../../src/sim/index.ts";

const BYTES = 2_000_000;

function run(input: Partial<ScenarioInput>) {
  return simulate({
    duration: "300s",
    sample: "1s",
    flows: [{ from: "a", to: "b", bytes: BYTES, verify: true }],
    ...input,
  });
}

test("a router's message makes the sender's segments smaller, at the price of one timeout", () => {
  const { flows, links } = run({
    routers: ["r"],
    links: [
      { from: "a", to: "r", delay: "10ms" },
      { from: "r", to: "b", rate: "20mbit", queue: 500, mtu: "1500/300ms:1280" },
    ],
  });
  // larger packets got through before: such a message is believed once they do so no more (RFC 5927 §7.2)
  expect(flows[0]).toMatchObject({ outcome: "done", timeouts: 1 });
  const [there] = links.filter((l) => l.name === "r>b");
  // what had left before the message came: no more than a window
  expect(there!.tooBig).toBeGreaterThan(0);
  expect(there!.tooBig).toBeLessThan(700);
  expect(there!.fragmented).toBe(0);
  expect(flows[0]!.goodput).toBeGreaterThan(9e6);
});

test("between two hosts the message comes back over the same link, and one that is lost is sent again", () => {
  const { flows, links } = run({
    links: [
      {
        from: "a",
        to: "b",
        rate: "20mbit",
        delay: "10ms",
        mtu: [[300, 900]],
        back: { cut: "300ms-340ms" },
      },
    ],
  });
  expect(flows[0]).toMatchObject({ outcome: "done" });
  expect(links[0]!.tooBig).toBeGreaterThan(0);
  expect(links[1]!.cut).toBeGreaterThan(0);
  expect(flows[0]!.end).toBeLessThan(3000);
});

test("where the path becomes wider again nothing is lost", () => {
  const { flows, links } = run({
    links: [
      { from: "a", to: "b", rate: "20mbit", delay: "10ms", queue: 1000, mtu: "1000/400ms:1500" },
    ],
  });
  expect(flows[0]).toMatchObject({ outcome: "done", timeouts: 0 });
  expect(links[0]!.overflowed + links[0]!.lost).toBe(0);
});

test("through a black hole a sender that searches gets on, and one that does not gives up", () => {
  const path = (probing: number) =>
    run({
      settings: { tcp_mtu_probing: probing, tcp_retries2: 6 },
      links: [
        {
          from: "a",
          to: "b",
          rate: "20mbit",
          delay: "10ms",
          mtu: "1500/300ms:1200",
          blackhole: true,
        },
      ],
    }).flows[0]!;
  expect(path(1).outcome).toBe("done");
  expect(path(0).outcome).toBe("ETIMEDOUT");
});

test("timeouts that loss both ways brings are no black hole: segments stay whole", () => {
  const { flows, links } = run({
    settings: { tcp_retries2: 40, tcp_syn_retries: 20, tcp_synack_retries: 20 },
    links: [{ from: "a", to: "b", rate: "20mbit", delay: "20ms", loss: "25%" }],
    flows: [{ from: "a", to: "b", bytes: 200_000 }],
  });
  expect(flows[0]!.outcome).toBe("done");
  expect(flows[0]!.timeouts).toBeGreaterThan(5);
  // 139 whole segments, each sent one and three quarter times on average
  expect(links[0]!.packets).toBeLessThan(400);
});
