/**
 * I1 to I8 of row H000, for both worlds: what is looked at while a row runs, and what holds after it. I1 and I8 also show
 * themselves as exceptions of the worlds, and the bytes of a row's own connections (I3) are each row's own to compare.
 */
import { expect } from "vitest";
import { ECHO, HONEST, pattern } from "./packet.ts";
import { Peer } from "./peer.ts";
import { freshPort, type Report, type World } from "./world.ts";

/** The names of what is checked after each row, for the summary. */
export const INVARIANTS = ["I1", "I2", "I3", "I4", "I5", "I6", "I7", "I8"] as const;

/** Rows during which no honest peer is sent by (I2), and why; it comes after them. */
export const NOT_MEANWHILE: Readonly<Record<string, string>> = {
  H011: "a flood at full speed",
  H024: "a flood; it sends honest peers of its own",
  H050: "a flood; it sends honest peers of its own",
  H053: "a flood; it sends honest peers of its own",
  H054: "the program accepts nobody",
  H080: "it sends honest peers of its own after each round of probes",
  H140: "the device takes nothing, or every second packet",
  H142: "the interface is down",
  H143: "the device is gone",
  H150: "the stack is ending",
  H151: "the stack is killed",
  H154: "the event loop stands still",
  H155: "the process is stopped",
};
/** `settle`s of a row after which an honest peer comes, and how many between two of them from then on. */
const FIRST = 4;
const EVERY = 400;
/** What a process may have grown by that served a row: code, and memory that is kept to be used again. */
const GROWN = 16 * 1024 * 1024;

/** A fresh connection that echoes 1 kB; how long it took, ms, or what went wrong. */
export async function honestEcho(w: World, within = 2000): Promise<number | string> {
  const began = w.elapsed;
  const p = new Peer(w, { address: HONEST, port: freshPort(), to: ECHO });
  for (let tries = 0; ; tries++) {
    const answers = await p.says("S", 0, 0, 0, { tcpOptions: Uint8Array.of(2, 4, 5, 180) });
    if (p.last.some((s) => (s.flags & 18) === 18)) break;
    if (w.elapsed - began > within || tries > 20) return `no SYN-ACK: ${answers.join()}`;
    await w.waits(100);
  }
  const sent = pattern(3, 1000);
  await p.says(".", 1, 1);
  await p.says("P.", 1, 1, sent);
  const got: Buffer[] = [Buffer.concat(p.last.map((s) => s.payload))];
  while (Buffer.concat(got).length < sent.length && w.elapsed - began < within) {
    await w.waits(20);
    await p.hears();
    got.push(...p.last.map((s) => Buffer.from(s.payload)));
  }
  if (!Buffer.concat(got).equals(Buffer.from(sent))) return `echoed ${Buffer.concat(got).length}`;
  await p.says("F.", 1001, 1001);
  await p.says(".", 1002, 1002);
  const took = w.elapsed - began;
  return took <= within ? took : `took ${took.toFixed(0)} ms`;
}

/** Runs a row and holds it to the invariants. */
export async function judged(w: World, id: string, run: () => Promise<void>): Promise<void> {
  await w.settle();
  const before = await w.report();
  const memory = w.inMemory ? 0 : await w.memory();
  const served = watch(w, id);
  await run();
  w.onSettle = null;
  expect(
    served.filter((t) => typeof t !== "number"),
    "I2: served meanwhile",
  ).toEqual([]);
  await checkInvariants(w, before);
  if (w.inMemory) return;
  await w.app.forgetAll();
  expect((await w.memory()) - memory, "I6: memory of the process").toBeLessThan(GROWN);
}

/** Now and then an honest peer comes by (I2); how it fared. */
function watch(w: World, id: string): (number | string)[] {
  const served: (number | string)[] = [];
  if (id in NOT_MEANWHILE) return served;
  let settles = 0;
  let busy = false;
  w.onSettle = async () => {
    if (busy || settles++ % EVERY !== FIRST) return;
    busy = true;
    served.push(await honestEcho(w, 1000));
    busy = false;
  };
  return served;
}

export async function checkInvariants(w: World, before: Report): Promise<void> {
  await w.settle();
  expect(await honestEcho(w), "I2: an honest peer is served").toBeTypeOf("number");
  await w.app.endAll();
  await w.settle();
  // all time limits run out, TIME-WAIT and half-open ones among them
  await w.waits(300_000);
  await w.settle();
  w.inbox = [];
  const after = await w.report();
  expect([...after.violations, ...w.violations], "I4, I5, I7, I8").toEqual([]);
  expect(after.counted - before.counted, "I7: every drop is counted").toBeGreaterThanOrEqual(
    after.dropped - before.dropped,
  );
  expect(after.residue, "I6: nothing is left").toEqual(before.residue);
}
