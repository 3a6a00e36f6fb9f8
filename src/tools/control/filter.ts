/** Which connections are meant, in `ss`'s words: `established`, `state time-wait`, `sport = :80`, `dst 192.0.2.1`. */
import { isSynchronized, STATES, type TcpState } from "../../tcp/state.ts";

export interface Place {
  readonly state: TcpState;
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
}

type Test = (place: Place) => boolean;

const SYNCHRONIZED = STATES.filter(isSynchronized);
const CONNECTED: readonly TcpState[] = ["SYN-SENT", "SYN-RECEIVED", ...SYNCHRONIZED];
const WAITING: readonly TcpState[] = ["SYN-RECEIVED", "TIME-WAIT"];

/** ss's names and the RFC's. */
const NAMED: Readonly<Record<string, readonly TcpState[]>> = {
  all: [...CONNECTED, "LISTEN", "CLOSED"],
  connected: CONNECTED,
  synchronized: SYNCHRONIZED,
  bucket: WAITING,
  big: CONNECTED.filter((state) => !WAITING.includes(state)),
  listening: ["LISTEN"],
  listen: ["LISTEN"],
  estab: ["ESTABLISHED"],
  "syn-recv": ["SYN-RECEIVED"],
  closed: ["CLOSED"],
  ...Object.fromEntries(CONNECTED.map((state) => [state.toLowerCase(), [state]])),
};

/** Throws an Error whose message says in one line what is not understood. */
export function parseFilter(text: string): Test {
  const words = text
    .replaceAll(/([=(),])/g, " $1 ")
    .trim()
    .split(/\s+/)
    .filter(Boolean);
  const tests: Test[] = [];
  while (words.length > 0) {
    tests.push(one(words));
    if (words.length > 0 && words.shift() !== "and")
      throw new Error(`the filter "${text}": terms are joined by and`);
  }
  return (place) => tests.every((test) => test(place));
}

function one(words: string[]): Test {
  const word = words.shift()!.toLowerCase();
  switch (word) {
    case "state":
      return inState(words.shift() ?? "");
    case "sport":
    case "dport":
      return port(word, words);
    case "src":
    case "dst":
      return address(word, words);
    default:
      return inState(word);
  }
}

function inState(name: string): Test {
  const states = NAMED[name.toLowerCase()];
  if (states === undefined)
    throw new Error(
      `${name}: no state and no term; states: ${Object.keys(NAMED).join(", ")}; terms: sport = :80, dport = :80, src ADDRESS[:PORT], dst ADDRESS[:PORT]`,
    );
  return ({ state }) => states.includes(state);
}

function port(which: string, words: string[]): Test {
  if (words[0] === "=" || words[0] === "eq") words.shift();
  const text = words.shift() ?? "";
  const wanted = portOf(text.replace(/^:/, ""));
  return which === "sport" ? (p) => p.localPort === wanted : (p) => p.remotePort === wanted;
}

function address(which: string, words: string[]): Test {
  const [host, at] = (words.shift() ?? "").split(":");
  if (!/^(\d{1,3}\.){3}\d{1,3}$/.test(host!)) throw new Error(`${which} ${host}: an IPv4 address`);
  const wanted = at === undefined ? null : portOf(at);
  return (p) => {
    const [there, number] =
      which === "src" ? [p.localAddress, p.localPort] : [p.remoteAddress, p.remotePort];
    return there === host && (wanted === null || number === wanted);
  };
}

function portOf(text: string): number {
  const number = Number(text);
  if (!/^\d{1,5}$/.test(text) || number > 65535)
    throw new Error(`:${text}: a port is a number up to 65535`);
  return number;
}
