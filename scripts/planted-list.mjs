/** Bugs for scripts/planted.mjs, some of them faults of scripts/mutants-list.mjs: `find` stands exactly once in src and becomes `replace`. */
import { MUTANTS } from "./mutants-list.mjs";

const NAMES = `
seq-less-without-wrap seq-greater-or-equal-without-wrap window-edge-one-too-far wl1-wl2-ignored syn-window-scaled-when-read
syn-window-scaled-when-sent window-edge-moves-left text-beyond-the-window-kept old-text-not-cut
ack-of-what-was-never-sent ack-older-than-any-window fin-before-the-hole-is-filled no-text-after-our-fin persist-gives-up
keep-alive-that-never-ends time-wait-not-begun-anew timer-that-moved-earlier-not-moved option-of-length-0-is-read-for-ever
option-that-ends-past-the-header mss-without-option-bytes mss-of-a-peer-that-names-none paws-on-rst timestamp-of-what-is-out-of-order
rst-anywhere-in-the-window rst-answered-with-rst challenge-limit-off half-open-reset-by-a-guess half-open-never-uncounted
cookie-without-proof cookie-without-age icmp-error-about-any-number icmp-error-ends-a-connection checksum-not-looked-at checksum-without-the-odd-byte
memory-of-a-connection-that-ended hole-in-the-connection-table syn-ack-to-a-syn-that-crossed-ours fast-open-any-cookie
fast-open-without-limit fast-open-data-not-sent-again fast-open-data-again-as-sent leak-on-a-suppressed-ack sack-block-from-una urgent-mark-one-off
`
  .trim()
  .split(/\s+/);

export const PLANTED = NAMES.map((name) => MUTANTS.find((mutant) => mutant.name === name));
