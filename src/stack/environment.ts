/** What the connections of one stack share, made from the stack's options. */
import type { TcpConnection } from "../tcp/connection.ts";
import type { Settings } from "../tcp/config.ts";
import { MemoryAccount } from "../tcp/memory.ts";
import { ReceiveArena } from "../tcp/receive-queue.ts";
import { SendMemory } from "../tcp/send-memory.ts";
import { SentRecordsPool } from "../tcp/recovery/records-pool.ts";
import type { TcpEnvironment } from "../tcp/tcb.ts";
import { CongestionControls } from "./congestion-controls.ts";
import { RandomBudget } from "./random-budget.ts";
import type { Counters } from "./counters.ts";
import type { StackOptions } from "./options.ts";
import { FastOpenCache } from "./fast-open-servers.ts";
import { PathMtuCache } from "./path-mtus.ts";

export function createEnvironment(
  options: StackOptions,
  settings: Settings,
  counters: Counters,
  mark: (connection: TcpConnection) => void,
): TcpEnvironment {
  const allocate = options.allocate ?? ((size: number): Uint8Array => new Uint8Array(size));
  const challenges = new RandomBudget(options, settings.tcp_challenge_ack_rate);
  const controls = new CongestionControls(options.congestionControls ?? [], options.rng);
  controls.check(settings.tcp_congestion_control);
  return {
    settings,
    arena: new ReceiveArena(allocate),
    lentArena: new ReceiveArena(allocate),
    sendMemory: new SendMemory(allocate),
    sentRecords: new SentRecordsPool(),
    memory: new MemoryAccount(settings.tcp_mem, (name) => counters.add(name)),
    trace: options.trace ?? null,
    fastOpens: new FastOpenCache(settings.tcp_fastopen_blackhole_timeout_sec, (name) =>
      counters.add(name),
    ),
    paths: new PathMtuCache(options.sender, settings.mtu_expires),
    count: (name, n) => counters.add(name, n),
    mark: (tcb) => mark(tcb as TcpConnection),
    mayChallenge: (now) => challenges.take(now),
    congestionControls: controls,
  };
}
