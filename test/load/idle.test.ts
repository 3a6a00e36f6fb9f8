/** What a connection takes that is established and says nothing, in a process that has many. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { beforeAll, expect, test } from "vitest";
import { CONNECTION_COST } from "../../src/tcp/memory.ts";
import { requireBuild } from "../interop/support/world.ts";
import { figure, FULL } from "../support/full.ts";
import { ROOT, script } from "./support/loaded.ts";

const COUNT = FULL ? 100_000 : 5000;

beforeAll(requireBuild);

test.each([
  ["endpoints", 3000],
  ["sockets", 4096],
])(
  `${COUNT} idle connections in memory, as %s, take at most %i bytes at each end`,
  async (kind, most) => {
    const argv = ["--expose-gc", "--max-old-space-size=4096", script("idle.mjs"), ROOT];
    const run = promisify(execFile);
    const { stdout } = await run(process.execPath, [...argv, String(COUNT), kind]);
    const { bytes, ends, states } = JSON.parse(stdout) as Record<string, unknown>;
    figure(
      `${COUNT} idle connections as ${kind}, each end`,
      `${Math.round(bytes as number)} bytes`,
    );
    expect({ ends, states }).toEqual({ ends: 2 * COUNT, states: ["ESTABLISHED", "ESTABLISHED"] });
    expect(bytes).toBeGreaterThan(500);
    expect(bytes).toBeLessThanOrEqual(most);
    // what tcp_mem is charged for each is what it weighs, without a socket
    if (kind === "endpoints") {
      expect(CONNECTION_COST).toBeGreaterThan(0.75 * (bytes as number));
      expect(CONNECTION_COST).toBeLessThan(1.5 * (bytes as number));
    }
  },
);
