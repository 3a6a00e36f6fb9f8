/** Programs that know nothing of tuntcp ask through a TUN; what serves them is on the kernel's TCP, or is Debian's. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { HOST, obstacle } from "../interop/support/world.ts";
import { nodes } from "../support/nodes.ts";
import { BehindTun } from "./support/behind-tun.ts";
import { CLIENTS, makeCertificates, programPath, PROGRAMS } from "./support/programs.ts";
import {
  postgresObstacle,
  redisObstacle,
  type Service,
  startPostgres,
  startRedis,
} from "./support/services.ts";

const FILES = Object.keys(PROGRAMS);
const NODES = nodes();
/** Some take the next port, too. */
const portOf = (file: string): string => String(8000 + 2 * FILES.indexOf(file));

describe.skipIf(obstacle("openssl") !== null)("through a TUN", () => {
  const certificates = makeCertificates();
  let world!: BehindTun;
  const services: Service[] = [];

  beforeAll(async () => {
    world = new BehindTun({ TEST_CERTIFICATES: certificates.folder });
    const servers = FILES.map(async (file) => {
      const argv = [programPath(file), "serve", "0.0.0.0", portOf(file)];
      await world.onKernel(process.execPath, argv).says("ready");
    });
    await Promise.all(servers);
    if (redisObstacle() === null) services.push(await startRedis(world.folder, world.inside));
    if (postgresObstacle() === null) services.push(await startPostgres(world.folder, world.inside));
  });
  afterAll(async () => {
    for (const service of services) await service.stop();
    await world.remove();
    certificates.remove();
  });

  async function ask(node: string, file: string, port: string): Promise<string[]> {
    const argv = [programPath(file), "ask", HOST, port];
    const { code, stdout, stderr } = await world.onStack(node, argv).outcome;
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    return stdout.trimEnd().split("\n");
  }

  describe.each(NODES)("$name", ({ path }) => {
    test.each(FILES)("%s asks the kernel, and ends by itself", async (file) => {
      expect(await ask(path, file, portOf(file))).toEqual(PROGRAMS[file]);
    });

    test.skipIf(redisObstacle() !== null)("ioredis asks redis-server", async () => {
      expect(await ask(path, "ioredis.mjs", "6379")).toEqual(CLIENTS["ioredis.mjs"]);
    });

    test.skipIf(postgresObstacle() !== null)("pg asks PostgreSQL", async () => {
      expect(await ask(path, "pg.mjs", "5432")).toEqual(CLIENTS["pg.mjs"]);
    });
  });
});
