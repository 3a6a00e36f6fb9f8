/** Addresses: text both ways, prefixes, and the kinds of address a host must tell apart. */
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  formatIpv4,
  inPrefix,
  ipv4,
  isLoopback,
  isMulticast,
  isReserved,
  isSubnetBroadcast,
  isUnicast,
  parseCidr,
  parseIpv4,
  prefixMask,
  UNSPECIFIED,
} from "../../src/wire/address.ts";
import { anyI32 } from "./support.ts";

const at = (text: string): ReturnType<typeof ipv4> => {
  const address = parseIpv4(text);
  if (address === null) throw new Error(`${text} is no address`);
  return address;
};

test("an address is the same after text and back, with every byte in its place", () => {
  fc.assert(
    fc.property(anyI32, (n) => {
      expect(parseIpv4(formatIpv4(ipv4(n)))).toBe(n);
    }),
  );
  fc.assert(
    fc.property(fc.ipV4(), (text) => {
      expect(formatIpv4(at(text))).toBe(text);
    }),
  );
  expect(at("192.0.2.1")).toBe(0xc0000201 | 0);
  expect(formatIpv4(UNSPECIFIED)).toBe("0.0.0.0");
});

test.each([
  "",
  "192.0.2",
  "192.0.2.1.1",
  "192.0.2.256",
  "192.0.2.01",
  "192.0.2.00",
  "192.0.2.-1",
  "192.0.2.1 ",
  " 192.0.2.1",
  "192.0.2.0x1",
  "192.0..1",
  "3221225985",
  "192.0.2.1\n",
  "١.1.1.1",
])("%j is no address", (text) => {
  expect(parseIpv4(text)).toBeNull();
});

test("a prefix is read with its length from 0 to 32 and nothing behind it", () => {
  expect(parseCidr("192.0.2.1/24")).toEqual({ address: at("192.0.2.1"), prefix: 24 });
  expect(parseCidr("0.0.0.0/0")?.prefix).toBe(0);
  expect(parseCidr("192.0.2.1/32")?.prefix).toBe(32);
  for (const text of ["192.0.2.1", "192.0.2.1/", "192.0.2.1/33", "192.0.2.1/-1", "192.0.2/24"]) {
    expect(parseCidr(text), text).toBeNull();
  }
  for (const text of ["192.0.2.1/24/8", "192.0.2.1/2 4", "/24", "192.0.2.1/024"]) {
    expect(parseCidr(text), text).toBeNull();
  }
});

test("a mask has as many ones as its length says, from the left", () => {
  for (let n = 0; n <= 32; n++) {
    const bits = (prefixMask(n) >>> 0).toString(2).padStart(32, "0");
    expect(bits).toBe("1".repeat(n) + "0".repeat(32 - n));
  }
});

test("an address is in a prefix when the first bits agree, and only then", () => {
  fc.assert(
    fc.property(anyI32, fc.nat(32), fc.nat(31), (n, prefix, bit) => {
      const net = { address: ipv4(n), prefix };
      expect(inPrefix(ipv4(n ^ (0x80000000 >>> bit)), net)).toBe(bit >= prefix);
    }),
  );
});

test("a subnet's broadcast address has all host bits set; /31 and /32 have none", () => {
  for (const [text, net, want] of [
    ["192.0.2.255", "192.0.2.1/24", true],
    ["192.0.2.254", "192.0.2.1/24", false],
    ["192.0.2.0", "192.0.2.1/24", false],
    ["198.51.100.255", "192.0.2.1/24", false],
    ["192.0.2.7", "192.0.2.5/30", true],
    ["192.0.2.1", "192.0.2.1/31", false],
    ["192.0.2.1", "192.0.2.1/32", false],
    ["255.255.255.255", "192.0.2.1/0", true],
  ] as const) {
    expect(isSubnetBroadcast(at(text), parseCidr(net)!), `${text} in ${net}`).toBe(want);
  }
});

test("each kind of address is told by its first bits, at both ends of its range", () => {
  const kinds = (text: string): string =>
    [
      isUnicast(at(text)) ? "unicast" : "",
      isLoopback(at(text)) ? "loopback" : "",
      isMulticast(at(text)) ? "multicast" : "",
      isReserved(at(text)) ? "reserved" : "",
    ]
      .filter((kind) => kind !== "")
      .join(" ");
  for (const [text, want] of [
    ["0.0.0.0", ""],
    ["0.255.255.255", ""],
    ["1.0.0.0", "unicast"],
    ["126.255.255.255", "unicast"],
    ["127.0.0.0", "unicast loopback"],
    ["127.255.255.255", "unicast loopback"],
    ["128.0.0.0", "unicast"],
    ["223.255.255.255", "unicast"],
    ["224.0.0.0", "multicast"],
    ["239.255.255.255", "multicast"],
    ["240.0.0.0", "reserved"],
    ["255.255.255.255", "reserved"],
  ] as const) {
    expect(kinds(text), text).toBe(want);
  }
});
