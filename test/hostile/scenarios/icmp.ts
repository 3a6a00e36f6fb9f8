/** Rows H130 to H133: ICMP from whoever can guess what to quote. */
import { expect } from "vitest";
import { ACK, addr, fragments, icmp, pattern, STACK, tcp } from "../support/packet.ts";
import { Peer } from "../support/peer.ts";
import { type Scenario, sized, type World } from "../support/world.ts";
import { drain } from "./tcp-header.ts";
import { silence } from "./ipv4.ts";

/** What the stack would have sent to this peer from that number on, as an error quotes it. */
function quote(p: Peer, seq: number, size: number, sport = p.to): Uint8Array {
  const sent = tcp({
    source: STACK,
    destination: p.address,
    sport,
    dport: p.port,
    seq: p.iss + seq,
    ack: p.isn,
    flags: ACK,
  });
  return sent.subarray(0, 20 + size);
}

function error(p: Peer, type: number, code: number, body: Uint8Array, rest = 0): Uint8Array {
  return icmp({ source: p.address }, type, code, rest, body);
}

/** A connection with 5,000 bytes on their way. */
async function sending(w: World): Promise<Peer> {
  const p = await new Peer(w).open();
  await w.app.write(p.port, 5000);
  await p.hears();
  return p;
}

async function H130(w: World): Promise<void> {
  const p = await sending(w);
  const kinds: (readonly [number, number])[] = [];
  for (let code = 0; code < 16; code++) if (code !== 4) kinds.push([3, code]);
  kinds.push([11, 0], [11, 1], [12, 0], [12, 1]);
  for (const [type, code] of kinds) {
    // not of this connection, or of nothing that is under way, or cut off
    w.put(error(p, type, code, quote(p, 1_000_000, 8)), error(p, type, code, quote(p, -70_000, 8)));
    w.put(error(p, type, code, quote(p, 1, 8, 4242)));
    for (const size of [0, 1, 4, 7]) w.put(error(p, type, code, quote(p, 1, size)));
    for (const size of [0, 1, 19]) w.put(error(p, type, code, quote(p, 1, 0).subarray(0, size)));
  }
  await silence(w);
  const odd = quote(p, 1, 8);
  odd[0] = 0x4f;
  w.put(error(p, 3, 1, odd));
  expect((await w.app.told(p.port))!.events).not.toContain("soft error");
  for (const [type, code] of kinds) {
    w.put(error(p, type, code, quote(p, 1, 8)), error(p, type, code, quote(p, 1461, 20)));
  }
  await silence(w);
  const told = await w.app.told(p.port);
  expect(told).toMatchObject({ state: "ESTABLISHED", error: null });
  expect(told!.events).toContain("soft error");
  const sizes = await drain(p, 5000);
  expect((await w.app.info(p.port)).sendQueued).toBe(0);
  expect(sizes.length).toBeGreaterThanOrEqual(0);
}

async function H131(w: World): Promise<void> {
  for (const code of [0, 1, 2, 3]) {
    const p = await new Peer(w).called();
    const state = async (): Promise<string> => (await w.app.told(p.port))!.state;
    w.put(error(p, 3, code, quote(p, 5, 8)), error(p, 3, code, quote(p, -1, 8)));
    w.put(error(p, 3, code, quote(p, 0, 8, p.to + 1)));
    await w.settle();
    expect(await state()).toBe("SYN-SENT");
    w.put(error(p, 3, code, quote(p, 0, 8)));
    await w.settle();
    const told = (await w.app.told(p.port))!;
    // port and protocol end the open at once, host and network are noted (RFC 5461)
    if (code >= 2) expect(told).toMatchObject({ state: "CLOSED", error: "ECONNREFUSED" });
    else {
      expect(told.state).toBe("SYN-SENT");
      expect(await p.says("S.", 0, 1)).toEqual([". 1:1(0) ack 1"]);
    }
  }
}

async function H132(w: World): Promise<void> {
  const p = await sending(w);
  const before = await w.app.info(p.port);
  w.put(error(p, 4, 0, quote(p, 1, 8)));
  w.put(error(p, 5, 1, quote(p, 1, 8), addr("192.0.2.99")));
  w.put(icmp({}, 17, 0, 1, new Uint8Array(4)), icmp({}, 13, 0, 1, new Uint8Array(12)));
  for (const destination of ["192.0.2.255", "255.255.255.255", "224.0.0.1"]) {
    w.put(icmp({ destination: addr(destination) }, 8, 0, 1, pattern(0, 8)));
  }
  for (const source of ["0.0.0.0", "192.0.2.255", "127.0.0.1", "224.0.0.5"]) {
    w.put(icmp({ source: addr(source) }, 8, 0, 1, pattern(0, 8)));
  }
  await silence(w);
  const { cwnd, inFlight } = await w.app.info(p.port);
  expect({ cwnd, inFlight }).toEqual({ cwnd: before.cwnd, inFlight: before.inFlight });
  // the largest that there is, in as many pieces as the link needs
  const large = icmp({}, 8, 0, 0x1234_0001, pattern(9, 65_507 - 8));
  w.put(...fragments(large, 1480, 4242));
  await w.settle();
  const back = w.inbox.splice(0).filter((s) => s.icmpType === 0);
  const body = Buffer.concat(back.map((s) => s.payload));
  expect(body.equals(Buffer.from(pattern(9, 65_507 - 8)))).toBe(true);
  const count = sized(w, 50_000, 50_000, 5000);
  const echo = icmp({}, 8, 0, 7, pattern(0, 56));
  let answers = 0;
  for (let n = 0; n < count; n += 500) {
    for (let i = 0; i < 500; i++) w.put(echo);
    await w.waits(10);
    await w.settle();
    answers += w.inbox.splice(0).filter((s) => s.icmpType === 0).length;
  }
  expect(answers).toBeGreaterThan(0);
  expect(answers).toBeLessThanOrEqual(count);
  await w.app.abort(p.port);
  w.inbox = [];
}

async function H133(w: World): Promise<void> {
  const p = await sending(w);
  const pmtu = async (): Promise<number> => (await w.app.info(p.port)).pmtu;
  const tooBig = (seq: number, mtu: number): Uint8Array => error(p, 3, 4, quote(p, seq, 8), mtu);
  for (const mtu of [0, 1, 67, 68, 296, 552]) w.put(tooBig(900_000, mtu), tooBig(-9000, mtu));
  for (const mtu of [1500, 9000, 65535]) w.put(tooBig(1, mtu));
  await w.settle();
  expect(await pmtu()).toBe(1500);
  for (let n = 0; n < 10; n++) {
    for (let i = 0; i < 140; i++) {
      for (const mtu of [0, 1, 67, 68, 296, 552, 65535]) w.put(tooBig(1, mtu));
    }
    await w.waits(100);
  }
  const least = await pmtu();
  expect(least).toBeGreaterThanOrEqual(68);
  expect(least).toBeLessThanOrEqual(1500);
  p.take();
  w.put(tooBig(1, 9000));
  await w.settle();
  expect(await pmtu()).toBe(least);
  await w.app.write(p.port, 20_000);
  const sizes = await drain(p, 25_000);
  expect(sizes.length).toBeGreaterThan(0);
  // no stream of tiny segments, whatever the search for a path that works settles on
  expect(sizes.filter((n) => n < 200).length).toBeLessThanOrEqual(3);
  expect((await w.app.info(p.port)).sendQueued).toBe(0);
  await w.waits(11 * 60_000);
  const q = await new Peer(w).open();
  expect((await w.app.info(q.port)).pmtu).toBe(1500);
}

export const ICMP_ROWS: Record<string, Scenario> = { H130, H131, H132, H133 };
