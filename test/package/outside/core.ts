/** What needs nothing of Node, compiled without Node's types. */
import { parseDrill } from "tuntcp/drill";
import { createTarget, type Target } from "tuntcp/fuzz";
import { decode, isPacketError, type Packet, parseHex, parseIpv4, Peer } from "tuntcp/packet";

const target: Target = createTarget("options");
export const outcome: string | null = target.run(new Uint8Array(8)).violation?.rule ?? null;
export const events: boolean = parseDrill("+0 `true`").ok;
const bytes = parseHex("4500");
export const packet: Packet | null = isPacketError(bytes) ? null : decode(bytes);
export const made: readonly [typeof Peer, boolean] = [Peer, parseIpv4("192.0.2.1") !== null];
