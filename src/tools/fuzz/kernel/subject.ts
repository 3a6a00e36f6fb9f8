/** A TCP that is asked: ours in memory, or a kernel's behind a TUN. Addresses and ports are those of fuzz/peer.ts. */

/** What the program on it heard. */
export interface Heard {
  received: number;
  /** The peer's FIN came. */
  ended: boolean;
  /** Why the connection failed: Node's code, or "". */
  error: string;
  /** The connection came to be, or was accepted. */
  open: boolean;
}

export interface Subject {
  /** Packets that it sent and nobody has looked at, in order. */
  readonly packets: Uint8Array[];
  readonly heard: Heard;
  /** The connection's state by RFC 9293, where it can be known. */
  readonly state: string;
  /** A packet reaches it; the bytes are lent for the call. */
  deliver(bytes: Uint8Array, length: number): void;
  /** Opens a connection to the peer. */
  connect(): void;
  send(bytes: number): void;
  shutdown(): void;
  close(): void;
  abort(): void;
  noDelay(on: boolean): void;
  /** The program has heard that the connection is there, if it is. */
  opened(): Promise<void>;
  /** Time goes by until what was begun has had its effect; `long`: until a delayed ACK would have been sent, too. */
  settle(long: boolean): Promise<void>;
  /** What is left of the connection goes. */
  dispose(): void;
}

export function nothingHeard(): Heard {
  return { received: 0, ended: false, error: "", open: false };
}

/** What programs send: any bytes, as nobody looks at them. */
export const TEXT: Uint8Array = new Uint8Array(8192).fill(0x61);
