/**
 * SYN cookies (RFC 4987 §3.6 and appendix A): an ISS that says by itself what a half-open entry would remember, so that a
 * SYN leaves nothing behind. Five bits of a slow counter, three of the peer's MSS and 24 of a keyed hash, all of
 * it moved by a second keyed hash so that the numbers do not look like cookies. Window scale and SACK travel in our timestamp, and
 * ECN with them.
 */
import type { Rng } from "../base/rng.ts";
import { sipHash, type SipKey, sipKey } from "../base/siphash.ts";
import type { Instant } from "../base/time.ts";
import { type SeqNum, seq, seqDiff } from "../wire/seq.ts";
import { CWR, ECE, type TcpSegment } from "../wire/tcp-segment.ts";

/** ms of one step of the counter (RFC 4987 appendix A: 64 s). */
const STEP = 64_000;
const COUNTER_MASK = 31;
/** Steps after which a cookie is no longer taken: it lives 128 to 192 s, longer than a SYN-ACK that is sent again. */
const STEPS_VALID = 2;
/** ms; later than this after the last cookie sent, no ACK can hold a good one. */
export const COOKIE_LIFETIME: number = (STEPS_VALID + 1) * STEP;

/**
 * The segment sizes a cookie can name; the greatest that is not above the peer's is taken. The ends are the least we
 * believe (tcp_min_snd_mss) and Ethernet's; 536 is for a peer that names none; between them common tunnels.
 */
const MSS_TABLE: readonly number[] = [48, 216, 536, 1220, 1360, 1400, 1440, 1460];

/** Low bits of the timestamp that hold options: window scale (15: none), SACK, ECN. */
const OPTION_BITS = 6;
const SCALE_MASK = 15;
const NO_SCALE = 15;
const SACK_BIT = 16;
const ECN_BIT = 32;

export class SynCookies {
  private readonly maskKey: SipKey;
  private readonly key: SipKey;

  constructor(rng: Rng) {
    this.maskKey = sipKey(rng);
    this.key = sipKey(rng);
  }

  /** The ISS that answers `syn`. */
  make(syn: TcpSegment, now: Instant): SeqNum {
    const counter = Math.floor(now / STEP) & COUNTER_MASK;
    const top = (counter << 3) | mssIndex(syn.mss === 0 ? 536 : syn.mss);
    const mask = this.mask(syn, syn.seq);
    return seq(((top << 24) | this.proof(syn, mask, top)) + mask);
  }

  /** The peer's MSS where the ACK number of `s` is one above a cookie of ours that is still good; else 0. */
  check(s: TcpSegment, now: Instant): number {
    const mask = this.mask(s, seq(s.seq - 1));
    const cookie = (s.ack - 1 - mask) | 0;
    const top = cookie >>> 24;
    const age = (Math.floor(now / STEP) - (top >> 3)) & COUNTER_MASK;
    if (age > STEPS_VALID) return 0;
    if ((cookie & 0xffffff) !== this.proof(s, mask, top)) return 0;
    return MSS_TABLE[top & 7]!;
  }

  /** `s` came from the peer: its source is the remote end. */
  private mask(s: TcpSegment, irs: SeqNum): number {
    const ports = (s.destinationPort << 16) | s.sourcePort;
    return sipHash(this.maskKey, s.destination, s.source, ports, irs);
  }

  /** 24 bits; `mask` brings in our address and the peer's ISN. */
  private proof(s: TcpSegment, mask: number, top: number): number {
    const ports = (s.destinationPort << 16) | s.sourcePort;
    return sipHash(this.key, top, s.source, ports, mask) & 0xffffff;
  }
}

function mssIndex(mss: number): number {
  let i = MSS_TABLE.length - 1;
  while (i > 0 && MSS_TABLE[i]! > mss) i--;
  return i;
}

/** The timestamp clock with the options of a SYN in its lowest bits: at most 63 ms behind, and never ahead. */
export function timestampWithOptions(
  clock: number,
  windowScale: number,
  sack: boolean,
  ecn: boolean,
): number {
  const scale = windowScale < 0 ? NO_SCALE : windowScale;
  const bits = scale | (sack ? SACK_BIT : 0) | (ecn ? ECN_BIT : 0);
  const low = (1 << OPTION_BITS) - 1;
  const value = (clock & ~low) | bits;
  return seqDiff(seq(value), seq(clock)) > 0 ? (value - low - 1) | 0 : value;
}

/** Reads back what {@link timestampWithOptions} wrote. */
export function optionsFromTimestamp(value: number, o: TcpSegment): void {
  const scale = value & SCALE_MASK;
  o.windowScale = scale === NO_SCALE ? -1 : scale;
  o.sackPermitted = (value & SACK_BIT) !== 0;
  if ((value & ECN_BIT) !== 0) o.flags |= ECE | CWR;
}
