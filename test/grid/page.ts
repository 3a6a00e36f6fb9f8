/** The grid as a page for people: docs/state-event-grid.md, made from the oracle alone. */
import type { Block } from "./model.ts";
import { expectationOf, RULES } from "./oracle.ts";
import { type Event, eventsFor, seqPlaces, TEXT } from "./segments.ts";
import { type Situation, SITUATIONS } from "./situations.ts";

const INTRODUCTION = `# State-event grid

What the machine does in each state with each kind of segment, with SEG.SEQ and SEG.ACK outside, on and inside each edge.
Made by \`npm run grid\` from the rules in \`test/grid\`, which are written from the RFCs and know nothing of the code;
\`test/grid/grid.test.ts\` brings a stack into each state, gives it each segment, and compares what leaves (every field, and
when), the new state, SND.UNA, SND.WND, RCV.NXT, what the user hears, the timer that runs, and every counter.

## How to read a cell

The reply, what was done, the new state, and the rule that ended it where one did, from the table at the end.

| code | meaning |
| --- | --- |
| \`-\` | nothing is sent and nothing changes but counters |
| \`A\` | <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK> at once, with the numbers after the segment |
| \`C\` | the same as a challenge ACK, which is counted and limited (RFC 5961 §7) |
| \`d\` | the same after 40 ms |
| \`S\` | <SEQ=ISS><ACK=RCV.NXT><CTL=SYN,ACK> |
| \`R\` | <SEQ=SEG.ACK><CTL=RST> |
| \`Q\` | <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK> |
| \`X\` | <SEQ=SND.NXT><ACK=RCV.NXT><CTL=RST,ACK> |
| \`n\` | SND.UNA moves to SEG.ACK; the user hears when all data, or the FIN, has arrived (rules ack, fin-acked) |
| \`w\` | SND.WND is taken from the segment (rule wl) |
| \`u\` | the user hears of the urgent pointer (rule urg) |
| \`t\` | text in order goes to the user (rule text) |
| \`k\` | text is kept until the hole before it is filled (rule hole) |
| \`f\` | the peer's FIN is taken and the user hears of it (rule fin) |
| \`>..\` | the new state: SR SYN-RECEIVED, ES ESTABLISHED, F2 FIN-WAIT-2, CW CLOSE-WAIT, CG CLOSING, TW TIME-WAIT, CD CLOSED, LI LISTEN |
| \`!\` | the user hears of an error |

Text is ${TEXT} bytes where no length is given, and the urgent pointer lies 5 bytes behind it. NXT and WND are RCV.NXT and
RCV.WND where SEG.SEQ is meant, and NXT is SND.NXT where SEG.ACK is; MAX is the largest window that the peer offered. Places that
fall together with another are left out. Rows with the same cells are joined; "any": every place of SEG.ACK that the grid has.
`;

/** A table whose columns line up. */
function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, i) => Math.max(3, ...rows.map((row) => row[i]!.length)));
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, i) => cell.padEnd(widths[i]!)).join(" | ")} |`;
  const rule = `| ${widths.map((w) => "-".repeat(w)).join(" | ")} |`;
  return [line(rows[0]!), rule, ...rows.slice(1).map(line)].join("\n");
}

function numbers(b: Block): string {
  if (b.state === "CLOSED" || b.state === "LISTEN") return "";
  const send = `SND.UNA ${b.una}, SND.NXT ${b.nxt} from our ISS; MAX.SND.WND ${b.maxWnd}`;
  if (b.state === "SYN-SENT") return `${send}. `;
  return `${send}. RCV.NXT ${b.rcvNxt} from the peer's ISN; RCV.WND ${b.edge - b.rcvNxt}. `;
}

/** The rows of one kind of segment: one for each set of places of SEG.ACK with the same cells. */
function rowsOf(b: Block, events: readonly Event[], columns: readonly string[]): string[][] {
  const rows: { label: string[]; ts: string; cells: string[] }[] = [];
  const lines = new Map<string, Event[]>();
  for (const e of events) {
    const key = `${e.ts}/${e.ack}`;
    lines.set(key, [...(lines.get(key) ?? []), e]);
  }
  for (const line of lines.values()) {
    const [{ ack, ts }] = line as [Event];
    const cells = columns.map((seq) => expectationOf(b, line.find((e) => e.seq === seq)!.segment));
    const codes = cells.map((each) => each.code);
    const same = rows.find((r) => r.ts === ts && r.cells.join() === codes.join());
    if (same === undefined) rows.push({ label: [ack], ts, cells: codes });
    else same.label.push(ack);
  }
  return rows.map(({ label, ts, cells }) => {
    const isOnly = rows.filter((r) => r.ts === ts).length === 1;
    const acks = label[0] === "" ? "none" : isOnly ? "any" : label.join(", ");
    return [...(b.timestamps ? [ts] : []), acks, ...cells];
  });
}

function section(situation: Situation): string {
  const { name, about, roles, block } = situation;
  const events = eventsFor(block);
  const columns = seqPlaces(block).map((p) => p.name);
  const kinds = [...new Set(events.map((e) => e.kind))];
  const head = ["segment", ...(block.timestamps ? ["TSval"] : []), "SEG.ACK"];
  const rows = kinds.flatMap((kind) => {
    const mine = events.filter((e) => e.kind === kind);
    return rowsOf(block, mine, columns).map((row, i) => [i === 0 ? kind.name : "", ...row]);
  });
  const who = roles.length > 1 ? "server and client alike" : `as ${roles[0]}`;
  const text = `${about === "" ? "" : `${about}. `}${numbers(block)}${events.length} cells, ${who}.`;
  return [
    `## ${name}`,
    text[0]!.toUpperCase() + text.slice(1),
    table([[...head, ...columns.map((c) => `SEQ ${c}`)], ...rows]),
  ].join("\n\n");
}

/** Cells in all, each with its own segment; those driven in both roles count once. */
export function cellCount(): number {
  return SITUATIONS.reduce((n, { block }) => n + eventsFor(block).length, 0);
}

export function page(): string {
  const rules = RULES.map((r) => [r.name, r.from, r.says.replaceAll("|", "\\|")]);
  return `${[
    `${INTRODUCTION}\n${cellCount()} cells in ${SITUATIONS.length} states; those of server and client count once.`,
    ...SITUATIONS.map(section),
    "## The rules, in the order in which they are asked",
    table([["rule", "from", "says"], ...rules]),
  ].join("\n\n")}\n`;
}
