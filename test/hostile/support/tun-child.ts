/**
 * The other process: a stack on a TUN with the program of the rows, asked by JSON lines on stdin. Its clock stands still and is
 * moved from outside; the timers of the event loop run as ever, and find nothing due before.
 */
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { setImmediate as tick } from "node:timers/promises";
import { parseCidr } from "../../../src/wire/address.ts";
import { type Instant, instantOf } from "../../../src/base/time.ts";
import { openTun } from "../../../src/devices/tun.ts";
import { createNet } from "../../../src/sockets/net.ts";
import type { TcpSocket } from "../../../src/sockets/tcp-socket.ts";
import { Driver } from "../../../src/runtime/driver.ts";
import { Application } from "./application.ts";
import { memoryUsed } from "./heap.ts";
import { Judge } from "./judge.ts";
import { JudgedDevice } from "./judged-device.ts";
import { MISDEEDS } from "./misdeeds.ts";
import type { Report, Takes, WorldOptions } from "./world.ts";

interface Question {
  readonly id: number;
  readonly method: string;
  readonly args: unknown[];
}

const { name, options } = JSON.parse(process.argv[2]!) as { name: string; options: WorldOptions };
const say = (what: object): void => void process.stdout.write(`${JSON.stringify(what)}\n`);

let clock: Instant = instantOf(options.startsAt ?? 0);
// offload off: what leaves has its checksum, so that it can be judged
const device = new JudgedDevice(openTun({ name, offload: "off" }));
const driver = new Driver({
  device,
  addresses: [parseCidr("192.0.2.2/24")!],
  clock: { now: () => clock },
  ...(options.settings === undefined ? {} : { settings: options.settings }),
});
const { stack } = driver;
const judge = new Judge(stack.counters);
device.judge = judge;
const program = new Application(stack, options.backlog);
driver.ref();
const net = createNet(driver);
const servers: { close(): unknown }[] = [];
let misdeeds: { uncaught: string[]; told: string[] } | null = null;
let losses = 0;
driver.onLost = () => void losses++;

/** What a call or a packet left to do is done: a driver that sees time leap reads its device first. */
async function done(): Promise<void> {
  do await tick();
  while (driver["draining"]);
}

/** What only this process can be asked. */
const control = {
  /** The clock jumps there, and what is due then happens; what is due next. */
  async moves(to: number): Promise<number | null> {
    clock = instantOf(to);
    driver.requestPoll();
    await done();
    return control.due();
  },
  /** When the next timer is due; null where none runs. */
  due(): number | null {
    const due = stack.nextTimeout();
    return Number.isFinite(due) ? due : null;
  },
  /** The loop is held until that file is there, and the clock has gone on. */
  blocks(to: number, file: string): void {
    say({ blocked: true });
    while (!existsSync(file));
    clock = instantOf(to);
  },
  report(): Report {
    return { ...judge.tally, residue: program.residue() };
  },
  memory: memoryUsed,
  rss: (): number => process.memoryUsage().rss,
  cpu: (): number => process.cpuUsage().user + process.cpuUsage().system,
  turns: (): number => performance.nodeTiming.uvMetricsInfo.loopCount,
  /** The wall clock says something else from now on. */
  wallClock(at: number): void {
    Date.now = () => at;
  },
  takes(what: Takes): void {
    device.takes = what;
  },
  losses: (): number => losses,
  /** Litter for the collector: that many MiB, made and dropped. */
  litters(mib: number): number {
    let kept = 0;
    for (let n = 0; n < mib * 16; n++) kept += Array<number>(8192).fill(n).length & 1;
    return kept;
  },
  /** A server whose handlers do that wrong; what nobody catches is kept from now on. */
  misbehaves(port: number, misdeed: string): void {
    misdeeds ??= { uncaught: [], told: [] };
    const back = (): TcpSocket =>
      net.connect({ host: "192.0.2.66", port: 81, localPort: 40_081 }) as TcpSocket;
    const server = net.createServer((s) => {
      s.on("error", () => {});
      MISDEEDS[misdeed]!(s as TcpSocket, (what) => misdeeds!.told.push(what), back);
    });
    server.listen(port);
    servers.push(server);
  },
  misdeeds: () => misdeeds,
  behaves(): void {
    misdeeds = null;
    for (const server of servers.splice(0)) server.close();
  },
};

const methods = control as unknown as Record<string, (...a: unknown[]) => unknown>;
const asked = program as unknown as typeof methods;

process.on("uncaughtException", (error) => {
  if (misdeeds !== null) return void misdeeds.uncaught.push(error.message);
  say({ died: error.stack });
  process.exit(4);
});
createInterface({ input: process.stdin }).on("line", (line) => {
  const { id, method, args } = JSON.parse(line) as Question;
  const target = Object.hasOwn(methods, method) ? methods : asked;
  Promise.resolve()
    .then(() => target[method]!(...args))
    .then(
      async (result) => {
        await done();
        say({ id, result: result ?? null, received: judge.received, sent: judge.sent });
      },
      (error: unknown) => say({ id, error: String(error) }),
    );
});
process.stdin.on("end", () => process.exit(0));
say({ ready: true });
