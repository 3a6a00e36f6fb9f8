/** A stack that stands in for every host beyond its device, and a listener on every port. */
import { describe, expect, test } from "vitest";
import { seededRng } from "../../src/base/rng.ts";
import { instantOf } from "../../src/base/time.ts";
import type { ListenOptions } from "../../src/stack/options.ts";
import { Stack } from "../../src/stack/stack.ts";
import { formatIpv4, parseIpv4 } from "../../src/wire/address.ts";
import { writeIcmp } from "../../src/wire/icmpv4.ts";
import { PROTO_ICMP, writeIpv4 } from "../../src/wire/ipv4.ts";
import { ACK, RST, SYN, type TcpSegment } from "../../src/wire/tcp-segment.ts";
import { OURS, PEER } from "../support/scripted-peer.ts";
import { RecordingSender } from "../support/recording-sender.ts";
import { SynFlood } from "../support/syn-flood.ts";
import { readSegment } from "../support/two-stacks.ts";

const now = instantOf(0);

function stackOf(anyAddress: boolean): { stack: Stack; sender: RecordingSender } {
  const sender = new RecordingSender();
  const addresses = [{ address: OURS, prefix: 24 }];
  return { stack: new Stack({ addresses, anyAddress, rng: seededRng(7), now, sender }), sender };
}

function listens(stack: Stack, options: Partial<ListenOptions>): string[] {
  const heard: string[] = [];
  const synOwner = {
    onSyn: (syn: { localAddress: typeof OURS; localPort: number }): void =>
      void heard.push(`${formatIpv4(syn.localAddress)}:${syn.localPort}`),
    onSynOver: (): void => {},
  };
  stack.listen({ port: 0, owner: { onConnection: () => {} }, synOwner, ...options });
  return heard;
}

/** A SYN to there; what the stack sent in answer. */
function syn(stack: Stack, sender: RecordingSender, to: string, port: number): TcpSegment | null {
  new SynFlood(parseIpv4(to)!, port).syn(stack, PEER, 40000, 1, now);
  stack.poll(now);
  const [packet] = sender.packets.splice(0);
  return packet === undefined ? null : readSegment(packet.bytes);
}

describe("any port", () => {
  test("its listener has the SYNs to every port that no other listener has", () => {
    const { stack, sender } = stackOf(false);
    const heard = listens(stack, { anyPort: true });
    stack.listen({ port: 80, owner: { onConnection: () => {} } });
    expect(syn(stack, sender, "192.0.2.2", 80)!.flags).toBe(SYN | ACK);
    expect(syn(stack, sender, "192.0.2.2", 81)).toBe(null);
    expect(syn(stack, sender, "192.0.2.2", 65535)).toBe(null);
    expect(heard).toEqual(["192.0.2.2:81", "192.0.2.2:65535"]);
    expect(stack.listening()).toMatchObject([{ port: 0 }, { port: 80 }]);
  });

  test("there is one of them, and after its close every port is closed", () => {
    const { stack, sender } = stackOf(false);
    const any = { port: 0, anyPort: true, owner: { onConnection: () => {} } };
    const listener = stack.listen(any);
    expect(() => stack.listen(any)).toThrow(/0\.0\.0\.0:any port has a listener already/);
    expect(syn(stack, sender, "192.0.2.2", 5)!.flags).toBe(SYN | ACK);
    listener.close();
    stack.poll(now);
    sender.packets.length = 0;
    expect(syn(stack, sender, "192.0.2.2", 6)!.flags).toBe(RST | ACK);
  });
});

describe("any address", () => {
  test("SYNs to other hosts find the listener, and are for somebody else without", () => {
    const { stack, sender } = stackOf(true);
    const heard = listens(stack, { anyPort: true });
    syn(stack, sender, "198.51.100.7", 443);
    syn(stack, sender, "192.0.2.77", 22);
    expect(heard).toEqual(["198.51.100.7:443", "192.0.2.77:22"]);
    const own = stackOf(false);
    const none = listens(own.stack, { anyPort: true });
    expect(syn(own.stack, own.sender, "198.51.100.7", 443)).toBe(null);
    expect([none, own.stack.counters.get("IpInAddrErrors")]).toEqual([[], 1]);
  });

  test("an answer comes from the address that was asked", () => {
    const { stack, sender } = stackOf(true);
    stack.listen({ port: 80, owner: { onConnection: () => {} } });
    expect(syn(stack, sender, "198.51.100.7", 80)).toMatchObject({
      flags: SYN | ACK,
      source: parseIpv4("198.51.100.7"),
      destination: PEER,
    });
    expect(syn(stack, sender, "198.51.100.7", 81)).toMatchObject({ flags: RST | ACK });
  });

  test.each(["127.0.0.1", "0.0.0.0", "224.0.0.1", "255.255.255.255", "192.0.2.255"])(
    "%s is no host's beyond the device [MUST-57]",
    (to) => {
      const { stack, sender } = stackOf(true);
      const heard = listens(stack, { anyPort: true });
      expect(syn(stack, sender, to, 80)).toBe(null);
      expect(heard).toEqual([]);
      expect(stack.counters.get("IpInAddrErrors")).toBe(1);
    },
  );

  test("a connection may come from any of them, and from no other", () => {
    const { stack, sender } = stackOf(true);
    const to = { remoteAddress: PEER, remotePort: 80, owner: null };
    stack.connect({ ...to, localAddress: parseIpv4("203.0.113.9")! });
    stack.poll(now);
    expect(readSegment(sender.packets[0]!.bytes)).toMatchObject({
      flags: expect.any(Number) as number,
      source: parseIpv4("203.0.113.9"),
    });
    const loopback = parseIpv4("127.0.0.1")!;
    expect(() => stack.connect({ ...to, localAddress: loopback })).toThrow(/EADDRNOTAVAIL/);
    const own = stackOf(false).stack;
    const asked = { ...to, localAddress: parseIpv4("203.0.113.9")! };
    expect(() => own.connect(asked)).toThrow(/EADDRNOTAVAIL/);
  });

  test("a ping is answered for the stack's own address only", () => {
    const { stack, sender } = stackOf(true);
    for (const [to, answers] of [
      ["198.51.100.7", 0],
      ["192.0.2.2", 1],
    ] as const) {
      const packet = new Uint8Array(36);
      writeIcmp(packet, 20, 8, 0, 0x10001, new Uint8Array(8), 0, 8);
      writeIpv4(packet, 0, 36, 0, 1, false, 64, PROTO_ICMP, PEER, parseIpv4(to)!);
      stack.input(packet, 0, packet.length, 0, now);
      expect(sender.packets).toHaveLength(answers);
    }
  });
});
