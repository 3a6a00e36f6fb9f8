/**
 * Small texts in memory of their own, so that one byte retained never pins a packet; and joined while no one has them yet, as
 * each alone would cost many times its bytes.
 */

/** A piece this small gets memory of its own. */
export const OWN_MEMORY_BELOW = 256;
/** Up to here they are joined: what one byte retained may pin. */
export const JOIN_UP_TO = 4096;

/** Whether `length` bytes are to be joined to a piece of `held` bytes. */
export function isJoined(held: number, length: number): boolean {
  return length < OWN_MEMORY_BELOW && held + length <= JOIN_UP_TO;
}

/**
 * `old` with bytes of `from` behind it: in the same memory where that is ours (`own`) and has room, else in memory twice as
 * large. What the result holds down is its whole buffer.
 */
export function joined(
  old: Uint8Array,
  own: boolean,
  from: Uint8Array,
  offset: number,
  length: number,
): Uint8Array {
  const size = old.length + length;
  const more = from.subarray(offset, offset + length);
  const { buffer } = old;
  if (own && old.byteOffset === 0 && size <= buffer.byteLength && buffer.byteLength <= JOIN_UP_TO) {
    const grown = new Uint8Array(buffer, 0, size);
    grown.set(more, old.length);
    return grown;
  }
  const room = new Uint8Array(Math.min(2 * size, JOIN_UP_TO));
  room.set(old);
  room.set(more, old.length);
  return room.subarray(0, size);
}
