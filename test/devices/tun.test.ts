/** The TUN device and its native layer against the kernel, in network namespaces of their own. */

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { compileSources, Namespace, type TunChild, tunObstacle } from "../support/tun.ts";

const obstacle = tunObstacle();
const title = obstacle === null ? "A TUN device" : `A TUN device (skipped: ${obstacle})`;

let compiled: { folder: string; remove(): void };
let ns: Namespace;

function child(scenario: string, options: object): TunChild {
  return ns.child(compiled.folder, scenario, options);
}

async function serve(options: {
  name: string;
  mtu?: number;
  offload?: string;
  gather?: boolean;
}): Promise<TunChild> {
  const device = child("serve", options);
  await device.event("open");
  ns.ip("address", "add", "192.0.2.1/24", "dev", options.name);
  ns.ip("link", "set", options.name, "up");
  return device;
}

function ping(...args: string[]): string {
  return ns.try("ping", "-q", "-i", "0.002", "-W", "1", ...args, "192.0.2.2").output;
}

describe.skipIf(obstacle !== null)(title, () => {
  beforeAll(() => {
    compiled = compileSources();
  });
  afterAll(() => compiled.remove());
  beforeEach(() => {
    ns = new Namespace();
  });
  afterEach(async () => await ns.remove());

  describe("receiving and sending", () => {
    test.each([
      ["with offload", { offload: "auto" }],
      ["without offload", { offload: "off" }],
      ["with offload and gathered payload", { offload: "auto", gather: true }],
      ["without offload and gathered payload", { offload: "off", gather: true }],
    ])("answers the kernel's pings %s", async (_, options) => {
      const device = await serve({ name: "t0", ...options });
      expect(ping("-c", "200")).toContain("200 received");
      // Large ones: of the MTU exactly.
      expect(ping("-c", "20", "-s", "1472")).toContain("20 received");
      const stats = await device.ask("stats", "stats");
      expect(stats).toMatchObject({ rxPackets: 220, txPackets: 220, txDropped: 0 });
      expect(stats).toMatchObject({ rxBytes: 200 * 84 + 20 * 1500, txBytes: 200 * 84 + 20 * 1500 });
      expect(stats).toMatchObject({ rxLargest: 1500, seen: { misaligned: 0 } });
    });

    test("gathers payload above the cut-over and answers it unharmed", async () => {
      const device = await serve({ name: "t0", mtu: 40000, gather: true });
      // ping compares what comes back with what it sent.
      const output = ping("-c", "20", "-s", "30000");
      expect(output).toContain("20 received");
      expect(output).not.toContain("wrong data");
      expect(await device.ask("stats", "stats")).toMatchObject({ rxLargest: 30028 });
    });

    test("reports what was negotiated", async () => {
      const auto = await child("serve", { name: "t0" }).event("open");
      expect(auto).toMatchObject({ name: "t0", mtu: 1500, offload: { checksum: true, tso: true } });
      const plain = await child("serve", { name: "t1", offload: "off" }).event("open");
      expect(plain).toMatchObject({ offload: { checksum: false, tso: false } });
    });

    test("sets the MTU that is asked for", async () => {
      expect(await child("serve", { name: "t0", mtu: 1280 }).event("open")).toMatchObject({
        mtu: 1280,
      });
      expect(ns.ip("link", "show", "t0")).toContain("mtu 1280");
    });

    test("vouches for checksums that the kernel has not filled in", async () => {
      for (const [name, offload, expected] of [
        ["t0", "auto", true],
        ["t1", "off", false],
      ] as const) {
        const device = await serve({ name, offload });
        ns.try("timeout", "0.2", "nc", "-w", "1", "192.0.2.2", "80");
        const { seen } = (await device.ask("stats", "stats")) as unknown as {
          seen: { vouched: number; protocols: Record<string, number> };
        };
        expect(seen.protocols["6"]).toBeGreaterThan(0);
        expect(seen.vouched > 0).toBe(expected);
        await device.ask("close", "closed");
      }
    });

    test("hands the kernel large segments whole with checksums to complete", async () => {
      const device = await serve({ name: "t0" });
      const sent = await device.ask('send {"count":3,"size":30000,"csum":true,"gso":1448}', "sent");
      expect(sent).toMatchObject({ txPackets: 3, txBytes: 3 * 30040, txDropped: 0, lastError: 0 });
      expect(ns.exec("nstat", "-asz", "TcpInSegs")).toMatch(/TcpInSegs\s+3/);
      expect(ns.exec("nstat", "-asz", "TcpInCsumErrors")).toMatch(/TcpInCsumErrors\s+0/);
    });

    test("sends complete packets whose checksum the kernel finds right, in both modes", async () => {
      for (const [name, offload] of [
        ["t0", "auto"],
        ["t1", "off"],
      ] as const) {
        const device = await serve({ name, offload });
        await device.ask('send {"count":300,"size":1460}', "sent");
        await device.ask("close", "closed");
      }
      expect(ns.exec("nstat", "-asz", "TcpInSegs")).toMatch(/TcpInSegs\s+600/);
      expect(ns.exec("nstat", "-asz", "TcpInCsumErrors")).toMatch(/TcpInCsumErrors\s+0/);
    });

    test("drops and counts what is larger than the MTU or needs an offload not granted", async () => {
      const auto = await serve({ name: "t0" });
      expect(await auto.ask('send {"count":2,"size":1461}', "sent")).toMatchObject({
        txPackets: 0,
        txDropped: 2,
      });
      const plain = await serve({ name: "t1", offload: "off" });
      expect(await plain.ask('send {"count":1,"size":9,"csum":true}', "sent")).toMatchObject({
        txPackets: 0,
        txDropped: 1,
      });
    });

    test("skips a packet that the kernel finds malformed and sends the rest", async () => {
      const device = await serve({ name: "t0" });
      const bad = await device.ask('send {"count":1,"size":9,"bad":true}', "sent");
      expect(bad).toMatchObject({ txPackets: 0, txDropped: 1, lastError: 22 });
      // a kernel that is busy drops what it sends through a link that has only just come up
      await expect.poll(() => ping("-c", "3"), { timeout: 10_000 }).toContain("3 received");
    });
  });

  describe("opening", () => {
    test("gives EBUSY for a device in use", async () => {
      const event = await child("twice", { name: "t0" }).event("failure");
      expect(event["failure"]).toEqual({ code: "EBUSY", errno: -16, syscall: "ioctl TUNSETIFF" });
      expect(event["trial"]).toMatchObject({ ok: false, obstacle: "in-use", code: "EBUSY" });
    });

    test("gives EINVAL for a device whose multi_queue flag differs, and for one that is no TUN", async () => {
      ns.ip("tuntap", "add", "mode", "tun", "name", "mq0", "multi_queue");
      for (const name of ["mq0", "lo", "a-name-that-is-too-long"]) {
        const event = await child("open", { name }).event("failure");
        expect(event["failure"]).toMatchObject({ code: "EINVAL" });
      }
      const event = await child("open", { name: "mq0", multiQueue: true }).event("failure");
      expect(event["failure"]).toBeNull();
    });

    test("attaches to a persistent device, which outlives it", async () => {
      ns.ip("tuntap", "add", "mode", "tun", "name", "keep0");
      const device = await serve({ name: "keep0" });
      expect(ping("-c", "3")).toContain("3 received");
      await device.ask("close", "closed");
      expect(ns.ip("link", "show", "keep0")).toContain("NO-CARRIER");
      // What the last user was granted does not stay for one that wants none.
      const plain = child("serve", { name: "keep0", offload: "off" });
      await plain.event("open");
      expect(ping("-c", "3")).toContain("3 received");
    });

    test("makes a device persistent and lets it go again", async () => {
      const device = child("serve", { name: "t0" });
      await device.event("open");
      device.tell("persist 1");
      await device.ask("close", "closed");
      expect(await device.exited).toBe(0);
      expect(ns.ip("link", "show", "t0")).toContain("t0");
      const next = child("serve", { name: "t0" });
      await next.event("open");
      next.tell("persist 0");
      await next.ask("close", "closed");
      expect(ns.try("ip", "link", "show", "t0").status).not.toBe(0);
    });

    test("is found out by the probe, which leaves nothing behind", async () => {
      ns.ip("tuntap", "add", "mode", "tun", "name", "mq0", "multi_queue");
      const { facts } = await child("probe", { name: "mq0" }).event("probe");
      expect(facts).toMatchObject({
        nativeLoaded: true,
        nativeProblem: null,
        nodeExists: true,
        nodeAccessible: true,
        capNetAdmin: true,
        create: { ok: true, vnetHeader: true, checksum: true, tso: true },
        attach: { ok: false, obstacle: "wrong-kind", code: "EINVAL" },
      });
      expect(ns.ip("-o", "link")).not.toContain("tcpprobe");
    });
  });

  describe("coming to an end", () => {
    test("notices that it was deleted, once", async () => {
      const device = await serve({ name: "t0" });
      ns.ip("link", "delete", "t0");
      expect(await device.event("lost", 3000)).toMatchObject({ code: "EBADFD" });
      await device.ask('send {"count":1,"size":9}', "sent");
      expect(await device.ask("close", "closed")).toMatchObject({ reserve: false });
      await expect(device.event("lost", 50)).rejects.toThrow(/no event/);
      expect(await device.exited).toBe(0);
    });

    test("notices by a write that it was deleted", async () => {
      const device = await serve({ name: "t0" });
      ns.ip("link", "delete", "t0");
      device.tell('send {"count":1,"size":9}');
      expect(await device.event("lost", 3000)).toMatchObject({ code: "EBADFD" });
    });

    test("drops and counts while the link is down, and resumes when it is up", async () => {
      const device = await serve({ name: "t0" });
      ns.ip("link", "set", "t0", "down");
      expect(await device.ask('send {"count":5,"size":9}', "sent")).toMatchObject({
        txPackets: 0,
        txDropped: 5,
        lastError: 5,
      });
      ns.ip("link", "set", "t0", "up");
      expect(ping("-c", "3")).toContain("3 received");
    });

    test("closes more than once without harm, and then takes nothing", async () => {
      const device = await serve({ name: "t0" });
      expect(await device.ask("close", "closed")).toMatchObject({ reserve: false });
      expect(await device.exited).toBe(0);
      expect(ns.try("ip", "link", "show", "t0").status).not.toBe(0);
    });

    test.each(["unref", "never-started"])("lets the process exit (%s)", async (scenario) => {
      const device = child(scenario, { name: "t0" });
      expect(await device.exited).toBe(0);
      expect(device.stderr).toBe("");
    });

    test.each([
      ["worker-ends", 0],
      ["worker-terminated", 1],
    ])("goes with its Worker and leaves the process alone (%s)", async (scenario, code) => {
      const device = child(scenario, { name: "t0" });
      expect(await device.event("worker")).toMatchObject({ code, again: true });
      expect(await device.exited).toBe(0);
    });

    test("passes on what the receiver throws as an uncaught exception", async () => {
      const device = child("throws", { name: "t0" });
      await device.event("open");
      ns.ip("address", "add", "192.0.2.1/24", "dev", "t0");
      ns.ip("link", "set", "t0", "up");
      ping("-c", "1");
      expect(await device.event("uncaught")).toMatchObject({ message: "from the receiver" });
      expect(await device.exited).toBe(0);
    });
  });
});
