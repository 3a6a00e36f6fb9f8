/** Watchers come and go while a stack runs. */
import { expect, test } from "vitest";
import type { TcpTrace } from "../../src/tcp/trace.ts";
import { flagNames } from "../../src/tools/observe/index.ts";
import { ScriptedPeer } from "../support/scripted-peer.ts";
import { TwoStacks } from "../support/two-stacks.ts";

function recorder(): TcpTrace & { readonly told: string[] } {
  const told: string[] = [];
  return {
    told,
    stateChange: (_e, from, to) => void told.push(`${from} -> ${to}`),
    segmentReceived: (_e, { flags }) => void told.push(`< ${flagNames(flags)}`),
    segmentSent: (_e, { flags }) => void told.push(`> ${flagNames(flags)}`),
    timerExpired: (_e, timer) => void told.push(`timer ${timer}`),
    updated: () => void told.push("updated"),
  };
}

test("each segment of a handshake is told once, in its order, at both ends", () => {
  const wire = new TwoStacks();
  const [a, b] = [recorder(), recorder()];
  wire.a.stack.watch(a);
  wire.b.stack.watch(b);
  wire.b.listens(80);
  wire.a.connects(wire.b, 80, 40000);
  wire.runs(100);
  expect(a.told).toEqual([
    "CLOSED -> SYN-SENT",
    "> SYN",
    "< SYN,ACK",
    "SYN-SENT -> ESTABLISHED",
    "updated",
    "> ACK",
  ]);
  expect(b.told).toEqual([
    "LISTEN -> SYN-RECEIVED",
    "< SYN",
    "> SYN,ACK",
    "< ACK",
    "SYN-RECEIVED -> ESTABLISHED",
    "updated",
  ]);
});

test("who comes late hears the rest, of what is half open as well; who leaves hears no more", () => {
  const p = new ScriptedPeer({ watched: false }).listens();
  p.sends("S 0:0(0) win 65535 <mss 1460>").sees("S. 0:0(0) ack 1");
  const late = recorder();
  const leave = p.stack.watch(late);
  p.waits(1000).sees("S. 0:0(0) ack 1").sends(". 1:1(0) ack 1");
  expect(late.told).toEqual([
    "LISTEN -> SYN-RECEIVED",
    "> SYN,ACK",
    "< ACK",
    "SYN-RECEIVED -> ESTABLISHED",
    "updated",
  ]);
  leave();
  late.told.length = 0;
  p.sends("P. 1:11(10) ack 1").sees(". 1:1(0) ack 11");
  expect(late.told).toEqual([]);
});

test("timers are told by their names before they act", () => {
  const wire = new TwoStacks({ lose: (from, _s, n) => from === "A" && n >= 2 });
  wire.b.listens(80);
  wire.a.connects(wire.b, 80, 40000);
  wire.runs(100);
  const watch = recorder();
  wire.a.stack.watch(watch);
  wire.a.endpoint!.send(new Uint8Array(10));
  wire.runs(500);
  expect(watch.told).toEqual([
    "> PSH,ACK",
    "timer probe",
    "updated",
    "> PSH,ACK",
    "timer retransmit",
    "updated",
    "> PSH,ACK",
  ]);
});
