/**
 * Bugs for scripts/planted.mjs: `find` stands exactly once in src and becomes `replace`. Twenty-three are faults of scripts/mutants-list.mjs,
 * seven are planted here only.
 */
import { MUTANTS } from "./mutants-list.mjs";

const NAMES = `
  seq-less-without-wrap
  seq-greater-or-equal-without-wrap
  window-edge-one-too-far
  syn-window-scaled-when-read
  text-beyond-the-window-kept
  old-text-not-cut
  ack-of-what-was-never-sent
  fin-before-the-hole-is-filled
  no-text-after-our-fin
  time-wait-not-begun-anew
  option-of-length-0-is-read-for-ever
  option-that-ends-past-the-header
  mss-without-option-bytes
  rst-anywhere-in-the-window
  rst-answered-with-rst
  half-open-reset-by-a-guess
  half-open-never-uncounted
  cookie-without-proof
  checksum-not-looked-at
  checksum-without-the-odd-byte
  memory-of-a-connection-that-ended
  hole-in-the-connection-table
  syn-ack-to-a-syn-that-crossed-ours
`
  .trim()
  .split(/\s+/);

const OWN = [
  {
    name: "syn-on-a-live-connection-passes",
    find: '  challenge(t, now);\n  return "dropped: SYN on a live connection";',
    replace: "  return null;",
  },
  {
    name: "text-behind-an-island-from-its-start",
    find: "const from = seqDiff(island.right, start);",
    replace: "const from = 0;",
  },
  {
    name: "islands-that-touch-stay-two",
    find: "if (reached > 0) this.islands.splice(i + 1, reached);",
    replace: "",
  },
  {
    name: "closed-window-never-probed",
    find: "  t.timers.start(TIMER_PERSIST, after(now, override ? Math.min(Math.max(span, 100), 1000) : span));",
    replace: "",
  },
  {
    name: "time-wait-for-ever",
    find: "  t.timers.start(TIMER_TIME_WAIT, after(now, 2 * t.env.settings.tcp_msl * 1000));",
    replace: "",
  },
  {
    name: "any-ack-is-that-of-the-fin",
    find: "const finAcked = snd.finSent && s.ack === snd.nxt;",
    replace: "const finAcked = snd.finSent;",
  },
  {
    name: "acknowledged-byte-kept",
    find: "    t.sendBuffer.acknowledge(bytes);",
    replace: "    t.sendBuffer.acknowledge(bytes > 1 ? bytes - 1 : bytes);",
  },
];

export const PLANTED = [
  ...NAMES.map((name) => MUTANTS.find((mutant) => mutant.name === name)),
  ...OWN,
];
