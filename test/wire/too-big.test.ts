/** The message of a router that may not cut a packet. */
import { expect, test } from "vitest";
import { createIcmpMessage, readIcmp } from "../../src/wire/icmpv4.ts";
import { ipv4 } from "../../src/wire/address.ts";
import { createIpv4Header, PROTO_TCP, readIpv4, writeIpv4 } from "../../src/wire/ipv4.ts";
import { TOO_BIG_MOST, writeTooBig } from "../../src/wire/too-big.ts";

test("it tells the MTU, quotes the header and eight bytes, and goes to the packet's source", () => {
  const packet = new Uint8Array(1500);
  const [source, destination] = [ipv4(0xc0000201), ipv4(0xc0000202)];
  writeIpv4(packet, 0, 1500, 0, 77, true, 60, PROTO_TCP, source, destination);
  for (let i = 20; i < 40; i++) packet[i] = i;
  const bytes = new Uint8Array(TOO_BIG_MOST);
  const length = writeTooBig(bytes, packet, 1280);
  const header = createIpv4Header();
  expect(readIpv4(bytes, 0, length, header)).toBeNull();
  expect(header).toMatchObject({ source: destination, destination: source, totalLength: 56 });
  const message = createIcmpMessage();
  expect(readIcmp(bytes, 20, length - 20, message)).toBeNull();
  expect(message).toMatchObject({ type: 3, code: 4, nextHopMtu: 1280, bodyLength: 28 });
  expect([...bytes.subarray(28, length)]).toEqual([...packet.subarray(0, 28)]);
});

test("options of the quoted header are quoted too", () => {
  const packet = new Uint8Array(1500).fill(1);
  packet[0] = 0x4f;
  expect(writeTooBig(new Uint8Array(TOO_BIG_MOST), packet, 1280)).toBe(TOO_BIG_MOST);
});
