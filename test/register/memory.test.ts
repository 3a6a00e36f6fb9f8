/** Many short connections of a program on the stack leave nothing behind. */
import { expect, test } from "vitest";
import { obstacle, STACK } from "../interop/support/world.ts";
import { requireBuild } from "../support/command.ts";
import { figure, FULL } from "../support/full.ts";
import { BehindTun } from "./support/behind-tun.ts";
import { onLoopback, programPath } from "./support/programs.ts";

requireBuild();
const TOTAL = FULL ? 100_000 : 3000;
const PROGRAM = programPath("short-lives.cjs");
/** Those in TIME-WAIT would grow for a minute otherwise. */
const SETTINGS = "tcp_max_tw_buckets=200";
/** Bytes between the fullest of the first three tenths and the last: what is compiled and cached late. */
const SLACK = 1_000_000;

function expectFlat(stdout: string, name: string): void {
  const marks = JSON.parse(stdout.trim().split("\n").at(-1)!) as number[];
  expect(marks).toHaveLength(10);
  const early = Math.max(...marks.slice(0, 3));
  const late = marks.at(-1)!;
  figure(`${name}: heap after 30 % and after all of ${TOTAL} connections`, `${early} ${late}`);
  expect(late).toBeLessThan(early + SLACK);
}

test(`${TOTAL} short connections on the loopback device leave the heap flat`, async () => {
  const argv = ["--expose-gc", PROGRAM, "both", String(TOTAL), "50"];
  const { code, stdout, stderr } = await onLoopback(process.execPath, argv, {
    TUNTCP_SET: SETTINGS,
  });
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expectFlat(stdout, "loopback");
});

test.skipIf(obstacle() !== null)(
  `${TOTAL} short connections from the kernel leave the heap flat`,
  async () => {
    const world = new BehindTun();
    try {
      const argv = ["--expose-gc", PROGRAM, "serve", String(TOTAL)];
      const serving = world.onStack(process.execPath, argv, `TUNTCP_SET=${SETTINGS}`);
      await serving.says("ready");
      const asking = [PROGRAM, "ask", String(TOTAL), "50", STACK];
      const asked = await world.onKernel(process.execPath, asking).outcome;
      expect(asked).toEqual({ code: 0, stdout: "", stderr: "" });
      const { code, stdout } = await serving.outcome;
      expect(code).toBe(0);
      expectFlat(stdout, "TUN");
    } finally {
      await world.remove();
    }
  },
);
