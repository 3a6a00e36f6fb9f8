/**
 * Small faults, each of which some test must notice. `find` stands exactly once in src and becomes `replace`; `tests` are
 * asked first, then all quick ones. A fault whose place moved or changed is to be fitted to it: test/scripts/mutants.test.ts.
 */
export const MUTANTS = [
  // --- sequence numbers and windows ---
  {
    name: "seq-less-without-wrap",
    find: "return ((a - b) | 0) < 0;",
    replace: "return a < b;",
    tests: ["test/wire/seq.test.ts"],
  },
  {
    name: "seq-greater-or-equal-without-wrap",
    find: "return ((a - b) | 0) >= 0;",
    replace: "return a >= b;",
    tests: ["test/wire/seq.test.ts"],
  },
  {
    name: "window-edge-one-too-far",
    find: "return distance >= 0 && distance < size;",
    replace: "return distance >= 0 && distance <= size;",
    tests: ["test/wire/seq.test.ts", "test/traces/window-edges.test.ts"],
  },
  {
    name: "wl1-wl2-ignored",
    find: "if (!(seqLt(snd.wl1, s.seq) || (snd.wl1 === s.seq && seqLeq(snd.wl2, s.ack)))) return;",
    replace: "",
    tests: ["test/traces/window-edges.test.ts"],
  },
  {
    name: "syn-window-scaled-when-read",
    find: "return s.window << ((s.flags & (SYN | SYN_TAKEN)) !== 0 ? 0 : shift);",
    replace: "return s.window << shift;",
    tests: ["test/traces/window-edges.test.ts"],
  },
  {
    name: "syn-window-scaled-when-sent",
    find: "const field = Math.min(65535, Math.max(0, rcv.buffer - t.receiveQueue.length));",
    replace: "const field = Math.max(0, rcv.buffer - t.receiveQueue.length) >> rcv.scale;",
    tests: ["test/traces/window-edges.test.ts"],
  },
  {
    name: "window-edge-moves-left",
    find: "if (seqDiff(possible, rcv.edge) >= worthwhile(t)) rcv.edge = possible;",
    replace: "rcv.edge = possible;",
    tests: ["test/traces/silly-window.test.ts", "test/traces/window.test.ts"],
  },
  {
    name: "silly-window-updates",
    find: "if (gain < worthwhile(t)) return false;",
    replace: "if (gain <= 0) return false;",
    tests: ["test/traces/silly-window.test.ts"],
  },
  {
    name: "nagle-off",
    find: "return t.noDelay || t.snd.nxt === t.snd.bufferSeq ||",
    replace: "return true || t.snd.nxt === t.snd.bufferSeq ||",
    tests: ["test/traces/silly-window.test.ts"],
  },
  {
    name: "text-beyond-the-window-kept",
    find: "s.payloadLength = Math.max(0, s.payloadLength - over);",
    replace: "",
    tests: ["test/traces/window-edges.test.ts"],
  },
  {
    name: "old-text-not-cut",
    find: "s.payloadOffset += cut;",
    replace: "",
    tests: ["test/traces/receive.test.ts"],
  },
  // --- acknowledgments ---
  {
    name: "ack-of-what-was-never-sent",
    find: "} else if (seqGt(s.ack, nxt) || seqLt(s.ack, seqAdd(una, -maxWnd))) {",
    replace: "} else if (seqLt(s.ack, seqAdd(una, -maxWnd))) {",
    tests: ["test/traces/blind-attacks.test.ts", "test/grid/grid.test.ts"],
  },
  {
    name: "ack-older-than-any-window",
    find: "} else if (seqGt(s.ack, nxt) || seqLt(s.ack, seqAdd(una, -maxWnd))) {",
    replace: "} else if (seqGt(s.ack, nxt)) {",
    tests: ["test/traces/blind-attacks.test.ts"],
  },
  {
    name: "ack-for-each-fourth-segment",
    find: "rcv.unacked >= 2 * Math.min(rcv.mss, t.snd.mss)",
    replace: "rcv.unacked >= 4 * Math.min(rcv.mss, t.snd.mss)",
    tests: ["test/traces/receive.test.ts"],
  },
  {
    name: "delayed-ack-too-late",
    find: "tcp_delack_min_ms: 40,",
    replace: "tcp_delack_min_ms: 600,",
    tests: ["test/traces/receive.test.ts"],
  },
  {
    name: "sack-block-from-una",
    find: "|| seqLeq(from, snd.una) ",
    replace: "",
    tests: ["test/traces/sack-sender.test.ts"],
  },
  {
    name: "fin-before-the-hole-is-filled",
    find: "if (t.rcv.finSeen && t.rcv.finSeq === t.rcv.nxt && !t.rcv.ended) takeFin(t, now);",
    replace: "if (t.rcv.finSeen && !t.rcv.ended) takeFin(t, now);",
    tests: ["test/traces/close.test.ts", "test/traces/receive.test.ts"],
  },
  {
    name: "no-text-after-our-fin",
    find: 'return s === "ESTABLISHED" || s === "FIN-WAIT-1" || s === "FIN-WAIT-2";',
    replace: 'return s === "ESTABLISHED" || s === "FIN-WAIT-1";',
    tests: ["test/traces/close.test.ts", "test/sim/closes.test.ts"],
  },
  // --- retransmission and time ---
  {
    name: "back-off-not-reset",
    find: "this.rto = Math.min(Math.max(rto, rtoMin), rtoMax);\n    this.backoff = 0;",
    replace: "this.rto = Math.min(Math.max(rto, rtoMin), rtoMax);",
    tests: ["test/traces/round-trip-time.test.ts", "test/traces/retransmission.test.ts"],
  },
  {
    name: "no-back-off",
    find: "  t.rtt.backoff++;",
    replace: "",
    tests: ["test/traces/retransmission.test.ts"],
  },
  {
    name: "karn-off",
    find: "  t.timing = false;\n  t.timedSeq = t.snd.una;",
    replace: "",
    tests: ["test/traces/round-trip-time.test.ts"],
  },
  {
    name: "rttvar-after-srtt",
    find: "this.rttvar += (Math.abs(this.srtt - r) - this.rttvar) / 4;\n      this.srtt += (r - this.srtt) / 8;",
    replace:
      "this.srtt += (r - this.srtt) / 8;\n      this.rttvar += (Math.abs(this.srtt - r) - this.rttvar) / 4;",
    tests: ["test/traces/round-trip-time.test.ts"],
  },
  {
    name: "persist-gives-up",
    find: "if (t.persistBackoff > 0 || window === 0) t.retries = 0;",
    replace: "",
    tests: [
      "test/traces/window.test.ts",
      "test/traces/window-edges.test.ts",
      "test/traces/silly-window.test.ts",
    ],
  },
  {
    name: "keep-alive-beside-data",
    find: "if (seqLt(t.snd.una, t.snd.nxt) || t.sendBuffer.length > 0) return startKeepAlive(t, idle, now);",
    replace: "",
    tests: ["test/traces/keepalive.test.ts"],
  },
  {
    name: "keep-alive-that-never-ends",
    find: "if (t.probesSent >= t.keepAliveProbes || (isOver && t.probesSent > 0)) {",
    replace: "if (isOver && t.probesSent > 0) {",
    tests: ["test/traces/keepalive.test.ts"],
  },
  {
    name: "time-wait-too-short",
    find: "after(now, 2 * t.env.settings.tcp_msl * 1000)",
    replace: "after(now, t.env.settings.tcp_msl * 1000)",
    tests: ["test/traces/time-wait.test.ts"],
  },
  {
    name: "time-wait-not-begun-anew",
    find: 'if (t.state === "TIME-WAIT" && isFin) startTimeWait(t, now);',
    replace: "",
    tests: ["test/traces/time-wait.test.ts", "test/sim/closes.test.ts"],
  },
  {
    name: "timer-that-moved-earlier-not-moved",
    find: "due !== Infinity : due < c.wheelDeadline) this.wheel.schedule(c, due);",
    replace: "due !== Infinity : false) this.wheel.schedule(c, due);",
    tests: ["test/traces/receive.test.ts", "test/traces/retransmission.test.ts"],
  },
  // --- options ---
  {
    name: "option-of-length-0-is-read-for-ever",
    find: 'if (length < 2 || at + length > to) return "bad-option";',
    replace: 'if (length === 1 || at + length > to) return "bad-option";',
    tests: ["test/wire/tcp-options.test.ts"],
  },
  {
    name: "option-that-ends-past-the-header",
    find: 'if (length < 2 || at + length > to) return "bad-option";',
    replace: 'if (length < 2 || at + length > to + 1) return "bad-option";',
    tests: ["test/wire/tcp-options.test.ts"],
  },
  {
    name: "mss-without-option-bytes",
    find: "pathMtu(t) - HEADERS) - optionBytes(t));",
    replace: "pathMtu(t) - HEADERS));",
    tests: ["test/traces/options.test.ts"],
  },
  {
    name: "mss-of-a-peer-that-names-none",
    find: "s.mss > 0 ? Math.max(s.mss, settings.tcp_min_snd_mss) : 536;",
    replace: "s.mss > 0 ? Math.max(s.mss, settings.tcp_min_snd_mss) : 1460;",
    tests: ["test/traces/path-mtu.test.ts"],
  },
  {
    name: "paws-on-rst",
    find: "const withTimestamps = t.timestamps && !isReset;",
    replace: "const withTimestamps = t.timestamps;",
    tests: ["test/grid/grid.test.ts"],
  },
  {
    name: "paws-after-24-days",
    find: "if (!older || elapsed(t.tsRecentAt, now) > TS_RECENT_VALID) return null;",
    replace: "if (!older) return null;",
    tests: ["test/traces/options.test.ts", "test/soak/days.test.ts"],
  },
  {
    name: "timestamp-of-what-is-out-of-order",
    find: "if ((newer || stale) && seqLeq(s.seq, t.rcv.lastAckSent)) {",
    replace: "if (newer || stale) {",
    tests: ["test/grid/grid.test.ts"],
  },
  // --- resets, challenges, what strangers send ---
  {
    name: "rst-anywhere-in-the-window",
    find: 'if (s.seq !== t.rcv.nxt) {\n    challenge(t, now);\n    return "dropped: reset not at RCV.NXT";\n  }',
    replace: "",
    tests: ["test/grid/grid.test.ts"],
  },
  {
    name: "rst-answered-with-rst",
    find: 'if ((s.flags & RST) !== 0) return this.counters.drop("TcpInRsts", "reset for nobody");',
    replace: "",
    tests: ["test/traces/reset.test.ts", "test/stack/stack.test.ts"],
  },
  {
    name: "challenge-limit-off",
    find: "if (t.challenges >= settings.tcp_challenge_ack_limit || !t.env.mayChallenge(now)) {",
    replace: "if (!t.env.mayChallenge(now)) {",
    tests: ["test/traces/blind-attacks.test.ts"],
  },
  {
    name: "leak-on-a-suppressed-ack",
    find: 't.env.count("TcpExtTCPACKSkippedChallenge");',
    replace: 't.env.count("TcpExtTCPACKSkippedChallenge");\n    t.env.memory.charge(64);',
    tests: ["test/traces/blind-attacks.test.ts"],
  },
  {
    name: "half-open-reset-by-a-guess",
    find: "return this.onReset(h, s.seq === next, now);",
    replace: "return this.onReset(h, true, now);",
    tests: ["test/traces/syn-queue.test.ts"],
  },
  {
    name: "half-open-never-uncounted",
    find: "    h.listener.halfOpen--;",
    replace: "",
    tests: ["test/traces/syn-queue.test.ts"],
  },
  {
    name: "cookie-without-age",
    find: "if (age > STEPS_VALID) return 0;",
    replace: "",
    tests: ["test/stack/syn-cookies.test.ts"],
  },
  {
    name: "cookie-without-proof",
    find: "if ((cookie & 0xffffff) !== this.proof(s, mask, top)) return 0;",
    replace: "",
    tests: ["test/stack/syn-cookies.test.ts"],
  },
  {
    name: "icmp-error-about-any-number",
    find: "if (seqLt(quoted, this.snd.una) || seqGeq(quoted, this.snd.nxt)) return false;",
    replace: "",
    tests: ["test/stack/icmp.test.ts"],
  },
  {
    name: "icmp-error-ends-a-connection",
    find: "if (hard && !isSynchronized(this.state)) {",
    replace: "if (hard) {",
    tests: ["test/stack/icmp.test.ts"],
  },
  {
    name: "checksum-not-looked-at",
    find: "if (!checksumGood) {",
    replace: "if (checksumGood) {",
    tests: ["test/wire/tcp.test.ts"],
  },
  {
    name: "checksum-without-the-odd-byte",
    find: "  if (i < to) high = (high + buf[i]!) | 0;\n",
    replace: "",
    tests: ["test/wire/checksum.test.ts"],
  },
  // --- what must not be guessed ---
  {
    name: "isn-by-a-constant-step",
    find: "return seq((clock | 0) + sipHash(this.key, local, remote, ports, this.origin));",
    replace: "return seq((clock | 0) + this.origin + 64000 * (ports & 0xffff));",
    tests: ["test/tcp/isn.test.ts"],
  },
  {
    name: "ports-by-a-constant-step",
    find: "this.cells[cell]! + 1 + below(this.rng, STEP);",
    replace: "this.cells[cell]! + 1;",
    tests: ["test/stack/ports.test.ts"],
  },
  {
    name: "ip-id-by-a-constant-step",
    find: "[left, right] = [right, left ^ mixed];",
    replace: "void mixed;",
    tests: ["test/stack/ip-id.test.ts", "test/stack/statistics.test.ts"],
  },
  // --- what is kept ---
  {
    name: "memory-of-a-connection-that-ended",
    find: "this.env.memory.charge(-c.charged);",
    replace: "",
    tests: ["test/traces/memory.test.ts", "test/soak/lives.test.ts"],
  },
  {
    name: "hole-in-the-connection-table",
    find: "      hole = at;\n",
    replace: "",
    tests: ["test/stack/connection-table.test.ts"],
  },
  {
    name: "syn-ack-to-a-syn-that-crossed-ours",
    find: 'setState(t, "SYN-RECEIVED", "SYN received, simultaneous open", now);\n    t.synOwed = true;',
    replace: 'setState(t, "SYN-RECEIVED", "SYN received, simultaneous open", now);',
    tests: ["test/sim/opens.test.ts"],
  },
  {
    name: "urgent-mark-one-off",
    find: "const pointer = seqAdd(s.seq, s.urgentPointer);",
    replace: "const pointer = seqAdd(s.seq, s.urgentPointer + 1);",
    tests: ["test/traces/urgent.test.ts"],
  },
  // --- loss recovery and congestion ---
  {
    name: "cubic-does-not-reduce",
    find: "curve.epoch = -1;\n    this.ssthresh = Math.max(Math.floor(flight * beta), 2 * this.mss);",
    replace: "curve.epoch = -1;\n    this.ssthresh = Math.max(flight, 2 * this.mss);",
    tests: ["test/tcp/congestion/cubic.test.ts", "test/traces/congestion.test.ts"],
  },
  {
    name: "reordering-counts-as-loss",
    find: "return t.rtt.latest + reorderingWindow(t);",
    replace: "return t.rtt.latest;",
    tests: ["test/traces/recovery.test.ts"],
  },
  {
    name: "prr-lets-everything-go",
    find: "count = Math.min(ssthresh - inFlight, count);",
    replace: "",
    tests: ["test/traces/recovery.test.ts"],
  },
  {
    name: "nothing-of-a-timeout-is-undone",
    find: "  if (first) beginUndo(t, l);\n",
    replace: "",
    tests: ["test/traces/recovery.test.ts"],
  },
  {
    name: "window-reduced-for-each-echo",
    find: "const due = !e.reduced;",
    replace: "const due = true;",
    tests: ["test/traces/ecn.test.ts"],
  },
  {
    name: "echo-that-never-ends",
    find: "    e.echoes = false;\n",
    replace: "",
    tests: ["test/traces/ecn.test.ts"],
  },
  {
    name: "fast-open-cookie-half-checked",
    find: "readI32(s.cookie, 0) === sipHash(key, s.source, s.destination, 0, 0) &&",
    replace: "",
    tests: ["test/stack/fast-open.test.ts", "test/traces/fast-open-server.test.ts"],
  },
];
