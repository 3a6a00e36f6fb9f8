/** The send buffer against a plain array of bytes, with memory that is used again. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { SendBuffer } from "../../src/tcp/send-buffer.ts";
import { PIECE, SendMemory, SMALL_PIECE } from "../../src/tcp/send-memory.ts";

const command = fc.oneof(
  fc.record({ kind: fc.constant("copy" as const), n: fc.integer({ min: 0, max: 40_000 }) }),
  fc.record({ kind: fc.constant("copy" as const), n: fc.integer({ min: 0, max: 600 }) }),
  fc.record({ kind: fc.constant("lend" as const), n: fc.integer({ min: 0, max: 20_000 }) }),
  fc.record({ kind: fc.constant("acknowledge" as const), n: fc.nat({ max: 100_000 }) }),
  fc.record({ kind: fc.constant("read" as const), n: fc.nat({ max: 100_000 }) }),
  fc.record({ kind: fc.constant("gather" as const), n: fc.nat({ max: 100_000 }) }),
);

test("holds what was written until it is acknowledged, whatever the sizes and the order", () => {
  fc.assert(
    fc.property(fc.array(command, { maxLength: 40 }), (commands) => {
      const memory = new SendMemory((size) => new Uint8Array(size).fill(0xee));
      // two buffers over the same memory: what one gives back the other writes into
      const buffers = [new SendBuffer(memory), new SendBuffer(memory)] as const;
      const models: [number[], number[]] = [[], []];
      let next = 1;
      commands.forEach((c, i) => {
        const buffer = buffers[i % 2]!;
        const model = models[i % 2]!;
        const count = Math.min(c.n, model.length);
        if (c.kind === "copy" || c.kind === "lend") {
          const chunk = Uint8Array.from({ length: c.n }, () => next++ & 0xff);
          for (const byte of chunk) model.push(byte);
          if (c.kind === "copy") {
            buffer.pushCopy(chunk);
            chunk.fill(0); // the caller's again
          } else buffer.push(chunk);
        } else if (c.kind === "acknowledge") {
          model.splice(0, count);
          buffer.acknowledge(count);
        } else {
          const last = Uint8Array.from(model.slice(model.length - count));
          const seen = read(buffer, model.length - count, count, c.kind === "gather");
          expect(Buffer.compare(seen, last)).toBe(0);
        }
        expect(buffer.length).toBe(model.length);
        const all = read(buffer, 0, model.length, false);
        expect(Buffer.compare(all, Uint8Array.from(model))).toBe(0);
      });
    }),
    { numRuns: 60 },
  );
});

function read(buffer: SendBuffer, offset: number, length: number, gather: boolean): Uint8Array {
  const out = new Uint8Array(length);
  if (length === 0) return out;
  if (!gather) buffer.copyTo(offset, length, out, 0);
  else {
    let at = 0;
    const append = (chunk: Uint8Array, from: number, to: number): void => {
      out.set(chunk.subarray(from, to), at);
      at += to - from;
    };
    buffer.appendTo(offset, length, { append } as never);
    expect(at).toBe(length);
  }
  return out;
}

test("acknowledged pieces are used again, and lent memory never is", () => {
  let made = 0;
  const memory = new SendMemory((size) => {
    made++;
    return new Uint8Array(size);
  });
  const buffer = new SendBuffer(memory);
  for (let i = 0; i < 100; i++) {
    buffer.pushCopy(new Uint8Array(PIECE));
    buffer.acknowledge(PIECE);
  }
  expect(made).toBe(1);
  const lent = new Uint8Array(PIECE);
  buffer.push(lent);
  buffer.acknowledge(PIECE);
  buffer.pushCopy(Uint8Array.from({ length: PIECE }, () => 7));
  expect(lent.every((byte) => byte === 0)).toBe(true);
});

test("as many pieces are kept for later as are in use, and no fewer than 64", () => {
  let made = 0;
  const memory = new SendMemory((size) => {
    made++;
    return new Uint8Array(size);
  });
  const take = (n: number): Uint8Array[] => Array.from({ length: n }, () => memory.take());
  const give = (pieces: Uint8Array[]): void => pieces.forEach((piece) => memory.give(piece));

  const used = take(1000);
  give(used.splice(0, 400));
  give(take(400));
  expect(made).toBe(1000); // 400 spare beside 600 in use
  give(used.splice(0, 590));
  give(take(500));
  expect(made).toBe(1000 + 500 - 64); // 10 in use: 64 were left
});

test("what a connection that ended held counts as in use no longer", () => {
  const memory = new SendMemory((size) => new Uint8Array(size));
  for (let i = 0; i < 200; i++) {
    const buffer = new SendBuffer(memory);
    buffer.pushCopy(new Uint8Array(2 * PIECE));
    buffer.clear();
  }
  const pieces = Array.from({ length: 300 }, () => memory.take());
  pieces.forEach((piece) => memory.give(piece));
  const again = new Set(Array.from({ length: 300 }, () => memory.take()));
  expect(pieces.filter((piece) => again.has(piece))).toHaveLength(64);
});

test("a small write takes a small piece, which is used again once it is acknowledged, and by one only", () => {
  const sizes: number[] = [];
  const memory = new SendMemory((size) => {
    sizes.push(size);
    return new Uint8Array(size);
  });
  const [one, two] = [new SendBuffer(memory), new SendBuffer(memory)];
  for (let i = 0; i < 100; i++) {
    one.pushCopy(Uint8Array.of(1, 2));
    one.pushCopy(Uint8Array.of(3)); // behind the first, in the same piece
    two.pushCopy(Uint8Array.of(7, 8, 9));
    expect(read(one, 0, 3, false)).toEqual(Uint8Array.of(1, 2, 3));
    expect(read(two, 0, 3, false)).toEqual(Uint8Array.of(7, 8, 9));
    one.acknowledge(3);
    two.acknowledge(3);
  }
  expect(sizes).toEqual([SMALL_PIECE, SMALL_PIECE]);
});
