/** Challenge ACKs (RFC 5961 §7), limited for each connection by itself, so that one tells nothing about another. */
import { elapsed, type Instant } from "../../base/time.ts";
import { ACK_NOW, type Tcb } from "../tcb.ts";

/** RFC 5961 §7: the interval the limit counts in, ms. */
const CHALLENGE_INTERVAL = 5000;

/** Owes one challenge ACK unless the limit is reached. */
export function challenge(t: Tcb, now: Instant): void {
  if (elapsed(t.challengeEpoch, now) >= CHALLENGE_INTERVAL || t.challenges === 0) {
    t.challengeEpoch = now;
    t.challenges = 0;
  }
  if (t.challenges >= t.env.settings.tcp_challenge_ack_limit) {
    t.env.count("TcpExtTCPACKSkippedChallenge");
    return;
  }
  t.challenges++;
  t.env.count("TcpExtTCPChallengeACK");
  t.ack = ACK_NOW;
}
