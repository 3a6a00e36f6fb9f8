/** Programs that know nothing of tuntcp serve behind a TUN, and the kernel's TCP asks them. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { obstacle, STACK } from "../interop/support/world.ts";
import { nodes } from "../support/nodes.ts";
import { BehindTun } from "./support/behind-tun.ts";
import { makeCertificates, programPath, PROGRAMS } from "./support/programs.ts";

const FILES = Object.keys(PROGRAMS);

describe.skipIf(obstacle("openssl") !== null)("through a TUN", () => {
  const certificates = makeCertificates();
  let world!: BehindTun;
  beforeAll(() => {
    world = new BehindTun({ TEST_CERTIFICATES: certificates.folder });
  });
  afterAll(async () => {
    await world.remove();
    certificates.remove();
  });

  describe.each(nodes())("$name", ({ path }) => {
    test.each(FILES)("%s is asked by the kernel, and ends with its input", async (file) => {
      const serving = world.onStack(path, [programPath(file), "serve", "0.0.0.0", "8000"]);
      await serving.says("ready");
      const argv = [programPath(file), "ask", STACK, "8000"];
      const asked = await world.onKernel(process.execPath, argv).outcome;
      expect(asked).toEqual({ code: 0, stdout: `${PROGRAMS[file]!.join("\n")}\n`, stderr: "" });
      serving.process.stdin!.end();
      expect(await serving.outcome).toMatchObject({ code: 0, stderr: "" });
    });
  });
});
