import { describe, expect, test } from "vitest";
import { seededRng } from "../../src/base/rng.ts";
import { EphemeralPorts } from "../../src/stack/ports.ts";
import { ipv4 } from "../../src/wire/address.ts";

const LOCAL = ipv4(0xc0000201);
const REMOTE = ipv4(0xc0000202);
const anyPort = (): boolean => true;

describe("ephemeral ports", () => {
  test("stay within the range, its ends included", () => {
    const ports = new EphemeralPorts(seededRng(1), [40000, 40009]);
    const seen = new Set<number>();
    for (let i = 0; i < 2000; i++) seen.add(ports.choose(LOCAL, REMOTE, 80, anyPort));
    expect([...seen].toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: 10 }, (_, i) => 40000 + i),
    );
  });

  test("the last free port is found, and 0 says that none is, in one pass at most", () => {
    const ports = new EphemeralPorts(seededRng(2), [1024, 65535]);
    let asked = 0;
    const only = (port: number): boolean => {
      asked++;
      return port === 33333;
    };
    expect(ports.choose(LOCAL, REMOTE, 80, only)).toBe(33333);
    const tried = new Set<number>();
    asked = 0;
    const none = (port: number): boolean => {
      asked++;
      tried.add(port);
      return false;
    };
    expect(ports.choose(LOCAL, REMOTE, 80, none)).toBe(0);
    expect([asked, tried.size]).toEqual([64512, 64512]);
  });

  test("to one destination ports move on by small steps that vary, so that none is soon used again [6056-3.3-HIDE]", () => {
    const ports = new EphemeralPorts(seededRng(3), [16384, 65535]);
    const list = Array.from({ length: 1000 }, () => ports.choose(LOCAL, REMOTE, 80, anyPort));
    expect(new Set(list).size).toBe(1000);
    const steps = new Set(list.slice(1).map((p, i) => (p - list[i]! + 49152) % 49152));
    expect(Math.min(...steps)).toBeGreaterThanOrEqual(1);
    expect(Math.max(...steps)).toBeLessThanOrEqual(8);
    expect(steps.size).toBeGreaterThan(4);
  });

  test("one destination tells nothing of another, nor one stack of the next [6056-3.3-HIDE]", () => {
    const first = (seed: number, remote: number, remotePort: number): number =>
      new EphemeralPorts(seededRng(seed), [16384, 65535]).choose(
        LOCAL,
        ipv4(remote),
        remotePort,
        anyPort,
      );
    expect(first(1, 9, 80)).toBe(first(1, 9, 80));
    const byRemote = Array.from({ length: 100 }, (_, i) => first(1, i, 80));
    const byPort = Array.from({ length: 100 }, (_, i) => first(1, 9, i));
    const bySeed = Array.from({ length: 100 }, (_, i) => first(i, 9, 80));
    for (const list of [byRemote, byPort, bySeed]) {
      expect(new Set(list).size).toBeGreaterThan(95);
      const near = list.slice(1).filter((p, i) => Math.abs(p - list[i]!) < 256).length;
      expect(near).toBeLessThan(10);
    }
  });
});
