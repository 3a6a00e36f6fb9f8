/** SIGTERM in the middle of transfers: the peer hears of the cut, serve exits with 0, and nothing is left behind. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { obstacle, STACK, TUN_KIND, World } from "./support/world.ts";

/** More than any link here moves within the grace of a stop. */
const ENDLESS = String(2 ** 40);

describe.skipIf(obstacle("curl") !== null)("a signal in the middle of transfers", () => {
  let world: World;

  beforeAll(() => {
    world = new World();
  });
  afterAll(async () => await world.remove());

  it.each(["auto", "off"])(
    "ends an endless download and upload with an error at the peer (--offload %s)",
    async (offload) => {
      const serve = await world.serve("http:80", "--offload", offload);
      const curl = ["-sS", "-v", "-o", "/dev/null"];
      const down = world.start("curl", [...curl, `http://${STACK}/bytes/${ENDLESS}`], "");
      const up = world.start("curl", [...curl, "-T", "/dev/zero", `http://${STACK}/`], "");
      await Promise.all([down.says("200 OK"), up.says("> PUT")]);
      expect((await serve.stop()).code).toBe(0);
      // 18: a part only; 52: no answer came; 55 and 56: sending or receiving failed
      expect([18, 56]).toContain((await down.outcome).code);
      expect([52, 55, 56]).toContain((await up.outcome).code);
      expect(world.links()).toEqual([]);
    },
  );

  it("ends serve at once when it comes twice", async () => {
    const serve = await world.serve("http:80");
    const url = `http://${STACK}/bytes/${ENDLESS}`;
    const down = world.start("curl", ["-sS", "-v", "-o", "/dev/null", url], "");
    await down.says("200 OK");
    expect((await serve.stopAtOnce()).code).toBe(143);
    expect(world.links()).toEqual([]);
    down.process.kill("SIGKILL");
    await down.outcome;
  });

  it("takes back only what was set on a TUN that was there before", async () => {
    world.namespace.ip("tuntap", "add", "dev", "tuntcp0", ...TUN_KIND);
    world.namespace.ip("addr", "add", "203.0.113.1/24", "dev", "tuntcp0");
    const facts = (): unknown => {
      const [link] = JSON.parse(
        world.namespace.ip("-j", "addr", "show", "dev", "tuntcp0"),
      ) as Record<string, unknown>[];
      return {
        flags: link!["flags"],
        mtu: link!["mtu"],
        txqlen: link!["txqlen"],
        addresses: link!["addr_info"],
      };
    };
    const before = facts();
    const serve = await world.serve("http:80", "--mtu", "1400");
    expect(facts()).not.toEqual(before);
    expect((await serve.stop()).code).toBe(0);
    expect(facts()).toEqual(before);
  });
});
