/** The checksum that a simulated host leaves to its device, filled in where somebody will look at it. */
import { readI32 } from "../base/bytes.ts";
import { ipv4 } from "../wire/address.ts";
import { fillTcpChecksum } from "../wire/tcp.ts";

/** Of a packet with TCP, at the beginning of `buffer`. */
export function completeChecksum(buffer: Uint8Array, length: number): void {
  const header = (buffer[0]! & 15) * 4;
  const [source, destination] = [ipv4(readI32(buffer, 12)), ipv4(readI32(buffer, 16))];
  fillTcpChecksum(buffer, header, length - header, source, destination);
}
