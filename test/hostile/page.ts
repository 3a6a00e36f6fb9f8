/** The rows as a page for people: docs/hostile.md, made from rows.tsv and from where each scenario is driven. */
import { NOT_YET } from "./not-yet.ts";
import { IN_MEMORY, OF_PROCESSES, OUTSIDE } from "./scenarios/index.ts";
import { NOT_MEANWHILE } from "./support/invariants.ts";
import { ROWS } from "./support/table.ts";

/** Rows that no packet can drive, and why; each is driven in memory, and as it says. */
export const NOT_FROM_OUTSIDE: Readonly<Record<string, string>> = {
  H150: "what ends the process is a signal: `tuntcp serve` on a TUN gets it, and the kernel's own sockets are its peers",
};

/** What of a row is driven otherwise than the rest of it, or met in another way than the table asks. */
export const NOTES: Readonly<Record<string, string>> = {
  H050: "the weight of one half-open entry is shown by `test/stack/syn-queue-memory.test.ts`",
  H075: "the table alone, with 20,000 pairs, in memory only",
  H088: "at the cap SYNs are answered with cookies (`docs/departures.md`) rather than refused, so that honest peers get in (H080); the limit of connections is a server's `maxConnections`, shown in memory",
  H090: "one ACK adds up to 8 segments, as `docs/departures.md` says",
  H110: "between two stacks, with all pairs of ISNs, in memory only",
  H113: "between two stacks in memory only",
  H114: "`tcp_rfc1337` is on: an exact RST is ignored",
  H124: "between two stacks in memory only",
  H144: "writes to a TUN are whole or fail; none is short",
  H145: "packets beyond the read buffer are cut by the kernel, and dropped as cut",
  H154: "the collector under strain through a TUN only; no look at the limit of the heap: what bounds memory is `tcp_mem`",
  H155: "with SIGSTOP on `tuntcp serve` as well",
};

const INTRODUCTION = `# Hostile peers

93 ways in which a peer, a path, a device or the program itself can go wrong, and what holds nevertheless. Made by
\`npm run hostile\` from \`test/hostile/rows.tsv\`; \`scripts/test\` drives each row, and its last lines say how many were met.

- **memory**: the stack alone in virtual time, in \`test/hostile/memory.test.ts\`.
- **TUN**: the same scenario against a stack in a process of its own. Packets go in unchecked, through a packet socket at the
  kernel's end of a TUN in a network namespace; that process's clock is moved from outside, so that days cost nothing and a
  busy machine changes nothing (\`test/hostile/tun.test.ts\`).
- **process**: \`tuntcp serve\` in real time, with the kernel's own programs as peers (\`test/hostile/process.test.ts\`). Of what
  holds after each row I1, I2, I3 and, by what is left of it, I6 are looked at there; the command shows no counters.

The results below are those of the sizes of every day; \`scripts/gate\` runs the full ones (\`TUNTCP_FULL=1\`). Their limits of time
(H083, H084) are for a machine that does nothing else.

## After each row, in memory and through the TUN

| | holds |
| --- | --- |
| I1 | the process lives, and no exception leaves the stack |
| I2 | an honest peer opens and has 1 kB echoed, within 2 s afterwards, and within 1 s meanwhile but for the rows listed below |
| I3 | no byte twice, none missing, none of somebody else's: each scenario compares what its program got |
| I4 | no RST to a RST, and one control segment at most to one packet: each packet is judged by itself |
| I5 | no packet takes more than 50 ms |
| I6 | entries, timers, half-open ones, fragments, buffered bytes and the memory account are as before, and the process has not grown |
| I7 | each dropped packet is in a counter with a name |
| I8 | lengths and checksums of all that is sent are right |
`;

function table(rows: readonly (readonly string[])[]): string {
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(rows[0]!), `|${" --- |".repeat(rows[0]!.length)}`, ...rows.slice(1).map(line)].join(
    "\n",
  );
}

function places(id: string): string {
  const all: string[] = [];
  if (id in OUTSIDE || id in IN_MEMORY) all.push("memory");
  if (id in OUTSIDE) all.push("TUN");
  if (OF_PROCESSES.includes(id)) all.push("process");
  return all.join(", ");
}

export function page(): string {
  const head = ["row", "about", "stimulus", "required", "runs in", "result", "from"];
  const rows = [...ROWS.values()].map((row) => [
    row.id,
    row.kind,
    row.stimulus,
    row.required,
    places(row.id),
    row.id in NOT_YET ? "not yet" : "met",
    row.source,
  ]);
  const list = (notes: Readonly<Record<string, string>>): string =>
    Object.entries(notes)
      .map(([id, note]) => `- **${id}**: ${note}.`)
      .join("\n");
  const met = ROWS.size - Object.keys(NOT_YET).length;
  const parts = [
    INTRODUCTION,
    `## The rows\n\n${met} of ${ROWS.size} are met; ${Object.keys(OUTSIDE).length} run twice.\n\n${table([head, ...rows])}`,
    `## Not drivable by packets\n\n${list(NOT_FROM_OUTSIDE)}`,
    `## Without an honest peer meanwhile\n\nOne comes after each of them.\n\n${list(NOT_MEANWHILE)}`,
    `## Notes\n\n${list(NOTES)}`,
  ];
  if (Object.keys(NOT_YET).length > 0) parts.push(`## Not yet\n\n${list(NOT_YET)}`);
  return `${parts.join("\n\n").replaceAll("\n\n\n", "\n\n")}\n`;
}
