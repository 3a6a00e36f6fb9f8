/** Each rule can be broken: a fault is put into the code for a moment, and the harness has to say which rule it breaks. */
import { afterEach, expect, test, vi } from "vitest";
import { seededRng } from "../../src/base/rng.ts";
import { createTarget, type TargetName, type Violation } from "../../src/fuzz/index.ts";
import { PacketOutput } from "../../src/stack/packet-output.ts";
import { Stack } from "../../src/stack/stack.ts";
import { TcpConnection } from "../../src/tcp/connection.ts";
import { Reassembly } from "../../src/tcp/reassembly.ts";
import { ReceiveQueue } from "../../src/tcp/receive-queue.ts";
import { TimerTable } from "../../src/tcp/timers.ts";
import { RST } from "../../src/wire/tcp-segment.ts";

type Method = (...args: never[]) => unknown;
type ArgumentsOf<T, K extends keyof T> = T[K] extends Method ? Parameters<T[K]> : never;

const undo: (() => void)[] = [];
afterEach(() => {
  for (const back of undo.splice(0)) back();
  vi.restoreAllMocks();
});

/** Until the end of the test `fault` is called instead of the method, which it is given as `whole`. */
function breaks<T extends object, K extends keyof T & string>(
  prototype: T,
  name: K,
  fault: (self: T, args: ArgumentsOf<T, K>, whole: () => unknown) => unknown,
): void {
  const whole = Reflect.get(prototype, name) as (...args: unknown[]) => unknown;
  const put = (value: unknown): void => {
    Object.defineProperty(prototype, name, { value, configurable: true, writable: true });
  };
  put(function (this: T, ...args: unknown[]) {
    return fault(this, args as ArgumentsOf<T, K>, () => whole.apply(this, args));
  });
  undo.push(() => put(whole));
}

/** The first violation among some hundred random inputs. */
function search(target: TargetName, inputs = 400): Violation | null {
  const t = createTarget(target);
  const out = new Uint8Array(t.maxLength);
  const rng = seededRng(5);
  for (let i = 0; i < inputs; i++) {
    const { violation } = t.run(out.subarray(0, t.generate(rng, out)));
    if (violation !== null) return violation;
  }
  return null;
}

test("nothing is found where nothing is broken", () => {
  for (const target of ["connection", "listener", "stack", "reassembly"] as const)
    expect(search(target, 60)).toBe(null);
});

test("I1: what is thrown, and by what", () => {
  breaks(TcpConnection.prototype, "onSegment", (_, [s], whole) => {
    if (s.payloadLength === 1460) throw new TypeError("no such byte");
    return whole();
  });
  const found = search("connection");
  expect(found?.rule).toBe("I1");
  expect(found?.message).toMatch(/^thrown: TypeError no such/);
});

test("I3: text that was not sent", () => {
  breaks(ReceiveQueue.prototype, "shift", (_self, _args, whole) => {
    const chunk = whole() as Uint8Array | null;
    return chunk === null || chunk.length < 100 ? chunk : chunk.slice(1);
  });
  expect(search("connection")?.rule).toBe("I3");
});

test("I4: a RST in answer to a RST", () => {
  breaks(TcpConnection.prototype, "onSegment", (self, [s], whole) => {
    if ((s.flags & RST) !== 0) self.resetOwed = true;
    return whole();
  });
  expect(search("connection")?.rule).toMatch(/^(?:I4|MODEL)$/);
});

test("I6: something left over", () => {
  vi.spyOn(Stack.prototype, "memoryUsed", "get").mockReturnValue(1);
  const found = search("connection");
  expect(found?.rule).toBe("I6");
  expect(found?.message).toMatch(/^left over.*1 bytes/);
});

test("I8: a packet with a wrong checksum", () => {
  breaks(PacketOutput.prototype, "segment", ({ sender }, _args, whole) => {
    const commit = sender.commit.bind(sender);
    sender.commit = (...args) => {
      sender.buffer[sender.offset + 34]! ^= 1;
      commit(...args);
    };
    whole();
    sender.commit = commit;
  });
  const found = search("connection");
  expect(found?.rule).toBe("I8");
  expect(found?.message).toMatch(/wrong TCP checksum/);
});

test("I10: a connection without a timer", () => {
  breaks(TimerTable.prototype, "start", (_, [timer], whole) => {
    if (timer !== 0) whole(); // no retransmission
  });
  expect(search("connection")?.rule).toBe("I10");
});

test("MODEL: a RST that is taken wherever it lies in the window", () => {
  breaks(TcpConnection.prototype, "onSegment", (self, [s], whole) => {
    const ahead = (s.seq - self.rcv.nxt) | 0;
    if ((s.flags & RST) !== 0 && ahead > 0 && ahead < 1000) s.seq = self.rcv.nxt;
    return whole();
  });
  const found = search("connection");
  expect(found?.rule).toBe("MODEL");
  expect(found?.message).toMatch(/RST ahead: to CLOSED/);
});

test("reassembly: a byte that is counted and not held", () => {
  breaks(Reassembly.prototype, "insert", (_, args, whole) => {
    if (args[1].length > 50) args[1] = args[1].subarray(1);
    return whole();
  });
  expect(search("reassembly")?.rule).toMatch(/I3|I6/);
});
