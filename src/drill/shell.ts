/** Shell text of a script, understood and never run: `true`, `sysctl` and forgetting what is known of destinations. */
import { parseSetting } from "../stack/sysctl.ts";
import type { Settings } from "../tcp/config.ts";
import { unsupported } from "./failure.ts";

export interface ShellEffect {
  readonly settings: Partial<Settings>;
  /** What is cached of destinations is to be forgotten. */
  readonly flush: boolean;
}

type Writable = { -readonly [K in keyof Settings]?: Settings[K] };

/** Throws a DrillError that names what is not known. */
export function interpretShell(text: string, line: number): ShellEffect {
  const settings: Writable = {};
  let flush = false;
  for (const command of text.split(/[\n;]/)) {
    const words = wordsOf(command, line);
    if (words.length === 0 || (words.length === 1 && words[0] === "true")) continue;
    if (words[0] === "sysctl") Object.assign(settings, sysctl(words.slice(1), line));
    else if (words.join(" ") === "ip tcp_metrics flush all") flush = true;
    else
      throw unsupported(line, `shell command ${JSON.stringify(command.trim())} is not known here`);
  }
  return { settings, flush };
}

/** Split at blanks, quotes taken off. */
function wordsOf(command: string, line: number): string[] {
  const bare = command.replace(/(^|\s)#.*$/, "");
  if ((bare.match(/["']/g) ?? []).length % 2 !== 0)
    throw unsupported(line, `a quote without its end in ${JSON.stringify(command.trim())}`);
  const words = bare.match(/(?:"[^"]*"|'[^']*'|[^\s"'])+/g) ?? [];
  return words.map((word) => word.replaceAll(/["']/g, ""));
}

const FLAGS = new Set(["-q", "-w", "-e", "-qw", "-wq", "--quiet", "--write", "--ignore"]);

function sysctl(words: readonly string[], line: number): Partial<Settings> {
  const settings: Writable = {};
  let any = false;
  for (const word of words) {
    if (FLAGS.has(word)) continue;
    if (!word.includes("="))
      throw unsupported(line, `sysctl ${word}: only NAME=VALUE is known here`);
    Object.assign(settings, setting(word, line));
    any = true;
  }
  if (!any) throw unsupported(line, "sysctl without NAME=VALUE");
  return settings;
}

/** Linux names whose value is written in another unit here. */
const CONVERTED: Readonly<Record<string, (value: string) => string>> = {
  tcp_rto_min_us: (value) => `tcp_rto_min_ms=${Math.max(1, Math.round(Number(value) / 1000))}`,
};

function setting(word: string, line: number): Partial<Settings> {
  const equals = word.indexOf("=");
  const name = word.slice(0, equals).replaceAll("/", ".");
  const value = word.slice(equals + 1).trim();
  const short = name.replace(/^net\.ipv4\./, "");
  const convert = Object.hasOwn(CONVERTED, short) ? CONVERTED[short] : undefined;
  const decimal = /^0x[0-9a-fA-F]+$/.test(value) ? String(Number(value)) : value;
  if (/^net\.ipv4\.tcp_pacing_\w+$/.test(name)) return {};
  const parsed = parseSetting(convert === undefined ? `${name}=${decimal}` : convert(value));
  if (parsed.ok) return parsed.settings;
  // of TSO, pacing and the like there is nothing here to set
  const isOther = /^net\.ipv4\.tcp_\w+$/.test(name) && parsed.error.startsWith("no setting");
  if (isOther) return {};
  throw unsupported(line, `sysctl ${word}: ${parsed.error}`);
}
