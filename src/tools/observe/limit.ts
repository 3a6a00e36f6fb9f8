/** In one line: why a connection does not go faster. */
import type { TcpInfo } from "../../tcp/info.ts";

/** What stands in the way, for programs; `text` is for people. */
export interface Limit {
  readonly by:
    | "handshake"
    | "closing"
    | "reader"
    | "peer-window"
    | "recovery"
    | "cwnd"
    | "send-buffer"
    | "pace"
    | "ack"
    | "application";
  readonly text: string;
}

/** The share of our buffer that unread bytes fill when the peer is held back by them. */
const UNREAD = 0.5;

export function limitOf(info: TcpInfo): Limit {
  return opening(info) ?? receiving(info) ?? sending(info) ?? closing(info) ?? idle(info);
}

function opening({ state, retries }: TcpInfo): Limit | null {
  const again = retries === 0 ? "" : `, asked ${retries} times again`;
  if (state === "SYN-SENT") return { by: "handshake", text: `waiting for SYN-ACK${again}` };
  if (state === "SYN-RECEIVED")
    return { by: "handshake", text: `waiting for the handshake's ACK${again}` };
  return null;
}

function receiving({ receiveQueued, receiveBuffer, rcvWnd }: TcpInfo): Limit | null {
  if (receiveQueued === 0 || receiveQueued < UNREAD * receiveBuffer) return null;
  const closed = rcvWnd === 0 ? ", our window is closed" : "";
  return {
    by: "reader",
    text: `the application does not read: ${bytes(receiveQueued)} wait${closed}`,
  };
}

function sending(info: TcpInfo): Limit | null {
  const { notSent, unacked, recovery, retries } = info;
  if (recovery !== "open" && (unacked > 0 || notSent > 0)) {
    const how = recovery === "loss" ? `timeout ${retries}` : `${bytes(info.lost)} lost`;
    return { by: "recovery", text: `repairing a loss (${how})` };
  }
  if (notSent > 0) return holdingBack(info);
  if (unacked > 0) return { by: "ack", text: `waiting for ACK of ${bytes(unacked)}` };
  return null;
}

/** What keeps queued bytes from leaving. */
function holdingBack(info: TcpInfo): Limit {
  const { notSent, unacked, inFlight, sndWnd, sndMss, cwnd, sendQueued, sendBuffer } = info;
  const wait = `${bytes(notSent)} wait`;
  if (sndWnd - unacked < Math.min(notSent, sndMss)) {
    const closed = sndWnd === 0 ? "is closed" : `of ${bytes(sndWnd)} is full`;
    return { by: "peer-window", text: `the peer's window ${closed}, ${wait}` };
  }
  if (cwnd - inFlight < sndMss)
    return { by: "cwnd", text: `the congestion window of ${bytes(cwnd)} is full, ${wait}` };
  if (sendQueued >= sendBuffer)
    return {
      by: "send-buffer",
      text: `our send buffer of ${bytes(sendBuffer)} is full (tcp_wmem)`,
    };
  return { by: "pace", text: `sending is paced or joined, ${wait}` };
}

const WAITS_FOR: Partial<Record<TcpInfo["state"], string>> = {
  "FIN-WAIT-1": "waiting for ACK of our FIN",
  "FIN-WAIT-2": "we have ended, waiting for the peer's FIN",
  "CLOSE-WAIT": "the peer has ended, waiting for our application to end",
  CLOSING: "waiting for ACK of our FIN",
  "LAST-ACK": "waiting for ACK of our FIN",
  "TIME-WAIT": "waiting until old duplicates are gone",
  CLOSED: "over",
};

function closing({ state }: TcpInfo): Limit | null {
  const text = WAITS_FOR[state];
  return text === undefined ? null : { by: "closing", text };
}

function idle({ bytesSent, bytesReceived }: TcpInfo): Limit {
  const text = bytesSent + bytesReceived === 0 ? "nothing was sent yet" : "nothing to send";
  return { by: "application", text };
}

/** `1.4 MB`; exact below 10 kB. */
export function bytes(n: number): string {
  if (n < 10_000) return `${n} B`;
  const units = ["kB", "MB", "GB", "TB"];
  let value = n / 1000;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${value < 100 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}
