/** What a client is told of a target that cannot be connected to. */
import type { Refusal } from "../../sockets/syn-request.ts";

/** What its own kernel would have told it; without places for sockets of our own, it may ask again. */
export function refusalOf(code: string | undefined): Refusal {
  switch (code) {
    case "ENETUNREACH":
    case "ENETDOWN":
      return "net-unreachable";
    case "EHOSTUNREACH":
    case "EHOSTDOWN":
    case "ENOTFOUND":
    case "EAI_AGAIN":
    case "EACCES":
    case "EPERM":
      return "host-unreachable";
    case "ETIMEDOUT":
    case "EMFILE":
    case "ENFILE":
    case "ENOBUFS":
    case "EADDRNOTAVAIL":
      return "silence";
    default:
      return "reset";
  }
}
