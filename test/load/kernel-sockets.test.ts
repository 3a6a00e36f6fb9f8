/** Real sockets of the kernel by the thousand, all on one stack through a TUN at once; from several addresses, as ports are few. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { obstacle, STACK } from "../interop/support/world.ts";
import { figure, FULL } from "../support/full.ts";
import { Loaded, script } from "./support/loaded.ts";

const SOCKETS = FULL ? 20_000 : 1000;
const HOSTS = ["192.0.2.1", "192.0.2.3", "192.0.2.4", "192.0.2.5"];

// the peers are the kernel's sockets behind a TUN, held by a program in Python: needs root, /dev/net/tun and python3
describe.skipIf(obstacle("python3") !== null)("many sockets of the kernel", () => {
  let loaded: Loaded;

  beforeAll(async () => {
    loaded = await Loaded.start(HOSTS);
  });
  afterAll(async () => await loaded.remove());

  it(`all ${SOCKETS} connect, have a byte echoed and close, and nothing of them is left`, async () => {
    const before = await loaded.report();
    expect(before.states).toEqual({});
    const each = String(SOCKETS / HOSTS.length);
    const clients = HOSTS.map((host) => {
      const argv = [script("many_sockets.py"), STACK, "7", each, host];
      return loaded.world.start("python3", argv);
    });
    /** Seconds that the slowest of them took. */
    const hear = async (word: string): Promise<number> => {
      const seconds = clients.map(async (client) => {
        await client.says(`end of ${word}`);
        const line = client.stdout.split("\n").find((l) => l.startsWith(word))!;
        expect(line.split(" ")[1], word).toBe(each);
        return Number(line.split(" ")[2]);
      });
      return Math.max(...(await Promise.all(seconds)));
    };
    const goOn = (): void => {
      for (const client of clients) client.process.stdin!.write("\n");
    };

    const opening = await hear("connected");
    const open = await loaded.report();
    expect(open.states).toEqual({ ESTABLISHED: SOCKETS });
    goOn();
    const echoing = await hear("echoed");
    goOn();
    const closing = await hear("closed");
    for (const client of clients)
      expect(await client.outcome).toMatchObject({ code: 0, stderr: "" });

    let after = await loaded.report();
    // the last ACKs may still be under way
    while (Object.keys(after.states).length > 0) after = await loaded.report();
    expect(after.charged).toBe(0);
    expect(after.counters["TcpPassiveOpens"]).toBe(SOCKETS);
    expect(after.counters["TcpExtListenOverflows"] ?? 0).toBe(0);

    const rate = (seconds: number): string => `${Math.round(SOCKETS / seconds)} a second`;
    const one = (from: number, to: number): string => `${Math.round((to - from) / SOCKETS)} bytes`;
    figure("kernel sockets", `${SOCKETS}`);
    figure("kernel sockets: opened", rate(opening));
    figure("kernel sockets: bytes echoed", rate(echoing));
    figure("kernel sockets: closed", rate(closing));
    figure("kernel sockets: heap for one, echo service included", one(before.held, open.held));
    figure("kernel sockets: resident set for one", one(before.rss, open.rss));
    figure("kernel sockets: heap for one afterwards", one(before.held, after.held));
  });
});
