/**
 * The rows that can be driven from outside, against a stack in another process on a TUN: packets go in unchecked at the
 * kernel's end, in real time.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { obstacle } from "../interop/support/world.ts";
import { Namespace } from "../support/tun.ts";
import { NOT_YET } from "./not-yet.ts";
import { checkInvariants } from "./support/invariants.ts";
import { Peer } from "./support/peer.ts";
import { title } from "./support/table.ts";
import { compileChild, TunWorld } from "./support/tun-world.ts";
import { OUTSIDE, SETTINGS } from "./scenarios/index.ts";

describe.skipIf(obstacle("python3") !== null)("hostile, through a TUN", () => {
  let namespace: Namespace;
  let child: { script: string; remove(): void };

  beforeAll(() => {
    child = compileChild();
    namespace = new Namespace();
    namespace.ip("link", "set", "lo", "up");
  });
  afterAll(async () => {
    child.remove();
    await namespace.remove();
  });

  const rows = Object.entries(OUTSIDE).filter(([id]) => NOT_YET[id] === undefined);
  for (const [id, run] of rows) {
    it(title(id), async () => {
      const w = await TunWorld.start(namespace, child.script, SETTINGS[id] ?? {});
      try {
        await run(w);
        await checkInvariants(w);
      } finally {
        await w.end(namespace);
      }
    });
  }

  it(title("H143"), async () => {
    const w = await TunWorld.start(namespace, child.script, {});
    try {
      const peers: Peer[] = [];
      for (let n = 0; n < 10; n++) peers.push(await new Peer(w).open());
      await w.app.write(peers[0]!.port, 100_000);
      namespace.ip("link", "del", "hostile0");
      expect((await w.deviceLost()).length).toBe(1);
      for (const p of peers) {
        const told = await w.app.told(p.port);
        expect(told).toMatchObject({ state: "CLOSED", error: "ENETDOWN" });
        expect(told!.events.filter((e) => e === "closed").length).toBe(1);
      }
      expect((await w.app.residue()).entries).toBe(0);
    } finally {
      await w.end(namespace);
    }
  });

  it("drives more than two thirds of the rows", () => {
    expect(rows.length).toBeGreaterThanOrEqual(62);
  });
});
