/** Transfers over a link that loses, reorders, doubles and damages packets, by a seed: every byte arrives as it was. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FULL, obstacle, STACK, World } from "./support/world.ts";

const SIZE = FULL ? 20 * 2 ** 20 : 2 * 2 ** 20;
const LIMIT_MS = FULL ? 900_000 : 120_000;
const SPEC = "loss=2%,reorder=2%,duplicate=1%,corrupt=0.1%,delay=10ms,seed=7";

describe.skipIf(obstacle("curl", "sha256sum") !== null)(`over a link with ${SPEC}`, () => {
  let world: World;
  let content: { path: string; sha256: string };

  beforeAll(async () => {
    world = new World();
    content = world.content("content", SIZE);
    await world.serve("http:80", `files:81:${world.folder}`, "--impair", SPEC);
  });
  afterAll(async () => await world.remove());

  it(
    `${SIZE / 2 ** 20} MiB from the kernel are byte exact`,
    async () => {
      const up = await world.curl("-T", content.path, `http://${STACK}/`);
      expect(up).toMatchObject({ code: 0, stdout: `${content.sha256} ${SIZE}\n` });
    },
    LIMIT_MS,
  );

  it(
    `${SIZE / 2 ** 20} MiB to the kernel are byte exact`,
    async () => {
      const fetch = `set -o pipefail; curl -sS http://${STACK}:81/content | sha256sum`;
      const down = await world.run("bash", ["-c", fetch]);
      expect(down).toMatchObject({ code: 0, stdout: `${content.sha256}  -\n` });
    },
    LIMIT_MS,
  );
});
