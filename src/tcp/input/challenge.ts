/**
 * Challenge ACKs (RFC 5961 §7), limited for each connection by itself, so that one tells nothing about another; behind that
 * stands a limit of the whole stack that is far off and random.
 */
import { elapsed, type Instant } from "../../base/time.ts";
import { ACK_NOW, type Tcb } from "../tcb.ts";

/** Owes one challenge ACK unless the limit is reached. */
export function challenge(t: Tcb, now: Instant): void {
  const { settings } = t.env;
  const isOver = elapsed(t.challengeEpoch, now) >= settings.tcp_challenge_ack_interval;
  if (isOver || t.challenges === 0) {
    t.challengeEpoch = now;
    t.challenges = 0;
  }
  if (t.challenges >= settings.tcp_challenge_ack_limit || !t.env.mayChallenge(now)) {
    t.env.count("TcpExtTCPACKSkippedChallenge");
    return;
  }
  t.challenges++;
  t.env.count("TcpExtTCPChallengeACK");
  t.ack = ACK_NOW;
}
