/** SACK blocks that a peer lies with: each is ignored by itself and moves nothing (RFC 2018 §5, RFC 6675 §2). */
import { expect, test } from "vitest";
import { ScriptedPeer } from "../support/scripted-peer.ts";

const MSS = 1000;

/** A peer with SACK to which ten segments are under way, more waits, and one was acknowledged. */
function sending(): ScriptedPeer {
  const p = new ScriptedPeer().established(`<mss ${MSS},sackOK>`);
  p.writes(60_000);
  while (p.pending > 0) p.next();
  p.sends(`. 1:1(0) ack ${MSS + 1}`);
  while (p.pending > 0) p.next();
  return p;
}

// SND.UNA is 1001 and SND.NXT 12001
test.each([
  ["begins at SND.UNA", "1001:2001"],
  ["begins below SND.UNA", "501:2001"],
  ["lies below SND.UNA", "1:1001"],
  ["ends beyond SND.NXT", "11001:12002"],
  ["lies beyond SND.NXT", "20001:30001"],
  ["is empty", "3001:3001"],
  ["ends before it begins", "4001:3001"],
  ["is half of the circle", "3001:2147486649"],
])("a block that %s is ignored, however often it comes", (_what, block) => {
  const p = sending();
  const before = p.endpoint.info();
  expect(before.sndNxt - before.sndUna).toBe(11 * MSS);
  for (let n = 0; n < 5; n++) p.sends(`. 1:1(0) ack 1001 <sack ${block}>`).silent();
  const { sacked, cwnd, recovery } = p.endpoint.info();
  expect([sacked, cwnd, recovery]).toEqual([0, before.cwnd, "open"]);
  // a good block beside a bad one counts
  p.sends(`. 1:1(0) ack 1001 <sack ${block} 3001:4001>`);
  expect(p.endpoint.info().sacked).toBe(MSS);
});
