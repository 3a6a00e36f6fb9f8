/** What craft prints: each packet that passes, with its time and direction. */
import { BRIEF, formatPacket, type Packet, toHex, toJson } from "../packet/index.ts";
import type { Passed } from "../tools/craft/index.ts";

export interface PrintOptions {
  readonly json?: boolean;
  /** The exact line, all of the payload. */
  readonly full?: boolean;
  readonly hex?: boolean;
}

function lineOf(packet: Packet, options: PrintOptions): string {
  return formatPacket(packet, options.full === true ? undefined : BRIEF);
}

/** `    0.41 ms  got   192.0.2.2:7 > 192.0.2.1:1234 S. …` */
export function printPassed({ time, direction, packet, bytes }: Passed, o: PrintOptions): void {
  if (o.json === true) {
    const ms = Math.round(time * 1000) / 1000;
    const hex = o.hex === true ? { hex: toHex(bytes) } : {};
    say(
      JSON.stringify({
        time: ms,
        direction,
        line: formatPacket(packet),
        packet: toJson(packet),
        ...hex,
      }),
    );
    return;
  }
  say(`${time.toFixed(2).padStart(9)} ms  ${direction.padEnd(4)}  ${lineOf(packet, o)}`);
  if (o.hex === true) say(`${" ".repeat(20)}${toHex(bytes)}`);
}

/** A packet that is only shown. */
export function printPacket(packet: Packet, bytes: Uint8Array, o: PrintOptions): void {
  const hex = toHex(bytes);
  if (o.json === true) {
    say(JSON.stringify({ line: formatPacket(packet), packet: toJson(packet), hex }));
  } else say(o.hex === true ? hex : formatPacket(packet));
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
