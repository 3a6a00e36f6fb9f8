/** The rows against a stack in another process on a TUN: packets go in unchecked at the kernel's end; I1 to I8 after each. */
import { afterAll, beforeAll, describe, it } from "vitest";
import { obstacle } from "../interop/support/world.ts";
import { Namespace } from "../support/tun.ts";
import { NOT_YET } from "./not-yet.ts";
import { type Compiled, compileChild } from "./support/compile-child.ts";
import { judged } from "./support/invariants.ts";
import { title } from "./support/table.ts";
import { TunWorld } from "./support/tun-world.ts";
import { OUTSIDE } from "./scenarios/index.ts";

describe.skipIf(obstacle("python3") !== null)("hostile, through a TUN", () => {
  let namespace: Namespace;
  let child: Compiled;

  beforeAll(() => {
    child = compileChild();
    namespace = new Namespace();
  });
  afterAll(async () => {
    child.remove();
    await namespace.remove();
  });

  for (const [id, run] of Object.entries(OUTSIDE)) {
    const why = NOT_YET[id];
    if (why !== undefined) {
      it.skip(`not yet: ${id}: ${why}`, () => {});
      continue;
    }
    it(title(id), async () => {
      const w = await TunWorld.start(namespace, child.script, {});
      try {
        await judged(w, id, async () => await run(w));
      } finally {
        await w.end();
      }
    });
  }
});
