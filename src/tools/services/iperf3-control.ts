/** The control connection of iperf3: a cookie, then single bytes that name states and JSON behind its length. */
import type { Socket } from "node:net";

/** 36 characters and a zero byte; every connection of one test begins with the same. */
export const COOKIE_BYTES = 37;
/** A client's parameters and results are a few hundred bytes for each stream. */
const MOST_JSON = 1 << 20;

export const TEST_START = 1;
export const TEST_RUNNING = 2;
export const TEST_END = 4;
export const PARAM_EXCHANGE = 9;
export const CREATE_STREAMS = 10;
export const CLIENT_TERMINATE = 12;
export const EXCHANGE_RESULTS = 13;
export const DISPLAY_RESULTS = 14;
export const IPERF_DONE = 16;
export const ACCESS_DENIED = -1;
export const SERVER_ERROR = -2;

/** Of the client's own list of errors: "an option you are trying to set is not implemented yet". */
export const ERROR_NOT_IMPLEMENTED = 13;

/** Bytes as they come, taken in the pieces that the protocol has. */
export class ControlReader {
  #held: Buffer = Buffer.alloc(0);
  #wake: (() => void) | null = null;
  #ended = false;
  readonly #socket: Socket;
  readonly #onData = (chunk: Buffer): void => {
    this.#held = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    this.#wake?.();
  };

  constructor(socket: Socket) {
    this.#socket = socket;
    const end = (): void => {
      this.#ended = true;
      this.#wake?.();
    };
    socket.on("data", this.#onData).on("end", end).on("close", end);
  }

  /** What comes from now on is somebody else's. */
  release(): void {
    this.#socket.off("data", this.#onData);
  }

  /** Null when the connection ends before there are so many. */
  async take(count: number): Promise<Buffer | null> {
    while (this.#held.length < count) {
      if (this.#ended) return null;
      await new Promise<void>((resolve) => (this.#wake = resolve));
      this.#wake = null;
    }
    const taken = this.#held.subarray(0, count);
    this.#held = this.#held.subarray(count);
    return taken;
  }

  async state(): Promise<number | null> {
    return (await this.take(1))?.readInt8() ?? null;
  }

  /** Null when the connection ends, or sends something else. */
  async json(): Promise<Record<string, unknown> | null> {
    const length = (await this.take(4))?.readUInt32BE() ?? 0;
    if (length === 0 || length > MOST_JSON) return null;
    const text = await this.take(length);
    if (text === null) return null;
    try {
      const value: unknown = JSON.parse(text.toString("utf8"));
      return typeof value === "object" && value !== null
        ? (value as Record<string, unknown>)
        : null;
    } catch {
      return null;
    }
  }
}

export function sendState(socket: Socket, state: number): void {
  socket.write(Buffer.from(Int8Array.of(state).buffer));
}

export function sendJson(socket: Socket, value: object): void {
  const text = Buffer.from(JSON.stringify(value), "utf8");
  const length = Buffer.alloc(4);
  length.writeUInt32BE(text.length);
  socket.write(Buffer.concat([length, text]));
}

/** The client prints what its list says of the number. */
export function sendError(socket: Socket, number: number): void {
  const message = Buffer.alloc(9);
  message.writeInt8(SERVER_ERROR);
  message.writeInt32BE(number, 1);
  socket.end(message);
}
