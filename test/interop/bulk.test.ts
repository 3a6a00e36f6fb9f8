/** Bulk transfers with curl in both directions, in both offload modes and at three MTUs: equal SHA-256. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FULL, obstacle, STACK, World } from "./support/world.ts";

const SIZE = FULL ? 2 ** 30 : 2 ** 24;
const LIMIT_MS = FULL ? 900_000 : 60_000;

describe.skipIf(obstacle("curl", "sha256sum") !== null)("bulk transfers", () => {
  let world: World;
  let content: { path: string; sha256: string };

  beforeAll(() => {
    world = new World();
    content = world.content("content", SIZE);
  }, LIMIT_MS);
  afterAll(async () => await world.remove());

  const modes = ["auto", "off"].flatMap((offload) =>
    [576, 1500, 9000].map((mtu) => ({ offload, mtu })),
  );
  it.each(modes)(
    `${SIZE / 2 ** 20} MiB up and down are the same with --offload $offload at MTU $mtu`,
    async ({ offload, mtu }) => {
      const options = ["--offload", offload, "--mtu", String(mtu)];
      const serve = await world.serve("http:80", `files:81:${world.folder}`, ...options);
      const up = await world.curl("-T", content.path, `http://${STACK}/`);
      expect(up).toMatchObject({ code: 0, stdout: `${content.sha256} ${SIZE}\n` });
      const fetch = `set -o pipefail; curl -sS http://${STACK}:81/content | sha256sum`;
      const down = await world.run("bash", ["-c", fetch]);
      expect(down).toMatchObject({ code: 0, stdout: `${content.sha256}  -\n` });
      expect((await serve.stop()).code).toBe(0);
    },
    LIMIT_MS,
  );
});
