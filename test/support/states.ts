/** The states of RFC 9293 §3.3.2 in the groups that tests go through. */

/** Those in which both ends agree on numbers. */
export const SYNCHRONIZED = [
  "ESTABLISHED",
  "FIN-WAIT-1",
  "FIN-WAIT-2",
  "CLOSE-WAIT",
  "CLOSING",
  "LAST-ACK",
  "TIME-WAIT",
] as const;

/** Those in which there is a connection. */
export const LIVE = ["SYN-SENT", "SYN-RECEIVED", ...SYNCHRONIZED] as const;
