/** What a user may type as LISTEN:TARGET, what is told to a target, and what a client is told of one. */
import { describe, expect, test } from "vitest";
import { proxyHeader } from "../../../src/tools/forward/proxy-header.ts";
import { refusalOf } from "../../../src/tools/forward/refusal.ts";
import { lineOfEvent } from "../../../src/tools/forward/report.ts";
import { parseSpec, placeOf } from "../../../src/tools/forward/spec.ts";

describe("LISTEN:TARGET", () => {
  test.each([
    ["8080:127.0.0.1:80", { address: null, port: 8080, host: "127.0.0.1", hostPort: 80 }],
    ["1:example.test:65535", { address: null, port: 1, host: "example.test", hostPort: 65535 }],
    ["192.0.2.2:80:[::1]:81", { address: "192.0.2.2", port: 80, host: "::1", hostPort: 81 }],
    ["[::1]:80:192.0.2.1:81", { address: "::1", port: 80, host: "192.0.2.1", hostPort: 81 }],
  ])("%s", (text, spec) => expect(parseSpec(text)).toEqual(spec));

  test.each([
    ["", /write \[ADDRESS:\]PORT:HOST:PORT/],
    ["8080", /write/],
    ["8080:80", /write/],
    ["8080:host:", /write/],
    ["80:::1:80", /write/],
    ["0:127.0.0.1:80", /a port is 1 to 65535/],
    ["80:127.0.0.1:65536", /a port is 1 to 65535/],
    ["1.2.3:80:127.0.0.1:80", /1\.2\.3 is not an address/],
    ["80:1.2.3.4.5:80", /1\.2\.3\.4\.5 is not an address/],
    ["80:[zz]:80", /zz is not an address/],
  ])("%j is refused in one line", (text, line) => {
    const said = parseSpec(text);
    expect(said).toMatch(line);
    expect(said).not.toContain("\n");
  });

  test("a place is shown so that it can be read again", () => {
    expect([placeOf("192.0.2.1", 80), placeOf("::1", 80)]).toEqual(["192.0.2.1:80", "[::1]:80"]);
  });
});

test("the PROXY header of IPv6 ends", () => {
  const ends = {
    source: "::1",
    sourcePort: 258,
    destination: "2001:db8::a:192.0.2.1",
    destinationPort: 80,
  };
  expect(String(proxyHeader(1, ends))).toBe("PROXY TCP6 ::1 2001:db8::a:192.0.2.1 258 80\r\n");
  expect(proxyHeader(2, ends).toString("hex")).toBe(
    `0d0a0d0a000d0a515549540a21210024${"0".repeat(31)}1` +
      `20010db800000000${"0000000a"}${"c0000201"}` +
      "01020050",
  );
  expect(() => proxyHeader(1, { ...ends, destination: "192.0.2.1" })).toThrow(/one address family/);
});

test("each failure of a connect is what the client's own kernel would have told it", () => {
  const codes = ["ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH", "ETIMEDOUT", "EMFILE", undefined];
  expect(codes.map((code) => refusalOf(code))).toEqual([
    "reset",
    "host-unreachable",
    "net-unreachable",
    "silence",
    "silence",
    "reset",
  ]);
});

test("events are lines for people", () => {
  const names = { client: "192.0.2.1:1", to: "192.0.2.2:80", target: "127.0.0.1:80" };
  const same = { ...names, target: "192.0.2.2:80" };
  const bytes = { sent: 5, received: 7 };
  expect([
    lineOfEvent({ event: "open", ...names }),
    lineOfEvent({ event: "closed", ...same, ...bytes }),
    lineOfEvent({ event: "reset", ...same, why: "client: ECONNRESET", ...bytes }),
    lineOfEvent({ event: "refused", ...same, why: "ECONNREFUSED" }),
    lineOfEvent({ event: "given-up", ...same, why: "RST received" }),
  ]).toEqual([
    "192.0.2.1:1 > 192.0.2.2:80 > 127.0.0.1:80: connected",
    "192.0.2.1:1 > 192.0.2.2:80: closed, 5 bytes out and 7 in",
    "192.0.2.1:1 > 192.0.2.2:80: reset (client: ECONNRESET), 5 bytes out and 7 in",
    "192.0.2.1:1 > 192.0.2.2:80: refused (ECONNREFUSED)",
    "192.0.2.1:1 > 192.0.2.2:80: the client has given up (RST received)",
  ]);
});
