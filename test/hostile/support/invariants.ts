/** What holds after each row: an honest peer is served, nothing was violated, nothing is left. */
import { expect } from "vitest";
import { ECHO, HONEST, pattern } from "./packet.ts";
import { Peer } from "./peer.ts";
import { freshPort, type World } from "./world.ts";

/** A fresh connection that echoes 1 kB; how long it took, ms, or what went wrong. */
export async function honestEcho(w: World, within = 2000): Promise<number | string> {
  const began = w.now;
  const p = new Peer(w, { address: HONEST, port: freshPort(), to: ECHO });
  for (let tries = 0; ; tries++) {
    const answers = await p.says("S", 0, 0, 0, { tcpOptions: Uint8Array.of(2, 4, 5, 180) });
    if (p.last.some((s) => (s.flags & 18) === 18)) break;
    if (w.now - began > within || tries > 20) return `no SYN-ACK: ${answers.join()}`;
    await w.waits(100);
  }
  const sent = pattern(3, 1000);
  await p.says(".", 1, 1);
  await p.says("P.", 1, 1, sent);
  const got: Buffer[] = [Buffer.concat(p.last.map((s) => s.payload))];
  while (Buffer.concat(got).length < sent.length && w.now - began < within) {
    await w.waits(20);
    await w.settle();
    got.push(...p.take().map((s) => Buffer.from(s.payload)));
  }
  if (!Buffer.concat(got).equals(Buffer.from(sent))) return `echoed ${Buffer.concat(got).length}`;
  await p.says("F.", 1001, 1001);
  await w.settle();
  await p.says(".", 1002, 1002);
  const took = w.now - began;
  return took <= within ? took : `took ${took} ms`;
}

/** I1 to I8, of which I1 and I8 show themselves as exceptions and I3 is each row's own. */
export async function checkInvariants(w: World): Promise<void> {
  await w.settle();
  expect(await honestEcho(w), "I2: an honest peer is served").toBeTypeOf("number");
  expect(w.violations).toEqual([]);
  await w.app.endAll();
  await w.settle();
  await w.windDown();
  expect(await w.app.residue(), "I6: nothing is left").toEqual({
    entries: 0,
    halfOpen: 0,
    fragmentBytes: 0,
  });
}
