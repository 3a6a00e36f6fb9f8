/** The words of `ss` that choose connections. */
import { expect, test } from "vitest";
import { parseFilter, type Place } from "../../../src/tools/control/filter.ts";

const web: Place = {
  state: "ESTABLISHED",
  localAddress: "192.0.2.2",
  localPort: 80,
  remoteAddress: "192.0.2.1",
  remotePort: 40000,
};
const old: Place = { ...web, state: "TIME-WAIT", remotePort: 40001 };
const listener: Place = { ...web, state: "LISTEN", remotePort: 0 };

test.each([
  ["", [web, old, listener]],
  ["established", [web]],
  ["ESTAB", [web]],
  ["state time-wait", [old]],
  ["connected", [web, old]],
  ["big", [web]],
  ["all", [web, old, listener]],
  ["listening", [listener]],
  ["sport = :80", [web, old, listener]],
  ["dport :40001", [old]],
  ["dport = 40001 and established", []],
  ["src 192.0.2.2:80 and dst 192.0.2.1:40000", [web]],
  ["dst 192.0.2.9", []],
])("%s", (text, wanted) => {
  expect([web, old, listener].filter(parseFilter(text))).toEqual(wanted);
});

test.each([
  ["nonsense", "nonsense: no state and no term"],
  ["state", "no state and no term"],
  ["sport = :x", ":x: a port is a number"],
  ["dport 70000", ":70000: a port"],
  ["src here", "src here: an IPv4 address"],
  ["established or listening", "terms are joined by and"],
])("%s is refused in one line", (text, why) => {
  expect(() => parseFilter(text)).toThrow(why);
});
