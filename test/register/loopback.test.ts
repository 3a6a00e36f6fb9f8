/** Programs that know nothing of tuntcp, with real packages, on the loopback device: the same lines as on the kernel. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { requireBuild } from "../support/command.ts";
import { nodes } from "../support/nodes.ts";
import {
  CLIENTS,
  makeCertificates,
  onLoopback,
  programPath,
  PROGRAMS,
} from "./support/programs.ts";
import {
  postgresObstacle,
  redisObstacle,
  type Service,
  startPostgres,
  startRedis,
} from "./support/services.ts";

requireBuild();
const certificates = makeCertificates();
afterAll(() => certificates.remove());
const folder = mkdtempSync(join(tmpdir(), "tuntcp-services-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const NODES = nodes();

async function run(
  node: string,
  file: string,
  env: Record<string, string> = {},
): Promise<string[]> {
  const all = { TEST_CERTIFICATES: certificates.folder, ...env };
  const { code, stdout, stderr } = await onLoopback(node, [programPath(file)], all);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return stdout.trimEnd().split("\n");
}

describe.each(NODES)("$name", ({ path }) => {
  test.each(Object.keys(PROGRAMS))(
    "%s runs as it does on the kernel, and ends by itself",
    async (file) => {
      const lines = await run(path, file);
      // what the serving side has to say comes last
      expect(lines.slice(0, PROGRAMS[file]!.length)).toEqual(PROGRAMS[file]);
    },
  );
});

describe.skipIf(redisObstacle() !== null)("ioredis", () => {
  let redis!: Service;
  beforeAll(async () => void (redis = await startRedis(folder)));
  afterAll(async () => await redis.stop());

  test.each(NODES)("asks redis-server on $name", async ({ path }) => {
    const lines = await run(path, "ioredis.mjs", { TEST_REDIS: redis.path });
    expect(lines).toEqual(CLIENTS["ioredis.mjs"]);
  });
});

describe.skipIf(postgresObstacle() !== null)("pg", () => {
  let postgres!: Service;
  beforeAll(async () => void (postgres = await startPostgres(folder)));
  afterAll(async () => await postgres.stop());

  test.each(NODES)("asks PostgreSQL on $name", async ({ path }) => {
    const lines = await run(path, "pg.mjs", { TEST_POSTGRES: postgres.path });
    expect(lines).toEqual(CLIENTS["pg.mjs"]);
  });
});
